package dwspectrum_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/dwspectrum"
	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	bridgetest.Golden(t, *update, name, got)
}

const base = "https://dwspectrum.digital-watchdog.com"

func settings() bridge.Settings {
	return bridge.Settings{ID: "site", Vendor: "dwspectrum", Name: "Site", BaseURL: base, Grant: bridge.GrantCode, ClientID: "latchkey-test", Poll: time.Minute}
}

// options are the defaults, changed.
func options(change ...func(*dwspectrum.Options)) *dwspectrum.Options {
	o := dwspectrum.Driver().New().(*dwspectrum.Options)
	for _, f := range change {
		f(o)
	}
	return o
}

func systems(ids ...string) func(*dwspectrum.Options) {
	return func(o *dwspectrum.Options) { o.Systems = ids }
}

// fakeCloud answers with one function and writes the requests down.
type fakeCloud struct {
	answer func(bridge.Request) (bridge.Reply, error)
	mu     sync.Mutex
	asked  []string
}

func (f *fakeCloud) Read(_ context.Context, r bridge.Request) (bridge.Reply, error) {
	return f.do("read", "GET", r)
}

func (f *fakeCloud) Act(ctx context.Context, r bridge.Request) (bridge.Reply, error) {
	if err := bridge.Take(ctx); err != nil {
		return bridge.Reply{}, err
	}
	return f.do("act", "POST", r)
}

func (f *fakeCloud) do(what, method string, r bridge.Request) (bridge.Reply, error) {
	if r.Method != "" {
		method = r.Method
	}
	line := what + " " + method + " " + r.Path
	if len(r.Query) > 0 {
		line += "?" + url.Values(r.Query).Encode()
	}
	body, _ := r.JSON.([]byte)
	line += fmt.Sprintf(" origin=%q narrow=%q lane=%q accept=%q limit=%d", r.Origin, r.Narrow, r.Lane, r.Accept, r.Limit)
	if r.JSON != nil {
		line += " body=" + string(body)
	}
	f.mu.Lock()
	f.asked = append(f.asked, line)
	f.mu.Unlock()
	return f.answer(r)
}

// byPath answers some paths; every other is unknown.
func byPath(answers map[string]string) *fakeCloud {
	return &fakeCloud{answer: func(r bridge.Request) (bridge.Reply, error) {
		body, ok := answers[r.Path]
		if !ok {
			return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Status: 404, Message: "the cloud does not know it"}
		}
		return bridge.Reply{Status: 200, Type: "application/json", Body: []byte(body)}, nil
	}}
}

// house is an opened account with what it reported. Facts that the engine would
// refuse fail the test.
type house struct {
	bridge.Account
	t       *testing.T
	cloud   *simCloud
	notes   *notes
	mu      sync.Mutex
	facts   []bridge.Fact
	sources map[string][]bridge.Device
}

// notes keeps records in memory, and counts what is written.
type notes struct {
	kept  map[string][]byte
	saves int
}

func (n *notes) Load(name string) ([]byte, error) { return n.kept[name], nil }
func (n *notes) Save(name string, record []byte) error {
	if n.kept == nil {
		n.kept = map[string][]byte{}
	}
	n.kept[name] = record
	n.saves++
	return nil
}

func open(t *testing.T, set bridge.Settings, cloud bridge.Cloud, change ...func(*dwspectrum.Options)) *house {
	t.Helper()
	return reopen(t, set, cloud, &notes{}, change...)
}

