package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/engine"
)

var topics = bridge.Topics{Prefix: "latchkey"}

// house is an engine with a toy account `gate`, whose cloud counts what moved, and
// a model of a broker. It lives in a synctest bubble.
type house struct {
	*engine.Engine
	t      testing.TB
	broker *broker
	cloud  *toyCloud

	mu     sync.Mutex
	opened []engine.Entry
	stop   func()
}

// toyCloud is the vendor's cloud: moves counts what happened there.
type toyCloud struct {
	mu    sync.Mutex
	moves map[string]int
	// act is called for each write, with the thing that moves; nil: it just moves.
	act func(ctx context.Context, what string) error
}

// pulse is what a vendor does in a call: Act takes the permit and sends.
func (c *toyCloud) pulse(ctx context.Context, what string) error {
	c.mu.Lock()
	act := c.act
	c.mu.Unlock()
	if act != nil {
		return act(ctx, what)
	}
	return c.move(ctx, what)
}

func (c *toyCloud) move(ctx context.Context, what string) error {
	if err := bridge.Take(ctx); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.moves[what]++
	return nil
}

func (c *toyCloud) acts(act func(ctx context.Context, what string) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.act = act
}

// pulses is how often anything has moved.
func (c *toyCloud) pulses() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, times := range c.moves {
		n += times
	}
	return n
}

// station is the toy account's device.
func station() bridge.Device {
	press := func(call string, args bridge.Args) []bridge.Verb {
		return []bridge.Verb{{Says: "PRESS", Call: call, Args: args}}
	}
	low, high := 0.0, 100.0
	return bridge.Device{ID: "d1", Name: "Front gate", Entities: []bridge.Entity{
		{ID: "relay_1", Kind: bridge.Button, Verbs: press("relay", bridge.Args{"number": 1})},
		{ID: "relay_2", Kind: bridge.Button, Verbs: press("relay", bridge.Args{"number": 2})},
		{ID: "bolt", Kind: bridge.Lock, Verbs: []bridge.Verb{
			{Says: "LOCK", Call: "turn", Args: bridge.Args{"to": "locked"}}, {Says: "UNLOCK", Call: "turn", Args: bridge.Args{"to": "unlocked"}}}},
		{ID: "level", Kind: bridge.Number, Min: &low, Max: &high, Verbs: []bridge.Verb{{Call: "dim", Value: "level"}}},
		{ID: "refresh_picture", Kind: bridge.Button, Verbs: press("snapshot", nil)},
		{ID: "ring", Kind: bridge.Event, Class: "doorbell", Options: []string{"ring"}},
		{ID: "motion", Kind: bridge.BinarySensor, OffDelay: 30},
		{ID: "live", Kind: bridge.ImageKind},
		{ID: "label", Kind: bridge.Sensor},
		{ID: "mode", Kind: bridge.Select, Options: []string{"day", "night"}, Verbs: []bridge.Verb{{Call: "mode", Value: "name"}}},
		{ID: "connection", Kind: bridge.BinarySensor, OfState: true},
	}}
}

func (c *toyCloud) calls() []bridge.Call {
	return []bridge.Call{
		{Name: "relay", Effect: bridge.Writes, OfEntity: true, Args: []bridge.Arg{
			{Name: "number", Type: bridge.ArgInt, Min: 1, Max: 9}, {Name: "peripheral", Type: bridge.ArgText, Optional: true}},
			Do: func(ctx context.Context, o bridge.Order) (any, error) {
				return nil, c.pulse(ctx, fmt.Sprint("relay_", o.Args.Int("number")))
			}},
		{Name: "light", Effect: bridge.Writes, Do: func(ctx context.Context, _ bridge.Order) (any, error) {
			return nil, c.pulse(ctx, "light")
		}},
		{Name: "turn", Effect: bridge.Writes, OfEntity: true, Args: []bridge.Arg{{Name: "to", Type: bridge.ArgText, OneOf: []string{"locked", "unlocked"}}},
			Do: func(ctx context.Context, o bridge.Order) (any, error) { return nil, c.pulse(ctx, o.Args.Text("to")) }},
		{Name: "dim", Effect: bridge.Writes, OfEntity: true, Args: []bridge.Arg{{Name: "level", Type: bridge.ArgInt}},
			Do: func(ctx context.Context, o bridge.Order) (any, error) {
				return nil, c.pulse(ctx, fmt.Sprint("level ", o.Args.Int("level")))
			}},
		{Name: "mode", Effect: bridge.Writes, OfEntity: true, Args: []bridge.Arg{{Name: "name", Type: bridge.ArgText}},
			Do: func(ctx context.Context, o bridge.Order) (any, error) { return nil, c.pulse(ctx, o.Args.Text("name")) }},
		{Name: "rows", Args: []bridge.Arg{{Name: "n", Type: bridge.ArgInt}}, Do: func(_ context.Context, o bridge.Order) (any, error) {
			return strings.Repeat("x", int(o.Args.Int("n"))), nil
		}},
		{Name: "request", Raw: func(a bridge.Args) (bridge.Effect, error) {
			if a.Text("method") == "GET" {
				return bridge.Reads, nil
			}
			return bridge.Writes, nil
		}, Args: []bridge.Arg{{Name: "method", Type: bridge.ArgText}, {Name: "json", Type: bridge.ArgJSON, Optional: true}},
			Do: func(ctx context.Context, o bridge.Order) (any, error) {
				if o.Args.Text("method") != "GET" {
					return nil, c.pulse(ctx, "request")
				}
				return map[string]any{"access_token": "canary", "rows": []any{1, map[string]any{"authKey": "canary", "id": 7}}, "echo": o.Args["json"]}, nil
			}},
		{Name: "snapshot", Do: func(context.Context, bridge.Order) (any, error) {
			return bridge.Image{Type: "image/jpeg", Bytes: []byte("picture")}, nil
		}},
		{Name: "info", Do: func(context.Context, bridge.Order) (any, error) { return map[string]any{"mac": "1ccae3700001"}, nil }},
	}
}

