package dwspectrum_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/dwspectrum"
	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

// The devices of the simulated systems; the last digits tell the version.
func yard(n int) string { return fmt.Sprintf("aaaaaaaa-bbbb-4ccc-8ddd-ca%d00000001", n) }
func box(n int) string  { return fmt.Sprintf("aaaaaaaa-bbbb-4ccc-8ddd-cc%d00000001", n) }
func id(kind string, n int) string {
	return fmt.Sprintf("aaaaaaaa_bbbb_4ccc_8ddd_%s%d00000001", kind, n)
}

var versions = map[int]string{61: sim.System61, 60: sim.System60, 51: sim.System51, 50: sim.System50}

// Ids, entities and verbs of every version of the product.
func TestDevices(t *testing.T) {
	for n, system := range versions {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			h := onSim(t, sim.New(sim.Options{}), systems(system), func(o *dwspectrum.Options) { o.Rules = true })
			h.MustRun("systems", task("site", system))
			golden(t, fmt.Sprintf("devices_%d.golden", n), bridgetest.JSON(t, h.Sources()))
			golden(t, fmt.Sprintf("states_%d.golden", n), lines(states(h.Take())))
			if h.cloud.mints != 1 {
				t.Errorf("%d tokens minted for one system", h.cloud.mints)
			}
		})
	}
}

// One source a system: one that does not answer removes nothing of another, and
// its own devices stay.
func TestSystemsApart(t *testing.T) {
	s := sim.New(sim.Options{})
	h := onSim(t, s, systems(sim.System61, sim.System51))
	h.MustRun("systems", task("site", sim.System61), task("site", sim.System51))
	all := len(h.Sources()[task("site", sim.System51)])
	s.Set(sim.System51, func(y *sim.System) { y.Health = "offline" }) // the relay knows first
	h.Take()
	for _, mode := range []string{"503", "404", "loop"} {
		s.Change(func(set *sim.Settings) { set.Offline = mode })
		if err := h.Run(task("site", sim.System51)); err == nil {
			t.Errorf("%s: the poll of an offline system went well", mode)
		}
	}
	got := states(h.Take())
	if !slices.Contains(got, id("ca", 51)+" reach ok=false says=false") {
		t.Errorf("a system that does not answer: %q", got)
	}
	h.MustRun(task("site", sim.System61))
	if now := len(h.Sources()[task("site", sim.System51)]); now != all || all == 0 || len(h.Sources()) != 3 {
		t.Errorf("%d devices of the offline system, %d before, %d sources", now, all, len(h.Sources()))
	}
	h.Take()
	h.MustRun("systems") // now the cloud says it
	if got := states(h.Take()); !slices.Contains(got, id("ca", 51)+" reach ok=false says=true") || slices.Contains(got, id("ca", 61)+" reach ok=false says=true") {
		t.Errorf("a system that is listed as offline: %q", got)
	}
	s.Log.Reset()
	h.MustRun(task("site", sim.System51))
	if n := s.Log.Count(""); n != 0 {
		t.Errorf("%d requests to a system that the cloud lists as offline", n)
	}
	s.Set(sim.System51, func(y *sim.System) { y.Health = "online" })
	h.MustRun("systems")
	if !slices.Contains(h.Take(), bridge.Fact(bridge.Due{Task: task("site", sim.System51)})) {
		t.Error("a system that is back is not asked at once")
	}
	h.MustRun(task("site", sim.System51))
}

