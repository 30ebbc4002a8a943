package doorbird_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/doorbird/doorbirdsim"
)

// hookHouse is a station that another system has set up, and an account of its
// administrator. What the station calls reaches the account.
type hookHouse struct {
	*station
	sim   *doorbirdsim.Sim
	token string
	notes *bridgetest.Notes
	calls []string // of the station, all systems
}

const (
	theirs = `{"event":"http","param":"1000","schedule":{"weekdays":[{"from":"82800","to":"82799"}]}}`
	notify = `{"event":"notify","param":"","schedule":{"weekdays":[{"from":"82800","to":"82799"}]}}`
)

func newHookHouse(t *testing.T) *hookHouse {
	t.Helper()
	h := &hookHouse{notes: &bridgetest.Notes{}}
	h.sim = doorbirdsim.New(doorbirdsim.Options{HTTP: &http.Client{Transport: h}})
	h.token = h.sim.Issuer.Issue(doorbirdsim.DemoClient, doorbirdsim.DemoAdmin, doorbirdsim.Admin).Access
	h.set(t, "/favorite/http", `{"identifier":1000,"title":"Other system","value":"https://other.example/x","displayedTitle":"Other"}`)
	h.set(t, "/favorite/http", `{"identifier":4101,"title":"latchkey gate abcdef motion","value":"https://neighbour.example/x","displayedTitle":"x"}`)
	h.set(t, "/schedules", `{"input":"doorbell","param":"1","output":[`+notify+`]}`)
	h.set(t, "/schedules", `{"input":"motion","param":"","output":[`+theirs+`,`+notify+`]}`)
	h.set(t, "/schedules", `{"input":"relay","param":"1","output":[]}`)
	h.set(t, "/schedules", `{"input":"relay","param":"2","output":[]}`)
	h.reopen(t, hookURL)
	h.MustRun("station")
	h.Take()
	return h
}

// reopen is a restart.
func (h *hookHouse) reopen(t *testing.T, address string) {
	h.station = bridgetest.Open(t, options(nil), settings("deviceAdmin"), bridge.Env{Cloud: bridgetest.Simulated(h.sim.Handler(), base, h.token), Notes: h.notes,
		HookURL: func() (bridge.Secret, error) { return bridge.NewSecret(address), nil }})
}

// RoundTrip is the network of the station.
func (h *hookHouse) RoundTrip(r *http.Request) (*http.Response, error) {
	h.calls = append(h.calls, r.URL.Host+r.URL.Path)
	w := httptest.NewRecorder()
	if strings.HasPrefix(r.URL.String(), hookURL) && h.Push.Hook(r.URL.Query(), nil, time.Now(), h.Report) != nil {
		w.WriteHeader(http.StatusNotFound)
	}
	return w.Result(), nil
}

func (h *hookHouse) ask(t *testing.T, method, path, body string) string {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+h.token)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.sim.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s: %d", method, path, w.Code)
	}
	return strings.TrimSpace(w.Body.String())
}

func (h *hookHouse) set(t *testing.T, path, body string) { t.Helper(); h.ask(t, "POST", path, body) }

// setup is all that a station does by itself.
func (h *hookHouse) setup(t *testing.T) string {
	t.Helper()
	return h.ask(t, "GET", "/favorites", "") + "\n" + strings.ReplaceAll(h.ask(t, "GET", "/schedules", ""), `},{"input"`, "},\n{\"input\"")
}

func (h *hookHouse) writes() int {
	return h.sim.Log.Count("POST /*") + h.sim.Log.Count("POST /favorite/*") + h.sim.Log.Count("DELETE /favorite/http/*")
}

// does are the hooks of a plan or of what was done: "motion leave".
func does(t *testing.T, result any) (all []string) {
	t.Helper()
	text, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "CANARY") {
		t.Errorf("the secret path stands in %s", text)
	}
	var p struct {
		Hooks []struct{ Event, Param, Do string }
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	for _, one := range p.Hooks {
		all = append(all, strings.TrimSpace(one.Event+" "+one.Param)+": "+one.Do)
	}
	return all
}

