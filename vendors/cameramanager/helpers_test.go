package cameramanager_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/cameramanager"
	sim "latchkey/vendors/cameramanager/cameramanagersim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	bridgetest.Golden(t, *update, name, got)
}

const base = "https://rest.cameramanager.com"

func settings() bridge.Settings {
	return bridge.Settings{ID: "cams", Vendor: "cameramanager", Name: "Cameras", BaseURL: base, Grant: bridge.GrantCode,
		ClientID: sim.DemoClient, ClientSecret: bridge.NewSecret(sim.DemoSecret), Scope: "read", Poll: time.Minute}
}

// options are the defaults, changed.
func options(change ...func(*cameramanager.Options)) *cameramanager.Options {
	o := cameramanager.Driver().New().(*cameramanager.Options)
	for _, f := range change {
		f(o)
	}
	return o
}

// fakeCloud answers with one function and writes the requests down.
type fakeCloud struct {
	answer func(bridge.Request) (bridge.Reply, error)
	mu     sync.Mutex
	asked  []string
}

func (f *fakeCloud) Read(_ context.Context, r bridge.Request) (bridge.Reply, error) {
	f.mu.Lock()
	f.asked = append(f.asked, fmt.Sprintf("GET %s?%s accept=%q lane=%q limit=%d body=%v", r.Path, url.Values(r.Query).Encode(), r.Accept, r.Lane, r.Limit, r.JSON != nil || r.Method != ""))
	f.mu.Unlock()
	return f.answer(r)
}

func (f *fakeCloud) Act(context.Context, bridge.Request) (bridge.Reply, error) {
	return bridge.Reply{}, errors.New("nothing of this vendor moves")
}

// answer makes a fake that gives the same body to everything.
func answer(body string) *fakeCloud {
	return &fakeCloud{answer: func(bridge.Request) (bridge.Reply, error) {
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
	target := "http://127.0.0.1:8080" + r.Path
	if len(r.Query) > 0 {
		target += "?" + url.Values(r.Query).Encode()
	}
	req := httptest.NewRequestWithContext(ctx, "GET", target, nil)
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", r.Accept)
	if r.Accept == "" {
		req.Header.Set("Accept", "application/json")
	}
	w := httptest.NewRecorder()
	defer func() {
		if recover() != nil { // the simulator cut the connection
			err = &bridge.Failure{Reason: bridge.ReasonNoAnswer}
		}
	}()
	c.h.ServeHTTP(w, req)
	reason := bridge.ReasonNoAnswer
	switch {
	case ctx.Err() != nil:
		return reply, &bridge.Failure{Reason: bridge.ReasonNoAnswer}
	case w.Code/100 == 2:
		return bridge.Reply{Status: w.Code, Type: w.Header().Get("Content-Type"), Body: w.Body.Bytes()}, nil
	case w.Code == 429:
		reason = bridge.ReasonRateLimited
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
	mu    sync.Mutex
	facts []bridge.Fact
	kinds map[bridge.Ref]bridge.Kind
}

func open(t *testing.T, cloud bridge.Cloud, change ...func(*cameramanager.Options)) *house {
	t.Helper()
	a, err := options(change...).Open(settings(), bridge.Env{Account: "cams", Cloud: cloud, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &house{Account: a, t: t}
}

// onSim opens anna's account of a simulator.
func onSim(t *testing.T, s *sim.Sim, change ...func(*cameramanager.Options)) *house {
	t.Helper()
	return open(t, &simCloud{s.Handler(), s.Issuer.Issue(sim.DemoClient, sim.DemoUser, "read").Access}, change...)
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
		case bridge.Picture:
			ref, want = f.Ref, bridge.ImageKind
		case bridge.Reach:
			ref, want = bridge.Ref{Device: f.Device, Entity: "connection"}, bridge.BinarySensor
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

// states are the reported values, "4201/recording ON", and reaches, "4201 online".
func states(facts []bridge.Fact) (all []string) {
	for _, f := range facts {
		switch f := f.(type) {
		case bridge.State:
			all = append(all, f.Device+"/"+f.Entity+" "+f.Value.String())
		case bridge.Reach:
			all = append(all, fmt.Sprintf("%s online=%v says=%v", f.Device, f.OK, f.Says))
		}
	}
	return all
}

func devices(facts []bridge.Fact) (all []bridge.Device, lists int) {
	for _, f := range facts {
		if d, ok := f.(bridge.Devices); ok {
			all, lists = d.All, lists+1
		}
	}
	return all, lists
}

func due(facts []bridge.Fact) (tasks []string) {
	for _, f := range facts {
		if d, ok := f.(bridge.Due); ok {
			tasks = append(tasks, d.Task)
		}
	}
	return tasks
}

func lines(all []string) string { return strings.Join(all, "\n") + "\n" }
