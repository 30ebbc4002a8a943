package main_test

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
)

var lastID atomic.Int64

// newID is an id that no command had yet.
func newID() string { return fmt.Sprintf("test-%d-%d", time.Now().UnixNano(), lastID.Add(1)) }

// envelope is what Home Assistant sends for an action.
func envelope(action, id string, at time.Time) string {
	return fmt.Sprintf(`{"action":%q,"id":%q,"sent_at":%d}`, action, id, at.Unix())
}

// ready waits until commands are taken: the settle time after a start, or after a
// new connection, is over. Call it once for each.
func (h *home) ready() {
	h.t.Helper()
	type moments struct {
		Started time.Time `json:"started_at"`
		At      time.Time `json:"accepts_commands_at"`
	}
	var info moments
	h.mqtt.Await(topics.BridgeInfo(), func(m bridgetest.Message) bool {
		info = moments{} // a null leaves a member as it is
		return json.Unmarshal([]byte(m.Payload), &info) == nil && !info.Started.Before(h.started) && info.At.After(h.accepts)
	}, patience)
	h.accepts = info.At
	// The moment itself is the event to wait for; it is given in whole seconds.
	<-time.After(time.Until(info.At.Add(time.Second)))
}

// press sends a fresh envelope to the first relay and returns the result.
func (h *home) press() bridge.Result {
	h.t.Helper()
	id := newID()
	h.mqtt.Publish(topics.Set("gate", relayOne), envelope("PRESS", id, time.Now()), false)
	return h.result(topics.Result("gate", relayOne), id)
}

// call makes a named call by MQTT and returns the result.
func (h *home) call(account, name, args string) bridge.Result {
	h.t.Helper()
	id := newID()
	h.mqtt.Publish(topics.AccountCall(account, name), fmt.Sprintf(`{"id":%q,"sent_at":%d,"args":%s}`, id, time.Now().Unix(), args), false)
	return h.result(topics.AccountResult(account, name), id)
}

// result waits for the result of a command; id "" takes the next one.
func (h *home) result(topic, id string) (r bridge.Result) {
	h.t.Helper()
	h.mqtt.Await(topic, func(m bridgetest.Message) bool {
		r = bridge.Result{}
		return json.Unmarshal([]byte(m.Payload), &r) == nil && (id == "" || r.ID == id)
	}, patience)
	return r
}

// want checks a result and how often the first relay has fired in all.
func (h *home) want(r bridge.Result, reason bridge.Reason, pulses int) {
	h.t.Helper()
	if r.Reason != reason || h.doorbird.AllPulses() != pulses {
		h.t.Errorf("result %s (%s), %d pulses; want %s, %d pulses", r.Reason, r.Message, h.doorbird.AllPulses(), reason, pulses)
	}
}
