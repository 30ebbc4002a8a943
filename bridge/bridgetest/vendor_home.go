package bridgetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/cloud"
	"latchkey/bridge/config"
	"latchkey/bridge/engine"
	"latchkey/bridge/oauth"
	"latchkey/bridge/operations"
	"latchkey/bridge/simkit"
	"latchkey/bridge/store"
)

// one is the id of the account in the suite.
const one = "one"

// home is one account of a vendor in real rooms, with its simulated cloud.
type home struct {
	t   *testing.T
	v   Vendor
	sim *simkit.Kit
	url string
	dir string
	log Output
	out []string // everything that left for the broker, and every result

	account config.Account
	profile bridge.Profile
	store   *store.Store
	keeper  *oauth.Keeper
	cloud   *cloud.Client
	opened  bridge.Account
	engine  *engine.Engine
	first   string                // a task that runs before all others; "": as the vendor declares them
	ran     map[string]chan error // of the first run of each task
	health  chan struct{}         // capacity 1: it has changed

	stopEngine, stopKeeper func() // each waits; twice does no harm
}

// Output is a log that tests read while it is written.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// newHome makes a simulated cloud and a configuration; nothing runs yet.
func newHome(t *testing.T, v Vendor) *home {
	t.Helper()
	sim := v.Sim(t)
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	h := &home{t: t, v: v, sim: sim.Shared(), url: server.URL, dir: t.TempDir(), stopEngine: func() {}, stopKeeper: func() {}}
	t.Cleanup(h.judge)
	return h
}

// begin is a home whose first polls are over.
func begin(t *testing.T, v Vendor) *home {
	t.Helper()
	h := newHome(t, v)
	h.start()
	for task, err := range h.firstRuns() {
		if err != nil {
			t.Fatalf("task %s: %v", task, err)
		}
	}
	return h
}

// file writes the configuration.
func (h *home) file(settings, options string) string {
	h.t.Helper()
	text := fmt.Sprintf("instance: test\nstate_dir: %s\nmqtt: {broker: \"mqtt://127.0.0.1:1\"}\naccounts:\n  %s:\n    vendor: %s\n    base_url: {base}\n", h.dir, one, h.v.Driver.Kind)
	for line := range strings.Lines(strings.Trim(settings, "\n")) {
		text += "    " + strings.TrimRight(line, "\n") + "\n"
	}
	if options != "" {
		text += "    options: " + options + "\n"
	}
	path := filepath.Join(h.dir, "config.yaml")
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "{base}", h.url)), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

func (h *home) load(settings, options string) (*config.Config, error) {
	h.t.Helper()
	return config.Load(config.Options{Path: h.file(settings, options), Drivers: []bridge.Driver{h.v.Driver}})
}

// start opens the rooms as the daemon does, signs in where nobody is, and lets
// the tasks run.
func (h *home) start() {
	h.t.Helper()
	c, err := h.load(h.v.Settings, h.v.Options)
	if err != nil {
		h.t.Fatal(err)
	}
	h.account = c.Accounts[0]
	h.profile = h.account.Options.Profile(h.account.Settings)
	log := slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if h.store, err = store.Open(store.Options{Dir: h.dir, Keep: oauth.Keep, Revive: oauth.Revive, Log: log}); err != nil {
		h.t.Fatal(err)
	}
	h.health = make(chan struct{}, 1)
	var listener atomic.Pointer[engine.Engine]
	h.keeper = oauth.New(oauth.Options{Store: h.store, Owner: h.store.InstallationID(), Version: "test", Log: log, OnHealth: func(id string, health bridge.Health) {
		if e := listener.Load(); e != nil {
			e.Health(id, health)
		}
		select {
		case h.health <- struct{}{}:
		default:
		}
	}})
	if err := h.keeper.Add(oauth.Account{ID: one, Dialect: h.profile.Dialect, Keepalive: h.account.Keepalive, SignInBefore: h.account.SignInBefore}); err != nil {
		h.t.Fatal(err)
	}
	stopKeeper := running(h.keeper.Run)
	kept := h.store
	h.stopKeeper = sync.OnceFunc(func() {
		stopKeeper()
		if err := kept.Close(); err != nil {
			h.t.Error(err)
		}
	})
	h.t.Cleanup(h.stopKeeper)
	if h.keeper.Health(one).State == bridge.SignedOut && h.v.Person.Name != "" {
		if err := h.signIn(h.v.Person); err != nil {
			h.t.Fatalf("sign in: %v; the vendor's own words stand in the log:\n%s", err, h.log.String())
		}
	}
	h.await(bridge.Valid)
	h.open(log)
	listener.Store(h.engine)
	h.engine.Health(one, h.keeper.Health(one))
	stopEngine, e, client := running(h.engine.Run), h.engine, h.cloud
	h.stopEngine = sync.OnceFunc(func() {
		stopEngine()
		client.Close()
		for _, m := range append(e.Table().Drain(), e.Table().All()...) {
			h.out = append(h.out, m.Topic+" "+string(m.Payload))
		}
	})
	h.t.Cleanup(func() { h.stopEngine() })
}

