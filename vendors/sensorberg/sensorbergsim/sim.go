package sensorbergsim

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"latchkey/bridge/simkit"
)

// The applications and the user of the zero Options.
const (
	DemoClient   = "demo-application"
	DemoSecret   = "demo secret: %+/" // doorkeepers take it raw in Basic
	DemoMobile   = "demo-mobile"      // a public application whose users sign in with an external token
	DemoUser     = "demo@example.com"
	DemoPassword = "demo-password"
	DemoExternal = "token_for_demo" // the user's external_authentication_token
)

// The scopes.
const (
	Me    = "me"    // the route needs a user's token
	App   = "app"   // an application's
	Basic = "basic" // an application's with the basic right
)

// Options of a simulated cloud. The zero value has one confidential and one
// public application, one user and three units, one of them with an id that must
// be escaped.
type Options struct {
	Clients  []simkit.Client
	Users    []simkit.User
	External []string // ids of the clients whose users sign in with an external token
	Units    []Unit
	Habits   Habits
}

// Unit is something that can be opened.
type Unit struct {
	ID, Label string
	Kind      Kind
	Closed    bool    // not available now: outside its opening hours
	Trouble   Trouble // why an opening is refused
}

// Kind of a unit, in the app's words.
type Kind string

// The kinds.
const (
	Door      Kind = "DOOR"
	LockerBox Kind = "LOCKER_BOX"
)

// Sim is the simulated cloud.
type Sim struct {
	*simkit.Kit
	external []string

	mu       sync.Mutex
	habits   Habits
	units    []Unit
	openings []opening // in the order in which they were asked for
	updates  int
}

type opening struct {
	unit, note string
	at         time.Time
}

var _ simkit.Sim = (*Sim)(nil)

// New makes a cloud.
func New(o Options) *Sim {
	if o.Clients == nil {
		o.Clients = []simkit.Client{
			{ID: DemoClient, Secret: DemoSecret, Scopes: []string{Me, App, Basic}},
			{ID: DemoMobile, Scopes: []string{Me}},
		}
		o.External = append(o.External, DemoMobile)
	}
	if o.Users == nil {
		o.Users = []simkit.User{{Name: DemoUser, Password: DemoPassword, External: DemoExternal, Of: "501"}}
	}
	if o.Units == nil {
		o.Units = []Unit{
			{ID: "17", Label: "Demo lobby", Kind: Door},
			{ID: "18", Label: "Demo cellar", Kind: Door, Closed: true},
			{ID: "a/b c", Label: "Demo locker 3", Kind: LockerBox},
		}
	}
	s := &Sim{external: slices.Clone(o.External), habits: o.Habits, units: slices.Clone(o.Units)}
	s.Kit = simkit.New("sensorberg", simkit.Rules{Clients: o.Clients, Users: o.Users})
	s.Issuer.Change(s.habits.rules)
	return s
}

// Openings is how often a unit was opened.
func (s *Sim) Openings(unit string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.openings {
		if o.unit == unit {
			n++
		}
	}
	return n
}

// Note is what the newest opening of a unit said.
func (s *Sim) Note(unit string) (note string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.openings {
		if o.unit == unit {
			note = o.note
		}
	}
	return note
}

// Updates is how often a unit was changed.
func (s *Sim) Updates() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.updates
}

// SetUnits changes what there is.
func (s *Sim) SetUnits(units ...Unit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.units = slices.Clone(units)
}

// Handler serves the cloud.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/oauth/authorize", s.authorize)
	mux.HandleFunc("POST /oauth/token", s.token) // DELETE is listed by the vendor; the library has none
	mux.HandleFunc("POST /oauth/revoke", s.revoke)
	mux.HandleFunc("POST /oauth/introspect", s.introspect)
	mux.HandleFunc("GET /oauth/token/info", s.tokenInfo)
	mux.Handle("POST /graphql", s.api([]string{App, Me}, s.graphql))
	for route, h := range map[string]handler{
		"GET /demo/units":                s.list,
		"GET /demo/units/{id}":           s.one,
		"PUT /demo/units/{id}":           s.update,
		"PATCH /demo/units/{id}":         s.update,
		"POST /demo/units/{id}/openings": s.open,
		"GET /demo/openings/{id}":        s.progress,
	} {
		mux.Handle(route, s.api(nil, negotiated(h)))
	}
	for route, scope := range map[string]string{"GET /demo/me": Me, "GET /demo/app": App, "GET /demo/basic": Basic} {
		mux.Handle(route, s.api([]string{scope}, negotiated(s.whoami)))
	}
	return s.Wrap(mux)
}