// gate is the toy account.
func (c *toyCloud) gate() engine.Account {
	return engine.Account{ID: "gate", Name: "Gate", Vendor: "toy", Bridge: bridge.Account{
		Calls: c.calls(),
		Tasks: []bridge.Task{{Name: "list", Every: 10 * time.Minute, Do: func(_ context.Context, report bridge.Report) error {
			report(bridge.Devices{Source: "toy", All: []bridge.Device{station()}})
			return nil
		}}},
	}}
}

// quietly makes a house that runs but is not connected.
func quietly(t testing.TB, change func(*engine.Options, *engine.Account)) *house {
	t.Helper()
	h := &house{t: t, broker: newBroker(topics), cloud: &toyCloud{moves: make(map[string]int)}}
	options := engine.Options{Topics: topics, Version: "1.2.3", Instance: "home",
		Audit:  func(string) { h.broker.subscribe() },
		Opened: func(e engine.Entry) { h.mu.Lock(); h.opened = append(h.opened, e); h.mu.Unlock() }}
	account := h.cloud.gate()
	if change != nil {
		change(&options, &account)
	}
	h.Engine = engine.New(options)
	h.broker.e = h.Engine
	if err := h.Add(account); err != nil {
		t.Fatal(err)
	}
	h.Health("gate", bridge.Health{State: bridge.Valid})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = h.Run(ctx) })
	wg.Go(func() { h.broker.run(ctx) })
	h.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(h.stop)
	synctest.Wait()
	return h
}

// settled is a house that is connected and takes commands.
func settled(t testing.TB, change func(*engine.Options, *engine.Account)) *house {
	t.Helper()
	h := quietly(t, change)
	h.broker.connect()
	time.Sleep(6 * time.Second)
	synctest.Wait()
	return h
}

// bubble runs a test in virtual time.
func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

const (
	relay1 = "latchkey/device/gate/d1/relay_1/set"
	relay2 = "latchkey/device/gate/d1/relay_2/set"
	bolt   = "latchkey/device/gate/d1/bolt/set"
	relay  = "latchkey/account/gate/call/relay"
	light  = "latchkey/account/gate/call/light"
)

var nextID atomic.Int64

// envelope is what Home Assistant sends, from some time ago.
func envelope(action string, ago time.Duration) string {
	return fmt.Sprintf(`{"action":%q,"id":"id-%d","sent_at":%.3f}`, action, nextID.Add(1), float64(time.Now().Add(-ago).UnixMilli())/1000)
}

// press publishes a live message and waits until all is quiet.
func (h *house) press(topic, payload string) { h.send(topic, payload, false) }

func (h *house) send(topic, payload string, retain bool) {
	h.broker.publish(topic, payload, retain)
	synctest.Wait()
}

type answer struct {
	ID, Device, Entity, Action, Outcome, Reason, Message string
	Status                                               int
	LatencyMS                                            int64 `json:"latency_ms"`
	Result                                               json.RawMessage
}

// answers are the results on a command topic's result topic.
func (h *house) answers(command string) (list []answer) {
	h.t.Helper()
	target, ok := topics.ParseCommand(command)
	if !ok {
		h.t.Fatalf("%s is no command topic", command)
	}
	for _, payload := range h.broker.on(topics.ResultTopic(target)) {
		var a answer
		if err := json.Unmarshal([]byte(payload), &a); err != nil {
			h.t.Fatalf("result %s: %v", payload, err)
		}
		list = append(list, a)
	}
	return list
}

// reasons are the reasons of the results on a command topic.
func (h *house) reasons(command string) string {
	var list []string
	for _, a := range h.answers(command) {
		list = append(list, a.Reason)
	}
	return strings.Join(list, " ")
}

// expect checks what has moved and what was answered.
func (h *house) expect(command string, pulses int, reasons string) {
	h.t.Helper()
	synctest.Wait()
	if got := h.cloud.pulses(); got != pulses {
		h.t.Errorf("%d pulses, want %d", got, pulses)
	}
	if got := h.reasons(command); got != reasons {
		h.t.Errorf("results on %s: %q, want %q", command, got, reasons)
	}
}
