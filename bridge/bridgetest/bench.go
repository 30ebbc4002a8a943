package bridgetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"latchkey/bridge"
)

// Bench is a vendor's opened account with nothing around it but a [FakeCloud]:
// tasks and calls are run by hand, what they report is kept. A fact that the
// engine would refuse fails the test.
type Bench struct {
	bridge.Account
	Log *Output

	t       testing.TB
	mu      sync.Mutex
	facts   []bridge.Fact
	sources map[string][]bridge.Device // as listed last; nil: not in this run
	devices map[string]*bridge.Device  // of all sources, by id
	known   map[bridge.Ref]*bridge.Entity
}

// Open opens an account. Of env only what the test is about has to be set.
func Open(t testing.TB, o bridge.Options, s bridge.Settings, env bridge.Env) *Bench {
	t.Helper()
	b := &Bench{t: t, Log: &Output{}}
	if env.Notes == nil {
		env.Notes = &Notes{}
	}
	env.Account, env.Log = s.ID, slog.New(slog.NewTextHandler(b.Log, nil))
	var err error
	if b.Account, err = o.Open(s, env); err != nil {
		t.Fatal(err)
	}
	return b
}

// Report takes facts. Before the first list none is judged: the engine may know
// the device from the run before.
func (b *Bench) Report(facts ...bridge.Fact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range facts {
		if list, ok := f.(bridge.Devices); ok {
			if b.sources == nil {
				b.sources = map[string][]bridge.Device{}
			}
			b.sources[list.Source] = list.All
			b.index()
		}
		if why := b.wrong(f); why != "" && b.sources != nil {
			b.t.Errorf("a fact that the engine would refuse: %s: %.300s", why, fmt.Sprintf("%+v", f))
		}
	}
	b.facts = append(b.facts, facts...)
}

// index makes what is listed easy to find: there may be ten thousand.
func (b *Bench) index() {
	b.devices, b.known = map[string]*bridge.Device{}, map[bridge.Ref]*bridge.Entity{}
	for _, all := range b.sources {
		for i := range all {
			b.devices[all[i].ID] = &all[i]
			for j := range all[i].Entities {
				b.known[bridge.Ref{Device: all[i].ID, Entity: all[i].Entities[j].ID}] = &all[i].Entities[j]
			}
		}
	}
}

// Device is a device as listed last, by its id in topics; the zero one: there is none.
func (b *Bench) Device(id string) bridge.Device {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := b.devices[id]; d != nil {
		return *d
	}
	return bridge.Device{}
}

// Sources are the devices as listed last, by source.
func (b *Bench) Sources() map[string][]bridge.Device {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.sources)
}

// Knows are devices of the run before, as the engine's inventory has them.
func (b *Bench) Knows(sources map[string][]bridge.Device) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sources = maps.Clone(sources)
	b.index()
}

// Take returns what was reported since the last time.
func (b *Bench) Take() []bridge.Fact {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.facts
	b.facts = nil
	return f
}

// Run runs a task.
func (b *Bench) Run(task string) error {
	b.t.Helper()
	i := slices.IndexFunc(b.Tasks, func(t bridge.Task) bool { return t.Name == task })
	if i < 0 {
		b.t.Fatalf("no task %q", task)
	}
	return b.Tasks[i].Do(b.t.Context(), b.Report)
}

// MustRun runs tasks that must not fail.
func (b *Bench) MustRun(tasks ...string) {
	b.t.Helper()
	for _, task := range tasks {
		if err := b.Run(task); err != nil {
			b.t.Fatalf("task %s: %v", task, err)
		}
	}
}

// Named is a call as declared.
func (b *Bench) Named(name string) bridge.Call {
	b.t.Helper()
	i := slices.IndexFunc(b.Calls, func(c bridge.Call) bool { return c.Name == name })
	if i < 0 {
		b.t.Fatalf("no call %q", name)
	}
	return b.Calls[i]
}

// Call does a call as the engine does: defaults filled in, the device of the
// argument `device`, a permit for a write and one for its end.
func (b *Bench) Call(name string, args bridge.Args) (any, error) {
	b.t.Helper()
	c, ctx, args := b.Named(name), b.t.Context(), maps.Clone(args)
	if args == nil {
		args = bridge.Args{}
	}
	for _, a := range c.Args {
		if _, given := args[a.Name]; !given && a.Default != nil {
			args[a.Name] = a.Default
		}
	}
	permit := func(steps int) context.Context {
		return bridge.NewPermit(time.Now().Add(5*time.Second), steps).With(ctx)
	}
	order := bridge.Order{Device: b.Device(args.Text("device")), Args: args, Report: b.Report}
	if c.Effect == bridge.Reads {
		return c.Do(ctx, order)
	}
	v, err := c.Do(permit(c.Steps), order)
	if c.Stop != nil && err == nil {
		err = c.Stop(permit(1), order)
	}
	return v, err
}

// MustCall does a call that must not fail.
func (b *Bench) MustCall(name string, args bridge.Args) any {
	b.t.Helper()
	got, err := b.Call(name, args)
	if err != nil {
		b.t.Fatalf("%s %v: %v", name, args, err)
	}
	return got
}

// Failed is what an error of a call or task must be.
func Failed(t testing.TB, err error) *bridge.Failure {
	t.Helper()
	f, ok := errors.AsType[*bridge.Failure](err)
	if !ok {
		t.Fatalf("got %v, want a *Failure", err)
	}
	return f
}

// JSON is a value for [Golden].
func JSON(t testing.TB, v any) string {
	t.Helper()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
