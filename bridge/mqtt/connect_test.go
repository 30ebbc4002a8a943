package mqtt_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/mqtt"
)

// home is a table with one message of every stage, put in the wrong order.
func home() *table {
	return newTable(
		bridge.Message{Topic: "latchkey/device/gate/a/picture", Payload: []byte("jpeg"), Stage: bridge.StagePicture},
		bridge.Message{Topic: "latchkey/device/gone/a/x", Stage: bridge.StageClear},
		state("latchkey/device/gate/a/motion", "OFF"),
		bridge.Message{Topic: "homeassistant/device/latchkey_a/config", Payload: []byte("{}"), Stage: bridge.StageDocument},
		bridge.Message{Topic: "latchkey/account/gate/state", Payload: []byte("online"), Stage: bridge.StageAvailability},
		event("latchkey/device/gate/a/ring", "old"),
	)
}

var inOrder = []string{
	own, "latchkey/account/gate/state", "homeassistant/device/latchkey_a/config",
	"latchkey/device/gate/a/motion", "latchkey/device/gone/a/x", "latchkey/device/gate/a/picture",
}

func topics(messages []bridgetest.Message) []string {
	var list []string
	for _, m := range messages {
		list = append(list, m.Topic)
	}
	return list
}

func TestConnectSendsEverythingInOrder(t *testing.T) {
	t.Parallel()
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		foreign.Publish("latchkey/device/gone/a/x", "old", true)
		foreign.Subscribe("latchkey/#")
		foreign.Await("latchkey/device/gone/a/x", nil, 0)
		foreign.Subscribe("homeassistant/#")
		before := len(foreign.Messages())

		source := home()
		client := start(t, mqtt.Options{Broker: b.URL(), Source: source})
		client.link.await("subscribed")
		foreign.Await("latchkey/device/gate/a/picture", nil, 0)
		if diff := cmp.Diff(inOrder, topics(foreign.Messages()[before:])); diff != "" {
			t.Errorf("first connect (-want +got):\n%s", diff)
		}
		want := map[string]string{
			own: "online", "latchkey/account/gate/state": "online",
			"homeassistant/device/latchkey_a/config": "{}", "latchkey/device/gate/a/motion": "OFF",
		}
		if diff := cmp.Diff(want, foreign.Retained("#")); diff != "" {
			t.Errorf("retained (-want +got):\n%s", diff)
		}

		before = len(foreign.Messages())
		client.Resend()
		foreign.Await("latchkey/device/gate/a/picture", nil, 0)
		if diff := cmp.Diff(inOrder, topics(foreign.Messages()[before:])); diff != "" {
			t.Errorf("resend (-want +got):\n%s", diff)
		}
		if s := client.State(); !s.Open || !s.Ready || s.Err != nil || len(s.Problems) != 0 {
			t.Errorf("state: got %+v, want open and ready without problems", s)
		}
	})
}

func TestAcknowledgedIsToldToTheSource(t *testing.T) {
	broker := bridgetest.StartEmbedded(t)
	source := home()
	client := start(t, mqtt.Options{Broker: broker.URL(), Source: source})
	client.link.await("subscribed")
	source.put(event("latchkey/device/gate/a/ring", "new"))
	client.stop()
	var got []string
	for _, m := range source.acknowledged() {
		got = append(got, m.Topic)
	}
	want := append(append([]string{}, inOrder...), "latchkey/device/gate/a/ring", own)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("acknowledged (-want +got):\n%s", diff)
	}
}

func TestChangesAndEventsAreSentAtOnce(t *testing.T) {
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		foreign.Subscribe("latchkey/device/#")
		source := newTable()
		client := start(t, mqtt.Options{Broker: b.URL(), Source: source})
		client.link.await("subscribed")
		var want []string
		for i := range 500 {
			source.put(event("latchkey/device/gate/a/ring", fmt.Sprint(i)))
			want = append(want, fmt.Sprint(i))
		}
		foreign.Await("latchkey/device/gate/a/ring", bridgetest.Payload("499"), 0)
		var got []string
		for _, m := range foreign.Messages() {
			got = append(got, m.Payload)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if kept := foreign.Retained("latchkey/device/#"); len(kept) != 0 {
			t.Errorf("retained: got %v, want no event", kept)
		}
	})
}

func TestWillAndGoodbye(t *testing.T) {
	t.Parallel()
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		foreign.Subscribe(own)
		t.Run("clean stop", func(t *testing.T) {
			client := start(t, mqtt.Options{Broker: b.URL()})
			foreign.Await(own, bridgetest.Payload("online"), 0)
			client.stop()
			if got := foreign.Retained(own)[own]; got != "offline" {
				t.Errorf("after a clean stop %s is %q, want offline", own, got)
			}
		})
		t.Run("cut line", func(t *testing.T) {
			wires := new(wires)
			client := start(t, mqtt.Options{Broker: b.URL(), Dial: wires.dial})
			client.link.await("subscribed")
			foreign.Await(own, bridgetest.Payload("online"), 0)
			wires.cut()
			foreign.Await(own, bridgetest.Payload("offline"), 0) // the will
			foreign.Await(own, bridgetest.Payload("online"), 0)  // and back
		})
		t.Run("same id kicks the old link", func(t *testing.T) {
			client := start(t, mqtt.Options{Broker: b.URL(), ClientID: "both"})
			client.link.await("subscribed")
			bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{ID: "both"}).Close()
			client.link.await("lost")
			client.link.await("subscribed")
			if got := foreign.Retained(own)[own]; got != "online" {
				t.Errorf("after a kick %s is %q, want online", own, got)
			}
		})
	})
}

// A guest looks around and leaves no trace: no will, no words at the end.
func TestGuest(t *testing.T) {
	t.Parallel()
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		foreign.Subscribe("#")
		link := &watcher{t, make(chan string, 100)}
		heard := make(chan bridge.Incoming, 1)
		source := newTable()
		client, err := mqtt.New(mqtt.Options{Broker: b.URL(), ClientID: "guest", Guest: true, Source: source, Link: link,
			Routes: []mqtt.Route{{Filter: "latchkey/echo", Take: func(in bridge.Incoming) { heard <- in }}}})
		if err != nil {
			t.Fatal(err)
		}
		stop := runUntilStopped(t, client)
		link.await("subscribed")
		source.put(event("latchkey/echo", "x"))
		if in := <-heard; in.Retained || string(in.Payload) != "x" {
			t.Errorf("heard %+v", in)
		}
		stop()
		foreign.Await("latchkey/echo", nil, 0) // messages of two clients may overtake each other
		foreign.Publish("latchkey/end", "", false)
		foreign.Await("latchkey/end", nil, 0)
		// The state may be sent twice: in the resend, and as a change that met it.
		if diff := cmp.Diff([]string{own, "latchkey/echo", "latchkey/end"}, slices.Compact(topics(foreign.Messages()))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