// open makes the account's functions and the engine over them.
func (h *home) open(log *slog.Logger) {
	h.t.Helper()
	s := h.account.Settings
	h.cloud = cloud.New(cloud.Options{Account: one, Vendor: s.Vendor, Profile: h.profile, Tokens: h.keeper.Tokens(one), Version: "test", Log: log})
	var err error
	h.opened, err = h.account.Options.Open(s, bridge.Env{Account: one, Identity: h.keeper.Identity(one), Cloud: h.cloud, Notes: h.store.Note(one), Log: log,
		HookURL: func() (bridge.Secret, error) { return bridge.NewSecret("http://127.0.0.1:9/hooks/a-secret-path"), nil }})
	if err == nil {
		h.opened, err = operations.Extend(operations.Options{Settings: s, Profile: h.profile, Cloud: h.cloud, Account: h.opened, Log: log})
	}
	if err != nil {
		h.t.Fatal(err)
	}
	watched := h.opened
	watched.Tasks = nil
	h.ran = map[string]chan error{}
	for _, task := range h.opened.Tasks {
		first, do := make(chan error, 1), task.Do
		h.ran[task.Name] = first
		task.Do = func(ctx context.Context, report bridge.Report) error {
			err := do(ctx, report)
			select {
			case first <- err:
			default:
			}
			return err
		}
		at := len(watched.Tasks)
		if task.Name == h.first {
			at = 0
		}
		watched.Tasks = slices.Insert(watched.Tasks, at, task)
	}
	inventory := h.store.Record("inventory")
	h.engine = engine.New(engine.Options{Topics: bridge.Topics{Prefix: "latchkey"}, Commands: engine.Commands{Cooldown: time.Nanosecond},
		Inventory: engine.Inventory{Load: inventory.Load, Save: inventory.Save}, Log: log})
	if err := h.engine.Add(engine.Account{ID: one, Name: s.Name, Vendor: s.Vendor, Permissions: s.Permissions, RawWrites: s.RawWrites, Bridge: watched, Gone: operations.Gone(s)}); err != nil {
		h.t.Fatal(err)
	}
}

// running runs a room; stop ends it and waits.
func running(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = run(ctx) }()
	return func() { cancel(); <-ended }
}

func (h *home) stop() { h.stopEngine(); h.stopKeeper() }

// signIn does what a person does in a browser.
func (h *home) signIn(who simkit.Person) error {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	begun, err := h.keeper.Begin(one, "http://127.0.0.1:9/oauth/callback", "this browser")
	if err != nil {
		h.t.Fatal(err)
	}
	address, err := who.Allow(ctx, begun.URL)
	if err != nil {
		h.t.Fatal(err)
	}
	back, err := url.Parse(address)
	if err != nil {
		h.t.Fatal(err)
	}
	returned, err := oauth.ReadCallback(back.Query())
	returned.Bind = "this browser"
	if err == nil {
		_, err = h.keeper.Finish(ctx, returned)
	}
	return err
}

// await waits for a state of the tokens.
func (h *home) await(want bridge.TokenState) bridge.Health {
	h.t.Helper()
	late := time.After(patience)
	for {
		got := h.keeper.Health(one)
		if got.State == want {
			return got
		}
		select {
		case <-h.health:
		case <-late:
			h.t.Fatalf("the tokens are %s (%s, %+v), want %s", got.State, got.Reason, got.LastError, want)
		}
	}
}

// firstRuns waits for the first run of every task.
func (h *home) firstRuns() map[string]error {
	h.t.Helper()
	late, all := time.After(3*patience), map[string]error{}
	for name, first := range h.ran {
		select {
		case all[name] = <-first:
		case <-late:
			h.t.Fatalf("task %s has not run once", name)
		}
	}
	return all
}

// do asks for a call as the command line does.
func (h *home) do(c Command) bridge.Result {
	h.t.Helper()
	return h.ask(engine.Ask{Name: c.Name, Args: c.Args})
}

func (h *home) ask(ask engine.Ask) bridge.Result {
	h.t.Helper()
	ask.Source, ask.Account = engine.FromCommandLine, one
	ctx, cancel := context.WithTimeout(h.t.Context(), 3*patience)
	defer cancel()
	r := h.engine.Do(ctx, ask)
	text, err := json.Marshal(r)
	if err != nil {
		h.t.Fatal(err)
	}
	h.out = append(h.out, string(text))
	return r
}

// judge ends a home: no secret has left it, no fact was refused, nothing panicked.
func (h *home) judge() {
	h.stop()
	log := h.log.String()
	for _, secret := range h.sim.Issuer.Secrets() {
		if len(secret) < 8 {
			continue
		}
		for _, form := range []string{secret, url.QueryEscape(secret)} {
			if i := strings.Index(log, form); i >= 0 {
				h.t.Errorf("a secret stands in the log: …%s", log[max(0, i-200):i])
			}
			for _, text := range h.out {
				if i := strings.Index(text, form); i >= 0 {
					h.t.Errorf("a secret is told: %s…", text[:i])
				}
			}
		}
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, "fact refused") || strings.Contains(line, "panicked") {
			h.t.Error(line)
		}
	}
}
