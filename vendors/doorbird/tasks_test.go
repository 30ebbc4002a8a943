package doorbird_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird"
	"latchkey/vendors/doorbird/doorbirdsim"
)

const mac = "1ccae3a1b2c3"

// The devices with all their entities; ids are permanent.
func TestDevices(t *testing.T) {
	t.Run("viewer", func(t *testing.T) {
		st := onSim(t, doorbirdsim.New(doorbirdsim.Options{}), doorbirdsim.DemoViewer, options(nil))
		st.MustRun("station")
		golden(t, "device_viewer.golden", bridgetest.JSON(t, device(t, st.Take())))
		if log := st.Log.String(); strings.Contains(log, "level=WARN") {
			t.Errorf("a fresh account warns: %s", log)
		}
	})
	t.Run("admin with push", func(t *testing.T) {
		st := onSim(t, doorbirdsim.New(doorbirdsim.Options{}), doorbirdsim.DemoAdmin, options(func(o *doorbird.Options) {
			withPush(o)
			o.Bells = 2
			o.Relays = []doorbird.Relay{{Number: 2, Name: "My gate"}, {Number: 3, Peripheral: "Keypad A"}}
		}))
		st.MustRun("station")
		golden(t, "device_admin.golden", bridgetest.JSON(t, device(t, st.Take())))
	})
	t.Run("admin with hooks", func(t *testing.T) {
		st := onSim(t, doorbirdsim.New(doorbirdsim.Options{}), doorbirdsim.DemoAdmin, options(func(o *doorbird.Options) { o.Bells = 2 }))
		st.MustRun("station")
		st.MustCall("hooks_install", nil)
		var got []string
		for _, e := range device(t, st.Take()).Entities {
			got = append(got, fmt.Sprintf("%s %s %v", e.ID, e.Kind, e.Options))
		}
		want := []string{"relay_1 button []", "relay_2 button []", "relay_ghijkl_1 button []", "light button []", "refresh_picture button []", "live image []",
			"connection binary_sensor []", "restart button []", "ring event [ring]", "last_ring image []", "ring_2 event [ring]", "last_ring_2 image []",
			"motion binary_sensor []", "last_motion image []", "opened event [opened]"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("entities (-want +got):\n%s", diff)
		}
	})
}

// Numbers as text, MACs with colons and missing members make the same ids.
func TestSameIDsFromOddReplies(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{})
	st := onSim(t, sim, doorbirdsim.DemoAdmin, options(nil))
	st.MustRun("station")
	want := device(t, st.Take())
	sim.Change(func(h *doorbirdsim.Habits) { h.TextNumbers, h.ColonMAC, h.Bare = true, true, true })
	st = onSim(t, sim, doorbirdsim.DemoAdmin, options(nil))
	st.MustRun("station")
	got := device(t, st.Take())
	if diff := cmp.Diff(ids(want), ids(got)); diff != "" || got.ID != want.ID || got.MAC != mac {
		t.Errorf("device %s, MAC %s (-want +got):\n%s", got.ID, got.MAC, diff)
	}
}

func TestOddRelays(t *testing.T) {
	cloud := &bridgetest.FakeCloud{Answer: func(r bridge.Request) (bridge.Reply, error) {
		return bridge.Reply{Status: 200, Body: []byte(map[string]string{
			"/metadata": `{"mac":"1C-CA-E3-A1-B2-C3","extra":[1]}`,
			"/users": `[{"permissions":{"allowedRelays":[{"id":"2"},{"id":0},{"id":-1},{"id":9999},{"id":10000},{"id":1.5},{"id":null},{},
				{"id":3,"peripheral":"` + strings.Repeat("🚪", 300) + `"},{"id":1,"peripheral":"a/b c"},{"id":1,"peripheral":null}]}},{}, {"permissions":null}]`,
			"/relays/settings": `[{"id":2,"name":"  "},{"id":"1","name":" Door "},{"name":"x"}]`,
		}[r.Path])}, nil
	}}
	st := bridgetest.Open(t, options(nil), settings("deviceViewer"), bridge.Env{Cloud: cloud})
	st.MustRun("station")
	d := device(t, st.Take())
	for _, e := range d.Entities {
		if !bridge.IsID(e.ID) {
			t.Errorf("id %q", e.ID)
		}
	}
	if got := ids(d)[:4]; got[0] != "relay_1 Door" || got[1] != "relay_2 Relay 2" || got[2] != "relay_9999 Relay 9999" || strings.HasPrefix(got[3], "relay_10000") {
		t.Errorf("relays %q", got)
	}
	found := ""
	for _, e := range d.Entities {
		if e.Name == "Relay 1 of a/b c" {
			found = fmt.Sprint(e.ID, e.Verbs[0].Args)
		}
	}
	if want := "relay_" + bridge.DeviceID("a/b c") + "_1map[number:1 peripheral:a/b c]"; found != want {
		t.Errorf("controller's relay %q, want %q", found, want)
	}
}

