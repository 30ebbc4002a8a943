package netrex_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/netrex"
	sim "latchkey/vendors/netrex/netrexsim"
)

func everything(o *netrex.Options) {
	o.Kinds = []string{"camera", "folder"}
	all := []string{"peopleCountAverage", "peopleCountPassBy", "transactionCountPositive", "transactionCountNegative", "conversionCount"}
	o.Statistics = []netrex.Statistic{{Node: "1001", Types: all}, {Node: "2001", Types: all[4:]}}
}

// Ids and entities of the simulator's tree: permanent, so a golden file.
func TestIDs(t *testing.T) {
	s := sim.New(sim.Options{})
	h := onSim(t, s, everything)
	h.MustRun("nodes")
	facts := h.Take()
	var out []string
	for _, d := range devices(facts) {
		for _, e := range d.Entities {
			out = append(out, fmt.Sprintf("%s/%s %s %s via=%s %q %s %s %v", d.ID, e.ID, e.Kind, d.Kind, d.Via, d.Name+" / "+e.Name, e.StateClass, e.Unit, e.Options))
		}
	}
	golden(t, "ids.golden", lines(out))
	golden(t, "device.golden", bridgetest.JSON(t, devices(facts)[2]))
	golden(t, "nodes.golden", lines(told(facts)))
	if got := due(facts); len(got) != 0 {
		t.Errorf("due %v: nobody asked for figures yet", got)
	}
}

// By default cameras alone become devices, whatever is unknown about the replies.
func TestCameras(t *testing.T) {
	for _, set := range []sim.Settings{{}, {TextIDs: true}, {EmptyExternal: true}} {
		h := onSim(t, sim.New(sim.Options{Settings: set}))
		h.MustRun("nodes")
		var names []string
		for _, d := range devices(h.Take()) {
			names = append(names, d.ID+" "+d.Name+" "+d.Facts["folder"])
		}
		want := []string{"overview Cameras ", "1001 Yard Depot", "1002 Gate Hall", "1003 camera 1003 Hall", "1401 Attic Loop"}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("%+v: devices (-want +got):\n%s", set, diff)
		}
	}
}

// A guest's token sees the guest's nodes; a null list is an empty one.
func TestGuest(t *testing.T) {
	s := sim.New(sim.Options{})
	h := open(t, bridgetest.Simulated(s.Handler(), base, s.PortalToken(sim.DemoGuest, "read")))
	h.MustRun("nodes")
	if got := devices(h.Take()); len(got) != 2 || got[1].Facts["folder"] != "" || got[1].Facts["parent_node_id"] != "1000" {
		t.Errorf("the guest sees %+v", got)
	}
	h = open(t, bridgetest.Answers(`{"data":{"nodeList":null}}`))
	h.MustRun("nodes")
	if got := told(h.Take()); len(got) != 1 || got[0] != "overview/cameras 0" {
		t.Errorf("a null list: %v", got)
	}
}

// A node that is gone stays for a day, not listed, and then goes; at once with
// forget 0. One that comes back is as before.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Options{})
		h, hasty := onSim(t, s), onSim(t, s, func(o *netrex.Options) { o.Forget = 0 })
		listed := func(h *house) string {
			h.MustRun("nodes")
			for _, line := range told(h.Take()) {
				if state, ok := strings.CutPrefix(line, "1002/listed "); ok {
					return state
				}
			}
			return "no device"
		}
		want := func(when, state, atOnce string) {
			t.Helper()
			if got, other := listed(h), listed(hasty); got != state || other != atOnce {
				t.Errorf("%s: %s and %s, want %s and %s", when, got, other, state, atOnce)
			}
		}
		want("at first", "ON", "ON")
		s.Remove(1002)
		want("gone", "OFF", "no device")
		time.Sleep(23 * time.Hour)
		want("gone for hours", "OFF", "no device")
		s.Seed(sim.Node{ID: 1002, Type: "camera", Name: "Gate"})
		want("back", "ON", "ON")
		s.Remove(1002)
		s.Seed(sim.Node{ID: 1002, Type: "removedNode"})
		want("of another kind", "no device", "no device")
		s.Remove(1002)
		s.Seed(sim.Node{ID: 1002, Type: "camera", Name: "Gate"})
		want("back again", "ON", "ON")
		s.Remove(1002)
		want("gone again", "OFF", "no device")
		time.Sleep(25 * time.Hour)
		want("forgotten", "no device", "no device")
	})
}

// Trees that go round: nothing hangs on itself, whatever the path.
func TestLoops(t *testing.T) {
	h := open(t, bridgetest.Answers(`{"data":{"nodeList":[
		{"node_id":1,"parent_node_id":1,"type":"folder","name":"Loop"},{"node_id":2,"parent_node_id":3,"type":"folder"},{"node_id":3,"parent_node_id":2,"type":"folder"},
		{"node_id":4,"parent_node_id":2,"type":"camera"},{"node_id":5,"parent_node_id":99,"type":"camera"},{"node_id":6,"parent_node_id":7,"type":"camera"},{"node_id":7,"parent_node_id":1,"type":"box"}]}}`), everything)
	h.MustRun("nodes")
	got := map[string]string{}
	for _, d := range devices(h.Take())[1:] {
		got[d.ID] = d.Via
		if d.ID == "1" && d.Facts["folder"] != "" {
			t.Errorf("%s lies in itself", d.Name)
		}
	}
	if diff := cmp.Diff(map[string]string{"1": "", "2": "", "3": "", "4": "2", "5": "", "6": "1"}, got); diff != "" {
		t.Errorf("via (-want +got):\n%s", diff)
	}
}

