package main_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird/doorbirdsim"
)

// aBolt is a lock of the configuration; unlocking it is not permitted.
const aBolt = `
    permissions: [{entity: bolt, actions: [UNLOCK], allow: false}]
    operations:
      bolt: {http: GET /test/bolt, for: station, every: 30s}
      lock: {write: true, http: POST /test/bolt/lock, for: station}
      unlock: {write: true, http: POST /test/bolt/unlock, for: station}
    entities:
      - {id: bolt, platform: lock, name: Bolt, for: station, from: bolt, value: .state, verbs: [{says: LOCK, call: lock}, {says: UNLOCK, call: unlock}]}
`

var bolt = bridge.Ref{Device: station, Entity: "bolt"}

// boltMoves adds a bolt to the simulated cloud. It says UNLOCKED whatever it is
// told; the counter is how often it was told.
func (h *trial) boltMoves() *atomic.Int64 {
	h.configure(aBolt)
	moves := new(atomic.Int64)
	h.doorbird.Faults.Add(simkit.Fault{On: "GET /test/bolt", Times: simkit.Always, Do: simkit.Status(200, "application/json", `{"state":"UNLOCKED"}`)})
	h.doorbird.Faults.Add(simkit.Fault{On: "POST /test/bolt/*", Times: simkit.Always, Do: func(e *simkit.Exchange) {
		moves.Add(1)
		e.Send(simkit.JSON(200, map[string]bool{"accepted": true}))
	}})
	return moves
}

// turn sends the bolt a command and checks result and moves.
func (h *trial) turn(payload string, moves *atomic.Int64, reason bridge.Reason, want int64) {
	h.t.Helper()
	h.mqtt.Publish(topics.Set("gate", bolt), payload, false)
	if r := h.result(topics.Result("gate", bolt), ""); r.Reason != reason || moves.Load() != want {
		h.t.Errorf("%s: %s (%s), moved %d times; want %s, %d", payload, r.Reason, r.Message, moves.Load(), reason, want)
	}
}

// H11: a relay is a button; a lock shows what the vendor says, never what was asked
// for.
func noInventedState(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	moves := h.boltMoves()
	h.begin()
	state := topics.Value("gate", bolt)
	h.mqtt.Await(state, bridgetest.Payload("UNLOCKED"), patience)
	h.turn(envelope("LOCK", newID(), time.Now()), moves, bridge.ReasonOK, 1)
	h.awaitRequests("GET /test/bolt", 1+h.doorbird.Log.Count("GET /test/bolt")) // the next look, up to 30 s
	for _, m := range h.mqtt.Messages() {
		if m.Topic == state && m.Payload != "UNLOCKED" {
			t.Errorf("the bolt was shown as %q; it never was", m.Payload)
		}
		if strings.HasPrefix(m.Topic, topics.Value("gate", relayOne)) && !strings.HasSuffix(m.Topic, "/set") && !strings.HasSuffix(m.Topic, "/result") {
			t.Errorf("a relay has no state, but %s is %q", m.Topic, m.Payload)
		}
	}
	h.mqtt.Await("homeassistant/device/latchkey_home_gate_"+station+"/config", func(m bridgetest.Message) bool {
		return contains(`"platform":"button"`)(m) && contains(`"platform":"lock"`)(m) && !contains(`"optimistic":true`)(m) && contains(`"state_topic":"`+state+`"`)(m)
	}, patience)
}

// H17: the locking side passes the same checks: a wrong LOCK keeps an owner out.
func lockingSide(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	moves := h.boltMoves()
	h.begin()
	h.mqtt.Await(topics.Value("gate", bolt), bridgetest.Payload("UNLOCKED"), patience)
	h.stop()
	h.mqtt.Publish(topics.Set("gate", bolt), envelope("LOCK", newID(), time.Now()), true)
	h.start()
	if r := h.result(topics.Result("gate", bolt), ""); r.Reason != bridge.ReasonRetained {
		t.Errorf("a retained LOCK: %s (%s)", r.Reason, r.Message)
	}
	h.turn(envelope("LOCK", newID(), time.Now()), moves, bridge.ReasonSettling, 0)
	h.ready()
	id := newID()
	h.turn(envelope("LOCK", newID(), time.Now().Add(-11*time.Second)), moves, bridge.ReasonStale, 0)
	h.turn(envelope("LOCK", newID(), time.Now().Add(time.Minute)), moves, bridge.ReasonClock, 0)
	h.turn("TOGGLE", moves, bridge.ReasonMalformed, 0)
	h.turn(envelope("UNLOCK", newID(), time.Now()), moves, bridge.ReasonDenied, 0)
	payload := envelope("LOCK", id, time.Now())
	h.turn(payload, moves, bridge.ReasonOK, 1)
	h.turn(payload, moves, bridge.ReasonDuplicate, 1)
	h.turn(envelope("LOCK", newID(), time.Now()), moves, bridge.ReasonTooSoon, 1)
	until(time.Now().Add(1100 * time.Millisecond))
	h.doorbird.Faults.Clear()
	h.doorbird.Faults.Add(simkit.Fault{On: "POST /test/bolt/*", Do: func(e *simkit.Exchange) { moves.Add(1); e.Cut() }})
	h.turn(envelope("LOCK", newID(), time.Now()), moves, bridge.ReasonNoAnswer, 2)
}