// Relays of the same name, and of the same number at several controllers, stay apart.
func TestDuplicateNames(t *testing.T) {
	cloud := &bridgetest.FakeCloud{Answer: func(r bridge.Request) (bridge.Reply, error) {
		return bridge.Reply{Status: 200, Body: []byte(map[string]string{
			"/metadata": `{"mac":"1CCAE3A1B2C3"}`, "/relays/settings": `[{"id":1,"name":"Door"},{"id":2,"name":"Door"},{"id":2,"name":"Other"}]`,
			"/users": `[{"permissions":{"allowedRelays":[{"id":2},{"id":1,"peripheral":"A"},{"id":1,"peripheral":"a"},{"id":2},{"id":1}]}}]`,
		}[r.Path])}, nil
	}}
	st := bridgetest.Open(t, options(func(o *doorbird.Options) { o.Relays = []doorbird.Relay{{Number: 1, Peripheral: "a", Name: "Door"}} }), settings("deviceAdmin"), bridge.Env{Cloud: cloud})
	st.MustRun("station")
	want := []string{"relay_1 Door", "relay_2 Door", "relay_" + bridge.DeviceID("A") + "_1 Relay 1 of A", "relay_a_1 Door"}
	if diff := cmp.Diff(want, ids(device(t, st.Take()))[:4]); diff != "" {
		t.Errorf("relays (-want +got):\n%s", diff)
	}
}

// Without the right to list, the configured relays and relay 1 are there, however
// the cloud says no.
func TestMayNotList(t *testing.T) {
	for _, status := range []int{401, 403, 204} {
		sim := doorbirdsim.New(doorbirdsim.Options{})
		sim.Change(func(h *doorbirdsim.Habits) { h.NotAdmin = status })
		st := onSim(t, sim, doorbirdsim.DemoViewer, options(func(o *doorbird.Options) {
			o.Relays = []doorbird.Relay{{Number: 1, Peripheral: "ghijkl", Name: "Garage"}}
		}))
		st.MustRun("station")
		want := []string{"relay_1 Relay 1", "relay_ghijkl_1 Garage", "light Light", "refresh_picture Refresh picture", "live Live picture", "connection Connection", "last_ring Last ring", "last_motion Last motion"}
		if diff := cmp.Diff(want, ids(device(t, st.Take()))); diff != "" {
			t.Errorf("%d: entities (-want +got):\n%s", status, diff)
		}
	}
}

// A 401 while the token is dead is no lack of rights: nothing may vanish.
func TestDeadTokenListsNothing(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{})
	st := onSim(t, sim, doorbirdsim.DemoAdmin, options(nil))
	sim.Issuer.EndAccess()
	for name, dead := range map[string]*simkit.Answer{"no body": nil, "JSON": simkit.JSON(401, map[string]string{"error": "invalid_token"}),
		"a page": {Status: 401, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html>Sign in</html>")}} {
		sim.Change(func(h *doorbirdsim.Habits) { h.Dead = dead })
		if err := st.Run("station"); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := st.Take(); len(got) != 0 {
			t.Errorf("%s: reported %v", name, got)
		}
	}
}

func TestReach(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{})
	st := onSim(t, sim, doorbirdsim.DemoViewer, options(nil))
	st.MustRun("station")
	st.MustRun("live")
	st.Take()
	for _, tt := range []struct {
		status int // of the station; 0: it is there
		task   string
		want   []bridge.Fact // the first ones
	}{
		{0, "station", []bridge.Fact{bridge.Reach{Device: mac, OK: true}}},
		{504, "station", []bridge.Fact{bridge.Reach{Device: mac}}},
		{502, "live", []bridge.Fact{bridge.Reach{Device: mac}}},
		{0, "live", []bridge.Fact{bridge.Reach{Device: mac, OK: true}}},
	} {
		sim.Change(func(h *doorbirdsim.Habits) { h.Unreachable = tt.status })
		st.MustRun(tt.task)
		if diff := cmp.Diff(tt.want, st.Take()[:1]); diff != "" {
			t.Errorf("%s with %d (-want +got):\n%s", tt.task, tt.status, diff)
		}
	}
	sim.Faults.Add(simkit.Fault{Do: simkit.Status(500, "", "")})
	if err := st.Run("station"); err == nil || len(st.Take()) != 0 {
		t.Errorf("a fault of the cloud says nothing about the station: %v", err)
	}
}

