package doorbird_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird"
	"latchkey/vendors/doorbird/doorbirdsim"
)

// What each call puts on the wire, byte for byte.
func TestRequests(t *testing.T) {
	var got strings.Builder
	jpeg := "\xff\xd8\xff\xe0"
	for _, tt := range []struct {
		name, call string
		args       bridge.Args
		options    func(*doorbird.Options)
		reply      map[string]string // by path
	}{
		{"relay", "relay", bridge.Args{"number": int64(1)}, nil, nil},
		{"relay of a controller", "relay", bridge.Args{"number": int64(1), "peripheral": `g"i`}, nil, nil},
		{"relay of a controller, string form", "relay", bridge.Args{"number": int64(2), "peripheral": "ghijkl"},
			func(o *doorbird.Options) { o.PeripheralBody = "string" }, nil},
		{"light", "light", nil, nil, nil},
		{"restart", "restart", nil, nil, nil},
		{"snapshot", "snapshot", nil, nil, map[string]string{"/live/live-image": jpeg}},
		{"info", "info", nil, nil, map[string]string{"/metadata": `{"mac":"1CCAE3A1B2C3"}`}},
		{"relays", "relays", nil, nil, map[string]string{"/relays/settings": `[]`}},
		{"users", "users", nil, nil, map[string]string{"/users": `[]`}},
		{"ring picture", "ring_picture", bridge.Args{"bell": int64(2), "index": int64(1)}, nil, map[string]string{
			"/cloud-recording/images/ring/2": `[{"url":"` + base + `/cloud-recording/NEWEST"},{"url":"` + base + `/cloud-recording/OLDER"}]`,
			base + "/cloud-recording/OLDER":  jpeg}},
		{"motion picture", "motion_picture", bridge.Args{"index": int64(0)}, nil, map[string]string{
			"/cloud-recording/images/motion": `[{"url":"` + base + `/cloud-recording/NEWEST"}]`,
			base + "/cloud-recording/NEWEST": jpeg}},
	} {
		cloud := &bridgetest.FakeCloud{Answer: func(r bridge.Request) (bridge.Reply, error) {
			return bridge.Reply{Status: 200, Body: []byte(tt.reply[r.Path])}, nil
		}}
		st := bridgetest.Open(t, options(tt.options), settings("deviceAdmin"), bridge.Env{Cloud: cloud})
		if _, err := st.Call(tt.call, tt.args); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		fmt.Fprintf(&got, "%s\n\t%s\n", tt.name, strings.Join(cloud.Asked(), "\n\t"))
	}
	golden(t, "requests.golden", got.String())
}

// Every call exists as declared: names, arguments and effects are what other
// programs and stored entities rely on.
func TestCallsDeclared(t *testing.T) {
	var got strings.Builder
	for _, c := range bridgetest.Open(t, options(nil), settings("deviceViewer"), bridge.Env{Cloud: &bridgetest.FakeCloud{}}).Calls {
		fmt.Fprintf(&got, "%s effect=%d entity=%v steps=%d: %s\n", c.Name, c.Effect, c.OfEntity, c.Steps, c.Summary)
		for _, a := range c.Args {
			fmt.Fprintf(&got, "\t%s %s %d..%d optional=%v default=%v\n", a.Name, a.Type, a.Min, a.Max, a.Optional, a.Default)
		}
	}
	golden(t, "calls.golden", got.String())
}

