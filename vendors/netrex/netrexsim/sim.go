// Package netrexsim simulates the NetRex / CamStreamer cloud for tests and for
// the demo: sign-in, query-string token endpoint, revocation, and the GraphQL API
// over a small tree of nodes with recordings and people counts. It is written from
// the vendor's texts and never imports the driver beside it, so that one
// misreading cannot satisfy both sides.
//
// It is strict by default. What the vendor's texts leave open is one of
// [Settings], with the plausible answers; rotation, lives and echo are those of
// simkit.Rules. Operations that nobody has described carry a `demo` prefix. It
// listens nowhere and starts no goroutine; time is package time.
package netrexsim

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"latchkey/bridge/simkit"
)

// The client, the owner and the guest that are there where [Options] name no
// others. The guest sees one camera.
const (
	DemoClient    = "latchkey-demo"
	DemoSecret    = "n3trex+demo/secret"
	DemoUser      = "owner@example.com"
	DemoPassword  = "correct horse"
	DemoGuest     = "guest@example.com"
	GuestPassword = "battery staple"
)

// Options are what a simulated cloud starts with.
type Options struct {
	Clients  []simkit.Client // none: the demo's, with any return address
	Users    []simkit.User   // Of is the view; none: the owner (view "") and the guest (view "guest")
	Nodes    []Node          // nil: the demo's tree
	Views    map[string][]int64
	Settings Settings
}

// Dead is how the API answers no, a dead or a revoked bearer.
type Dead string

// The plausible answers: 401 with JSON, 403 with JSON, 200 with errors, a sign-in
// page.
const (
	Dead401    Dead = ""
	Dead403    Dead = "403"
	DeadErrors Dead = "errors"
	DeadPage   Dead = "page"
)

// Settings are what the vendor's texts leave open. They may be changed while the
// simulator runs, by [Sim.Change].
type Settings struct {
	FormBody     bool   // token parameters in a form body are taken, too
	OtherNames   bool   // redirect_url and auth_code, as the vendor's tables have them, are taken, too
	RefreshName  string // parameter of the refresh token; "": refresh_token
	OAuthStatus  int    // of {"error":...}: 200 (default), 400 or 401
	Sentence     string // the error for everything; "": one for each cause
	TextLife     bool   // expires_in as text
	NoLife       bool   // no expires_in
	TokenType    bool   // token_type in the reply
	RevokeClient bool   // revocation wants client_id and client_secret

	Dead          Dead
	ErrorStatus   int    // of a document that cannot be run, with `errors` and no data: 200 (default) or 400
	TextIDs       bool   // node_id as text
	TextNumbers   bool   // statistics as text
	NullLists     bool   // an empty list is null
	EmptyExternal bool   // an unset external_id is "" instead of null
	NoVariables   bool   // the member `variables` is not understood
	Introspection bool   // __schema is answered
	QuarterHour   string // granularity of 15 minutes; "": HQ

	Prepare        time.Duration // until a recording is ready; 0: 5 s
	PrepareRefused bool          // recordingPrepare says false
	DownloadBearer bool          // a download wants the access token
	DownloadLife   time.Duration // of a download's address; 0: for ever
}

// Sim is the simulated cloud.
type Sim struct {
	*simkit.Kit
	schema *ast.Schema

	mu         sync.Mutex
	settings   Settings
	nodes      []Node
	views      map[string][]int64
	portal     map[string]simkit.Grant // tokens made in the portal
	recordings map[string]*recording
	made       int // recordings so far
	prepared   int
	moves      map[int64][]string // what the invented mutations moved, by node
}

var _ simkit.Sim = (*Sim)(nil)

// New makes a simulator.
func New(o Options) *Sim {
	if o.Clients == nil {
		o.Clients = []simkit.Client{{ID: DemoClient, Secret: DemoSecret}}
	}
	if o.Users == nil {
		o.Users = []simkit.User{{Name: DemoUser, Password: DemoPassword}, {Name: DemoGuest, Password: GuestPassword, Of: "guest"}}
	}
	if o.Nodes == nil {
		o.Nodes = demoNodes()
	}
	if o.Views == nil {
		o.Views = map[string][]int64{"guest": {1001}}
	}
	s := &Sim{schema: gqlparser.MustLoadSchema(&ast.Source{Name: "netrex", Input: schemaText}), settings: o.Settings, nodes: slices.Clone(o.Nodes), views: o.Views,
		portal: map[string]simkit.Grant{}, recordings: map[string]*recording{}, moves: map[int64][]string{}}
	s.Kit = simkit.New("netrex", s.rules(o.Clients, o.Users))
	return s
}

// Change changes the settings for what comes.
func (s *Sim) Change(change func(*Settings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.settings)
}

func (s *Sim) now() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings
}

// Handler serves the whole cloud.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/oauth2/auth", s.authorize)
	mux.HandleFunc("/oauth2/auth/{$}", s.authorize)
	mux.HandleFunc("/oauth2/token", s.token)
	mux.HandleFunc("/oauth2/revoke", s.revoke)
	mux.HandleFunc("/api/graphql.php", s.graphql)
	mux.HandleFunc("GET /download/{recording}", s.download)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { page(w, http.StatusNotFound, "Not found") })
	return s.Wrap(mux)
}

func page(w http.ResponseWriter, status int, title string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!doctype html><title>" + title + "</title><h1>" + title + "</h1>\n"))
}