// A station that is off at the start is shown as off, and its entities stay.
func TestOffAtStart(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{})
	sim.Change(func(h *doorbirdsim.Habits) { h.Unreachable = 504 })
	cloud := bridgetest.Simulated(sim.Handler(), base, sim.Issuer.Issue(doorbirdsim.DemoClient, doorbirdsim.DemoAdmin, doorbirdsim.Admin).Access)
	st := bridgetest.Open(t, options(withPush), settings("deviceAdmin"), bridge.Env{Cloud: cloud, Identity: "1C:CA:E3:A1:B2:C3"})
	for _, task := range st.Tasks {
		st.MustRun(task.Name)
	}
	if diff := cmp.Diff([]bridge.Fact{bridge.Reach{Device: mac}}, st.Take()); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if _, err := st.Call("relay", bridge.Args{"number": int64(1)}); bridgetest.Failed(t, err).Status != 504 {
		t.Errorf("a press reaches the cloud also then: %v", err)
	}
}

// A sign-in that landed on another station changes nothing by itself (T21).
func TestAnotherStation(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{})
	cloud := bridgetest.Simulated(sim.Handler(), base, sim.Issuer.Issue(doorbirdsim.DemoClient, doorbirdsim.DemoAdmin, doorbirdsim.Admin).Access)
	st := bridgetest.Open(t, options(nil), settings("deviceAdmin"), bridge.Env{Cloud: cloud, Identity: "1CCAE3000000"})
	if err := st.Run("station"); err == nil || !strings.Contains(err.Error(), "1ccae3a1b2c3 instead of 1ccae3000000") {
		t.Errorf("got %v", err)
	}
	if got := st.Take(); len(got) != 0 {
		t.Errorf("reported %v", got)
	}
}

// Lists are read now and then, /metadata each time.
func TestHowOftenListsAreRead(t *testing.T) {
	for user, every := range map[string]time.Duration{doorbirdsim.DemoAdmin: time.Hour, doorbirdsim.DemoViewer: 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			sim := doorbirdsim.New(doorbirdsim.Options{})
			sim.Issuer.Change(func(r *simkit.Rules) { r.AccessLife = 100 * time.Hour })
			st := onSim(t, sim, user, options(nil))
			st.MustRun("station")
			time.Sleep(every - 1)
			st.MustRun("station")
			if users, meta := sim.Log.Count("/users"), sim.Log.Count("/metadata"); users != 1 || meta != 2 {
				t.Errorf("%s: before %v: lists read %d times, metadata %d, want 1 and 2", user, every, users, meta)
			}
			time.Sleep(time.Nanosecond)
			st.Take()
			st.MustRun("station")
			if sim.Log.Count("/users") != 2 {
				t.Errorf("%s: after %v the lists are not read again", user, every)
			}
			device(t, st.Take())
		})
	}
}

// A listing that fails once keeps what was known.
func TestListingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := doorbirdsim.New(doorbirdsim.Options{})
		sim.Issuer.Change(func(r *simkit.Rules) { r.AccessLife = 100 * time.Hour })
		st := onSim(t, sim, doorbirdsim.DemoAdmin, options(nil))
		sim.Faults.Add(simkit.Fault{On: "/relays/settings", Do: simkit.HTML(http.StatusOK)})
		if err := st.Run("station"); err == nil || len(st.Take()) != 0 {
			t.Errorf("first time: %v, want an error and no list", err)
		}
		st.MustRun("station")
		st.Take()
		time.Sleep(time.Hour)
		sim.Faults.Add(simkit.Fault{On: "/users", Do: simkit.Malformed})
		if err := st.Run("station"); err == nil {
			t.Error("later: no error")
		}
		here := []bridge.Fact{bridge.Reach{Device: mac, OK: true}}
		if diff := cmp.Diff(here, st.Take()); diff != "" {
			t.Errorf("later (-want +got):\n%s", diff)
		}
		sim.Faults.Add(simkit.Fault{On: "/users", Do: simkit.Status(504, "", "")})
		st.MustRun("station")
		if diff := cmp.Diff(here, st.Take()); diff != "" {
			t.Errorf("reached but for the list (-want +got):\n%s", diff)
		}
	})
}
