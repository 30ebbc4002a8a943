package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/engine"
)

// reporting is a house whose vendor reports when the test says so, by a push.
func reporting(t *testing.T, change func(*engine.Options, *engine.Account)) (*house, bridge.Report) {
	t.Helper()
	var facts []bridge.Fact
	h := settled(t, func(o *engine.Options, a *engine.Account) {
		a.Bridge.Push = &bridge.Push{Take: func(_ []byte, _ time.Time, report bridge.Report) (bool, error) { report(facts...); return true, nil }}
		if change != nil {
			change(o, a)
		}
	})
	return h, func(f ...bridge.Fact) {
		t.Helper()
		facts = f
		if mine, err := h.Push("gate", nil, time.Now()); !mine || err != nil {
			t.Fatalf("push: %v %v", mine, err)
		}
		synctest.Wait()
	}
}

func ref(entity string) bridge.Ref { return bridge.Ref{Device: "d1", Entity: entity} }

func topicOf(entity string) string { return topics.Value("gate", ref(entity)) }

func (h *house) wantOn(topic string, want ...string) {
	h.t.Helper()
	synctest.Wait()
	if diff := cmp.Diff(want, h.broker.on(topic)); diff != "" {
		h.t.Errorf("on %s (-want +got):\n%s", topic, diff)
	}
}

func TestStates(t *testing.T) {
	bubble(t, "values and attributes", func(t *testing.T) {
		h, report := reporting(t, nil)
		report(bridge.State{Ref: ref("label"), Value: bridge.Text("Gate"), Attributes: map[string]any{"n": 1}})
		report(bridge.State{Ref: ref("label"), Value: bridge.Text("Gate")})
		report(bridge.State{Ref: ref("label")})
		h.wantOn(topicOf("label"), "Gate", "None")
		h.wantOn(topicOf("label")+"/attributes", `{"n":1}`)
		report(bridge.State{Ref: ref("label"), Value: bridge.Text(strings.Repeat("ü", 300))})
		if got := []rune(h.broker.kept(topicOf("label"))); len(got) != 255 || got[254] != '…' {
			t.Errorf("a long state has %d characters, want 255", len(got))
		}
	})
	bubble(t, "what fits nothing is refused and counted", func(t *testing.T) {
		h, report := reporting(t, nil)
		bad := []bridge.Fact{
			bridge.State{Ref: ref("nothing"), Value: bridge.Bool(true)},
			bridge.State{Ref: bridge.Ref{Device: "d9", Entity: "label"}, Value: bridge.Bool(true)},
			bridge.State{Ref: ref("relay_1"), Value: bridge.Bool(true)},
			bridge.State{Ref: ref("ring"), Value: bridge.Text("ring")},
			bridge.State{Ref: ref("live"), Value: bridge.Text("x")},
			bridge.State{Ref: ref("connection"), Value: bridge.Bool(true)},
			bridge.State{Ref: ref("motion"), Value: bridge.Text("yes")},
			bridge.State{Ref: ref("mode"), Value: bridge.Text("dusk")},
			bridge.State{Ref: ref("bolt"), Value: bridge.Text("closed")},
			bridge.State{Ref: ref("bolt"), Value: bridge.Bool(true)},
			bridge.State{Ref: ref("label"), Attributes: map[string]any{"f": func() {}}},
			bridge.State{Ref: ref("label"), Attributes: map[string]any{"long": strings.Repeat("x", 20000)}},
			bridge.Happened{Ref: ref("label"), Type: "ring"},
			bridge.Happened{Ref: ref("ring"), Type: "knock"},
			bridge.Picture{Ref: ref("label"), Bytes: []byte("x")},
			bridge.Picture{Ref: ref("live")},
			bridge.Reach{Device: "d9"},
			bridge.Due{Task: "nothing"},
			bridge.Devices{Source: "other", All: []bridge.Device{{ID: "d1"}}}, // taken by a source that speaks
			bridge.Devices{Source: "other", All: []bridge.Device{{ID: "Not an id"}}},
			bridge.Devices{Source: "other", All: []bridge.Device{{ID: "state"}}},
			nil,
		}
		before := len(h.broker.sent)
		for i, fact := range bad {
			report(fact)
			if got := h.Counts().RefusedFacts; got != uint64(i+1) {
				t.Fatalf("%d refused after %T %+v, want %d", got, fact, fact, i+1)
			}
		}
		if got := h.broker.sent[before:]; len(got) != 0 {
			t.Errorf("published %s", said(got))
		}
		report(bridge.State{Ref: ref("bolt"), Value: bridge.Text("LOCKED")}, bridge.State{Ref: ref("mode"), Value: bridge.Text("night")}, bridge.State{Ref: ref("live"), Attributes: map[string]any{"why": "no right"}})
		h.wantOn(topicOf("bolt"), "LOCKED")
		h.wantOn(topicOf("mode"), "night")
		h.wantOn(topicOf("live")+"/attributes", `{"why":"no right"}`)
	})
	bubble(t, "motion clears itself", func(t *testing.T) {
		h, report := reporting(t, nil)
		h.wantOn(topicOf("motion"), "OFF") // in case a crash left an ON
		on := bridge.State{Ref: ref("motion"), Value: bridge.Bool(true)}
		report(on)
		time.Sleep(20 * time.Second)
		report(on)
		h.wantOn(topicOf("motion"), "OFF", "ON", "ON")
		time.Sleep(29 * time.Second)
		h.wantOn(topicOf("motion"), "OFF", "ON", "ON")
		time.Sleep(2 * time.Second)
		h.wantOn(topicOf("motion"), "OFF", "ON", "ON", "OFF")
		report(on)
		report(bridge.State{Ref: ref("motion"), Value: bridge.Bool(false)})
		time.Sleep(time.Minute)
		h.wantOn(topicOf("motion"), "OFF", "ON", "ON", "OFF", "ON", "OFF")
		report(on)
		h.stop() // nobody would clear it later
		if got := said(h.Table().Drain()); len(got) != 1 || got[0] != topicOf("motion")+"=OFF" {
			t.Errorf("after the stop the table says %q, want OFF", got)
		}
	})
	bubble(t, "pictures", func(t *testing.T) {
		h, report := reporting(t, nil)
		report(bridge.Picture{Ref: ref("live"), Bytes: []byte("jpeg"), At: time.Now()})
		report(bridge.Picture{Ref: ref("live"), Bytes: make([]byte, 1000001)})
		report(bridge.Picture{Ref: ref("live"), Bytes: make([]byte, 1000001)})
		h.wantOn(topicOf("live"), "jpeg")
		h.wantOn(topicOf("live")+"/attributes", `{"at":"2000-01-01T00:00:06Z"}`)
		if got := h.Status().Problems; len(got) != 1 || got[0].Topic != topicOf("live") {
			t.Errorf("problems %+v, want one of the picture", got)
		}
		h.broker.lose()
		h.broker.connect()
		h.wantOn(topicOf("live"), "jpeg", "jpeg")
		if got := h.broker.kept(topicOf("live")); got != "" {
			t.Error("the picture was retained")
		}
	})
}

