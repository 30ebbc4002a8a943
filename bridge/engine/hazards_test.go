package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/engine"
)

// TestHazards shows, for each hazard that the engine alone can show, how often
// something moved and the one result.
func TestHazards(t *testing.T) {
	bubble(t, "H01_retained", func(t *testing.T) {
		h := quietly(t, nil)
		h.send(relay1, "PRESS", true)
		h.broker.connect()
		h.expect(relay1, 0, "retained")
		if kept := h.broker.kept(relay1); kept != "" {
			t.Errorf("the broker still holds %q", kept)
		}
		if info := h.broker.kept(topics.BridgeInfo()); !strings.Contains(info, `"code":"retained","topic":"`+relay1+`"`) {
			t.Errorf("bridge/info does not name the topic: %s", info)
		}
		time.Sleep(6 * time.Second)
		h.press(relay1, envelope("PRESS", 0))
		h.expect(relay1, 1, "retained ok")
	})
	bubble(t, "H01_retained, on reconnect, whatever the payload", func(t *testing.T) {
		for _, payload := range []string{"PRESS", `{"action":"PRESS"}`, "nonsense", strings.Repeat("x", 100000)} {
			h := settled(t, nil)
			h.broker.lose()
			h.send(relay1, payload, true)
			h.broker.connect()
			h.expect(relay1, 0, "retained")
			h.stop()
		}
	})
	bubble(t, "H01_retained, cleared three times an hour", func(t *testing.T) {
		h := settled(t, nil)
		for range 5 {
			h.send(relay1, envelope("PRESS", 0), true)
			time.Sleep(10 * time.Second) // the audit finds it
		}
		h.expect(relay1, 5, "ok retained ok retained ok retained ok retained ok retained")
		if n := len(h.broker.on(relay1)); n != 3 {
			t.Errorf("the topic was cleared %d times, want 3", n)
		}
		if h.broker.kept(relay1) == "" {
			t.Error("want the last copy left on the broker")
		}
		time.Sleep(time.Hour)
		h.send(relay1, envelope("PRESS", 0), true)
		time.Sleep(10 * time.Second)
		if h.broker.kept(relay1) != "" {
			t.Error("want it cleared again after an hour")
		}
	})
	bubble(t, "H01_retained, not ours", func(t *testing.T) {
		h := quietly(t, nil)
		const other = "latchkey/device/gate/d1/nothing/set"
		h.send(other, "PRESS", true)
		h.broker.connect()
		h.expect(other, 0, "unknown_target")
		if h.broker.kept(other) == "" {
			t.Error("a topic that is not ours was cleared")
		}
	})
	for _, age := range []struct {
		ago    time.Duration
		pulses int
		reason string
	}{{9900 * time.Millisecond, 1, "ok"}, {10 * time.Second, 1, "ok"}, {10100 * time.Millisecond, 0, "stale"}, {time.Hour, 0, "stale"}} {
		bubble(t, "H03_late at the sender "+age.ago.String(), func(t *testing.T) {
			h := settled(t, nil)
			time.Sleep(2 * time.Hour)
			h.press(relay1, envelope("PRESS", age.ago))
			h.expect(relay1, age.pulses, age.reason)
		})
	}
	bubble(t, "H04_held back by the broker", func(t *testing.T) {
		h := settled(t, nil)
		payload := envelope("PRESS", 0)
		time.Sleep(12 * time.Second)
		h.press(relay1, payload)
		h.expect(relay1, 0, "stale")
	})
	bubble(t, "H05_duplicate", func(t *testing.T) {
		h := settled(t, nil)
		payload := envelope("PRESS", 0)
		h.press(relay1, payload)
		time.Sleep(5 * time.Second)
		h.press(relay1, payload)
		h.expect(relay1, 1, "ok duplicate")
	})
	bubble(t, "H05_duplicate, by another topic", func(t *testing.T) {
		h := settled(t, nil)
		sent := fmt.Sprintf(`"id":"one","sent_at":%d`, time.Now().Unix())
		h.press(relay1, `{"action":"PRESS",`+sent+`}`)
		time.Sleep(2 * time.Second)
		h.press(relay, `{"args":{"number":2},`+sent+`}`)
		h.expect(relay, 1, "duplicate")
	})
	bubble(t, "H05_duplicate, a restart between", func(t *testing.T) {
		h := settled(t, nil)
		payload := envelope("PRESS", -4*time.Second) // the sender's clock is ahead
		h.press(relay1, payload)
		h.expect(relay1, 1, "ok")
		h.stop()
		again := settled(t, nil)
		again.press(relay1, payload)
		again.expect(relay1, 0, "stale")
	})
	bubble(t, "H06_retain by mistake", func(t *testing.T) {
		h := settled(t, nil)
		h.send(relay1, envelope("PRESS", 0), true)
		h.expect(relay1, 1, "ok")
		if h.broker.kept(relay1) == "" {
			t.Fatal("want the copy on the broker before the audit")
		}
		time.Sleep(1900 * time.Millisecond)
		h.expect(relay1, 1, "ok")
		time.Sleep(200 * time.Millisecond)
		h.expect(relay1, 1, "ok retained")
		if h.broker.kept(relay1) != "" {
			t.Error("the copy was not cleared")
		}
		time.Sleep(time.Second)
		h.press(relay2, envelope("PRESS", 0)) // the audit opens no settle window
		h.expect(relay2, 2, "ok")
	})
	bubble(t, "H06_retain audit, a burst is one audit", func(t *testing.T) {
		var audits []string
		h := settled(t, func(o *engine.Options, _ *engine.Account) {
			o.Audit = func(filter string) {
				audits = append(audits, fmt.Sprintf("%s at %s", filter, time.Now().Format("05.0")))
			}
		})
		for range 20 {
			h.press(relay1, envelope("PRESS", 0))
			time.Sleep(50 * time.Millisecond)
		}
		h.press("latchkey/bridge/call/announce", "")
		time.Sleep(time.Minute)
		synctest.Wait()
		got := strings.Join(audits, ", ")
		if want := "latchkey/device/+/+/+/set at 08.0, latchkey/bridge/call/+ at 09.0"; got != want {
			t.Errorf("audits %q, want %q", got, want)
		}
	})
	bubble(t, "H06_retain audit, a new connection is one", func(t *testing.T) {
		var audits []string
		h := settled(t, func(o *engine.Options, _ *engine.Account) {
			o.Audit = func(filter string) { audits = append(audits, filter) }
		})
		h.press(relay1, envelope("PRESS", 0))
		h.broker.lose()
		h.broker.connect()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(audits) != 0 {
			t.Errorf("audits %q after the filters were subscribed anew, want none", audits)
		}
		h.press(relay1, envelope("PRESS", 0))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if len(audits) != 1 {
			t.Errorf("audits %q after a press, want one", audits)
		}
	})
	bubble(t, "H07_wildcards, other names and payloads", func(t *testing.T) {
		h := settled(t, nil)
		h.press("latchkey/device/gate/d1/+/set", "PRESS")
		h.press("latchkey/device/gate/d1/Relay_1/set", "PRESS")
		h.press("latchkey/device/gate/d1/relay_1/set/x", "PRESS")
		for _, payload := range []string{"press", "PRESS ", "1", "true", "OPEN", "TOGGLE", `"PRESS"`, `["PRESS"]`, strings.Repeat("P", 2000)} {
			h.press(relay1, payload)
		}
		h.expect(relay1, 0, strings.TrimSpace(strings.Repeat("malformed ", 9)))
	})
	bubble(t, "H18_reload", func(t *testing.T) {
		loads := 0
		h := quietly(t, func(o *engine.Options, _ *engine.Account) { o.Reload = func() error { loads++; return nil } })
		const reload = "latchkey/bridge/call/reload"
		h.send(reload, "{}", true)
		h.broker.connect()
		time.Sleep(6 * time.Second)
		h.expect(reload, 0, "retained")
		h.press(reload, "")
		time.Sleep(9 * time.Second)
		h.press(reload, "")
		time.Sleep(time.Second)
		h.press(reload, "")
		h.expect(reload, 0, "retained ok too_soon ok")
		if loads != 2 {
			t.Errorf("%d loads, want 2", loads)
		}
	})
	bubble(t, "H20_burst", func(t *testing.T) {
		h := settled(t, nil)
		for range 100 {
			h.press(relay1, envelope("PRESS", 0))
			time.Sleep(5 * time.Millisecond)
		}
		h.expect(relay1, 1, "ok"+strings.Repeat(" too_soon", 99))
	})
	bubble(t, "H20_burst, by two ways", func(t *testing.T) {
		h := settled(t, nil)
		h.press(relay1, envelope("PRESS", 0))
		h.press(relay, `{"args":{"number":1}}`)
		h.expect(relay, 1, "too_soon")
		h.press(relay2, envelope("PRESS", 0))
		h.expect(relay2, 2, "ok")
	})
	bubble(t, "H20_10,000 presses at once", func(t *testing.T) {
		h := settled(t, nil)
		for range 10000 {
			h.broker.publish(relay1, "PRESS", false)
		}
		synctest.Wait()
		counts := h.Counts()
		answered := uint64(len(h.answers(relay1)))
		if h.cloud.pulses() != 1 || answered+counts.Overflow != 10000 || counts.DroppedEvents != 0 || strings.Count(h.reasons(relay1), "ok") != 1 {
			t.Errorf("%d pulses, %d answered, %d overflowed; want 1 pulse, ok once and 10000 in all", h.cloud.pulses(), answered, counts.Overflow)
		}
		if n := strings.Count(h.broker.kept(topics.BridgeInfo()), `"overflow"`); counts.Overflow > 0 && n != 1 {
			t.Errorf("the overflow is reported %d times, want once", n)
		}
	})
	bubble(t, "H22_clearing", func(t *testing.T) {
		h := settled(t, nil)
		for _, topic := range []string{relay, light} {
			h.send(topic, "", true) // by hand
			h.expect(topic, 0, "malformed")
		}
		h.send(relay1, "", true)
		h.expect(relay1, 0, "")
		if n := h.Counts().EmptySet; n != 1 {
			t.Errorf("%d empty messages on set counted, want 1", n)
		}
	})
	bubble(t, "H22_our own clearing is swallowed once", func(t *testing.T) {
		h := settled(t, nil)
		const info = "latchkey/account/gate/call/info" // an empty message is a valid command here
		h.send(info, "{}", true)
		h.expect(info, 0, "ok")
		time.Sleep(2100 * time.Millisecond)
		h.expect(info, 0, "ok retained")
		if n := h.Counts().OwnClear; n != 1 {
			t.Fatalf("%d own clearings swallowed, want 1", n)
		}
		h.press(info, "")
		h.expect(info, 0, "ok retained settling")
		time.Sleep(2 * time.Second)
		h.press(info, "")
		h.expect(info, 0, "ok retained settling ok")
	})
	bubble(t, "H22_a moving call needs args", func(t *testing.T) {
		h := settled(t, nil)
		h.press(light, "{}")
		h.press(light, `{"id":"a","sent_at":1}`)
		h.expect(light, 0, "malformed malformed")
		h.press(light, `{"args":{}}`)
		h.expect(light, 1, "malformed malformed ok")
	})
}

func withPermissions(rules ...bridge.Permission) func(*engine.Options, *engine.Account) {
	return func(_ *engine.Options, a *engine.Account) { a.Permissions = rules }
}
