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

// TestRefusalsNameTheirCommand: who sends an id finds the answer by it, also where
// the command was refused before it was read.
func TestRefusalsNameTheirCommand(t *testing.T) {
	const unknown, info = "latchkey/device/gate/d1/relay_7/set", "latchkey/account/gate/call/info"
	large := strings.Repeat(" ", 1100)
	for _, row := range []struct {
		name, topic, payload string
		replay, settled      bool
		want                 string
	}{
		{"settling", relay1, `{"action":"PRESS","id":"a","sent_at":1}`, false, false, "settling a"},
		{"settling, a call", relay, `{"id":"a","args":{"number":1}}`, false, false, "settling a"},
		{"settling, plain", relay1, `PRESS`, false, false, "settling "},
		{"settling, no id of an envelope", relay1, `{"action":"PRESS","id":"a b"}`, false, false, "settling "},
		{"unknown target", unknown, `{"action":"PRESS","id":"a"}`, false, true, "unknown_target a"},
		{"malformed", relay1, `{"action":"press","id":"a"}`, false, true, "malformed a"},
		{"too large", relay1, `{"action":"PRESS","id":"a"}` + large, false, true, "malformed "},
		{"too large for a target that is not there", unknown, `{"id":"a"}` + large, false, true, "unknown_target "},
		{"a replay is not read", relay1, `{"action":"PRESS","id":"a"}`, true, true, "retained "},
		{"done", info, `{"id":"a"}`, false, true, "ok a"},
	} {
		bubble(t, row.name, func(t *testing.T) {
			h := quietly(t, nil)
			h.broker.connect()
			if row.settled {
				time.Sleep(6 * time.Second)
			}
			h.Deliver(bridge.Incoming{Topic: row.topic, Payload: []byte(row.payload), Retained: row.replay})
			synctest.Wait()
			if a := h.answers(row.topic); len(a) != 1 || a[0].Reason+" "+a[0].ID != row.want {
				t.Errorf("answers %+v, want %q", a, row.want)
			}
		})
	}
	bubble(t, "such an id is not used up", func(t *testing.T) {
		h := quietly(t, nil)
		h.broker.connect()
		h.press(relay1, `{"action":"PRESS","id":"a"}`)
		time.Sleep(6 * time.Second)
		h.press(relay1, `{"action":"PRESS","id":"a"}`)
		h.expect(relay1, 1, "settling ok")
	})
}

// TestAnswersOfAFlood: while the link takes no more, refusals are counted and
// nothing else is lost: not the result of what has moved, and no event.
func TestAnswersOfAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := settled(t, nil)
		h.broker.pause(true)
		h.Table().Put(event("bell", "ring"))
		h.press(relay1, envelope("PRESS", 0))
		for i := range 3000 {
			h.Deliver(bridge.Incoming{Topic: relay2, Payload: fmt.Append(nil, "noise ", i)})
			synctest.Wait()
		}
		h.press(relay2, envelope("PRESS", 0))
		h.broker.pause(false)
		synctest.Wait()
		h.expect(relay1, 2, "ok")
		answers, counts := h.answers(relay2), h.Counts()
		if n := len(answers); n == 0 || answers[n-1].Reason != "ok" || len(h.broker.on("bell")) != 1 {
			t.Errorf("%d answers and %d rings; want the last answer ok, and the ring", n, len(h.broker.on("bell")))
		}
		if got := len(answers) + int(counts.Overflow); got != 3001 || counts.DroppedEvents != 0 || counts.Results["malformed"]+counts.Overflow != 3000 {
			t.Errorf("%d answers for 3001 commands, %+v: want all the others counted as overflow", len(answers), counts)
		}
		if info := h.broker.kept(topics.BridgeInfo()); strings.Count(info, `"code":"overflow"`) != 1 {
			t.Errorf("bridge/info does not tell of it once: %s", info)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.opened) != 3002 {
			t.Errorf("the opening log was told of %d commands, want all 3002", len(h.opened))
		}
	})
}

// TestAnswersOfAStop: the link outlives the guard, and what comes meanwhile is
// answered too.
func TestAnswersOfAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := settled(t, nil)
		h.stop()
		for _, topic := range []string{relay1, "latchkey/device/gate/d1/relay_7/set"} {
			h.Deliver(bridge.Incoming{Topic: topic, Payload: []byte(`{"action":"PRESS","id":"late"}`)})
		}
		h.Deliver(bridge.Incoming{Topic: relay2})
		h.broker.take(h.Table().Drain())
		h.expect(relay1, 0, "busy")
		h.expect("latchkey/device/gate/d1/relay_7/set", 0, "unknown_target")
		h.expect(relay2, 0, "")
		if a := h.answers(relay1)[0]; a.ID != "late" || a.Entity != "relay_1" || h.Counts().EmptySet != 1 {
			t.Errorf("answer %+v", a)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.opened) != 1 || h.opened[0].Check != "queue" || h.opened[0].Source != engine.FromMQTT {
			t.Errorf("opening log %+v, want the press", h.opened)
		}
	})
}
