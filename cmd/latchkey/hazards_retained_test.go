package main_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
)

// H1: the broker plays a retained open back at every subscribe.
func retained(t *testing.T, sum *openings) {
	bridgetest.Brokers(t, func(t *testing.T, broker bridgetest.Broker) {
		n := newNaive(t, broker.URL(), "naive/open", bridgetest.ClientOptions{}, nil)
		n.mqtt.Close()
		h := newTrial(t, sum, broker.URL())
		h.mqtt.Publish("naive/open", "PRESS", true)
		n.start(broker.URL())
		sum.danger(n.opened(1))

		h.begin()
		h.open()
		set, result := h.gate()
		gone := func() {
			t.Helper()
			h.refused(h.result(result, ""), bridge.ReasonRetained)
			h.mqtt.Await(set, bridgetest.Payload(""), patience) // latchkey clears it
			if kept := h.mqtt.Retained(set); len(kept) != 0 {
				t.Errorf("the broker still holds %v", kept)
			}
			h.refused(h.send("PRESS", ""), bridge.ReasonSettling) // by now it knows that the topic is cleared
		}
		t.Log("at a start")
		h.stop()
		h.mqtt.Publish(set, envelope("PRESS", newID(), time.Now()), true)
		h.start()
		gone()
		h.mqtt.Await(topics.BridgeInfo(), contains(`"code":"retained","topic":"`+set+`"`), patience)
		for _, payload := range []string{"PRESS", strings.Repeat("x", 100_000)} {
			t.Logf("at a new connection, %d bytes", len(payload))
			h.away()
			h.mqtt.Publish(set, payload, true)
			h.wire.Start()
			gone()
		}
		h.openAgain(patience)
	})
}

// H6: somebody presses with retain by mistake. The press counts; its copy at the
// broker must not open at the next start.
func retainedByMistake(t *testing.T, sum *openings) {
	broker := stock(t)
	n := newNaive(t, broker.URL(), "naive/open", bridgetest.ClientOptions{}, nil)
	h := newTrial(t, sum, broker.URL())
	h.mqtt.Publish("naive/open", "PRESS", true)
	n.opened(1) // as asked
	n.mqtt.Close()
	n.start(broker.URL())
	sum.danger(n.opened(1))

	h.begin()
	set, result := h.gate()
	id := newID()
	h.mqtt.Publish(set, envelope("PRESS", id, time.Now()), true)
	h.asked++
	h.want(h.result(result, id), bridge.ReasonOK, 1)
	h.refused(h.result(result, ""), bridge.ReasonRetained) // the audit has found the copy
	h.mqtt.Await(set, bridgetest.Payload(""), patience)
	h.mqtt.Await(topics.BridgeInfo(), contains(`"code":"retained","topic":"`+set+`"`), patience)
	h.stop()
	h.start()
	h.ready()
	h.open()
	if kept := h.mqtt.Retained(set); len(kept) != 0 {
		t.Errorf("the broker still holds %v", kept)
	}
}

// H18: a retained `reload` would be one at every connection.
func retainedReload(t *testing.T, sum *openings) {
	broker := stock(t)
	reload, result := "latchkey/bridge/call/reload", topics.BridgeResult("reload")
	h := newTrial(t, sum, broker.URL())
	h.begin()
	h.stop()
	h.mqtt.Publish(reload, "{}", true)
	h.start()
	h.refused(h.result(result, ""), bridge.ReasonRetained)
	h.mqtt.Await(reload, bridgetest.Payload(""), patience)
	h.ready()
	h.mqtt.Publish(reload, "", false)
	h.refused(h.result(result, ""), bridge.ReasonOK)
	h.mqtt.Publish(reload, "", false)
	h.refused(h.result(result, ""), bridge.ReasonTooSoon)
	h.open()
}

// H22: people clear a retained command by an empty retained message, which
// arrives as a live empty one; so does the echo of latchkey's own clearing.
func clearing(t *testing.T, sum *openings) {
	broker := stock(t)
	n := newNaive(t, broker.URL(), "naive/call/relay", bridgetest.ClientOptions{}, func(bridgetest.Message) bool { return true })
	h := newTrial(t, sum, broker.URL())
	h.mqtt.Publish("naive/call/relay", "", true)
	sum.danger(n.opened(1))

	h.begin()
	for _, call := range []string{"relay", "light"} {
		h.mqtt.Publish(topics.AccountCall("gate", call), "", true) // by hand
		h.refused(h.result(topics.AccountResult("gate", call), ""), bridge.ReasonMalformed)
	}
	set, _ := h.gate()
	h.mqtt.Publish(set, "", true) // counted only
	h.stop()
	for _, call := range []string{"relay", "light", "info"} {
		h.mqtt.Publish(topics.AccountCall("gate", call), `{"args":{"number":1}}`, true)
	}
	h.start()
	for _, call := range []string{"relay", "light", "info"} {
		h.refused(h.result(topics.AccountResult("gate", call), ""), bridge.ReasonRetained)
		h.mqtt.Await(topics.AccountCall("gate", call), func(m bridgetest.Message) bool { return m.Payload == "" && !m.Retained }, patience)
	}
	h.ready()
	h.open()
	results := 0
	for _, m := range h.mqtt.Messages() {
		if strings.HasPrefix(m.Topic, "latchkey/account/gate/result/") {
			results++
		}
	}
	if results != 5 || h.doorbird.Lights() != 0 {
		t.Errorf("%d results of calls and %d times light, want 5 and 0: our own clearing is swallowed", results, h.doorbird.Lights())
	}
}