// Every command of every version, with what moved.
func TestCommands(t *testing.T) {
	for n, system := range versions {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := sim.New(sim.Options{})
			h := onSim(t, s, systems(system), func(o *dwspectrum.Options) { o.Rules = true })
			h.MustRun("systems", task("site", system))
			device := func(id string, more bridge.Args) bridge.Args {
				args := bridge.Args{"device": bridge.DeviceID(id)}
				for name, v := range more {
					args[name] = v
				}
				return args
			}
			do := func(err error) {
				t.Helper()
				if err != nil {
					t.Error(err)
				}
			}
			call := func(name string, args bridge.Args) { t.Helper(); _, err := h.Call(name, args); do(err) }
			do(h.press(t, yard(n), "trigger_"+id("71", n), "PRESS"))
			want := []string{"trigger " + yard(n) + " " + trigger("71", n) + " instant"}
			if n == 61 {
				do(h.press(t, yard(n), "trigger_"+id("72", n)+"_start", "PRESS"))
				do(h.press(t, yard(n), "trigger_"+id("72", n)+"_stop", "PRESS"))
				do(h.press(t, box(n), "output_2", "ON"))
				do(h.press(t, box(n), "output_3", "PRESS"))
				do(h.press(t, system, "rule_"+id("91", n), "OFF"))
				call("recording", device(yard(n), bridge.Args{"enabled": false}))
				want = append(want, "trigger "+yard(n)+" "+trigger("72", n)+" started", "trigger "+yard(n)+" "+trigger("72", n)+" stopped", "output "+box(n)+" 2 true", "output "+box(n)+" 3 true",
					"rule  "+trigger("91", n)+" false", "recording "+yard(n)+" false")
			} else {
				do(h.press(t, yard(n), "trigger_"+id("72", n)+"_start", "PRESS"))
				do(h.press(t, yard(n), "trigger_"+id("72", n)+"_stop", "PRESS"))
				do(h.press(t, box(n), "output_2_on", "PRESS"))
				do(h.press(t, box(n), "output_2_off", "PRESS"))
				do(h.press(t, box(n), "output_3", "PRESS"))
				want = append(want, "trigger "+yard(n)+" "+trigger("72", n)+" started", "trigger "+yard(n)+" "+trigger("72", n)+" stopped", "output "+box(n)+" 2 true", "output "+box(n)+" 2 false", "output "+box(n)+" 3 true")
			}
			preset := "ptz_preset"
			if n < 60 {
				preset += "_5x"
			}
			call(preset, device(yard(n), bridge.Args{"preset": "gate", "speed": 0.25}))
			want = append(want, "ptz "+yard(n)+" preset gate")
			if n >= 60 {
				do(h.press(t, yard(n), "preset_door", "PRESS"))
				call("ptz_position", device(yard(n), bridge.Args{"pan": 0.5, "tilt": -0.5, "zoom": 0.1}))
				if v, err := h.Call("position", device(yard(n), nil)); err != nil || !strings.Contains(bridgetest.JSON(t, v), `"tilt": -0.5`) {
					t.Errorf("position: %v, %v", v, err)
				}
				call("ptz_tour", device(yard(n), bridge.Args{"tour": "round"}))
				call("ptz_move", device(yard(n), bridge.Args{"pan": -0.5, "zoom": 1.0, "duration": 0.0}))
				call("ptz_stop", device(yard(n), nil))
				want = append(want, "ptz "+yard(n)+" preset door", "ptz "+yard(n)+" position 0.5 -0.5 0.1", "ptz "+yard(n)+" tour round", "ptz "+yard(n)+" move", "ptz "+yard(n)+" stop", "ptz "+yard(n)+" stop")
			}
			call("bookmark", device(yard(n), bridge.Args{"name": "parcel", "start": "2026-01-02T03:04:05Z"}))
			call("generic_event", bridge.Args{"source": "latchkey", "caption": "Bell", "description": "rang", "devices": []any{bridge.DeviceID(yard(n))}})
			call("generic_event", bridge.Args{"caption": "Alarm", "state": "started"})
			shown, instant, started := "["+yard(n)+"]", "instant", "started"
			if n < 61 {
				instant, started = "", "Active"
			}
			want = append(want, "bookmark "+yard(n)+" parcel", "generic  latchkey|Bell|rang|"+instant+"|"+shown, "generic  |Alarm||"+started+"|[]")
			var got []string
			for _, m := range s.Moves() {
				got = append(got, m.What+" "+m.Device+" "+m.Detail)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("what moved (-want +got):\n%s", diff)
			}
		})
	}
}

func trigger(kind string, n int) string { return strings.ReplaceAll(id(kind, n), "_", "-") }

// A camera turns as long as it was asked to, and not on when the daemon stops.
func TestMoveEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Options{})
		h := onSim(t, s, systems(sim.System61))
		h.MustRun("systems", task("site", sim.System61))
		c := h.Named("ptz_move")
		o := bridge.Order{Device: h.device(yard(61)), Args: bridge.Args{"tilt": 1.0, "duration": 3.0}, Report: h.Report}
		for _, stopped := range []bool{false, true} {
			ctx, cancel := context.WithCancel(bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(t.Context()))
			began, want := time.Now(), 3*time.Second
			if stopped {
				want = time.Second
				time.AfterFunc(want, cancel)
			}
			if _, err := c.Do(ctx, o); err != nil || time.Since(began) != want || !s.Moving(sim.System61, yard(61)) {
				t.Errorf("%v after %v; turns: %v", err, time.Since(began), s.Moving(sim.System61, yard(61)))
			}
			cancel()
			if err := c.Stop(bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(t.Context()), o); err != nil || s.Moving(sim.System61, yard(61)) {
				t.Errorf("stop: %v", err)
			}
		}
	})
}

