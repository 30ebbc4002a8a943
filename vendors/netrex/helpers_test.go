package netrex_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/netrex"
	sim "latchkey/vendors/netrex/netrexsim"
)

// The day of the figures is the local one: golden files need a place.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("CET", 3600)
	goleak.VerifyTestMain(m)
}

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	bridgetest.Golden(t, *update, name, got)
}

const base = "https://system2.netrex.cz"

func settings() bridge.Settings {
	return bridge.Settings{ID: "cams", Vendor: "netrex", Name: "Cameras", BaseURL: base, Grant: bridge.GrantCode,
		ClientID: sim.DemoClient, ClientSecret: bridge.NewSecret(sim.DemoSecret), Scope: "read,recordings", Poll: 10 * time.Minute}
}

// options are the defaults, changed.
func options(change ...func(*netrex.Options)) *netrex.Options {
	o := netrex.Driver().New().(*netrex.Options)
	for _, f := range change {
		f(o)
	}
	return o
}

// fakeCloud answers with one function and writes the requests down.
type fakeCloud struct {
	answer func(query string) (bridge.Reply, error)
	mu     sync.Mutex
	asked  []string
}

func (f *fakeCloud) Read(_ context.Context, r bridge.Request) (bridge.Reply, error) {
	sent, _ := r.JSON.([]byte)
	f.mu.Lock()
	f.asked = append(f.asked, r.Method+" "+r.Path+" "+string(sent))
	f.mu.Unlock()
	return f.answer(string(sent))
}

func (f *fakeCloud) Act(context.Context, bridge.Request) (bridge.Reply, error) {
	return bridge.Reply{}, errors.New("nothing of this vendor moves")
}

// answer makes a fake that gives the same body to everything.
func answer(body string) *fakeCloud {
	return &fakeCloud{answer: func(string) (bridge.Reply, error) {
		return bridge.Reply{Status: 200, Type: "application/json", Body: []byte(body)}, nil
	}}
}

// simCloud is a bridge.Cloud over the simulator's handler, without sockets.
type simCloud struct {
	h     http.Handler
	token string
}

func (c *simCloud) Act(context.Context, bridge.Request) (bridge.Reply, error) {
	return bridge.Reply{}, errors.New("nothing of this vendor moves")
}

func (c *simCloud) Read(ctx context.Context, r bridge.Request) (reply bridge.Reply, err error) {
	sent, _ := r.JSON.([]byte)
	req := httptest.NewRequestWithContext(ctx, r.Method, "http://127.0.0.1:8080"+r.Path, strings.NewReader(string(sent)))
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	defer func() {
		if recover() != nil { // the simulator cut the connection
			err = &bridge.Failure{Reason: bridge.ReasonNoAnswer}
		}
	}()
	c.h.ServeHTTP(w, req)
	reason := bridge.ReasonNoAnswer
	switch {
	case w.Code/100 == 2:
		return bridge.Reply{Status: w.Code, Type: w.Header().Get("Content-Type"), Body: w.Body.Bytes()}, nil
	case w.Code/100 == 4:
		reason = bridge.ReasonRejected
	}
	return reply, &bridge.Failure{Reason: reason, Status: w.Code, Message: "refused", Detail: w.Body.Bytes()}
}

// house is an opened account with what it reported. Facts that the engine would
// refuse fail the test.
type house struct {
	bridge.Account
	t     *testing.T
	log   strings.Builder
	mu    sync.Mutex
	facts []bridge.Fact
	kinds map[bridge.Ref]bridge.Kind
}

func open(t *testing.T, cloud bridge.Cloud, change ...func(*netrex.Options)) *house {
	t.Helper()
	h := &house{t: t}
	a, err := options(change...).Open(settings(), bridge.Env{Account: "cams", Cloud: cloud, Log: slog.New(slog.NewTextHandler(&h.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	h.Account = a
	return h
}

// onSim opens the owner's account of a simulator, with a token that does not end.
func onSim(t *testing.T, s *sim.Sim, change ...func(*netrex.Options)) *house {
	t.Helper()
	return open(t, &simCloud{s.Handler(), s.PortalToken(sim.DemoUser, "read,recordings")}, change...)
}

func (h *house) report(facts ...bridge.Fact) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range facts {
		ref, want := bridge.Ref{}, bridge.Kind("")
		switch f := f.(type) {
		case bridge.Devices:
			h.kinds = map[bridge.Ref]bridge.Kind{}
			for _, d := range f.All {
				for _, e := range d.Entities {
					h.kinds[bridge.Ref{Device: d.ID, Entity: e.ID}] = e.Kind
				}
			}
		case bridge.State:
			ref, want = f.Ref, h.kinds[f.Ref]
		case bridge.Happened:
			ref, want = f.Ref, bridge.Event
		}
		if (ref != bridge.Ref{}) && (want == "" || h.kinds[ref] != want) {
			h.t.Errorf("a fact about %v, which is no entity for it", ref)
		}
	}
	h.facts = append(h.facts, facts...)
}

// take returns what was reported since the last time.
func (h *house) take() []bridge.Fact {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.facts
	h.facts = nil
	return f
}

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

func (h *house) call(name string, args bridge.Args) (any, error) {
	h.t.Helper()
	for _, c := range h.Calls {
		if c.Name == name {
			if c.Effect != bridge.Reads {
				h.t.Errorf("call %s moves something", name)
			}
			return c.Do(h.t.Context(), bridge.Order{Args: args, Report: h.report})
		}
	}
	h.t.Fatalf("no call %q", name)
	return nil, nil
}

// mustCall returns the result as JSON.
func (h *house) mustCall(name string, args bridge.Args) string {
	h.t.Helper()
	v, err := h.call(name, args)
	if err != nil {
		h.t.Fatalf("%s %v: %v", name, args, err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
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
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

// told are the reported values, "1001/listed ON", and events.
func told(facts []bridge.Fact) (all []string) {
	for _, f := range facts {
		switch f := f.(type) {
		case bridge.State:
			all = append(all, f.Device+"/"+f.Entity+" "+f.Value.String())
		case bridge.Happened:
			all = append(all, fmt.Sprintf("%s/%s %s %s %v", f.Device, f.Entity, f.Type, f.ID, f.Attributes))
		}
	}
	return all
}

func devices(facts []bridge.Fact) (all []bridge.Device) {
	for _, f := range facts {
		if d, ok := f.(bridge.Devices); ok {
			all = d.All
		}
	}
	return all
}

func due(facts []bridge.Fact) (tasks []string) {
	for _, f := range facts {
		if d, ok := f.(bridge.Due); ok {
			tasks = append(tasks, fmt.Sprintf("%s in %s", d.Task, d.In))
		}
	}
	return tasks
}

func lines(all []string) string { return strings.Join(all, "\n") + "\n" }
