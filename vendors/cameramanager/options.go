package cameramanager

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

// Options are the account's `options:`.
type Options struct {
	// FormBody sends token parameters in a form body. The vendor documents the query
	// string, which ends up in the logs of every proxy on the way.
	FormBody bool  `yaml:"form_body"`
	Stills   Still `yaml:"stills"`
	// LastRecording is how often each camera's recordings are asked for; 0: never.
	LastRecording time.Duration `yaml:"last_recording"`
	Events        Events        `yaml:"events"`
	// RightsPath is where the user's rights are, below /rest: documented fields, an
	// unknown path. "": there is no call `rights`.
	RightsPath string `yaml:"rights_path"`
	// Versions of the API, by resource: several live side by side.
	Versions Versions `yaml:"versions"`
}

// Still says how pictures are fetched. The cloud renders them on demand.
type Still struct {
	Every      time.Duration `yaml:"every"`      // of each camera, unasked; 0: on request alone
	Interval   time.Duration `yaml:"interval"`   // least time between two of one camera; within it the last one serves
	Rest       time.Duration `yaml:"rest"`       // of a camera after a refused still
	Slots      int           `yaml:"slots"`      // at once
	Resolution string        `yaml:"resolution"` // such as 1280x720; "": the camera's own
	Timestamp  bool          `yaml:"timestamp"`  // written into the picture
}

// Versions are those of the API's resources, such as "2.4".
type Versions struct {
	Self       string `yaml:"self"`
	Cameras    string `yaml:"cameras"`
	Status     string `yaml:"status"`
	Location   string `yaml:"location"`
	Details    string `yaml:"details"`
	Detectors  string `yaml:"detectors"`
	Snapshot   string `yaml:"snapshot"`
	Streams    string `yaml:"streams"`
	Recordings string `yaml:"recordings"`
	Logout     string `yaml:"logout"`
}

// Driver is the entry for vendors.All.
func Driver() bridge.Driver {
	return bridge.Driver{
		Kind:    "cameramanager",
		Summary: "Eagle Eye CameraManager: cameras, their state, stills, streams and recordings",
		Defaults: bridge.Defaults{
			BaseURL: "https://rest.cameramanager.com",
			Grants:  []bridge.Grant{bridge.GrantCode, bridge.GrantToken},
			Scope:   "read",
			Poll:    time.Minute, PollFloor: 30 * time.Second,
		},
		New: func() bridge.Options {
			return &Options{
				Stills:        Still{Interval: time.Minute, Rest: 2 * time.Minute, Slots: 1},
				LastRecording: 15 * time.Minute,
				Events:        Events{Every: 20 * time.Second},
				Versions: Versions{Self: "2.4", Cameras: "2.4", Status: "2.4", Location: "2.4", Details: "2.2", Detectors: "2.0",
					Snapshot: "2.0", Streams: "2.0", Recordings: "2.4", Logout: "2.0"},
			}
		},
	}
}

var (
	isVersion    = regexp.MustCompile(`^[0-9]{1,3}\.[0-9]{1,3}$`).MatchString
	isPath       = regexp.MustCompile(`^/v[0-9]{1,3}\.[0-9]{1,3}(/([A-Za-z0-9_-]+|\{camera\}))+$`).MatchString
	isResolution = regexp.MustCompile(`^[1-9][0-9]{1,3}x[1-9][0-9]{1,3}$`).MatchString
)

