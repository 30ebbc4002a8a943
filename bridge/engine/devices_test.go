package engine_test

import (
	"context"
	"errors"
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

// shelf keeps an inventory over restarts and counts what is written.
type shelf struct {
	mu     sync.Mutex
	data   []byte
	writes int
}

func (s *shelf) inventory() engine.Inventory {
	return engine.Inventory{
		Load: func() ([]byte, error) { s.mu.Lock(); defer s.mu.Unlock(); return s.data, nil },
		Save: func(d []byte) error { s.mu.Lock(); defer s.mu.Unlock(); s.data = d; s.writes++; return nil },
	}
}

func sensor(id, via string) bridge.Device {
	return bridge.Device{ID: id, Name: id, Via: via, Entities: []bridge.Entity{{ID: "value", Kind: bridge.Sensor}}}
}

// deviceIDs are the devices of the only account, as hass is told.
func deviceIDs(list []bridge.Listing) string {
	var ids []string
	for _, l := range list {
		for _, d := range l.Devices {
			ids = append(ids, d.ID)
		}
	}
	return strings.Join(ids, " ")
}

func TestDevices(t *testing.T) {
	bubble(t, "a source's list is complete, and what hangs on a device goes with it", func(t *testing.T) {
		h, report := reporting(t, nil)
		report(bridge.Devices{Source: "a", All: []bridge.Device{sensor("system", "")}},
			bridge.Devices{Source: "b", All: []bridge.Device{sensor("camera", "system"), sensor("lens", "camera")}},
			bridge.State{Ref: bridge.Ref{Device: "lens", Entity: "value"}, Value: bridge.Num(1), Attributes: map[string]any{}})
		if got := deviceIDs(h.Inventory()); got != "camera d1 lens system" {
			t.Fatalf("devices %q", got)
		}
		const value = "latchkey/device/gate/lens/value"
		for _, topic := range []string{value, value + "/attributes", "latchkey/device/gate/lens/state"} {
			if h.broker.kept(topic) == "" {
				t.Errorf("%s was not published", topic)
			}
		}
		report(bridge.Devices{Source: "a"})
		if got := deviceIDs(h.Inventory()); got != "d1" {
			t.Errorf("devices %q, want d1", got)
		}
		for topic := range h.broker.retained {
			if strings.Contains(topic, "/lens/") || strings.Contains(topic, "/camera/") || strings.Contains(topic, "/system/") {
				t.Errorf("%s is still on the broker", topic)
			}
		}
	})
	bubble(t, "listed without what it hangs on", func(t *testing.T) {
		h, report := reporting(t, nil)
		report(bridge.Devices{Source: "a", All: []bridge.Device{sensor("system", ""), sensor("camera", "system")}})
		report(bridge.Devices{Source: "a", All: []bridge.Device{sensor("camera", "system")}})
		if got := deviceIDs(h.Inventory()); got != "camera d1" {
			t.Errorf("devices %q, want camera d1", got)
		}
	})
	bubble(t, "an entity that is gone, and one of another kind", func(t *testing.T) {
		h, report := reporting(t, nil)
		two := bridge.Device{ID: "x", Entities: []bridge.Entity{{ID: "a", Kind: bridge.Sensor}, {ID: "b", Kind: bridge.Sensor}, {ID: "c", Kind: bridge.Sensor}}}
		report(bridge.Devices{Source: "s", All: []bridge.Device{two}})
		for _, id := range []string{"a", "b", "c"} {
			report(bridge.State{Ref: bridge.Ref{Device: "x", Entity: id}, Value: bridge.Num(1)})
		}
		two.Entities = []bridge.Entity{{ID: "a", Kind: bridge.Sensor}, {ID: "b", Kind: bridge.Event, Options: []string{"b"}}}
		report(bridge.Devices{Source: "s", All: []bridge.Device{two}})
		got := h.broker.kept("latchkey/device/gate/x/a") + h.broker.kept("latchkey/device/gate/x/b") + h.broker.kept("latchkey/device/gate/x/c")
		if got != "1" {
			t.Errorf("kept %q, want the value of a alone", got)
		}
	})
	bubble(t, "verbs that cannot work are left out", func(t *testing.T) {
		h, report := reporting(t, nil)
		verbs := []bridge.Verb{{Says: "A", Call: "nothing"}, {Says: "B", Call: "relay"}, {Says: "C", Call: "relay", Args: bridge.Args{"number": 10}},
			{Call: "dim", Value: "no"}, {Says: "D", Call: "dim", Value: "level"}, {Call: "dim"}, {Says: "PRESS", Call: "relay", Args: bridge.Args{"number": 3.0}}}
		report(bridge.Devices{Source: "s", All: []bridge.Device{{ID: "x", Entities: []bridge.Entity{
			{ID: "relay_3", Kind: bridge.Button, Verbs: verbs}, {ID: "relay_3", Kind: bridge.Button}, {ID: "token", Kind: bridge.Sensor}}}}})
		l := h.Inventory()[0].Devices[1]
		if len(l.Entities) != 1 || len(l.Entities[0].Verbs) != 1 || h.Counts().RefusedFacts != 1 {
			t.Errorf("entities %+v, %d facts refused; want one entity with one verb, and one refused", l.Entities, h.Counts().RefusedFacts)
		}
		h.press("latchkey/device/gate/x/relay_3/set", "PRESS")
		h.expect("latchkey/device/gate/x/relay_3/set", 1, "ok")
	})
	bubble(t, "one call of two devices must say which", func(t *testing.T) {
		h, report := reporting(t, nil)
		other := station()
		other.ID = "d2"
		report(bridge.Devices{Source: "s", All: []bridge.Device{other}})
		h.press(relay, `{"args":{"number":1}}`)
		h.expect(relay, 0, "unknown_target")
	})
	bubble(t, "reach", func(t *testing.T) {
		h, report := reporting(t, nil)
		const d1 = "latchkey/device/gate/d1/state"
		missed, off, ok := bridge.Reach{Device: "d1"}, bridge.Reach{Device: "d1", Says: true}, bridge.Reach{Device: "d1", OK: true}
		report(missed)
		report(ok)
		report(missed)
		h.wantOn(d1, "online")
		report(missed)
		h.wantOn(d1, "online", "offline")
		h.press(relay1, "PRESS") // the vendor does not say that it is off: try
		h.expect(relay1, 1, "ok")
		report(ok)
		report(off)
		h.wantOn(d1, "online", "offline", "online", "offline")
		h.press(relay2, "PRESS")
		h.expect(relay2, 1, "offline")
		renamed := station()
		renamed.Name = "Back gate"
		report(bridge.Devices{Source: "toy", All: []bridge.Device{renamed}})
		h.wantOn(d1, "online", "offline", "online", "offline")
	})
}

func TestInventory(t *testing.T) {
	bubble(t, "published before the cloud answers, written only when changed", func(t *testing.T) {
		s := &shelf{}
		var told []string
		withShelf := func(o *engine.Options, _ *engine.Account) {
			o.Inventory = s.inventory()
			o.OnInventory = func(l []bridge.Listing) { told = append(told, deviceIDs(l)) }
		}
		h := settled(t, withShelf)
		h.stop()
		first := s.writes
		told = nil
		h = quietly(t, func(o *engine.Options, a *engine.Account) {
			withShelf(o, a)
			a.Bridge.Tasks[0].Do = func(context.Context, bridge.Report) error { return errors.New("the cloud is away") }
		})
		h.broker.connect()
		time.Sleep(6 * time.Second)
		if diff := cmp.Diff([]string{"d1"}, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		h.press(relay1, envelope("PRESS", 0)) // arguments have survived being stored
		h.press(relay, `{"args":{"number":2}}`)
		h.expect(relay, 2, "ok")
		time.Sleep(time.Hour)
		if got := deviceIDs(h.Inventory()); got != "d1" || s.writes != first {
			t.Errorf("after an hour without a cloud: devices %q, %d more writes; want d1, none", got, s.writes-first)
		}
		h.stop()
		h = settled(t, withShelf)
		h.stop()
		if first == 0 || s.writes != first {
			t.Errorf("%d writes, then %d although nothing changed", first, s.writes-first)
		}
	})
	bubble(t, "an account that is no longer configured", func(t *testing.T) {
		s := &shelf{}
		h := settled(t, func(o *engine.Options, _ *engine.Account) { o.Inventory = s.inventory() })
		h.stop()
		h = quietly(t, func(o *engine.Options, a *engine.Account) { o.Inventory = s.inventory(); a.ID = "other" })
		cleared := strings.Join(said(h.Table().All()), "\n") + "\n"
		for _, topic := range []string{"latchkey/account/gate/state", "latchkey/account/gate/token", "latchkey/device/gate/d1/state", topicOf("label"), topicOf("label") + "/attributes"} {
			if !strings.Contains(cleared, topic+"=\n") {
				t.Errorf("%s was not cleared", topic)
			}
		}
	})
	bubble(t, "a source that the configuration no longer has", func(t *testing.T) {
		s := &shelf{}
		h := settled(t, func(o *engine.Options, _ *engine.Account) { o.Inventory = s.inventory() })
		h.stop()
		h = quietly(t, func(o *engine.Options, a *engine.Account) {
			o.Inventory = s.inventory()
			a.Bridge.Tasks = nil
			a.Gone = func(source string) bool { return source == "toy" }
		})
		if got := deviceIDs(h.Inventory()); got != "" {
			t.Errorf("devices %q, want none", got)
		}
	})
	bubble(t, "a newer vendor calls its source otherwise", func(t *testing.T) {
		s := &shelf{}
		h := settled(t, func(o *engine.Options, _ *engine.Account) { o.Inventory = s.inventory() })
		h.stop()
		h = settled(t, func(o *engine.Options, a *engine.Account) {
			o.Inventory = s.inventory()
			a.Bridge.Tasks[0].Do = func(_ context.Context, report bridge.Report) error {
				report(bridge.Devices{Source: "station", All: []bridge.Device{station()}})
				return nil
			}
		})
		if n := h.Counts().RefusedFacts; n != 0 || deviceIDs(h.Inventory()) != "d1" {
			t.Errorf("%d facts refused, devices %q", n, deviceIDs(h.Inventory()))
		}
	})
	bubble(t, "arguments keep their digits", func(t *testing.T) {
		s := &shelf{}
		big := bridge.Device{ID: "big", Entities: []bridge.Entity{{ID: "a", Kind: bridge.Button, Verbs: []bridge.Verb{{Says: "PRESS", Call: "dim", Args: bridge.Args{"level": int64(1<<60 + 1)}}}}}}
		h, report := reporting(t, func(o *engine.Options, _ *engine.Account) { o.Inventory = s.inventory() })
		report(bridge.Devices{Source: "s", All: []bridge.Device{big}})
		h.stop()
		h = settled(t, func(o *engine.Options, _ *engine.Account) { o.Inventory = s.inventory() })
		h.press("latchkey/device/gate/big/a/set", "PRESS")
		if n := h.cloud.moves[fmt.Sprint("level ", int64(1<<60+1))]; n != 1 {
			t.Errorf("moved %v", h.cloud.moves)
		}
	})
	for name, stored := range map[string]string{"damaged": `{"format":1,`, "of another format": `{"format":9}`, "empty": `{"format":1}`} {
		bubble(t, "stored form "+name, func(t *testing.T) {
			h := settled(t, func(o *engine.Options, _ *engine.Account) { o.Inventory = (&shelf{data: []byte(stored)}).inventory() })
			if got := deviceIDs(h.Inventory()); got != "d1" {
				t.Errorf("devices %q, want d1", got)
			}
		})
	}
}

func TestReplaceAnAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var late bridge.Report // a vendor's goroutine that outlives its account
		h, report := reporting(t, func(_ *engine.Options, a *engine.Account) {
			list := a.Bridge.Tasks[0].Do
			a.Bridge.Tasks[0].Do = func(ctx context.Context, r bridge.Report) error { late = r; return list(ctx, r) }
		})
		report(bridge.State{Ref: ref("label"), Value: bridge.Text("Gate")})
		again := h.cloud.gate()
		again.Bridge.Tasks, again.Name = nil, "Other name"
		if err := h.Add(again); err != nil {
			t.Fatal(err)
		}
		late(bridge.State{Ref: ref("label"), Value: bridge.Text("late")})
		h.press(relay1, "PRESS")
		h.expect(relay1, 1, "ok")
		h.wantOn(topicOf("label"), "Gate")
		h.wantOn("latchkey/device/gate/d1/state", "online")
		if got := h.Inventory(); len(got) != 1 || got[0].Name != "Other name" || deviceIDs(got) != "d1" {
			t.Errorf("inventory %+v", got)
		}
		h.Remove("gate", true)
		synctest.Wait()
		h.press(relay2, "PRESS")
		h.expect(relay2, 1, "unknown_target")
		for topic := range h.broker.retained {
			if topic != topics.BridgeState() && topic != topics.BridgeInfo() {
				t.Errorf("%s is still on the broker", topic)
			}
		}
		if info := h.broker.kept(topics.BridgeInfo()); !strings.Contains(info, `"accounts":[]`) {
			t.Errorf("bridge/info %s", info)
		}
		h.Remove("gate", true)
	})
}

// A stop that comes while an earlier state is being saved loses nothing.
func TestInventorySavedAtStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s shelf
		keep := s.inventory()
		slow := keep
		slow.Save = func(d []byte) error { time.Sleep(time.Second); return keep.Save(d) } // a disk of a small machine
		e := engine.New(engine.Options{Topics: bridge.Topics{Prefix: "latchkey"}, Inventory: slow})
		list := bridge.Task{Name: "list", Every: time.Hour, Do: func(_ context.Context, report bridge.Report) error {
			report(bridge.Devices{Source: "list", All: []bridge.Device{sensor("d1", "")}})
			return nil
		}}
		if err := e.Add(engine.Account{ID: "gate", Bridge: bridge.Account{Tasks: []bridge.Task{list}}}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		time.Sleep(100 * time.Millisecond) // the state of the start, without devices, is on its way to the disk
		e.Health("gate", bridge.Health{State: bridge.Valid})
		synctest.Wait()
		if got := deviceIDs(e.Inventory()); got != "d1" {
			t.Fatalf("devices %q, want d1", got)
		}
		stop()
		<-ended
		if !strings.Contains(string(s.data), `"d1"`) {
			t.Errorf("saved: %s, want d1 in it", s.data)
		}
	})
}