func reopen(t *testing.T, set bridge.Settings, cloud bridge.Cloud, kept *notes, change ...func(*dwspectrum.Options)) *house {
	t.Helper()
	a, err := options(change...).Open(set, bridge.Env{Account: "site", Cloud: cloud, Notes: kept, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &house{Account: a, t: t, notes: kept, sources: map[string][]bridge.Device{}}
}

// onSim opens the demo user's account of a simulator.
func onSim(t *testing.T, s *sim.Sim, change ...func(*dwspectrum.Options)) *house {
	t.Helper()
	cloud := &simCloud{sim: s, profile: options(change...).Profile(settings()), issued: s.Issuer.Issue("latchkey-test", sim.DemoUser, sim.DefaultScope), minted: map[string]string{}}
	h := open(t, settings(), cloud, change...)
	h.cloud = cloud
	return h
}

func (h *house) report(facts ...bridge.Fact) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range facts {
		switch f := f.(type) {
		case bridge.Devices:
			h.sources[f.Source] = f.All
			h.checkDevices(f.All)
		case bridge.State:
			e := h.entity(f.Ref)
			if e == nil || e.OfState || e.Kind == bridge.Button || e.Kind == bridge.Event || e.Kind == bridge.ImageKind {
				h.t.Errorf("a state of %v, which takes none", f.Ref)
			} else if len(e.Options) > 0 && f.Value != (bridge.Value{}) && !strings.Contains("|"+strings.Join(e.Options, "|")+"|", "|"+f.Value.String()+"|") {
				h.t.Errorf("%v is %q, none of %q", f.Ref, f.Value, e.Options)
			}
		case bridge.Picture:
			if e := h.entity(f.Ref); e == nil || e.Kind != bridge.ImageKind {
				h.t.Errorf("a picture of %v, which is none", f.Ref)
			}
		case bridge.Happened:
			if e := h.entity(f.Ref); e == nil || e.Kind != bridge.Event || !strings.Contains(strings.Join(e.Options, "|"), f.Type) {
				h.t.Errorf("event %q of %v, which does not have it", f.Type, f.Ref)
			}
		case bridge.Reach:
			if h.entity(bridge.Ref{Device: f.Device, Entity: "connection"}) == nil {
				h.t.Errorf("a reach of %q, which is not there", f.Device)
			}
		case bridge.Due:
			found := false
			for _, task := range h.Tasks {
				found = found || task.Name == f.Task
			}
			if !found {
				h.t.Errorf("task %q is due, which is not there", f.Task)
			}
		}
	}
	h.facts = append(h.facts, facts...)
}

// checkDevices finds what the engine would leave out.
func (h *house) checkDevices(all []bridge.Device) {
	seen := map[string]bool{}
	for _, d := range all {
		if !bridge.IsID(d.ID) || bridge.IsReservedID(d.ID) || seen[d.ID] {
			h.t.Errorf("device id %q is malformed, reserved or there twice", d.ID)
		}
		seen[d.ID] = true
		entities := map[string]bool{}
		for _, e := range d.Entities {
			if !bridge.IsID(e.ID) || bridge.IsReservedID(e.ID) || entities[e.ID] {
				h.t.Errorf("entity id %q of %s is malformed, reserved or there twice", e.ID, d.ID)
			}
			entities[e.ID] = true
			for _, v := range e.Verbs {
				call := h.named(v.Call)
				for name := range v.Args {
					if !hasArg(call, name) {
						h.t.Errorf("verb of %s gives %s the argument %s", e.ID, v.Call, name)
					}
				}
			}
		}
	}
}

func hasArg(c bridge.Call, name string) bool {
	for _, a := range c.Args {
		if a.Name == name {
			return true
		}
	}
	return false
}

func (h *house) entity(ref bridge.Ref) *bridge.Entity {
	for _, all := range h.sources {
		for _, d := range all {
			for i := range d.Entities {
				if d.ID == ref.Device && d.Entities[i].ID == ref.Entity {
					return &d.Entities[i]
				}
			}
		}
	}
	return nil
}

func (h *house) device(id string) bridge.Device {
	for _, all := range h.sources {
		for _, d := range all {
			if d.ID == bridge.DeviceID(id) {
				return d
			}
		}
	}
	return bridge.Device{}
}

// take returns what was reported since the last time.
func (h *house) take() []bridge.Fact {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.facts
	h.facts = nil
	return f
}

func task(name, system string) string { return name + "_" + bridge.DeviceID(system) }

func (h *house) run(task string) error {
	h.t.Helper()
	for _, one := range h.Tasks {
		if one.Name == task {
			return one.Do(h.t.Context(), h.report)
		}
	}
	h.t.Fatalf("no task %q", task)
	return nil
}

func (h *house) mustRun(tasks ...string) {
	h.t.Helper()
	for _, task := range tasks {
		if err := h.run(task); err != nil {
			h.t.Fatalf("task %s: %v", task, err)
		}
	}
}

func (h *house) named(name string) bridge.Call {
	h.t.Helper()
	for _, c := range h.Calls {
		if c.Name == name {
			return c
		}
	}
	h.t.Fatalf("no call %q", name)
	return bridge.Call{}
}

// call does what the engine does: defaults, the device of the argument, one permit.
func (h *house) call(name string, args bridge.Args) (any, error) {
	h.t.Helper()
	c := h.named(name)
	all := bridge.Args{}
	for _, a := range c.Args {
		if v, given := args[a.Name]; given {
			all[a.Name] = v
		} else if a.Default != nil {
			all[a.Name] = a.Default
		} else if !a.Optional {
			h.t.Fatalf("%s: argument %s is missing", name, a.Name)
		}
	}
	ctx := h.t.Context()
	if c.Effect == bridge.Writes {
		ctx = bridge.NewPermit(time.Now().Add(5*time.Second), c.Steps).With(ctx)
	}
	order := bridge.Order{Device: h.device(all.Text("device")), Args: all, Report: h.report}
	v, err := c.Do(ctx, order)
	if c.Stop != nil && err == nil {
		err = c.Stop(bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(h.t.Context()), order)
	}
	return v, err
}

// press does what a command on an entity does.
func (h *house) press(device, entity, says string) error {
	h.t.Helper()
	e := h.entity(bridge.Ref{Device: bridge.DeviceID(device), Entity: entity})
	if e == nil {
		h.t.Fatalf("no entity %s of %s", entity, device)
	}
	for _, v := range e.Verbs {
		if v.Says == says {
			args := bridge.Args{}
			for name, value := range v.Args {
				args[name] = value
			}
			if hasArg(h.named(v.Call), "device") {
				args["device"] = bridge.DeviceID(device)
			}
			_, err := h.call(v.Call, args)
			return err
		}
	}
	h.t.Fatalf("%s takes no %s", entity, says)
	return nil
}

func failure(t *testing.T, err error) *bridge.Failure {
	t.Helper()
	f, ok := errors.AsType[*bridge.Failure](err)
	if !ok {
		t.Fatalf("got %v, want a *Failure", err)
	}
	return f
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// states are the reported values, reaches and events.
func states(facts []bridge.Fact) (all []string) {
	for _, f := range facts {
		switch f := f.(type) {
		case bridge.State:
			all = append(all, f.Device+"/"+f.Entity+" "+f.Value.String())
		case bridge.Reach:
			all = append(all, fmt.Sprintf("%s reach ok=%v says=%v", f.Device, f.OK, f.Says))
		case bridge.Happened:
			all = append(all, fmt.Sprintf("%s/%s %s", f.Device, f.Entity, f.Type))
		}
	}
	return all
}

func lines(all []string) string { return strings.Join(all, "\n") + "\n" }
