package oauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// home is a running keeper with its vendor and store.
type home struct {
	*oauth.Keeper
	t       *testing.T
	v       *vendor
	m       *memory
	log     *bytes.Buffer
	mu      sync.Mutex
	told    []bridge.Health
	stop    context.CancelFunc
	stopped chan error
	once    sync.Once
	ended   error
}

// dialect is one that the fake speaks.
func dialect() bridge.Dialect {
	const base = "https://vendor.test"
	return bridge.Dialect{
		Grant: bridge.GrantCode, ClientID: "c", Secret: bridge.NewSecret(canary + "-secret"), Scope: "read",
		Authorize: &bridge.Authorize{URL: base + "/authorize", Echo: true},
		Exchange: &bridge.Ask{URL: base + "/token", Client: bridge.ClientParams, Params: []bridge.Param{
			{Name: "grant_type", Text: "authorization_code"}, {Name: "code", From: bridge.FieldCode}, {Name: "redirect_uri", From: bridge.FieldRedirect}}},
		Refresh: &bridge.Ask{URL: base + "/token", Client: bridge.ClientParams, Params: []bridge.Param{
			{Name: "grant_type", Text: "refresh_token"}, {Name: "refresh_token", From: bridge.FieldRefreshToken}}},
		Narrow: &bridge.Ask{URL: base + "/token", Client: bridge.ClientParams, Params: []bridge.Param{
			{Name: "grant_type", Text: "refresh_token"}, {Name: "refresh_token", From: bridge.FieldRefreshToken}, {Name: "narrow", From: bridge.FieldNarrow}}},
		Inspect:  &bridge.Ask{Method: "GET", URL: base + "/inspect", Bearer: true},
		Revoke:   []bridge.Ask{{URL: base + "/revoke", Params: []bridge.Param{{Name: "token", From: bridge.FieldAccessToken}}}},
		Identity: &bridge.Identity{URL: base + "/identity", Member: "id"},
	}
}

func appDialect() bridge.Dialect {
	d := dialect()
	d.Grant, d.Authorize, d.Exchange, d.Refresh = bridge.GrantClient, nil, nil, nil
	d.Acquire = &bridge.Ask{URL: "https://vendor.test/token", Client: bridge.ClientParams, Params: []bridge.Param{
		{Name: "grant_type", Text: "client_credentials"}}}
	return d
}

// start runs a keeper with one account. It stops by itself at the end of the bubble.
func start(t *testing.T, v *vendor, m *memory, change ...func(*oauth.Options, *oauth.Account)) *home {
	t.Helper()
	h := &home{t: t, v: v, m: m, log: &bytes.Buffer{}, stopped: make(chan error, 1)}
	o := oauth.Options{Store: m, Transport: v, Owner: "here", Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		OnHealth: func(_ string, health bridge.Health) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.told = append(h.told, health)
		}}
	account := oauth.Account{ID: "gate", Dialect: dialect(), LoginURL: "http://127.0.0.1/login"}
	for _, c := range change {
		c(&o, &account)
	}
	h.Keeper = oauth.New(o)
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	go func() { h.stopped <- h.Run(ctx) }()
	if err := h.Add(account); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.end(); h.scan() })
	return h
}

// end stops the keeper and waits for it.
func (h *home) end() error {
	h.stop()
	h.once.Do(func() { h.ended = <-h.stopped })
	synctest.Wait()
	return h.ended
}

// scan looks for tokens, codes and client secrets in the log and in healths.
func (h *home) scan() {
	told, _ := json.Marshal(h.told)
	for _, text := range []string{h.log.String(), string(told)} {
		for _, secret := range []string{canary, "code-of-"} {
			if i := strings.Index(text, secret); i >= 0 {
				h.t.Errorf("a secret was shown: ...%s", text[max(0, i-200):])
			}
		}
	}
}

// signIn signs an account in as a person would.
func (h *home) signIn(identity string) error {
	begun, err := h.Begin("gate", "https://home.test/oauth/callback", "")
	if err != nil {
		return err
	}
	_, err = h.Finish(context.Background(), oauth.Callback{State: begun.State, Code: "code-of-" + identity})
	return err
}

// signedIn is a running keeper whose account has just been signed in.
func signedIn(t *testing.T, v *vendor, m *memory, change ...func(*oauth.Options, *oauth.Account)) *home {
	t.Helper()
	h := start(t, v, m, change...)
	if err := h.signIn("anna"); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return h
}

// bearer is what a caller gets within a second.
func (h *home) bearer() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	b, err := h.Tokens("gate").Bearer(ctx, "")
	return b.Token.Reveal(), err
}

// want compares the account's health.
func (h *home) want(state bridge.TokenState, reason bridge.HealthReason, action bridge.UserAction) {
	h.t.Helper()
	got := h.Health("gate")
	if got.State != state || got.Reason != reason || got.UserAction != action {
		h.t.Errorf("health is %s, %q, %s; want %s, %q, %s (last error %+v)", got.State, got.Reason, got.UserAction, state, reason, action, got.LastError)
	}
}

// wantServing checks that a caller gets a token that the vendor accepts.
func (h *home) wantServing() {
	h.t.Helper()
	token, err := h.bearer()
	if err != nil || !h.v.serves(token) {
		h.t.Errorf("Bearer() = %q, %v: the vendor takes it: %v", token, err, h.v.serves(token))
	}
}

// betweenTries waits until the keeper's last try is so long ago, and its next so
// far ahead, that a press makes the only one.
func (h *home) betweenTries() {
	for {
		now, health := time.Now(), h.Health("gate")
		if now.Sub(health.LastError.At) > 10*time.Second && health.NextRefreshAt.Sub(now) > 20*time.Second {
			return
		}
		time.Sleep(time.Second)
	}
}
