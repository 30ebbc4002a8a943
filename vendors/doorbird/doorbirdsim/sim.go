package doorbirdsim

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"latchkey/bridge/simkit"
)

// The client and the users of the zero Options.
const (
	DemoClient = "9fc9e786-2069-4810-b4c0-618ae54de882"
	DemoSecret = "7598c79cc4370b8e1e84cab937822b7992876688d43a0865040fc02768f7ad1d"
	DemoMAC    = "1CCAE3A1B2C3"
	DemoAdmin  = "ghijkl0000" // password "admin"
	DemoViewer = "ghijkl0001" // password "viewer"
)

// The scopes, of which a sign-in asks for exactly one.
const (
	Viewer = "deviceViewer"
	Admin  = "deviceAdmin"
)

// Options of a simulated cloud. The zero value is one station with two relays of
// its own and one of a paired controller, whose client takes any return address.
type Options struct {
	Clients  []simkit.Client
	Stations []Station
	HTTP     *http.Client // of pushes and of the stations' own calls; nil: one that checks no certificate, as stations do
}

// Station is one door station. Its accounts are its users.
type Station struct {
	MAC        string // 12 hex digits
	Type       string // intercomTypeName
	IntercomID string
	Relays     []Relay
	Users      []User
	Bells      int // number of buttons; 0 is 1
}

// Relay of the station itself, or of a paired controller.
type Relay struct {
	ID         int
	Peripheral string // "": the station's own
	Name       string
}

// User of a station. One whose name ends in 0000 is its admin, and may do all.
type User struct {
	Name, Password string
	NoWatch        bool  // no "watch always": pictures only within 5 minutes of a ring
	Barred         []int // relay ids that the user may not trigger
}

func (u User) admin() bool { return strings.HasSuffix(u.Name, "0000") }

// Sim is the simulated cloud.
type Sim struct {
	*simkit.Kit
	client *http.Client

	mu       sync.Mutex
	habits   Habits
	stations map[string]*station // by MAC as given
	pictures map[string]picture  // of the history, by the last part of its URL
	frames   int                 // pictures made so far
}

var _ simkit.Sim = (*Sim)(nil)

// New makes a cloud.
func New(o Options) *Sim {
	if o.Clients == nil {
		o.Clients = []simkit.Client{{ID: DemoClient, Secret: DemoSecret}}
	}
	if o.Stations == nil {
		o.Stations = []Station{demoStation()}
	}
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: 10 * time.Second,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // LAN API: stations check no certificate
	}
	s := &Sim{client: o.HTTP, stations: map[string]*station{}, pictures: map[string]picture{}}
	var users []simkit.User
	for _, st := range o.Stations {
		st.Bells = max(st.Bells, 1)
		s.stations[st.MAC] = &station{Station: st, pulses: map[Relay]int{}, rules: map[trigger]rule{}, favourites: map[int]favourite{}}
		for _, u := range st.Users {
			scope := Viewer
			if u.admin() {
				scope = Admin
			}
			users = append(users, simkit.User{Name: u.Name, Password: u.Password, Of: st.MAC, Scopes: []string{scope}})
		}
	}
	s.Kit = simkit.New("doorbird", simkit.Rules{
		Clients:  o.Clients,
		Users:    users,
		ScopeOK:  func(scope string) bool { return scope == Viewer || scope == Admin },
		Optional: map[string][]string{}, // the vendor's refresh names neither scope nor redirect_uri
		NewToken: newToken,
	})
	return s
}

func demoStation() Station {
	return Station{
		MAC: DemoMAC, Type: "Example Station", IntercomID: "ghijkl",
		Relays: []Relay{{ID: 1, Name: "Street door"}, {ID: 2, Name: "Gate"}, {ID: 1, Peripheral: "ghijkl", Name: "Garage"}},
		Users:  []User{{Name: DemoAdmin, Password: "admin"}, {Name: DemoViewer, Password: "viewer"}},
	}
}

// newToken makes a text of the length that the vendor's samples show: 31 hex
// digits, an odd number.
func newToken(string) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])[:31]
}

// Handler serves the cloud.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/auth/authorize", s.Issuer.ServeAuthorize)
	mux.HandleFunc("/auth/token", s.Issuer.ServeToken)
	mux.HandleFunc("POST /auth/revoke", s.revoke)
	for route, h := range map[string]handler{
		"GET /metadata":                           s.metadata,
		"GET /users":                              s.users,
		"GET /relays/settings":                    s.relaySettings,
		"POST /relay/{id}":                        s.relay,
		"GET /live/live-image":                    s.liveImage,
		"GET /live/info":                          s.liveInfo,
		"POST /live/light":                        s.light,
		"GET /cloud-recording/images/ring/{bell}": s.ringPictures,
		"GET /cloud-recording/images/motion":      s.motionPictures,
		"GET /cloud-recording/{picture}":          s.recorded,
		"GET /favorites":                          s.getFavourites,
		"POST /favorite/http":                     s.addFavourite,
		"DELETE /favorite/http/{identifier}":      s.deleteFavourite,
		"GET /schedules":                          s.getSchedules,
		"POST /schedules":                         s.setSchedule,
		"POST /other/restart":                     s.restart,
	} {
		mux.Handle(route, s.api(h))
	}
	return s.Wrap(mux)
}

// revoke ends the access token; the vendor promises no more than that.
func (s *Sim) revoke(w http.ResponseWriter, r *http.Request) {
	p, refusal := s.Issuer.Params(r)
	if refusal == nil {
		_, refusal = s.Issuer.Client(r, p)
	}
	if refusal == nil && p.Get("token") == "" {
		refusal = &simkit.Refusal{Code: simkit.InvalidRequest}
	}
	if refusal != nil {
		s.Issuer.Refuse(w, *refusal)
		return
	}
	h := s.Habits()
	s.Issuer.End(p.Get("token"), h.RevokeEndsRefresh)
	h.RevokeReply.answer().Send(w)
}