// What a system's version does not have is refused unsent.
func TestTooOld(t *testing.T) {
	for name, args := range map[string]bridge.Args{
		"recording": {"enabled": true}, "ptz_move": {"pan": 1.0}, "ptz_stop": {}, "ptz_tour": {"tour": "round"}, "position": {}, "presets": {}, "ports": {}, "triggers": {}, "rules": {},
	} {
		s := sim.New(sim.Options{})
		h := onSim(t, s, systems(sim.System50))
		h.MustRun("systems", task("site", sim.System50))
		if hasArg(h.Named(name), "device") {
			args["device"] = bridge.DeviceID(yard(50))
		}
		s.Log.Reset()
		_, err := h.Call(name, args)
		if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonDenied || s.Log.Count("") != 0 {
			t.Errorf("%s: %v, %d requests", name, err, s.Log.Count(""))
		}
	}
	h := onSim(t, sim.New(sim.Options{}), systems(sim.System40))
	h.MustRun("systems")
	if err := h.Run(task("site", sim.System40)); err == nil || !strings.Contains(err.Error(), "older than DW Spectrum 5") {
		t.Errorf("a system below 5: %v", err)
	}
}

// Inputs, outputs and events of 6.1, on the clock.
func TestPortsAndEvents(t *testing.T) {
	for _, flat := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := sim.New(sim.Options{Settings: sim.Settings{FlatEvents: flat, TextTimes: flat, Envelope: flat}})
			h := onSim(t, s, systems(sim.System61))
			io, events := task("io", sim.System61), task("events", sim.System61)
			h.MustRun(io, events) // before anything is known
			h.MustRun("systems", task("site", sim.System61), io, events)
			s.Input(sim.System61, box(61), "1", true)
			if err := h.press(t, box(61), "output_3", "PRESS"); err != nil {
				t.Fatal(err)
			}
			h.Take()
			time.Sleep(20 * time.Second)
			s.Happen(sim.System61, yard(61), "cameraMotionEvent")
			h.MustRun(io, events)
			want := []string{id("ca", 61) + "/event motion", id("cc", 61) + "/input_1 ON", id("cc", 61) + "/output_2 OFF"}
			got := states(h.Take())
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if s.Active(sim.System61, box(61), "3") {
				t.Error("an output with auto-reset stays on")
			}
			time.Sleep(2 * time.Minute)
			for _, kind := range []string{"cameraInputEvent", "analyticsSdkEvent", "userDefinedEvent", "cameraDisconnectEvent", "softwareTriggerEvent"} {
				s.Happen(sim.System61, yard(61), kind)
			}
			s.Happen(sim.System61, "of nobody", "cameraMotionEvent")
			h.MustRun(events)
			got = states(h.Take())
			want = []string{"motion", "input", "analytics", "generic", "disconnect", "other"} // the first again: the engine knows its id
			for i := range want {
				want[i] = id("ca", 61) + "/event " + want[i]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// Nothing secret of cloud, system or camera stands in facts, results or errors.
func TestNoSecrets(t *testing.T) {
	s := sim.New(sim.Options{})
	h := onSim(t, s, systems(sim.System61), func(o *dwspectrum.Options) { o.Rules = true })
	h.MustRun("systems", task("site", sim.System61))
	out := bridgetest.JSON(t, h.Sources()) + lines(states(h.Take()))
	for name, args := range map[string]bridge.Args{
		"systems": nil, "servers": nil, "devices": {"system": sim.System61}, "triggers": nil, "rules": nil,
		"ports": {"device": bridge.DeviceID(box(61))}, "presets": {"device": bridge.DeviceID(yard(61))}, "tours": {"device": bridge.DeviceID(yard(61))},
	} {
		v, err := h.Call(name, args)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		text := bridgetest.JSON(t, v)
		if len(text) < 20 {
			t.Errorf("%s says %s", name, text)
		}
		out += text
	}
	for _, secret := range append(s.Secrets(), "owner@example.com", "O. Wner", "admin:") {
		if strings.Contains(out, secret) {
			t.Errorf("%q got out", secret)
		}
	}
	if !strings.Contains(out, "rtsp://192.0.2.5/") {
		t.Error("an address lost more than its password")
	}
}

// Refusals carry the system's code, and a denied rule changes nothing.
func TestRefusals(t *testing.T) {
	s := sim.New(sim.Options{})
	h := onSim(t, s, systems(sim.System61), func(o *dwspectrum.Options) { o.Rules = true })
	h.MustRun("systems", task("site", sim.System61))
	s.Set(sim.System61, func(y *sim.System) { y.Role = "Viewer" })
	if err := h.press(t, sim.System61, "rule_"+id("91", 61), "OFF"); err == nil || !strings.Contains(err.Error(), "(forbidden: this user may not do it there)") {
		t.Errorf("a viewer's rule: %v", err)
	}
	if _, err := h.Call("trigger", bridge.Args{"device": bridge.DeviceID(yard(61)), "trigger": "nobody's"}); bridgetest.Failed(t, err).Status != 404 {
		t.Errorf("an unknown trigger: %v", err)
	}
	s.Change(func(set *sim.Settings) { set.Auth = "Auth_CloudConnectError" })
	if err := h.Run(task("site", sim.System61)); err == nil || !strings.Contains(err.Error(), "has lost the cloud") {
		t.Errorf("a system that lost the cloud: %v", err)
	}
	s.Change(func(set *sim.Settings) { set.Auth = "" })
	s.Set(sim.System61, func(y *sim.System) { y.TwoFactor = true })
	for _, shape := range []string{"", "errorId"} {
		s.Change(func(set *sim.Settings) { set.TwoFactor = shape })
		if err := h.Run(task("site", sim.System61)); err == nil || !strings.Contains(err.Error(), "two-factor") {
			t.Errorf("two-factor demanded, shape %q: %v", shape, err)
		}
	}
	if len(s.Moves()) != 0 {
		t.Errorf("moved: %v", s.Moves())
	}
}

// A restart while a system is offline: its cameras are known from the inventory,
// and show as not reached.
func TestOfflineAtStart(t *testing.T) {
	s := sim.New(sim.Options{})
	h := onSim(t, s, systems(sim.System61))
	h.MustRun("systems", task("site", sim.System61), task("site", sim.System61))
	if h.notes.Saves() != 1 {
		t.Errorf("%d notes saved while nothing changed", h.notes.Saves())
	}
	s.Set(sim.System61, func(y *sim.System) { y.Health = "offline" })
	again := reopen(t, settings(), h.cloud, h.notes, systems(sim.System61))
	again.Knows(h.Sources())
	again.MustRun("systems", task("site", sim.System61))
	if got := states(again.Take()); !slices.Contains(got, id("cb", 61)+" reach ok=false says=true") {
		t.Errorf("reported %q", got)
	}
	s.Set(sim.System61, func(y *sim.System) { y.Health = "online" })
	again.MustRun("systems", task("site", sim.System61))
	if got := states(again.Take()); !slices.Contains(got, id("cb", 61)+" reach ok=true says=false") {
		t.Errorf("a camera without a status does not come back: %q", got)
	}
}

// What cannot be read for once takes no button away.
func TestControlsStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Options{})
		h := onSim(t, s, systems(sim.System61))
		site := task("site", sim.System61)
		fail := func(on string) { s.Faults.Add(simkit.Fault{On: on, Do: simkit.HTML(500)}) }
		fail("GET /rest/v4/events/triggers")
		h.MustRun("systems")
		if err := h.Run(site); err == nil || h.Sources()[site] != nil {
			t.Errorf("without triggers: %v, %d devices", err, len(h.Sources()[site]))
		}
		h.MustRun(site)
		before := bridgetest.JSON(t, h.Sources())
		for _, on := range []string{"GET /rest/v4/events/triggers", "GET /rest/v4/devices/*/ptz/presets"} {
			time.Sleep(11 * time.Minute)
			fail(on)
			_ = h.Run(site)
			if got := bridgetest.JSON(t, h.Sources()); got != before || s.Faults.Left() != 0 {
				t.Errorf("%s: the devices changed: %s", on, cmp.Diff(before, got))
			}
		}
	})
}
