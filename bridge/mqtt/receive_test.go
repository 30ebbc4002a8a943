package mqtt_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/mqtt"
)

const (
	setFilter = "latchkey/device/+/+/+/set"
	setTopic  = "latchkey/device/gate/a/relay_1/set"
)

// TestBurst is a queue of commands whose takers publish a result each, as the
// engine does: nothing waits for anything in a circle (M8), and none is swapped
// (M9).
func TestBurst(t *testing.T) {
	t.Parallel()
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		const burst = 500
		var commands, want []string
		for i := range burst {
			commands = append(commands, fmt.Sprintf("LOCK %d", i))
			want = append(want, fmt.Sprintf("did LOCK %d", i))
		}
		source := newTable()
		client := start(t, mqtt.Options{Broker: b.URL(), Source: source, Routes: []mqtt.Route{{
			Filter: setFilter,
			Take: func(in bridge.Incoming) {
				source.put(event("latchkey/device/gate/a/relay_1/result", "did "+string(in.Payload)))
			},
		}}})
		client.link.await("subscribed")
		foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		foreign.Subscribe("latchkey/device/+/+/+/result")
		foreign.Burst(setTopic, commands...)
		foreign.Await("latchkey/device/gate/a/relay_1/result", bridgetest.Payload(want[burst-1]), 0)
		var got []string
		for _, m := range foreign.Messages() {
			got = append(got, m.Payload)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
		if s := client.Stats(); s.Received < burst || s.Dropped != 0 {
			t.Errorf("stats: got %+v, want at least %d received and none dropped", s, burst)
		}
	})
}

// What is urgent goes before what was already taken to be sent.
func TestUrgent(t *testing.T) {
	t.Parallel()
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		source := newTable()
		client := start(t, mqtt.Options{Broker: b.URL(), Source: source})
		client.link.await("subscribed")
		foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		foreign.Subscribe("#")
		foreign.Await(own, nil, 0)
		foreign.Skip()
		before := len(foreign.Messages())
		var many []bridge.Message
		for i := range 100 {
			many = append(many, state(fmt.Sprint("s", i), "x"))
		}
		source.mu.Lock()
		source.due = source.calls + 50
		source.mu.Unlock()
		source.put(many...)
		foreign.Await("s99", nil, 0)
		for i, m := range foreign.Messages()[before:] {
			if m.Topic == "result" {
				if i != 49 {
					t.Errorf("the result came behind %d messages, want 49", i)
				}
				return
			}
		}
		t.Error("the result did not come")
	})
}

// Results keep their order, also those that come while earlier ones are sent.
func TestUrgentInOrder(t *testing.T) {
	t.Parallel()
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		source := newTable()
		client := start(t, mqtt.Options{Broker: b.URL(), Source: source})
		client.link.await("subscribed")
		foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		foreign.Subscribe("result")
		var want []string
		var earlier []bridge.Message
		for i := range 10 {
			earlier = append(earlier, bridge.Message{Topic: "result", Payload: fmt.Append(nil, i), Stage: bridge.StageResult})
			want = append(want, fmt.Sprint(i))
		}
		source.mu.Lock()
		source.due = source.calls + 1
		source.fresh = append(source.fresh, earlier...)
		source.mu.Unlock()
		source.put(event("after", "x"))
		foreign.Await("result", bridgetest.Payload("ok"), 0)
		var got []string
		for _, m := range foreign.Messages() {
			got = append(got, m.Payload)
		}
		if diff := cmp.Diff(append(want, "ok"), got); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	})
}

func TestIncoming(t *testing.T) {
	t.Parallel()
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		foreign.Publish(setTopic, "kept", true)
		taken := make(chan bridge.Incoming, 10)
		client := start(t, mqtt.Options{Broker: b.URL(), Routes: []mqtt.Route{
			{Filter: setFilter, Take: func(in bridge.Incoming) {
				if string(in.Payload) == "panic" {
					panic("taker")
				}
				taken <- in
			}},
			{Filter: "homeassistant/status", Take: func(in bridge.Incoming) { taken <- in }},
		}})
		client.link.await("subscribed")
		expect := func(topic, payload string, retained bool) {
			t.Helper()
			got := receive(t, taken)
			if got.Topic != topic || string(got.Payload) != payload || got.Retained != retained {
				t.Errorf("got %s %q retained %t, want %s %q retained %t",
					got.Topic, got.Payload, got.Retained, topic, payload, retained)
			}
			if age := time.Since(got.At); age < 0 || age > within {
				t.Errorf("arrived %v ago", age)
			}
		}
		expect(setTopic, "kept", true)
		foreign.Publish(setTopic, "live", true) // the flag is not seen live
		expect(setTopic, "live", false)
		foreign.Publish(setTopic, "panic", false) // M10
		foreign.Publish(setTopic, "", true)
		expect(setTopic, "", false)
		foreign.Publish("homeassistant/status", "online", false)
		expect("homeassistant/status", "online", false)
		if got := client.Stats().Panics; got != 1 {
			t.Errorf("%d panics counted, want 1", got)
		}

		foreign.Publish(setTopic, "again", true)
		expect(setTopic, "again", false)
		client.Resubscribe(setFilter) // H6
		expect(setTopic, "again", true)
	})
}

// TestNoQueueAtTheBroker: a session that another client left under our id holds a
// command, which must not reach us (H2).
func TestNoQueueAtTheBroker(t *testing.T) {
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		old := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{ID: "latchkey_home", KeepSession: true})
		old.Subscribe(setFilter)
		old.Close()
		foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		foreign.Publish(setTopic, "queued", false)
		foreign.Publish("latchkey/end", "", false) // a broker may acknowledge before it has handed a message out

		taken := make(chan string, 10)
		client := start(t, mqtt.Options{Broker: b.URL(), ClientID: "latchkey_home", Routes: []mqtt.Route{
			{Filter: setFilter, Take: func(in bridge.Incoming) { taken <- string(in.Payload) }},
		}})
		client.link.await("subscribed")
		foreign.Publish(setTopic, "fresh", false)
		if got := receive(t, taken); got != "fresh" {
			t.Errorf("first command taken: got %q, want fresh", got)
		}
	})
}

func TestOwnStateIsCorrected(t *testing.T) { // M2
	t.Parallel()
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		client := start(t, mqtt.Options{Broker: b.URL()})
		client.link.await("subscribed")
		foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		foreign.Subscribe(own)
		foreign.Await(own, bridgetest.Payload("online"), 0)
		for _, word := range []string{"offline", "", "nonsense"} {
			foreign.Publish(own, word, true)
			foreign.Await(own, bridgetest.Payload(word), 0)
			foreign.Await(own, bridgetest.Payload("online"), time.Second)
		}
	})
}

// TestDuelIsBounded: somebody who keeps writing `offline` gets an answer to each,
// but no storm.
func TestDuelIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := bridgetest.StartPipes(t)
		client := start(t, mqtt.Options{Broker: "mqtt://broker", Dial: p.Dial})
		client.link.await("subscribed")
		foreign := p.Client("")
		for range 100 {
			foreign.Publish(own, "offline", true)
		}
		time.Sleep(time.Second)
		if got := p.Retained()[own]; got != "online" {
			t.Errorf("%s is %q, want online", own, got)
		}
		if got := client.Stats().Published; got != 2 {
			t.Errorf("%d publishes, want one at connect and one correction", got)
		}
	})
}
