// Package dwspectrumsim simulates DW Cloud and DW Spectrum systems behind its
// relay, for tests and for the demo: sign-in, JSON token endpoint with scopes,
// portal, relay with its redirect, and the REST API of VMS 5.0 to 6.1. It is
// written from the vendor's texts and never imports the driver beside it, so that
// one misreading cannot satisfy both sides.
//
// It is strict by default. What the vendor's texts leave open is one of
// [Settings]; rotation, lives and the echo of state are those of simkit.Rules. It
// listens nowhere and starts no goroutine; time is package time. The WebSocket of
// 6.1 is not simulated: nothing of latchkey speaks it.
//
// One handler serves the portal, the relay and its regional node. The relay is
// {id}.relay.vmsproxy.com or, where there is but one address, the path
// /relay/{id}; its node is {id}.relay-eu.vmsproxy.com or the host localhost.
package dwspectrumsim

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"sync"

	"latchkey/bridge/simkit"
)

// The user, and the systems, that are there where [Options] name no others.
const (
	DemoUser     = "anna@example.com"
	DemoPassword = "correct horse"

	System61 = "11111111-2222-4333-8444-555555555561"
	System60 = "11111111-2222-4333-8444-555555555560"
	System51 = "11111111-2222-4333-8444-555555555551"
	System50 = "11111111-2222-4333-8444-555555555550"
	System40 = "11111111-2222-4333-8444-555555555540" // below 5: takes no bearer
	Unnamed  = "11111111-2222-4333-8444-5555555555ff" // offline, no version
)

// DefaultScope is the widest there is, as replies print it.
const DefaultScope = "https://dwspectrum.digital-watchdog.com cloudSystemId=*"

// Options are what a simulated cloud starts with.
type Options struct {
	Users    []simkit.User // none: DemoUser
	Systems  []System      // nil: one of each version, one below 5, one offline
	Settings Settings
}

// Settings are what the vendor's texts leave open. They may be changed while the
// simulator runs, by [Sim.Change].
type Settings struct {
	CodeStatus   int    // for a code that is unknown, used or expired: 401 (default), 400 or 403
	DeadCode     string // resultCode of a dead refresh token: notAuthorized (default) or credentialsRemovedPermanently
	WiderRefused bool   // asking for a wider scope is answered 403; else the old scope comes back
	ScopeStatus  int    // for a token outside of its scope: 403 (default) or 401
	SystemsByCDB bool   // the scope /cdb/system does not reach /api/systems/

	NumberTimes    bool // expires_in and expires_at as numbers
	NoProlongation bool // prolongation_period is absent
	NoMintRefresh  bool // the reply to a minting holds no refresh token

	PortalErrors string // shape of the portal's errors: resultCode (default), error, detail or html
	RevokeStatus int    // of a revocation: 200 (default) with {}, or 204
	BareInfo     bool   // introspection says only whether the token is active

	NoBearer  string // errorId of a node that is given no bearer: unauthorized (default), or sessionExpired and the like
	TwoFactor string // shape of the refusal for want of a second factor: resultCode (default) or errorId

	Offline    string // the relay about an offline system: 503 (default), 404 or loop
	NoRedirect bool   // the relay answers itself
	Auth       string // X-Auth-Result of every answer of a VMS: Auth_CloudConnectError or Auth_LockedOut; "": all is well
	Envelope   bool   // devices come in {"reply": [...]}
	TextTimes  bool   // milliseconds as text
	FlatEvents bool   // event types are spelled motion instead of cameraMotionEvent
	RelayHost  string // trafficRelayHost; "": {systemId}.relay.vmsproxy.com
}

// Sim is the simulated cloud.
type Sim struct {
	*simkit.Kit

	mu       sync.Mutex
	settings Settings
	systems  []*System
	moves    []Move
}

// Move is something that a command has done.
type Move struct {
	System, Device string // ids; Device "" is none
	What           string // trigger, output, ptz, generic, bookmark, rule, recording
	Detail         string
}

var _ simkit.Sim = (*Sim)(nil)

// New makes a simulator.
func New(o Options) *Sim {
	if o.Users == nil {
		o.Users = []simkit.User{{Name: DemoUser, Password: DemoPassword}}
	}
	if o.Systems == nil {
		o.Systems = someSystems()
	}
	s := &Sim{settings: o.Settings}
	for _, one := range o.Systems {
		s.systems = append(s.systems, &one)
	}
	s.Kit = simkit.New("dwspectrum", s.rules(o.Users))
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

// Set changes one system; false: there is none of that id.
func (s *Sim) Set(id string, change func(*System)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.systems {
		if one.ID == id {
			change(one)
			return true
		}
	}
	return false
}

// Remove takes a system out of the account.
func (s *Sim) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.systems = slices.DeleteFunc(s.systems, func(one *System) bool { return one.ID == id })
}

// Moves are the commands carried out so far.
func (s *Sim) Moves() []Move {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.moves)
}

// moved notes a command. The lock is held.
func (s *Sim) moved(system *System, device, what, detail string) {
	s.moves = append(s.moves, Move{system.ID, device, what, detail})
}

// Handler serves the whole cloud.
func (s *Sim) Handler() http.Handler {
	portal, vms := s.portal(), s.vms()
	return s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, rest, node, ok := relayed(r); ok {
			s.relay(w, r, vms, id, rest, node)
			return
		}
		portal.ServeHTTP(w, r)
	}))
}

// Secrets are all texts that must appear nowhere else, those of systems and
// cameras among them.
func (s *Sim) Secrets() []string {
	return append(s.Issuer.Secrets(), authKey, cameraPassword, storagePassword)
}

func newToken(use string) string { return "nxcdb-" + use + "-" + strings.ToLower(rand.Text()) }

func or[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}
