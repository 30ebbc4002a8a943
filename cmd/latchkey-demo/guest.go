package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/mqtt"
)

// guest is another program on the broker, as Home Assistant would be one: it
// publishes commands and follows what latchkey publishes.
type guest struct {
	client  *mqtt.Client
	changed chan struct{} // capacity 1
	stop    context.CancelFunc
	ended   chan struct{}

	mu     sync.Mutex
	out    []bridge.Message
	newest map[string]bridge.Incoming // by topic
	news   chan struct{}              // closed and replaced at each arrival
}

func newGuest(broker string, filters ...string) (*guest, error) {
	g := &guest{changed: make(chan struct{}, 1), ended: make(chan struct{}), newest: map[string]bridge.Incoming{}, news: make(chan struct{})}
	var routes []mqtt.Route
	for _, f := range filters {
		routes = append(routes, mqtt.Route{Filter: f, Take: g.take})
	}
	var err error
	g.client, err = mqtt.New(mqtt.Options{Broker: broker, ClientID: "guest", Source: g, Routes: routes,
		Will: bridge.Message{Topic: "guest/state", Payload: []byte("gone"), Stage: bridge.StageBridge}})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	go func() { defer close(g.ended); _ = g.client.Run(ctx) }()
	return g, nil
}

func (g *guest) close() { g.stop(); <-g.ended }

func (g *guest) take(in bridge.Incoming) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.newest[in.Topic] = in
	close(g.news)
	g.news = make(chan struct{})
}

// publish sends a command, retained or not.
func (g *guest) publish(topic, payload string, retained bool) {
	m := bridge.Message{Topic: topic, Payload: []byte(payload), Stage: bridge.StageEvent}
	if retained {
		m.Stage = bridge.StageState
	}
	g.mu.Lock()
	g.out = append(g.out, m)
	g.mu.Unlock()
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

// await waits until the newest message of a topic satisfies.
func (g *guest) await(ctx context.Context, topic string, satisfies func(payload string) bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		g.mu.Lock()
		in, news := g.newest[topic], g.news
		g.mu.Unlock()
		if in.Topic != "" && satisfies(string(in.Payload)) {
			return string(in.Payload), nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return "", fmt.Errorf("nothing fitting came on %s within 20 s; the last was %.200q", topic, in.Payload)
		}
	}
}

// awaitAny waits until the newest message of any topic fits, and returns the topic.
func (g *guest) awaitAny(ctx context.Context, what string, fits func(topic, payload string) bool) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		g.mu.Lock()
		news := g.news
		for topic, in := range g.newest {
			if fits(topic, string(in.Payload)) {
				g.mu.Unlock()
				return topic, nil
			}
		}
		g.mu.Unlock()
		select {
		case <-news:
		case <-ctx.Done():
			return "", fmt.Errorf("%s did not appear within 20 s", what)
		}
	}
}

// ask sends a command with an envelope and waits for the result with its id.
func (g *guest) ask(ctx context.Context, topic, result, payload, id string) (bridge.Result, error) {
	g.publish(topic, payload, false)
	return g.result(ctx, result, id)
}

// result waits for a result with this id ("" for the next one).
func (g *guest) result(ctx context.Context, topic, id string) (bridge.Result, error) {
	var found bridge.Result
	_, err := g.await(ctx, topic, func(payload string) bool {
		var r bridge.Result
		if json.Unmarshal([]byte(payload), &r) != nil || id != "" && r.ID != id {
			return false
		}
		found = r
		return true
	})
	g.mu.Lock()
	delete(g.newest, topic)
	g.mu.Unlock()
	return found, err
}

// documents counts what Home Assistant would find.
func (g *guest) count(match func(topic string) bool) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for topic, in := range g.newest {
		if match(topic) && len(in.Payload) > 0 {
			n++
		}
	}
	return n
}

// Changed, Drain, All and Sent make the guest a source of its own client.
func (g *guest) Changed() <-chan struct{} { return g.changed }

// Drain hands the waiting commands out.
func (g *guest) Drain() []bridge.Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := g.out
	g.out = nil
	return out
}

// Urgent is nothing.
func (g *guest) Urgent() []bridge.Message { return nil }

// All is nothing: a guest keeps no values.
func (g *guest) All() []bridge.Message { return nil }

// Sent does nothing.
func (g *guest) Sent(bridge.Message) {}