// Whatever the cloud does, a press fires at most once, and the right relay.
func TestAtMostOnce(t *testing.T) {
	for _, tt := range []struct {
		name   string
		deed   simkit.Deed
		habits doorbirdsim.Habits
		pulses int
		reason bridge.Reason
	}{
		{"fine", nil, doorbirdsim.Habits{}, 1, bridge.ReasonOK},
		{"JSON reply", nil, doorbirdsim.Habits{CommandReply: doorbirdsim.ReplyJSON}, 1, bridge.ReasonOK},
		{"204", nil, doorbirdsim.Habits{CommandReply: doorbirdsim.ReplyNoContent}, 1, bridge.ReasonNoAnswer},
		{"reply lost", simkit.DropAfter, doorbirdsim.Habits{}, 1, bridge.ReasonNoAnswer},
		{"request lost", simkit.DropBefore, doorbirdsim.Habits{}, 0, bridge.ReasonNoAnswer},
		{"503 after the pulse", simkit.StatusAfter(503, "", ""), doorbirdsim.Habits{}, 1, bridge.ReasonNoAnswer},
		{"a page after the pulse", simkit.StatusAfter(200, "text/html", " <html>sign in</html>"), doorbirdsim.Habits{}, 1, bridge.ReasonNoAnswer},
		{"HTML", simkit.HTML(502), doorbirdsim.Habits{}, 0, bridge.ReasonNoAnswer},
		{"429", simkit.Status(429, "", ""), doorbirdsim.Habits{}, 0, bridge.ReasonRateLimited},
		{"station not reached", nil, doorbirdsim.Habits{Unreachable: 504}, 0, bridge.ReasonNoAnswer},
		{"busy", nil, doorbirdsim.Habits{Busy: true}, 0, bridge.ReasonNoAnswer},
	} {
		for _, r := range []struct {
			path       string
			relay      int
			peripheral string
			args       bridge.Args
		}{
			{"/relay/1", 1, "", bridge.Args{"number": int64(1)}},
			{"/relay/1", 1, "ghijkl", bridge.Args{"number": int64(1), "peripheral": "ghijkl"}},
		} {
			t.Run(tt.name+" "+r.peripheral, func(t *testing.T) {
				sim := doorbirdsim.New(doorbirdsim.Options{})
				sim.Change(func(h *doorbirdsim.Habits) { *h = tt.habits })
				if tt.deed != nil {
					sim.Faults.Add(simkit.Fault{On: "POST /relay/*", Do: tt.deed})
				}
				reason := bridge.ReasonOK
				if _, err := onSim(t, sim, doorbirdsim.DemoViewer, options(nil)).Call("relay", r.args); err != nil {
					reason = bridgetest.Failed(t, err).Reason
				}
				if got := sim.Pulses(r.relay, r.peripheral); reason != tt.reason || got != tt.pulses || sim.AllPulses() != tt.pulses || sim.Log.Count(r.path) != 1 {
					t.Errorf("%s with %d pulses (%d in all) by %d requests, want %s with %d by 1", reason, got, sim.AllPulses(), sim.Log.Count(r.path), tt.reason, tt.pulses)
				}
			})
		}
	}
}

// A cloud that does not take the object form refuses; the station's own relay of
// the same number stays still.
func TestPeripheralNeverFallsBack(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{})
	sim.Faults.Add(simkit.Fault{On: "POST /relay/*", Holds: "peripheral", Times: simkit.Always, Do: simkit.Status(400, "", "")})
	st := onSim(t, sim, doorbirdsim.DemoViewer, options(nil))
	if _, err := st.Call("relay", bridge.Args{"number": int64(1), "peripheral": "ghijkl"}); bridgetest.Failed(t, err).Reason != bridge.ReasonRejected {
		t.Errorf("got %v, want rejected", err)
	}
	if sim.AllPulses() != 0 || sim.Log.Count("") != 1 {
		t.Errorf("%d pulses by %d requests, want 0 by 1", sim.AllPulses(), sim.Log.Count(""))
	}
}

func TestStringFormFires(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{})
	sim.Change(func(h *doorbirdsim.Habits) { h.DoubleEncoded = true })
	st := onSim(t, sim, doorbirdsim.DemoViewer, options(func(o *doorbird.Options) { o.PeripheralBody = "string" }))
	if _, err := st.Call("relay", bridge.Args{"number": int64(1), "peripheral": "ghijkl"}); err != nil || sim.Pulses(1, "ghijkl") != 1 {
		t.Errorf("got %v and %d pulses, want 1", err, sim.Pulses(1, "ghijkl"))
	}
}