// The whole way: plan, install beside another system, displace it, and back.
func TestHooks(t *testing.T) {
	h := newHookHouse(t)
	before, set := h.setup(t), h.writes()
	plan := h.MustCall("hooks_plan", bridge.Args{"replace": false})
	golden(t, "plan.golden", bridgetest.JSON(t, plan))
	want := []string{"doorbell 1: add", "motion: leave", "relay 1: add", "relay 2: add"}
	if diff := cmp.Diff(want, does(t, plan)); diff != "" || h.setup(t) != before || h.writes() != set {
		t.Errorf("the plan has changed something, or is another (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, does(t, h.MustCall("hooks_install", bridge.Args{"replace": false}))); diff != "" {
		t.Errorf("installed (-want +got):\n%s", diff)
	}
	golden(t, "installed.golden", h.setup(t)+"\n")
	has := func(entity string) bool { return strings.Contains(strings.Join(ids(device(t, h.Take())), "|"), entity) }
	h.MustRun("station")
	h.MustCall("hooks_install", nil)
	if has("motion Motion") {
		t.Error("an entity waits for motion, which is told to another system")
	}

	ring := func(want ...string) {
		t.Helper()
		h.Take()
		h.calls = nil
		for _, happen := range []error{h.sim.Ring(t.Context(), doorbirdsim.DemoMAC, "1"), h.sim.Motion(t.Context(), doorbirdsim.DemoMAC), h.sim.Opened(t.Context(), doorbirdsim.DemoMAC, 2)} {
			if happen != nil {
				t.Fatal(happen)
			}
		}
		var got []string
		for _, f := range h.Take() {
			switch f := f.(type) {
			case bridge.Happened:
				got = append(got, f.Entity)
			case bridge.State:
				got = append(got, f.Entity)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("told after %v (-want +got):\n%s", h.calls, diff)
		}
	}
	ring("ring", "opened")
	want = []string{"doorbell 1: keep", "motion: replace", "relay 1: keep", "relay 2: keep"}
	if diff := cmp.Diff(want, does(t, h.MustCall("hooks_install", bridge.Args{"replace": true}))); diff != "" {
		t.Errorf("displaced (-want +got):\n%s", diff)
	}
	if !has("motion Motion") {
		t.Error("motion has no entity")
	}
	ring("ring", "motion", "opened")

	h.reopen(t, hookURL)
	h.MustRun("station")
	if !has("motion Motion") {
		t.Error("after a restart motion has no entity")
	}
	h.MustCall("hooks_remove", nil)
	if diff := cmp.Diff(before, h.setup(t)); diff != "" {
		t.Errorf("not as before (-want +got):\n%s", diff)
	}
	if has("motion Motion") {
		t.Error("an entity waits for motion in vain")
	}
	ring()
	if diff := cmp.Diff([]string{"other.example/x"}, h.calls); diff != "" {
		t.Errorf("the other system's calls (-want +got):\n%s", diff)
	}
	h.MustCall("hooks_remove", nil) // again: nothing is left to do
	if strings.Contains(h.Log.String(), "CANARY") {
		t.Error("the secret path stands in the log")
	}
}

// Another system that has come since keeps its place, one that is gone is not put
// back, and hours that somebody gave a hook stay.
func TestHooksMeetOthers(t *testing.T) {
	always := func(id string) string { return strings.ReplaceAll(theirs, "1000", id) }
	for name, c := range map[string]struct {
		meanwhile func(*testing.T, *hookHouse)
		want      string // of motion's outputs after hooks_remove
	}{
		"another came": {func(t *testing.T, h *hookHouse) {
			h.set(t, "/favorite/http", `{"identifier":2000,"title":"Third","value":"https://third.example/x","displayedTitle":"x"}`)
			h.set(t, "/schedules", `{"input":"motion","param":"","output":[`+always("2000")+`]}`)
		}, always("2000")},
		"the other is gone": {func(t *testing.T, h *hookHouse) { h.ask(t, "DELETE", "/favorite/http/1000", "") }, notify},
		"new output": {func(t *testing.T, h *hookHouse) {
			h.set(t, "/schedules", `{"input":"motion","param":"","output":[`+notify+`,`+always("4102")+`,{"event":"sip","param":"1","schedule":{"weekdays":[]}}]}`)
		}, theirs + "," + notify + `,{"event":"sip","param":"1","schedule":{"weekdays":[]}}`},
		"our favourite was deleted": {func(t *testing.T, h *hookHouse) { h.ask(t, "DELETE", "/favorite/http/4102", "") }, notify},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHookHouse(t)
			h.MustCall("hooks_install", bridge.Args{"replace": true})
			c.meanwhile(t, h)
			h.MustCall("hooks_remove", nil)
			if want := `{"input":"motion","param":"","output":[` + c.want + `]}`; !strings.Contains(h.setup(t), want) {
				t.Errorf("got %s\nwant %s", h.setup(t), want)
			}
		})
	}
	t.Run("another came and stays", func(t *testing.T) {
		h := newHookHouse(t)
		motion := func() bool {
			return strings.Contains(strings.Join(ids(device(t, h.Take())), "|"), "motion Motion|")
		}
		if h.MustCall("hooks_install", bridge.Args{"replace": true}); !motion() {
			t.Error("a hook without an entity")
		}
		h.set(t, "/schedules", `{"input":"motion","param":"","output":[`+theirs+`]}`)
		if h.MustCall("hooks_install", nil); motion() || !strings.Contains(h.setup(t), `"output":[`+theirs+`]`) {
			t.Errorf("an entity waits in vain, or the other was displaced:\n%s", h.setup(t))
		}
	})
	t.Run("a bell that the station has a rule for", func(t *testing.T) {
		h := newHookHouse(t)
		h.set(t, "/schedules", `{"input":"doorbell","param":"3","output":[]}`)
		for range 2 { // the second time after a restart
			h.MustCall("hooks_install", nil)
			h.MustRun("station")
			if got := strings.Join(ids(h.Device(mac)), "|"); !strings.Contains(got, "ring_3 Doorbell 3|last_ring_3 ") {
				t.Errorf("entities %s", got)
			}
			h.reopen(t, hookURL)
		}
	})
	t.Run("hours", func(t *testing.T) {
		h := newHookHouse(t)
		h.MustCall("hooks_install", nil)
		day := strings.ReplaceAll(always("4100"), "82800", "21600")
		h.set(t, "/schedules", `{"input":"doorbell","param":"1","output":[`+day+`]}`)
		if h.MustCall("hooks_install", nil); !strings.Contains(h.setup(t), `"output":[`+day+`]`) {
			t.Errorf("the hours are gone:\n%s", h.setup(t))
		}
	})
}

