// Package fosite_test runs latchkey's keeper, sign-in and store against
// ory/fosite, an authorization server that nobody here wrote. It has a module of
// its own, because fosite brings hundreds of others; .ci/run runs it.
package fosite_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
	"latchkey/bridge/store"
)

// home is a keeper over a real store.
type home struct {
	*oauth.Keeper
	t     *testing.T
	s     *server
	store *store.Store
	end   func()
}

// start runs a keeper over the store of a folder, as one process does.
func start(t *testing.T, s *server, dir string, wrap func(oauth.Store) oauth.Store) *home {
	t.Helper()
	kept, err := store.Open(store.Options{Dir: dir, Keep: oauth.Keep})
	if err != nil {
		t.Fatal(err)
	}
	o := oauth.Options{Store: kept, Transport: s, Owner: "here"}
	if wrap != nil {
		o.Store = wrap(kept)
	}
	h := &home{Keeper: oauth.New(o), t: t, s: s, store: kept}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = h.Run(ctx) }()
	h.end = sync.OnceFunc(func() {
		stop()
		<-done
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(h.end)
	if err := h.Add(oauth.Account{ID: "gate", Dialect: dialect()}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *home) signIn() {
	h.t.Helper()
	begun, err := h.Begin("gate", back, "")
	if err != nil {
		h.t.Fatal(err)
	}
	to, err := h.s.open(begun.URL)
	if err != nil {
		h.t.Fatal(err)
	}
	cb, err := oauth.ReadCallback(to.Query())
	if err == nil {
		_, err = h.Finish(h.t.Context(), cb)
	}
	if err != nil {
		h.t.Fatalf("sign in at %s: %v", to.Redacted(), err)
	}
}

// bearer is what a command gets within five seconds.
func (h *home) bearer() (string, error) {
	end := time.Now().Add(5 * time.Second)
	ctx, cancel := context.WithDeadline(bridge.NewPermit(end, 1).With(context.Background()), end)
	defer cancel()
	b, err := h.Tokens("gate").Bearer(ctx, "")
	return b.Token.Reveal(), err
}

// read is one read as bridge/cloud makes it: a 401 renews the token, once.
func (h *home) read() error {
	for range 2 {
		token, err := h.bearer()
		if err != nil {
			return err
		}
		if h.s.reads(token) {
			return nil
		}
		h.Tokens("gate").Refused(bridge.Bearer{Token: bridge.NewSecret(token)})
	}
	return errors.New("two tokens in a row are refused")
}

func (h *home) want(state bridge.TokenState, reason bridge.HealthReason) {
	h.t.Helper()
	synctest.Wait()
	if got := h.Health("gate"); got.State != state || got.Reason != reason {
		h.t.Errorf("health is %s, %q; want %s, %q (%+v)", got.State, got.Reason, state, reason, got.LastError)
	}
}

// Fifty refreshes while a hundred callers read all the time: each read works, and
// no refresh token is ever used twice, which would end the grant.
func TestFiftyRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		h := start(t, s, t.TempDir(), nil)
		h.signIn()
		if id := h.Identity("gate"); id != "anna" {
			t.Errorf("signed in as %q, want anna", id)
		}
		until := time.Now().Add(36 * time.Hour)
		var reads atomic.Int64
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				for time.Now().Before(until) {
					time.Sleep(rand.N(20 * time.Minute))
					if err := h.read(); err != nil {
						t.Errorf("a read after %d others: %v", reads.Load(), err)
						return
					}
					reads.Add(1)
				}
			})
		}
		callers.Wait()
		if n := s.count("refresh_token 200"); n < 50 || n+1 != s.count("") || s.most != 1 {
			t.Errorf("%d refreshes, %d token calls, %d at once; want 50 or more, one more, and one", n, s.count(""), s.most)
		}
		t.Logf("%d refreshes, %d reads", s.count("refresh_token 200"), reads.Load())
	})
}

