package netrex_test

import (
	"encoding/json"
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

type shown struct {
	ID       string `json:"recording_id"`
	Ready    bool
	Duration float64
	Heights  []int64
	Link     string `json:"download_url"`
}

func list(t *testing.T, h *house, args bridge.Args) (all []shown) {
	t.Helper()
	if err := json.Unmarshal([]byte(result(t, h, "recordings", args)), &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// The vendor's way from a camera to a file: list, prepare, poll, event; the address
// only where the owner wants it.
func TestRecording(t *testing.T) {
	for _, links := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := sim.New(sim.Options{})
			h := onSim(t, s, func(o *netrex.Options) { o.Links = links })
			h.MustRun("nodes")
			all := list(t, h, bridge.Args{"node": 1001.0})
			if len(all) != 1 || all[0].Duration != 3600 || all[0].Ready || len(all[0].Heights) != 3 {
				t.Fatalf("recordings: %+v", all)
			}
			id := all[0].ID
			h.Take()
			if got, want := result(t, h, "prepare_recording", bridge.Args{"recording": id}), fmt.Sprintf(`{"height":1080,"ready":false,"recording_id":%q}`, id); got != want {
				t.Errorf("prepared: %s, want %s", got, want)
			}
			if diff := cmp.Diff([]string{"recordings in 5s"}, due(h.Take())); diff != "" {
				t.Errorf("due (-want +got):\n%s", diff)
			}
			h.MustRun("recordings")
			if facts := h.Take(); len(told(facts)) != 0 || len(due(facts)) != 1 {
				t.Errorf("at once: %v", facts)
			}
			time.Sleep(5 * time.Second)
			got := result(t, h, "recording", bridge.Args{"recording": id})
			h.MustRun("recordings", "recordings")
			facts := h.Take()
			event := fmt.Sprintf("1001/recording_ready prepared %s/prepared map[", id)
			if lines := told(facts); len(lines) != 1 || !strings.HasPrefix(lines[0], event) || strings.Contains(lines[0], "download_url") != links || len(due(facts)) != 0 {
				t.Errorf("ready: %v", lines)
			}
			if !strings.Contains(got, `"ready":true`) || strings.Contains(got, "/download/") != links {
				t.Errorf("recording: %s", got)
			}
			if s.Prepared() != 1 {
				t.Errorf("prepared %d times", s.Prepared())
			}
		})
	}
}

// What the cloud refuses, forgets or never finishes.
func TestRecordingFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Options{Settings: sim.Settings{PrepareRefused: true}})
		h := onSim(t, s)
		h.MustRun("nodes")
		id := list(t, h, bridge.Args{"node": "1001"})[0].ID
		prepare := func(args bridge.Args) *bridge.Failure {
			t.Helper()
			_, err := h.Call("prepare_recording", args)
			return bridgetest.Failed(t, err)
		}
		if f := prepare(bridge.Args{"recording": id}); f.Reason != bridge.ReasonRejected {
			t.Errorf("not begun: %+v", f)
		}
		if f := prepare(bridge.Args{"recording": id, "height": int64(719)}); f.Reason != bridge.ReasonMalformed || !strings.Contains(f.Message, "[360 720 1080]") {
			t.Errorf("another height: %+v", f)
		}
		if f := prepare(bridge.Args{"recording": "unknown"}); f.Reason != bridge.ReasonMalformed {
			t.Errorf("no height: %+v", f)
		}
		if f := prepare(bridge.Args{"recording": "unknown", "height": int64(720)}); f.Reason != bridge.ReasonRejected {
			t.Errorf("unknown to the cloud: %+v", f)
		}
		s.Change(func(set *sim.Settings) { set.PrepareRefused, set.Prepare = false, time.Hour })
		result(t, h, "prepare_recording", bridge.Args{"recording": id})
		h.Take()
		looks := 0
		for range 100 { // as the engine does
			h.MustRun("recordings")
			looks++
			facts := h.Take()
			if lines := told(facts); len(lines) > 0 {
				if !strings.HasPrefix(lines[0], "1001/recording_ready failed "+id+"/failed") {
					t.Errorf("given up: %v", lines)
				}
				break
			}
			for _, f := range facts {
				time.Sleep(f.(bridge.Due).In)
			}
		}
		if looks < 20 || looks > 40 {
			t.Errorf("looked %d times in ten minutes", looks)
		}
	})
}

// Whose a recording is, the call may say; without it there is no event.
func TestRecordingOfNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Options{})
		first := onSim(t, s)
		id := list(t, first, bridge.Args{"node": 1001})[0].ID
		for _, c := range []struct {
			args   bridge.Args
			events int
		}{{bridge.Args{}, 0}, {bridge.Args{"node": 1001}, 1}, {bridge.Args{"node": 1000}, 0}} {
			h := onSim(t, s, everything) // after a restart
			h.MustRun("nodes")
			c.args["recording"], c.args["height"] = id, int64(360)
			result(t, h, "prepare_recording", c.args)
			time.Sleep(5 * time.Second)
			h.Take()
			h.MustRun("recordings")
			if got := told(h.Take()); len(got) != c.events {
				t.Errorf("%v: %v, want %d events", c.args, got, c.events)
			}
		}
	})
}

// At most twenty at once; the same one again counts once.
func TestRecordingsAtOnce(t *testing.T) {
	h := open(t, bridgetest.Answers(`{"data":{"recordingPrepare":true}}`))
	for i := range 21 {
		_, err := h.Call("prepare_recording", bridge.Args{"recording": fmt.Sprint("r", i%20), "height": int64(1)})
		if err != nil {
			t.Fatalf("number %d: %v", i, err)
		}
	}
	_, err := h.Call("prepare_recording", bridge.Args{"recording": "one more", "height": int64(1)})
	if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonBusy {
		t.Errorf("%+v", f)
	}
	h = open(t, bridgetest.Answers(`{"data":{"recordingPrepare":false}}`))
	for i := range 21 { // what was not begun takes no place
		_, err := h.Call("prepare_recording", bridge.Args{"recording": fmt.Sprint(i), "height": int64(1)})
		if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonRejected {
			t.Fatalf("number %d: %+v", i, f)
		}
	}
}

// No right to recordings: no entity, no task. The rights of a portal token are not
// known, so it has both.
func TestNoRightToRecordings(t *testing.T) {
	set := settings()
	set.Scope, set.Grant = "read", bridge.GrantToken
	if a, err := options().Open(set, bridge.Env{}); err != nil || len(a.Tasks) != 2 {
		t.Errorf("a portal token: %d tasks, %v", len(a.Tasks), err)
	}
	set = settings()
	set.Scope = "read"
	a, err := options().Open(set, bridge.Env{Cloud: bridgetest.Answers(`{"data":{"nodeList":[{"node_id":1,"type":"camera"}]}}`)})
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range a.Tasks {
		if task.Name == "recordings" {
			t.Error("recordings are watched without the right to them")
		}
		_ = task.Do(t.Context(), func(facts ...bridge.Fact) {
			for _, d := range devices(facts) {
				for _, e := range d.Entities {
					if e.ID == "recording_ready" {
						t.Error("an event that cannot come")
					}
				}
			}
		})
	}
}
