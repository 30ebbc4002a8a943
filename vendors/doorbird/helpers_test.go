package doorbird_test

import (
	"bytes"
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
	"latchkey/vendors/doorbird"
	"latchkey/vendors/doorbird/doorbirdsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	bridgetest.Golden(t, *update, name, got)
}

const base = "https://api.doorbird.io"

func settings(scope string) bridge.Settings {
	return bridge.Settings{ID: "gate", Vendor: "doorbird", Name: "Front gate", BaseURL: base, Grant: bridge.GrantCode,
		ClientID: doorbirdsim.DemoClient, ClientSecret: bridge.NewSecret(doorbirdsim.DemoSecret), Scope: scope, Poll: time.Minute}
}

// options are the defaults, changed.
func options(change func(*doorbird.Options)) *doorbird.Options {
	o := doorbird.Driver().New().(*doorbird.Options)
	if change != nil {
		change(o)
	}
	return o
}

// withPush switches the partner push on.
func withPush(o *doorbird.Options) { o.PushKey = bridge.NewSecret("push-key") }

// fakeCloud answers with one function and writes the requests down.
type fakeCloud struct {
	answer func(bridge.Request) (bridge.Reply, error)
	asked  []string
}

func (f *fakeCloud) Read(_ context.Context, r bridge.Request) (bridge.Reply, error) {
	return f.do("read GET", r)
}

func (f *fakeCloud) Act(ctx context.Context, r bridge.Request) (bridge.Reply, error) {
	if err := bridge.Take(ctx); err != nil {
		return bridge.Reply{}, err
	}
	return f.do("act POST", r)
}

func (f *fakeCloud) do(what string, r bridge.Request) (bridge.Reply, error) {
	body := "none"
	if r.JSON != nil {
		body = fmt.Sprintf("%q", r.JSON)
	}
	f.asked = append(f.asked, fmt.Sprintf("%s %s accept=%q media=%q body=%s%s", what, r.Path, r.Accept, r.Media, body, r.Method))
	if f.answer == nil {
		return bridge.Reply{Status: 200}, nil
	}
	return f.answer(r)
}

// simCloud is a bridge.Cloud over the simulator's handler: one exchange without
// socket, no repeating, the reasons of hazards section 4.1.
type simCloud struct {
	sim   *doorbirdsim.Sim
	token string
}

func (c *simCloud) Read(ctx context.Context, r bridge.Request) (bridge.Reply, error) {
	return c.do(ctx, http.MethodGet, r)
}

func (c *simCloud) Act(ctx context.Context, r bridge.Request) (bridge.Reply, error) {
	if err := bridge.Take(ctx); err != nil {
		return bridge.Reply{}, err
	}
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	return c.do(ctx, r.Method, r)
}

func (c *simCloud) do(ctx context.Context, method string, r bridge.Request) (reply bridge.Reply, err error) {
	body, _ := r.JSON.([]byte)
	to, _ := strings.CutPrefix(r.Path, base)
	req := httptest.NewRequestWithContext(ctx, method, base+to, bytes.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Accept", r.Accept)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != nil { // the simulator cut the connection
			err = &bridge.Failure{Reason: bridge.ReasonNoAnswer}
		}
	}()
	c.sim.Handler().ServeHTTP(w, req)
	media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	switch {
	case w.Code/100 == 2:
		return bridge.Reply{Status: w.Code, Type: media, Body: w.Body.Bytes()}, nil
	case w.Code == 429:
		return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRateLimited, Status: w.Code}
	case w.Code/100 == 4 && w.Code != 408:
		return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Status: w.Code}
	}
	return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonNoAnswer, Status: w.Code}
}

// memory keeps notes.
type memory struct {
	mu   sync.Mutex
	kept map[string][]byte
	fail error
}

func (m *memory) Load(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.kept[name], m.fail
}

func (m *memory) Save(name string, record []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil {
		m.kept = map[string][]byte{}
	}
	m.kept[name] = record
	return m.fail
}

// station is an opened account with what it reported.
type station struct {
	bridge.Account
	mu    sync.Mutex
	facts []bridge.Fact
	log   bytes.Buffer
}

func open(t *testing.T, o *doorbird.Options, s bridge.Settings, env bridge.Env) *station {
	t.Helper()
	st := &station{}
	if env.Notes == nil {
		env.Notes = &memory{}
	}
	env.Account, env.Log = s.ID, slog.New(slog.NewTextHandler(&st.log, nil))
	a, err := o.Open(s, env)
	if err != nil {
		t.Fatal(err)
	}
	st.Account = a
	return st
}

// onSim opens an account of the simulator's demo station.
func onSim(t *testing.T, sim *doorbirdsim.Sim, user string, o *doorbird.Options) *station {
	t.Helper()
	scope := doorbirdsim.Viewer
	if strings.HasSuffix(user, "0000") {
		scope = doorbirdsim.Admin
	}
	token := sim.Issuer.Issue(doorbirdsim.DemoClient, user, scope).Access
	return open(t, o, settings(scope), bridge.Env{Cloud: &simCloud{sim, token}, HookURL: func() (bridge.Secret, error) { return bridge.NewSecret(hookURL), nil }})
}

// hookURL is where the station is told to call.
const hookURL = "https://home.example/hooks/doorbird/gate/CANARY-4711"

func (s *station) report(f ...bridge.Fact) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.facts = append(s.facts, f...)
}

// take returns what was reported since the last time.
func (s *station) take() []bridge.Fact {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.facts
	s.facts = nil
	return f
}

func (s *station) run(t *testing.T, task string) error {
	t.Helper()
	for _, one := range s.Tasks {
		if one.Name == task {
			return one.Do(t.Context(), s.report)
		}
	}
	t.Fatalf("no task %q", task)
	return nil
}

func (s *station) mustRun(t *testing.T, task string) {
	t.Helper()
	if err := s.run(t, task); err != nil {
		t.Fatalf("task %s: %v", task, err)
	}
}

// call does a named call; a write gets a permit for one request.
func (s *station) call(t *testing.T, name string, args bridge.Args) (any, error) {
	t.Helper()
	c, ctx := s.named(t, name), t.Context()
	if c.Effect == bridge.Writes {
		ctx = bridge.NewPermit(time.Now().Add(5*time.Second), c.Steps).With(ctx)
	}
	return c.Do(ctx, bridge.Order{Args: args, Report: s.report})
}

func (s *station) named(t *testing.T, name string) bridge.Call {
	t.Helper()
	for _, c := range s.Calls {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no call %q", name)
	return bridge.Call{}
}

func (s *station) mustCall(t *testing.T, name string, args bridge.Args) any {
	t.Helper()
	got, err := s.call(t, name, args)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return got
}

func failure(t *testing.T, err error) bridge.Failure {
	t.Helper()
	var f *bridge.Failure
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a *Failure", err)
	}
	return *f
}

// device is the one device in the last list among the facts.
func device(t *testing.T, facts []bridge.Fact) bridge.Device {
	t.Helper()
	for i := len(facts) - 1; i >= 0; i-- {
		if d, ok := facts[i].(bridge.Devices); ok && len(d.All) == 1 {
			return d.All[0]
		}
	}
	t.Fatalf("no list of one device in %v", facts)
	return bridge.Device{}
}

// ids are the entities of a device with their names.
func ids(d bridge.Device) (all []string) {
	for _, e := range d.Entities {
		all = append(all, e.ID+" "+e.Name)
	}
	return all
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}