// A second install writes nothing, a new public address only the favourites.
func TestHooksAgain(t *testing.T) {
	h := newHookHouse(t)
	h.MustCall("hooks_install", nil)
	installed := h.setup(t)
	for _, c := range []struct {
		address string
		want    int
	}{{hookURL, 0}, {"https://new.example/hooks/doorbird/gate/CANARY-4711", 3}} {
		h.reopen(t, c.address)
		before := h.writes()
		h.MustCall("hooks_install", nil)
		if got := h.writes() - before; got != c.want || h.setup(t) != installed {
			t.Errorf("%s: %d writes, want %d; set up:\n%s", c.address, got, c.want, h.setup(t))
		}
	}
	if got := string(h.sim.Log.Last("POST /favorite/http").Body); !strings.Contains(got, "https://new.example/") {
		t.Errorf("written %s", got)
	}
	h.notes = &bridgetest.Notes{} // lost: the hooks are found by their titles
	h.reopen(t, hookURL)
	if got := does(t, h.MustCall("hooks_install", nil)); strings.Count(strings.Join(got, " "), "add") != 3 || h.setup(t) != installed {
		t.Errorf("without the note: %v\n%s", got, h.setup(t))
	}
	if h.MustCall("hooks_remove", nil); strings.Contains(h.setup(t), "4100") {
		t.Errorf("something is left:\n%s", h.setup(t))
	}
}

// With the partner push only openings need a hook.
func TestHooksBesidePush(t *testing.T) {
	st := onSim(t, doorbirdsim.New(doorbirdsim.Options{}), doorbirdsim.DemoAdmin, options(withPush))
	if diff := cmp.Diff([]string{"relay 1: add"}, does(t, st.MustCall("hooks_plan", nil))); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
	old := form("event", "doorbell", "param", "1")
	if err := st.Push.Hook(old, nil, rangAt, st.Report); err == nil || len(st.Take()) > 0 {
		t.Errorf("before the station is known: %v", err)
	}
	st.MustRun("station")
	st.Take()
	if err := st.Push.Hook(old, nil, rangAt, st.Report); err != nil || len(st.Take()) > 0 {
		t.Errorf("a ring that is pushed too is told twice: %v", err)
	}
}