// Check returns all mistakes.
func (o *Options) Check(s bridge.Settings) error {
	var errs []error
	wrong := func(is bool, path, format string, args ...any) {
		if is {
			errs = append(errs, bridge.At(path, format, args...))
		}
	}
	if s.Grant == bridge.GrantCode {
		wrong(s.ClientID == "", "client_id", "is missing: ask for an API key at https://dealer.cameramanager.com")
		wrong(strings.Contains(s.ClientID, ":"), "client_id", "holds a colon: the key's id and secret are two settings")
		for _, word := range strings.Fields(s.Scope) {
			wrong(word != "read" && word != "write", "scope", "%q is not known (one of: read, write)", word)
		}
		wrong(strings.TrimSpace(s.Scope) == "", "scope", "is empty: the vendor requires one, read suffices")
	}
	st := o.Stills
	wrong(st.Every != 0 && st.Every < time.Minute, "options.stills.every", "must be 0 or at least 1m")
	wrong(st.Interval < 10*time.Second || st.Interval > time.Hour, "options.stills.interval", "must be 10s to 1h: the vendor wants stills cached")
	wrong(st.Rest < 0 || st.Rest > time.Hour, "options.stills.rest", "must be 0 to 1h")
	wrong(st.Slots < 1 || st.Slots > 4, "options.stills.slots", "must be 1 to 4: the cloud refuses more at once")
	wrong(st.Resolution != "" && !isResolution(st.Resolution), "options.stills.resolution", "%q is no resolution such as 1280x720", st.Resolution)
	wrong(o.LastRecording != 0 && o.LastRecording < time.Minute, "options.last_recording", "must be 0 or at least 1m")
	wrong(o.Events.Path != "" && !isPath(o.Events.Path), "options.events.path", "%q is no path such as /v2.4/cameras/{camera}/events", o.Events.Path)
	wrong(o.Events.Every < 10*time.Second || o.Events.Every > time.Hour, "options.events.every", "must be 10s to 1h")
	for _, name := range slices.Sorted(maps.Values(o.Events.Types)) {
		wrong(name == "" || len(name) > 64, "options.events.types", "%.20q is no name for a type", name)
	}
	wrong(o.RightsPath != "" && (!isPath(o.RightsPath) || strings.Contains(o.RightsPath, placeholder)), "options.rights_path", "%q is no path such as /v2.4/users/self/rights", o.RightsPath)
	for _, v := range o.Versions.all() {
		wrong(!isVersion(v.text), "options.versions."+v.name, "%q is no version such as 2.4", v.text)
	}
	return errors.Join(errs...)
}

type version struct{ name, text string }

func (v Versions) all() []version {
	return []version{{"self", v.Self}, {"cameras", v.Cameras}, {"status", v.Status}, {"location", v.Location}, {"details", v.Details},
		{"detectors", v.Detectors}, {"snapshot", v.Snapshot}, {"streams", v.Streams}, {"recordings", v.Recordings}, {"logout", v.Logout}}
}

// Profile says how the cloud is spoken to.
func (o *Options) Profile(s bridge.Settings) bridge.Profile {
	base := strings.TrimSuffix(s.BaseURL, "/")
	scope := bridge.Param{Name: "scope", From: bridge.FieldScope}
	in := bridge.InQuery
	if o.FormBody {
		in = bridge.InForm
	}
	token := func(params ...bridge.Param) *bridge.Ask {
		return &bridge.Ask{URL: base + "/oauth/token", In: in, Client: bridge.ClientBasic, Params: append(params, scope)}
	}
	return bridge.Profile{
		Dialect: bridge.Dialect{
			Grant: s.Grant, ClientID: s.ClientID, Secret: s.ClientSecret, Scope: s.Scope, Static: s.Token,
			Authorize: &bridge.Authorize{URL: base + "/oauth/authorize", Params: []bridge.Param{
				{Name: "response_type", Text: "code"}, {Name: "client_id", From: bridge.FieldClientID}, scope,
			}},
			Exchange: token(
				bridge.Param{Name: "grant_type", Text: "authorization_code"},
				bridge.Param{Name: "code", From: bridge.FieldCode},
				bridge.Param{Name: "redirect_uri", From: bridge.FieldRedirect}),
			Refresh: token(
				bridge.Param{Name: "grant_type", Text: "refresh_token"},
				bridge.Param{Name: "refresh_token", From: bridge.FieldRefreshToken}),
			Revoke:   []bridge.Ask{{Method: "DELETE", URL: base + rest(o.Versions.Logout, "/users/self/tokens/current"), Bearer: true}},
			Identity: &bridge.Identity{URL: base + rest(o.Versions.Self, "/users/self"), Member: "userId"},
			Reading: bridge.Reading{
				Life: 43199 * time.Second, // of the guide's example; the reply's own word counts
				// A bad Basic header (inferred): the client's fault, not the grant's.
				Codes: map[string]bridge.Verdict{"unauthorized": bridge.BadClient},
			},
		},
		Origins: map[string]bridge.Origin{"": {Base: base}},
		Pace: map[string]bridge.Pace{
			"":         {Every: 100 * time.Millisecond},
			laneStills: {InFlight: o.Stills.Slots},
		},
		Renew403: true, // clients that were seen renew on both
	}
}

const laneStills = "stills"

// rest is a path of the API.
func rest(version, path string) string { return "/rest/v" + version + path }