func TestEvents(t *testing.T) {
	ring := func(id string, ago time.Duration) bridge.Happened {
		return bridge.Happened{Ref: ref("ring"), Type: "ring", ID: id, At: time.Now().Add(-ago), Attributes: map[string]any{"bell": 1}}
	}
	const told = `{"at":"2000-01-01T00:00:05Z","bell":1,"event_id":"e1","event_type":"ring"}`
	bubble(t, "H12_once, with the vendor's time", func(t *testing.T) {
		h, report := reporting(t, nil)
		report(ring("e1", time.Second), ring("e1", time.Second))
		report(ring("e1", 0))
		h.wantOn(topicOf("ring"), told)
		h.wantOn(topicOf("ring")+"/attributes", told)
		if h.broker.kept(topicOf("ring")) != "" {
			t.Error("an event was retained")
		}
	})
	bubble(t, "H12_without an id", func(t *testing.T) {
		h, report := reporting(t, nil)
		report(ring("", time.Second), ring("", time.Second), ring("", 2*time.Second))
		if got := len(h.broker.on(topicOf("ring"))); got != 2 {
			t.Errorf("%d events, want 2: their times differ", got)
		}
	})
	bubble(t, "H12_old ones only as attributes, the newest of them", func(t *testing.T) {
		h, report := reporting(t, nil)
		report(ring("e2", 31*time.Second), ring("e1", time.Hour))
		h.wantOn(topicOf("ring"))
		if got := h.broker.on(topicOf("ring") + "/attributes"); len(got) != 1 || !strings.Contains(got[0], "e2") {
			t.Errorf("attributes %q, want those of e2", got)
		}
		report(ring("e3", 29*time.Second))
		if got := len(h.broker.on(topicOf("ring"))); got != 1 {
			t.Errorf("%d events, want 1", got)
		}
	})
	bubble(t, "H12_first poll and outage", func(t *testing.T) {
		var mu sync.Mutex
		var rings []bridge.Fact
		add := func(more ...bridge.Fact) { mu.Lock(); rings = append(rings, more...); mu.Unlock() }
		h := settled(t, nil)
		for i := range 3 {
			add(ring(fmt.Sprint("old", i), time.Duration(i)*time.Second)) // young, but from before the first poll
		}
		a := h.cloud.gate()
		a.Bridge.Tasks = append(a.Bridge.Tasks, bridge.Task{Name: "rings", Every: 10 * time.Second, Do: func(_ context.Context, report bridge.Report) error {
			mu.Lock()
			defer mu.Unlock()
			report(rings...)
			return nil
		}})
		if err := h.Add(a); err != nil {
			t.Fatal(err)
		}
		h.wantOn(topicOf("ring"))
		h.broker.lose()
		add(ring("out1", 0), ring("out2", 0))
		time.Sleep(11 * time.Second)
		h.broker.connect()
		time.Sleep(time.Minute)
		h.wantOn(topicOf("ring"))
		add(ring("new", 0))
		time.Sleep(11 * time.Second)
		if got := h.broker.on(topicOf("ring")); len(got) != 1 || !strings.Contains(got[0], `"new"`) {
			t.Errorf("events %q, want the new one", got)
		}
	})
	bubble(t, "H13_three reconnects resend no event", func(t *testing.T) {
		h, report := reporting(t, nil)
		report(ring("e1", 0))
		h.press(relay1, envelope("PRESS", 0))
		for range 3 {
			h.broker.lose()
			h.broker.connect()
			time.Sleep(time.Second)
		}
		if events, results := len(h.broker.on(topicOf("ring"))), len(h.answers(relay1)); events != 1 || results != 1 {
			t.Errorf("%d events, %d results; want 1 and 1", events, results)
		}
		if got := h.broker.kept(topics.BridgeState()); got != "online" {
			t.Errorf("bridge/state %q, want online", got)
		}
	})
	bubble(t, "many events do not fill the memory", func(t *testing.T) {
		h, report := reporting(t, nil)
		for i := range 3000 {
			report(ring(fmt.Sprint("e", i), 0))
		}
		report(ring("e2999", 0), ring("e1999", 0))
		if got := len(h.broker.on(topicOf("ring"))); got != 3000 {
			t.Errorf("%d events, want 3000: the last 1024 are remembered", got)
		}
	})
}
