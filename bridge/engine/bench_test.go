package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/engine"
)

// running is an engine in real time that takes commands at once, without cool-down.
func running(b *testing.B, a engine.Account) *engine.Engine {
	b.Helper()
	e := engine.New(engine.Options{Topics: topics, Commands: engine.Commands{Cooldown: time.Nanosecond, Settle: time.Nanosecond}})
	if err := e.Add(a); err != nil {
		b.Fatal(err)
	}
	e.Health("gate", bridge.Health{State: bridge.Valid})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = e.Run(ctx); close(done) }()
	b.Cleanup(func() { cancel(); <-done })
	e.Subscribing()
	e.Subscribed()
	for e.Do(ctx, engine.Ask{Account: "gate", Name: "info"}).Reason != bridge.ReasonOK || e.Inventory()[0].Devices == nil {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Until(e.Status().AcceptsAt) + 10*time.Millisecond)
	return e
}

// BenchmarkCommand is the way of a press inside latchkey: from the broker's message
// to the vendor's call.
func BenchmarkCommand(b *testing.B) {
	moved := make(chan struct{}, 1)
	cloud := &toyCloud{moves: make(map[string]int), act: func(context.Context, string) error { moved <- struct{}{}; return nil }}
	e := running(b, cloud.gate())
	for _, form := range []string{"plain", "envelope"} {
		b.Run(form, func(b *testing.B) {
			b.ReportAllocs()
			payload := []byte("PRESS")
			for i := 0; b.Loop(); i++ {
				if form == "envelope" && i%1000 == 0 { // without an id, so that it may come again
					payload = fmt.Appendf(nil, `{"action":"PRESS","sent_at":%d.%03d}`, time.Now().Unix(), time.Now().Nanosecond()/1e6)
				}
				e.Deliver(bridge.Incoming{Topic: []string{relay1, relay2}[i%2], Payload: payload})
				select {
				case <-moved:
				case <-time.After(10 * time.Second):
					b.Fatal(e.Last()[0])
				}
				e.Table().Drain()
			}
		})
	}
}

// BenchmarkStates is a poll of 10,000 entities of which nothing has changed.
func BenchmarkStates(b *testing.B) {
	const devices = 1000
	var facts []bridge.Fact
	all := bridge.Devices{Source: "s"}
	for i := range devices {
		d := bridge.Device{ID: fmt.Sprint("x", i)}
		for n := range 10 {
			d.Entities = append(d.Entities, bridge.Entity{ID: fmt.Sprint("e", n), Kind: bridge.Sensor})
			facts = append(facts, bridge.State{Ref: bridge.Ref{Device: d.ID, Entity: fmt.Sprint("e", n)}, Value: bridge.Num(float64(n))})
		}
		all.All = append(all.All, d)
	}
	cloud := &toyCloud{}
	a := cloud.gate()
	a.Bridge.Push = &bridge.Push{Take: func(_ []byte, _ time.Time, report bridge.Report) (bool, error) {
		report(all)
		report(facts...)
		return true, nil
	}}
	e := running(b, a)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Push("gate", nil, time.Time{}); err != nil {
			b.Fatal(err)
		}
	}
	if n := e.Counts().RefusedFacts; n != 0 {
		b.Fatalf("%d facts refused", n)
	}
}

// BenchmarkAll is the full resend of 10,000 values.
func BenchmarkAll(b *testing.B) {
	_, table := newTable()
	for i := range 10000 {
		table.Put(state(fmt.Sprint("latchkey/device/gate/d/", i), "1"))
	}
	b.ReportAllocs()
	for b.Loop() {
		if n := len(table.All()); n != 10000 {
			b.Fatal(n)
		}
	}
}