// dying is the store of a process that dies when it saves a record that match
// finds; what it does afterwards has no effect.
type dying struct {
	oauth.Store
	match func(record string) bool
	dead  atomic.Bool
}

var errDead = errors.New("this process is dead")

func (d *dying) Save(ctx context.Context, account string, seen uint64, record []byte) (uint64, bool, error) {
	if d.dead.Load() || d.match(string(record)) {
		d.dead.Store(true)
		return 0, false, errDead
	}
	return d.Store.Save(ctx, account, seen, record)
}

// A crash at the journal costs nothing. One between the reply and its save costs
// the grant here, because fosite ends it when the spent token comes again; it is
// told as what it is, after one call, and a sign-in mends it.
func TestCrash(t *testing.T) {
	for name, c := range map[string]struct {
		match func(string) bool
		lost  bool
	}{
		"at the journal":             {func(r string) bool { return strings.Contains(r, `"intent":`) }, false},
		"between the reply and save": {func(r string) bool { return !strings.Contains(r, `"intent":`) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, dir := newServer(t), t.TempDir()
				h := start(t, s, dir, nil)
				h.signIn()
				h.end()
				h = start(t, s, dir, func(s oauth.Store) oauth.Store { return &dying{Store: s, match: c.match} })
				time.Sleep(45*time.Minute + 2*time.Second)
				h.end()

				before := s.count("")
				h = start(t, s, dir, nil)
				err := h.read()
				if (err != nil) != c.lost {
					t.Errorf("the next process reads: %v", err)
				}
				if n := s.count("") - before; n > 1 {
					t.Errorf("%d token calls by the next process, want one at most", n)
				}
				if c.lost {
					h.want(bridge.LoginNeeded, bridge.HealthLostInFlight)
					h.signIn()
				}
				if err := h.read(); err != nil {
					t.Error(err)
				}
				h.want(bridge.Valid, "")
				time.Sleep(24 * time.Hour)
				if err := h.read(); err != nil {
					t.Errorf("a day later: %v", err)
				}
			})
		})
	}
}

// The reply is lost on the way: the old access token is dead too, so the stored
// refresh token is sent once more, and the end is told.
func TestReplyLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		h := start(t, s, t.TempDir(), nil)
		h.signIn()
		s.mu.Lock()
		s.lose = 1
		s.mu.Unlock()
		time.Sleep(50 * time.Minute)
		if n := s.count(""); n != 2 {
			t.Errorf("%d token calls, want sign-in and one refresh: the access token may serve", n)
		}
		h.want(bridge.Retrying, bridge.HealthNetwork)
		if err := h.read(); err == nil {
			t.Error("read with a grant that is gone")
		}
		h.want(bridge.LoginNeeded, bridge.HealthLostInFlight)
		if n := s.count("refresh_token 400"); n != 1 {
			t.Errorf("%d refused refreshes, want 1", n)
		}
	})
}

// Introspection shows the token; a logout ends it at the server.
func TestIntrospectAndRevoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		h := start(t, s, t.TempDir(), nil)
		h.signIn()
		shown, err := h.Inspect(t.Context(), "gate")
		if err != nil || !strings.Contains(string(shown), `"active":true`) || !strings.Contains(string(shown), `"sub":"anna"`) {
			t.Errorf("introspection: %s, %v", shown, err)
		}
		token, err := h.bearer()
		if err != nil || !s.reads(token) {
			t.Fatalf("Bearer() = %v", err)
		}
		bye, err := h.Logout(t.Context(), "gate")
		if err != nil || !bye.Revoked {
			t.Errorf("logout: %+v, %v", bye, err)
		}
		if s.reads(token) {
			t.Error("the access token outlives the logout")
		}
		h.want(bridge.SignedOut, "")
		h.signIn()
		if err := h.read(); err != nil {
			t.Error(err)
		}
	})
}