// pushed makes the cloud push rings and motion to the gate's account.
func (h *trial) pushed() {
	h.t.Helper()
	h.configure("    options: {push_key: hazard-push-key}\n")
	h.doorbird.Change(func(habits *doorbirdsim.Habits) {
		habits.Push = doorbirdsim.Push{URL: "http://" + h.page + "/hooks/doorbird/gate", Key: "hazard-push-key"}
	})
}

// ring rings the bell. Nobody may be at home to hear it.
func (h *trial) ring(at time.Time) {
	_ = h.doorbird.Happen(context.Background(), doorbirdsim.Event{Station: doorbirdsim.DemoMAC, Kind: "doorbell", Param: "1", At: at})
}

var bell = bridge.Ref{Device: station, Entity: "ring"}

// rings are the rings that a watcher saw.
func rings(c *bridgetest.Client) (n int) {
	for _, m := range c.Messages() {
		if m.Topic == topics.Value("gate", bell) && m.Payload != "" {
			n++
		}
	}
	return n
}

// H12: rings that are over ring for nobody.
func phantomRing(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.pushed()
	for range 3 {
		h.ring(time.Time{}) // before the first start
	}
	h.begin()
	h.ring(time.Now().Add(-time.Minute)) // told late
	h.away()
	for range 2 {
		h.ring(time.Time{}) // during an outage
	}
	h.wire.Start()
	h.openAgain(patience)
	if n := rings(h.mqtt); n != 0 {
		t.Errorf("%d rings published, want none: all are over", n)
	}
	h.ring(time.Time{})
	m := h.mqtt.Await(topics.Value("gate", bell), nil, patience)
	if m.Retained || rings(h.mqtt) != 1 {
		t.Errorf("%d rings (retained %v), want the one of now", rings(h.mqtt), m.Retained)
	}
	if kept := h.mqtt.Retained(topics.Value("gate", bell)); len(kept) != 0 {
		t.Errorf("the broker keeps a ring: %v", kept)
	}
}

// H13: three reconnects, a birth of Home Assistant and an announce: states come
// again, events never, and nothing moves.
func resentEvents(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.pushed()
	h.begin()
	h.ring(time.Time{})
	h.mqtt.Await(topics.Value("gate", bell), nil, patience)
	for range 3 {
		h.mqtt.Skip()
		h.wire.Cut()
		h.mqtt.Await(topics.BridgeState(), bridgetest.Payload("offline"), patience)
		h.mqtt.Await(topics.BridgeState(), bridgetest.Payload("online"), patience)
	}
	t.Log("Home Assistant restarts")
	document := "homeassistant/device/latchkey_home_gate_" + station + "/config"
	h.mqtt.Skip()
	h.mqtt.Publish("homeassistant/status", "offline", false)
	h.mqtt.Publish("homeassistant/status", "online", false)
	h.mqtt.Await(document, nil, patience)
	h.openAgain(patience)
	h.mqtt.Skip()
	h.mqtt.Publish("latchkey/bridge/call/announce", "", false)
	h.refused(h.result(topics.BridgeResult("announce"), ""), bridge.ReasonOK)
	h.mqtt.Await(document, nil, patience)
	if n := rings(h.mqtt); n != 1 {
		t.Errorf("the ring was published %d times, want once", n)
	}
}

// H15: nothing opens but a command that says so: no ring, no motion, no light, no
// birth, no state of others; and no document offers a toggle.
func noIndirectOpening(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.pushed()
	h.begin()
	h.ring(time.Time{})
	h.mqtt.Await(topics.Value("gate", bell), nil, patience)
	_ = h.doorbird.Motion(context.Background(), doorbirdsim.DemoMAC) // a hook that fails is the station's business
	_ = h.doorbird.Opened(context.Background(), doorbirdsim.DemoMAC, 1)
	for topic, payload := range map[string]string{
		"homeassistant/status": "online", topics.BridgeState(): "offline", topics.Value("gate", bell): `{"event_type":"ring"}`,
		topics.Value("gate", relayOne): "ON", topics.DeviceState("gate", station): "offline", topics.AccountState("gate"): "online",
	} {
		h.mqtt.Publish(topic, payload, false)
	}
	light := bridge.Ref{Device: station, Entity: "light"}
	h.mqtt.Publish(topics.Set("gate", light), "PRESS", false)
	h.refused(h.result(topics.Result("gate", light), ""), bridge.ReasonOK)
	for _, verb := range []string{"TOGGLE", "toggle", "ON", "OFF", "OPEN", "UNLOCK"} {
		r := h.send(fmt.Sprintf(`{"action":%q}`, verb), "")
		h.refused(r, bridge.ReasonMalformed)
	}
	if n := h.doorbird.Log.Count("POST /relay/*"); n != 0 {
		t.Errorf("%d requests to relays, want none", n)
	}
	for _, m := range h.mqtt.Messages() {
		if strings.HasPrefix(m.Topic, "homeassistant/") && strings.Contains(strings.ToUpper(m.Payload), "TOGGLE") {
			t.Errorf("%s offers a toggle", m.Topic)
		}
	}
	h.open()
}