// Odd ids and names make usable devices, each once.
func TestOddNodes(t *testing.T) {
	long := strings.Repeat("x", 300)
	h := open(t, bridgetest.Answers(`{"data":{"nodeList":[{"node_id":"a/b c","type":"camera","name":"Same"},{"node_id":"☂","type":"CAMERA","name":"Same"},{"node_id":"`+long+`","type":"camera","name":"`+long+`"},
		{"node_id":"overview","type":"camera"},{"node_id":"state","type":"camera"},{"node_id":7,"type":"camera","name":{"x":1},"external_id":"seven"},{"node_id":7,"type":"camera"},
		{"node_id":"1C:CA:E3:A1:B2:C3","type":"camera"},{"node_id":"1ccae3a1b2c3","type":"camera"},{"node_id":8,"type":["?"]},{"node_id":9,"type":"hovercraft"}]}}`))
	h.MustRun("nodes")
	facts := h.Take()
	seen := map[string]bool{}
	for _, d := range devices(facts) {
		if !bridge.IsID(d.ID) || bridge.IsReservedID(d.ID) || seen[d.ID] || d.Name == "" {
			t.Errorf("device %q %q", d.ID, d.Name)
		}
		seen[d.ID] = true
	}
	if len(seen) != 7 || !seen["7"] {
		t.Errorf("devices: %v", seen)
	}
	if got := told(facts); got[len(got)-1] != "overview/cameras 8" {
		t.Errorf("counted %s", got[len(got)-1])
	}
}

func TestTenThousand(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"data":{"nodeList":[{"node_id":0,"type":"folder"}`)
	for i := range 10000 {
		fmt.Fprintf(&b, `,{"node_id":%d,"parent_node_id":%d,"type":"camera","name":"Camera"}`, i+1, i)
	}
	h := open(t, bridgetest.Answers(b.String()+"]}}"))
	h.MustRun("nodes", "nodes")
	if got := devices(h.Take()); len(got) != 10001 || got[10000].Via != "9999" {
		t.Errorf("%d devices, the last via %s", len(got), got[len(got)-1].Via)
	}
}

// The vendor's words are kept for debug logs, without what may be a token.
func TestDetail(t *testing.T) {
	h := open(t, bridgetest.Answers(`{"errors":[{"message":"no right for portal-canarycanary12 here"}]}`+strings.Repeat(" ", 10000)+`x`))
	f := bridgetest.Failed(t, h.Run("nodes"))
	if len(f.Detail) > 2048 || strings.Contains(string(f.Detail)+f.Message, "canary") {
		t.Errorf("%s: %s", f.Message, f.Detail)
	}
	h = open(t, bridgetest.Answers(`{"errors":[{"message":"no right for portal-canarycanary12 here"}]}`))
	if f := bridgetest.Failed(t, h.Run("nodes")); string(f.Detail) != `{"errors":[{"message":"no right for *** here"}]}` {
		t.Errorf("detail: %s", f.Detail)
	}
}

// Answers that are none: an error each, never a list, never a panic.
func TestBadAnswers(t *testing.T) {
	for body, want := range map[string]bridge.Reason{
		"": bridge.ReasonNoAnswer, "<!doctype html><title>Sign in</title>": bridge.ReasonNoAnswer, "null": bridge.ReasonNoAnswer, "[]": bridge.ReasonNoAnswer,
		`{"data":{"nodeList":[{"node_id":1`: bridge.ReasonNoAnswer, `{"data":null}`: bridge.ReasonNoAnswer, `{"data":{}}`: bridge.ReasonNoAnswer, `{"data":5}`: bridge.ReasonNoAnswer,
		`{"data":{"nodeList":{}}}`: bridge.ReasonNoAnswer, `{"data":{"nodeList":[1]}}`: bridge.ReasonNoAnswer, `{"data":{"nodeList":[{"name":"x"}]}}`: bridge.ReasonNoAnswer, `{"data":{"nodeList":[null]}}`: bridge.ReasonNoAnswer,
		`{"cameras":[{"cameraId":4201}]}`: bridge.ReasonNoAnswer, // of another vendor
		`{"errors":[{"message":"secret","extensions":{"code":"FORBIDDEN"}}],"data":{"nodeList":[]}}`: bridge.ReasonRejected,
		`{"errors":["secret"]}`: bridge.ReasonRejected, `{"errors":[7],"data":null}`: bridge.ReasonRejected, `{"error":"A secret sentence."}`: bridge.ReasonRejected,
	} {
		h := open(t, bridgetest.Answers(body))
		f := bridgetest.Failed(t, h.Run("nodes"))
		if f.Reason != want || strings.Contains(f.Message, "secret") {
			t.Errorf("%s: %s %q, want %s", body, f.Reason, f.Message, want)
		}
		if strings.Contains(body, "FORBIDDEN") && !strings.Contains(f.Message, "FORBIDDEN") {
			t.Errorf("%q does not name the code", f.Message)
		}
		if got := h.Take(); len(got) != 0 {
			t.Errorf("%s: reported %v", body, got)
		}
	}
}