// A write outside of a command cannot happen.
func TestNoPermitNoPulse(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{})
	for _, c := range onSim(t, sim, doorbirdsim.DemoAdmin, options(nil)).Calls {
		if c.Effect != bridge.Writes || c.Name == "hooks_remove" { // which finds nothing to remove: TestHooksPartly
			continue
		}
		if _, err := c.Do(t.Context(), bridge.Order{Args: bridge.Args{"number": int64(1)}}); bridgetest.Failed(t, err).Reason != bridge.ReasonDenied {
			t.Errorf("%s without a permit: %v, want denied", c.Name, err)
		}
	}
	if writes := sim.Log.Count("") - sim.Log.Count("GET /*"); writes != 0 {
		t.Errorf("%d writes went out", writes)
	}
}

// 204 says "no right" on the LAN twin; what it says here is unknown, but a restart
// is none of the door's business.
func TestNoContent(t *testing.T) {
	for call, want := range map[string]bridge.Reason{"light": bridge.ReasonNoAnswer, "restart": bridge.ReasonOK} {
		sim := doorbirdsim.New(doorbirdsim.Options{})
		sim.Change(func(h *doorbirdsim.Habits) { h.CommandReply = doorbirdsim.ReplyNoContent })
		got := bridge.ReasonOK
		if _, err := onSim(t, sim, doorbirdsim.DemoAdmin, options(nil)).Call(call, nil); err != nil {
			got = bridgetest.Failed(t, err).Reason
		}
		if got != want || sim.Lights()+sim.Restarts() != 1 {
			t.Errorf("%s answered 204: %s, done %d times, want %s, once", call, got, sim.Lights()+sim.Restarts(), want)
		}
	}
}

