// Package cameramanagersim simulates the Eagle Eye CameraManager cloud for tests
// and for the demo: sign-in, query-string token endpoint, REST API and media. It
// is written from the vendor's texts and never imports the driver beside it, so
// that one misreading cannot satisfy both sides.
//
// It is strict by default. What the vendor's texts leave open is one of
// [Settings], with the plausible answers; switches of the token endpoint are
// those of simkit.Rules (rotation, life of the old access token, one live token
// for repeated sign-ins, form body, echo of state). It listens nowhere and starts
// no goroutine; time is package time.
package cameramanagersim

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"latchkey/bridge/simkit"
)

// The client of the vendor's guide and the first of the two users, who are there
// where [Options] name no others.
const (
	DemoClient   = "cameramanager.test"
	DemoSecret   = "qwertyuiopasdfghjklzxcvbnm12345"
	DemoUser     = "anna@example.com"
	DemoPassword = "correct horse"
)

// Options are what a simulated cloud starts with.
type Options struct {
	Clients  []simkit.Client // none: the one of the vendor's guide
	Users    []simkit.User   // Of is the account; none: anna of account 9001, bert of 9002
	Cameras  []Camera        // nil: three of account 9001, one of 9002
	Settings Settings
}

// Settings are what the vendor's texts leave open. They may be changed while the
// simulator runs, by [Sim.Change].
type Settings struct {
	ClientError   string // error of a bad Basic header: "unauthorized" (default) or "invalid_client"
	ForeignStatus int    // for a camera of another account: 404 (default) or 403
	TextIDs       bool   // ids of the API as text instead of numbers

	NoAllStatus bool // there is no status of all cameras at once
	MissOne     bool // every other status of all leaves one camera out
	NoStrings   bool // the optional strings of a status are absent

	StillLeast, StillMost time.Duration // to render one; both 0: 0.5 to 2 s
	StillsAtOnce          int           // 0: 2
	StillLimitStatus      int           // above that: 503 (default), 429 or 500
	StillAnyway           bool          // Accept: application/json alone gets the JPEG instead of 406

	LongSpans  bool   // recordings over more than 12 h are listed
	TimeLayout string // of times in replies; "": 2006-01-02T15:04:05.000-0700
	EventsPath string // below /rest; "": there are no events
	RightsPath string // below /rest, of the user's rights; "": there are none
	MediaHost  string // of streams and recordings; "": another name of the API's host
}

// Sim is the simulated cloud.
type Sim struct {
	*simkit.Kit

	mu       sync.Mutex
	settings Settings
	cameras  []Camera
	stills   map[int64]int // rendered, by camera
	busy     int           // stills being rendered
	statuses int           // all-status calls
}

var _ simkit.Sim = (*Sim)(nil)

// New makes a simulator.
func New(o Options) *Sim {
	if o.Clients == nil {
		o.Clients = []simkit.Client{{ID: DemoClient, Secret: DemoSecret}}
	}
	if o.Users == nil {
		o.Users = []simkit.User{{Name: DemoUser, Password: DemoPassword, Of: "9001"}, {Name: "bert@example.com", Password: "battery staple", Of: "9002"}}
	}
	if o.Cameras == nil {
		o.Cameras = someCameras()
	}
	s := &Sim{settings: o.Settings, cameras: slices.Clone(o.Cameras), stills: map[int64]int{}}
	s.Kit = simkit.New("cameramanager", s.rules(o.Clients, o.Users))
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

// Handler serves the whole cloud, API and media alike: media URLs name another
// host, which whoever serves the simulator lets lead here too.
func (s *Sim) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/oauth/authorize", s.Issuer.ServeAuthorize)
	mux.HandleFunc("/oauth/token", s.token)

	api := func(pattern, versions string, serve func(http.ResponseWriter, *http.Request, simkit.Grant)) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /rest/{version}"+path, func(w http.ResponseWriter, r *http.Request) {
			if !slices.Contains(strings.Fields(versions), r.PathValue("version")) {
				refuse(w, http.StatusNotFound, "no such resource")
				return
			}
			s.signedIn(w, r, serve)
		})
	}
	api("DELETE /users/self/tokens/current", "v2.0", s.logout)
	api("GET /users/self", "v2.3 v2.4", s.self)
	api("GET /cameras", "v2.4", s.list)
	api("GET /cameras/all/status", "v2.4", s.allStatus)
	api("GET /cameras/{camera}", "v2.4", s.camera(cameraJSON))
	api("GET /cameras/{camera}/status", "v2.3 v2.4", s.camera(statusJSON))
	api("GET /cameras/{camera}/location", "v2.4", s.camera(locationJSON))
	for _, part := range []string{"deviceInfo", "firmware", "connection/details", "mode"} {
		api("GET /cameras/{camera}/"+part, "v2.2", s.camera(partJSON(part)))
	}
	for _, part := range []string{"video", "audio", "pir"} {
		api("GET /cameras/{camera}/detectors/"+part, "v2.0", s.camera(partJSON(part)))
	}
	api("GET /cameras/{camera}/snapshot", "v2.0 v2.4", s.still)
	api("GET /cameras/{camera}/streams", "v2.0 v2.2 v2.3", s.streams)
	api("GET /cameras/{camera}/recordings", "v2.0 v2.4", s.recordings)
	api("GET /cameras/{camera}/recordings/{recording}", "v2.4", s.recording)
	mux.HandleFunc("GET /rest/", func(w http.ResponseWriter, r *http.Request) { s.signedIn(w, r, s.elsewhere) })
	mux.HandleFunc("GET /stream/", func(w http.ResponseWriter, r *http.Request) { s.signedIn(w, r, s.media) })
	mux.HandleFunc("GET /recording/{camera}/{recording}", func(w http.ResponseWriter, r *http.Request) { s.signedIn(w, r, s.mp4) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "no such resource") })
	return s.Wrap(mux)
}
