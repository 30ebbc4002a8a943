// Package genericsim simulates a small invented cloud with an ordinary OAuth 2
// server: units (doors, lockers) that can be opened, over HTTP as JSON:API and over
// GraphQL. The tests of the generic vendor and the demo use it. Nothing of it is
// any real vendor's.
//
// It is strict: JSON:API writes want their media type without parameters, unknown
// fields and arguments of GraphQL are errors. Faults, the request log and the
// counts of openings come from simkit and [Sim.Openings]. It starts no goroutine.
package genericsim

import (
	"net/http"
	"slices"
	"sync"

	"latchkey/bridge/simkit"
)

// The client and the user of the zero Options.
const (
	DemoClient   = "demo-client"
	DemoSecret   = "demo secret: %+/"
	DemoUser     = "demo"
	DemoPassword = "demo-password"
)

// Options of a simulated cloud. The zero value has one client, one user and three
// units, one of them with an id that must be escaped.
type Options struct {
	Rules *simkit.Rules // nil: an ordinary server that rotates refresh tokens and wants PKCE
	Units []Unit
	Page  int // units a page at most; 0 is 2
}

// Unit is something that can be opened.
type Unit struct {
	ID, Label string
	Locked    bool
	Battery   int // percent
}

// Sim is the simulated cloud.
type Sim struct {
	*simkit.Kit
	page int

	mu       sync.Mutex
	units    []Unit
	openings map[string]int
	notes    map[string]string
}

var _ simkit.Sim = (*Sim)(nil)

// New makes a cloud.
func New(o Options) *Sim {
	if o.Rules == nil {
		o.Rules = &simkit.Rules{
			Clients: []simkit.Client{{ID: DemoClient, Secret: DemoSecret}},
			Users:   []simkit.User{{Name: DemoUser, Password: DemoPassword, Of: DemoUser}},
			Grants:  []string{"authorization_code", "refresh_token", "client_credentials", "password"},
			Auth:    []simkit.ClientAuth{simkit.AuthBasicEncoded},
			PKCE:    true, ReuseKills: true,
		}
	}
	if o.Units == nil {
		o.Units = []Unit{{"17", "Lobby", true, 80}, {"18", "Cellar", false, 55}, {"a/b c", "Yard", true, 7}}
	}
	if o.Page == 0 {
		o.Page = 2
	}
	return &Sim{Kit: simkit.New("generic", *o.Rules), page: o.Page, units: slices.Clone(o.Units), openings: map[string]int{}, notes: map[string]string{}}
}

// Openings is how often a unit was opened.
func (s *Sim) Openings(unit string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.openings[unit]
}

// Note is what the newest opening of a unit said.
func (s *Sim) Note(unit string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notes[unit]
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
	mux.HandleFunc("/oauth/authorize", s.Issuer.ServeAuthorize)
	mux.HandleFunc("/oauth/token", s.Issuer.ServeToken)
	mux.HandleFunc("POST /oauth/revoke", s.revoke)
	mux.HandleFunc("POST /oauth/introspect", s.introspect)
	for route, h := range map[string]handler{
		"GET /v1/units":                s.list,
		"GET /v1/units/{id}":           s.one,
		"POST /v1/units/{id}/openings": s.open,
		"POST /graphql":                s.graphql,
	} {
		mux.Handle(route, s.api(h))
	}
	return s.Wrap(mux)
}

// handler answers with the simulator's lock held.
type handler func(*http.Request) *simkit.Answer

func (s *Sim) api(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := s.Issuer.Bearer(r); !ok {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			failed(http.StatusUnauthorized, "invalid_token", "The token does not serve").Send(w)
			return
		}
		s.mu.Lock()
		answer := h(r)
		s.mu.Unlock()
		answer.Send(w)
	})
}

func (s *Sim) revoke(w http.ResponseWriter, r *http.Request) {
	p, refusal := s.Issuer.Params(r)
	if refusal == nil {
		_, refusal = s.Issuer.Client(r, p)
	}
	if refusal != nil {
		s.Issuer.Refuse(w, *refusal)
		return
	}
	s.Issuer.End(p.Get("token"), true)
	w.WriteHeader(http.StatusOK)
}

func (s *Sim) introspect(w http.ResponseWriter, r *http.Request) {
	p, refusal := s.Issuer.Params(r)
	if refusal == nil {
		_, refusal = s.Issuer.Client(r, p)
	}
	if refusal != nil {
		s.Issuer.Refuse(w, *refusal)
		return
	}
	grant, ok := s.Issuer.Access(p.Get("token"))
	if !ok {
		simkit.JSON(http.StatusOK, map[string]any{"active": false}).Send(w)
		return
	}
	simkit.JSON(http.StatusOK, map[string]any{"active": true, "scope": grant.Scope, "client_id": grant.Client, "username": grant.User}).Send(w)
}
