package mqtt_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/mqtt"
)

func TestSubscriptionsLiveAfterABrokerRestart(t *testing.T) { // M3
	t.Parallel()
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		taken := make(chan string, 10)
		client := start(t, mqtt.Options{Broker: b.URL(), Routes: []mqtt.Route{
			{Filter: "latchkey/device/+/+/+/set", Take: func(in bridge.Incoming) { taken <- string(in.Payload) }},
		}})
		for round := range 2 {
			client.link.await("subscribed")
			foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
			want := fmt.Sprintf("PRESS %d", round)
			foreign.Publish("latchkey/device/gate/a/relay_1/set", want, false)
			if got := receive(t, taken); got != want {
				t.Errorf("round %d: got %q, want %q", round, got, want)
			}
			if got := foreign.Retained(own)[own]; got != "online" {
				t.Errorf("round %d: %s is %q, want online", round, own, got)
			}
			b.Stop()
			client.link.await("lost")
			b.Start()
		}
		if s := client.Stats(); s.Losses != 2 || s.Connects < 2 {
			t.Errorf("stats: got %+v, want 2 losses and at least 2 connects", s)
		}
	})
}

func TestBrokerAwayAtStart(t *testing.T) { // M6
	t.Parallel()
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		b.Stop()
		source, attempts := newTable(), make(chan error, 100)
		client := start(t, mqtt.Options{Broker: b.URL(), Source: source,
			Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				attempts <- err
				return conn, err
			}})
		if err := receive(t, attempts); err == nil {
			t.Fatal("the broker should be away")
		}
		source.put(state("latchkey/device/gate/a/motion", "ON"), event("latchkey/device/gate/a/ring", "old"))
		b.Start()
		client.link.await("subscribed")
		foreign := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		want := map[string]string{own: "online", "latchkey/device/gate/a/motion": "ON"}
		if diff := cmp.Diff(want, foreign.Retained("#")); diff != "" {
			t.Errorf("retained (-want +got):\n%s", diff)
		}
	})
}

func TestStopWhileTheBrokerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := start(t, mqtt.Options{Broker: "mqtt://broker", Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no route")
		}})
		time.Sleep(10 * time.Minute)
		began := time.Now()
		client.stop()
		if took := time.Since(began); took > time.Second {
			t.Errorf("Run ended after %v, want at once", took)
		}
		attempts := client.Stats().Attempts
		time.Sleep(10 * time.Minute)
		if got := client.Stats().Attempts; got != attempts {
			t.Errorf("%d attempts after Run had ended, want none", got-attempts)
		}
	})
}

func TestBackSoonAfterALongOutage(t *testing.T) { // M5, M7, H12
	synctest.Test(t, func(t *testing.T) {
		p := bridgetest.StartPipes(t)
		source := newTable(state("latchkey/device/gate/a/level", "0"))
		client := start(t, mqtt.Options{Broker: "mqtt://broker", Source: source, Dial: p.Dial})
		client.link.await("subscribed")
		for range 5 {
			p.Close()
			client.link.await("lost")
			time.Sleep(40 * time.Minute)
			for i := range 10 {
				source.put(state("latchkey/device/gate/a/level", fmt.Sprint(i+1)))
				source.put(event("latchkey/device/gate/a/ring", fmt.Sprint(i)))
			}
			if err := p.Restart(); err != nil {
				t.Fatal(err)
			}
			foreign := p.Client("")
			foreign.Subscribe("latchkey/device/#")
			back := time.Now()
			client.link.await("subscribed")
			if took := time.Since(back); took > 35*time.Second {
				t.Errorf("back %v after the broker, want at most 35s", took)
			}
			source.put(event("latchkey/device/gate/a/ring", "new"))
			foreign.Await("latchkey/device/gate/a/ring", bridgetest.Payload("new"), 0)
			want := []bridgetest.Message{
				{Topic: "latchkey/device/gate/a/level", Payload: "10", QoS: 1},
				{Topic: "latchkey/device/gate/a/ring", Payload: "new", QoS: 1},
			}
			if diff := cmp.Diff(want, foreign.Messages()); diff != "" {
				t.Errorf("after the outage (-want +got):\n%s", diff)
			}
			foreign.Close()
		}
	})
}

func TestKickedForAnHour(t *testing.T) { // M4, H10
	synctest.Test(t, func(t *testing.T) {
		p := bridgetest.StartPipes(t)
		problems := make(chan []mqtt.Problem, 10)
		client := start(t, mqtt.Options{Broker: "mqtt://broker", ClientID: "both", Dial: p.Dial,
			OnProblems: func(list []mqtt.Problem) { problems <- list }})
		client.link.await("subscribed")
		for began := time.Now(); time.Since(began) < time.Hour; {
			p.Client("both").Cut()
			client.link.await("lost")
			client.link.await("subscribed")
			time.Sleep(2 * time.Second)
		}
		if got := p.Dials(); got < 60 || got > 140 {
			t.Errorf("%d attempts in an hour of kicks, want about 120", got)
		}
		if got := <-problems; len(got) != 1 || got[0].Code != mqtt.ProblemIDInUse {
			t.Errorf("problems: got %+v, want one %s", got, mqtt.ProblemIDInUse)
		}
		time.Sleep(2 * time.Minute)
		if got := <-problems; len(got) != 0 || len(client.State().Problems) != 0 {
			t.Errorf("problems after two quiet minutes: got %+v, want none", got)
		}
	})
}

// receive waits for something that is certain to come.
func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(within):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
