package main_test

import (
	"net/http"
	"testing"
	"time"

	"latchkey/bridge/bridgetest"
	"latchkey/vendors/doorbird/doorbirdsim"
)

// naive is what many bridges do: subscribe to a topic, and open a door, here a
// simulated one, on what comes. It shows that a danger is real.
type naive struct {
	t       *testing.T
	topic   string
	options bridgetest.ClientOptions
	mqtt    *bridgetest.Client
	door    *doorbirdsim.Sim
	fired   chan struct{}
}

// newNaive makes a naive bridge of one topic and starts it. obeys tells which
// messages open its door; nil: those that say PRESS.
func newNaive(t *testing.T, broker, topic string, o bridgetest.ClientOptions, obeys func(bridgetest.Message) bool) *naive {
	t.Helper()
	if obeys == nil {
		obeys = contains("PRESS")
	}
	n := &naive{t: t, topic: topic, options: o, door: doorbirdsim.New(doorbirdsim.Options{}), fired: make(chan struct{}, 10000)}
	cloud := serve(t, n.door.Handler())
	bearer := n.door.Issuer.Issue(doorbirdsim.DemoClient, doorbirdsim.DemoAdmin, doorbirdsim.Admin).Access
	n.options.On = func(m bridgetest.Message) {
		if !obeys(m) {
			return
		}
		req, _ := http.NewRequest(http.MethodPost, cloud.URL+"/relay/1", nil) // a fixed address
		req.Header.Set("Authorization", "Bearer "+bearer)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			n.fired <- struct{}{}
		}
	}
	n.start(broker)
	return n
}

func (n *naive) start(broker string) {
	n.t.Helper()
	n.mqtt = bridgetest.Dial(n.t, broker, n.options)
	if n.topic != "" {
		n.mqtt.Subscribe(n.topic)
	}
}

// opened waits until the door was opened so often in all since the last call.
func (n *naive) opened(times int) int {
	n.t.Helper()
	for range times {
		select {
		case <-n.fired:
		case <-time.After(patience):
			n.t.Fatalf("the naive bridge opened its door %d times, want %d more: the danger does not show", n.door.AllPulses(), times)
		}
	}
	return times
}
