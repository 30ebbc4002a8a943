package dwspectrum_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/dwspectrum"
	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

// Stills of every version, asked for and on a timer.
func TestStills(t *testing.T) {
	for n, system := range versions {
		s := sim.New(sim.Options{})
		h := onSim(t, s, systems(system), func(o *dwspectrum.Options) { o.Stills = time.Hour })
		h.MustRun("systems", task("site", system))
		v, err := h.Call("snapshot", bridge.Args{"device": bridge.DeviceID(yard(n))})
		if img, ok := v.(bridge.Image); err != nil || !ok || img.Type != "image/jpeg" || len(img.Bytes) == 0 {
			t.Errorf("%d: %T, %v", n, v, err)
		}
		h.Take()
		h.MustRun(task("stills", system))
		pictures := 0
		for _, f := range h.Take() {
			if _, is := f.(bridge.Picture); is {
				pictures++
			}
		}
		if pictures != 2 {
			t.Errorf("%d: %d pictures, want 2: an IO module has none", n, pictures)
		}
		s.Set(system, func(y *sim.System) { y.Cameras[0].Status = "Offline" })
		if _, err := h.Call("snapshot", bridge.Args{"device": bridge.DeviceID(yard(n))}); err == nil || !strings.Contains(err.Error(), "(notFound)") {
			t.Errorf("%d: a camera that is off: %v", n, err)
		}
		if _, err := h.Call("snapshot", bridge.Args{"device": bridge.DeviceID(yard(n)), "size": "big"}); bridgetest.Failed(t, err).Reason != bridge.ReasonMalformed {
			t.Errorf("%d: an odd size: %v", n, err)
		}
	}
}

// A picture that is none, or of 20 MB, is an error and shows nowhere.
func TestOddStills(t *testing.T) {
	s := sim.New(sim.Options{})
	h := onSim(t, s, systems(sim.System61))
	h.MustRun("systems", task("site", sim.System61))
	h.Take()
	for name, body := range map[string]string{"20 MB": "\xff\xd8\xff\xe0" + strings.Repeat("x", 20<<20), "a page": "<html>", "nothing": "", "another error": `{"error":"9","errorId":"notFound"}`} {
		s.Faults.Add(simkit.Fault{On: "GET /rest/v4/devices/*/image", Do: simkit.Status(200, "image/jpeg", body)})
		v, err := h.Call("snapshot", bridge.Args{"device": bridge.DeviceID(yard(61))})
		if err == nil || v != nil || len(h.Take()) > 0 {
			t.Errorf("%s: %T, %v", name, v, err)
		}
	}
}