func TestReadCalls(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{})
	st := onSim(t, sim, doorbirdsim.DemoAdmin, options(nil))
	for name, want := range map[string]string{
		"info":   `{"mac":"1CCAE3A1B2C3","intercomTypeName":"Example Station"}`,
		"relays": `[{"number":1,"name":"Street door"},{"number":2,"name":"Gate"}]`,
		"users":  `[{"number":1},{"number":2},{"number":1,"peripheral":"ghijkl"}]`, // relays, never users
	} {
		got, err := st.Call(name, nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		text, err := json.Marshal(got)
		if diff := cmp.Diff(want, string(text)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

func TestViewerIsToldAboutTheScope(t *testing.T) {
	for _, status := range []int{401, 403, 204} {
		sim := doorbirdsim.New(doorbirdsim.Options{})
		sim.Change(func(h *doorbirdsim.Habits) { h.NotAdmin = status })
		st := onSim(t, sim, doorbirdsim.DemoViewer, options(nil))
		_, err := st.Call("users", nil)
		if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonRejected || f.Status != status || !strings.Contains(f.Message, "deviceAdmin") {
			t.Errorf("%d: %+v, want a hint about deviceAdmin", status, f)
		}
	}
}

func TestPictureCalls(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{})
	st := onSim(t, sim, doorbirdsim.DemoViewer, options(nil))
	if _, err := st.Call("ring_picture", bridge.Args{"bell": int64(1), "index": int64(0)}); bridgetest.Failed(t, err).Reason != bridge.ReasonRejected {
		t.Errorf("empty history: %v, want rejected", err)
	}
	if err := sim.Ring(t.Context(), doorbirdsim.DemoMAC, "1"); err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string]bridge.Args{"snapshot": nil, "ring_picture": {"bell": int64(1), "index": int64(0)}} {
		got, err := st.Call(name, args)
		if img, ok := got.(bridge.Image); err != nil || !ok || img.Type != "image/jpeg" || len(img.Bytes) < 100 {
			t.Errorf("%s: %T, %v, want a picture", name, got, err)
		}
	}
	sim.Faults.Add(simkit.Fault{On: "/live/live-image", Do: simkit.Status(204, "", "")})
	if _, err := st.Call("snapshot", nil); bridgetest.Failed(t, err).Reason != bridge.ReasonRejected || bridgetest.Failed(t, err).Status != 204 {
		t.Errorf("204: %v, want rejected", err)
	}
	sim.Faults.Add(simkit.Fault{On: "/live/live-image", Do: simkit.Status(200, "image/jpeg", "<html>")})
	if _, err := st.Call("snapshot", nil); bridgetest.Failed(t, err).Reason != bridge.ReasonNoAnswer {
		t.Errorf("HTML as a picture: %v, want no answer", err)
	}
}

// The newest picture of the history is published where there is an entity for it.
func TestPictureCallsPublish(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{Stations: []doorbirdsim.Station{{MAC: doorbirdsim.DemoMAC, Bells: 2, Users: []doorbirdsim.User{{Name: doorbirdsim.DemoViewer}}}}})
	st := onSim(t, sim, doorbirdsim.DemoViewer, options(nil))
	for _, e := range []doorbirdsim.Event{{Kind: "doorbell", Param: "1"}, {Kind: "doorbell", Param: "1"}, {Kind: "doorbell", Param: "2"}, {Kind: "motion"}} {
		e.Station = doorbirdsim.DemoMAC
		if err := sim.Happen(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	published := func(call string, args bridge.Args) (of string) {
		t.Helper()
		st.Take()
		st.MustCall(call, args)
		for _, f := range st.Take() {
			of += f.(bridge.Picture).Entity
		}
		return of
	}
	if got := published("motion_picture", nil); got != "" {
		t.Errorf("before the device is known: %s", got)
	}
	st.MustRun("station")
	for _, c := range []struct {
		call string
		args bridge.Args
		want string
	}{
		{"motion_picture", nil, "last_motion"}, {"ring_picture", nil, "last_ring"}, {"ring_picture", bridge.Args{"index": int64(1)}, ""},
		{"ring_picture", bridge.Args{"bell": int64(2)}, ""}, // which has no entity
	} {
		if got := published(c.call, c.args); got != c.want {
			t.Errorf("%s %v published %q, want %q", c.call, c.args, got, c.want)
		}
	}
}

// The list is foreign text: a picture elsewhere is not asked for, so no token
// goes there.
func TestForeignPicture(t *testing.T) {
	for _, elsewhere := range []string{"https://foreign.example", "http://api.doorbird.io", "https://api.doorbird.io:8443", "https://u@api.doorbird.io", "https://api.doorbird.io.evil.example", "://"} {
		sim := doorbirdsim.New(doorbirdsim.Options{})
		sim.Change(func(h *doorbirdsim.Habits) { h.PictureBase = elsewhere })
		if err := sim.Motion(t.Context(), doorbirdsim.DemoMAC); err != nil {
			t.Fatal(err)
		}
		_, err := onSim(t, sim, doorbirdsim.DemoViewer, options(nil)).Call("motion_picture", bridge.Args{})
		if bridgetest.Failed(t, err).Reason != bridge.ReasonNoAnswer || sim.Log.Count("") != 1 {
			t.Errorf("%s: %v after %d requests, want a refusal after the list", elsewhere, err, sim.Log.Count(""))
		}
	}
}

// What is no answer of this cloud is an error, never a panic.
func TestOddReplies(t *testing.T) {
	for _, body := range []string{"", "null", "[]", "{}", "<html>", `{"mac":`, `{"mac":7}`, `{"mac":"xyz"}`, `[{"id":{}}]`, `[null]`, `[{"permissions":{"allowedRelays":[{"id":true}]}}]`, "\xff\xfe",
		`[{"cameraId":4201,"name":"Yard"}]`, `{"data":{"nodes":{"edges":[]}}}`, `{"resultCode":"ok"}`, `{"error":"invalid_token"}`} { // other vendors
		cloud := &bridgetest.FakeCloud{Answer: func(bridge.Request) (bridge.Reply, error) {
			return bridge.Reply{Status: 200, Type: "application/json", Body: []byte(body)}, nil
		}}
		st := bridgetest.Open(t, options(withPush), settings("deviceAdmin"), bridge.Env{Cloud: cloud, Identity: doorbirdsim.DemoMAC})
		if err := st.Run("station"); err == nil {
			t.Errorf("%q: the station is taken from it", body)
		}
		for _, name := range []string{"info", "relays", "users", "snapshot", "motion_picture"} {
			_, _ = st.Call(name, bridge.Args{})
		}
		if got := st.Take(); len(got) != 0 {
			t.Errorf("%q: reported %v", body, got)
		}
	}
}
