package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// The bearer that everybody gets in these tests is refused by the API.
func (h *home) refuse() string {
	token, _ := h.bearer()
	h.Tokens("gate").Refused(bridge.Bearer{Token: bridge.NewSecret(token)})
	return token
}

// A 401 renews once, whoever else reports the same token.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory())
		time.Sleep(10 * time.Minute)
		old := h.refuse()
		h.wantServing()
		for range 100 { // late reports of the old token
			h.Tokens("gate").Refused(bridge.Bearer{Token: bridge.NewSecret(old)})
		}
		time.Sleep(10 * time.Second)
		if n := v.count("refresh"); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
		h.mu.Lock()
		for _, told := range h.told[1:] {
			if told.State != bridge.Valid {
				t.Errorf("the account was %s for the time of a refresh", told.State)
			}
		}
		h.mu.Unlock()
	})
}

// An API that answers 401 for want of a right, at every poll, neither takes the
// account down nor uses up its budget.
func TestRefusedAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory())
		for range 3 * 24 * 60 {
			time.Sleep(time.Minute)
			h.refuse()
			if token, err := h.bearer(); err != nil || !v.serves(token) {
				t.Fatalf("Bearer() = %v after %s", err, time.Since(v.calls[0].at))
			}
		}
		h.want(bridge.Valid, "", bridge.ActionNone)
		if n := v.count("refresh"); n > 3*105 {
			t.Errorf("%d refreshes in three days, want at most one in 15 minutes", n)
		}
	})
}

// In `expired` a press tries once, not sooner than 5 s after the last try; a
// poll waits for the back-off.
func TestPressTriesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory())
		fault, n := counted(say(503, ""))
		v.act(fault)
		time.Sleep(6 * time.Hour)
		h.betweenTries()
		for range 20 { // polls
			if _, err := h.bearer(); !reasonIs(err, bridge.ReasonOffline) {
				t.Fatalf("Bearer() = %v", err)
			}
		}
		press := func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 4500*time.Millisecond)
			defer cancel()
			_, err := h.Tokens("gate").Bearer(bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(ctx), "")
			return err
		}
		before := n.Load()
		if err := press(); !reasonIs(err, bridge.ReasonOffline) || n.Load() != before+1 {
			t.Errorf("a press: %v after %d calls, want offline after one", err, n.Load()-before)
		}
		began := time.Now()
		if err := press(); !reasonIs(err, bridge.ReasonDeadline) || time.Since(began) != 4500*time.Millisecond {
			t.Errorf("a press right after: %v after %s", err, time.Since(began))
		}
		v.act(nil)
		time.Sleep(time.Second)
		if err := press(); err != nil {
			t.Errorf("a press with the vendor back: %v", err)
		}
	})
}

// Whoever comes while a renewal is in flight waits for it, back-off or not.
func TestJoinsRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory())
		v.act(say(503, ""))
		time.Sleep(6 * time.Hour)
		h.betweenTries()
		v.act(nil)
		v.mu.Lock()
		v.delay = 2 * time.Second
		v.mu.Unlock()
		go func() {
			_, _ = h.Tokens("gate").Bearer(bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(context.Background()), "")
		}()
		time.Sleep(time.Second)
		began := time.Now()
		if _, err := h.Tokens("gate").Bearer(context.Background(), ""); err != nil || time.Since(began) != time.Second {
			t.Errorf("Bearer() = %v after %s, want the token when the renewal in flight ends", err, time.Since(began))
		}
		if n := v.count("refresh"); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
	})
}

// T24: a stop waits for the refresh in flight, which is saved.
func TestStopDuringRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		v.mu.Lock()
		v.delay = 12 * time.Second
		v.mu.Unlock()
		go func() { _ = h.Refresh(context.Background(), "gate") }()
		time.Sleep(6 * time.Second)
		if h.Busy() != 1 {
			t.Errorf("Busy() = %d", h.Busy())
		}
		began := time.Now()
		if err := h.end(); err != nil || time.Since(began) > 12*time.Second {
			t.Errorf("Run() = %v after %s", err, time.Since(began))
		}
		if _, refresh, _ := h.tokens(); v.refresh[refresh] == 0 {
			t.Error("the refresh was cut in half: the stored token is dead")
		}
		if _, err := h.bearer(); err != nil {
			t.Errorf("Bearer() = %v from a token that serves", err)
		}
	})
}

// T24: a change of the configuration, or taking the account away and back, in
// the middle of a refresh makes no second call, and loses nothing.
func TestReloadDuringRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		v.mu.Lock()
		v.delay = 10 * time.Second
		v.mu.Unlock()
		go func() { _ = h.Refresh(context.Background(), "gate") }()
		time.Sleep(6 * time.Second)
		h.Remove("gate")
		if _, err := h.bearer(); !reasonIs(err, bridge.ReasonOffline) {
			t.Errorf("Bearer() = %v of a removed account", err)
		}
		if err := h.Add(oauth.Account{ID: "gate", Dialect: dialect()}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Second)
		h.wantServing()
		if n := v.count("refresh"); n != 1 || v.most != 1 {
			t.Errorf("%d refreshes, %d at once", n, v.most)
		}
		h.Remove("gate")
		synctest.Wait()
		h.Remove("gate")
		if got := h.Health("gate"); got.State != "" {
			t.Errorf("a removed account is %s", got.State)
		}
	})
}

// A record that was brought back by hand is used at once.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		v.oldDies, v.kills = false, false
		h := signedIn(t, v, m)
		old, generation := h.refuse(), m.copy()
		_ = old
		time.Sleep(2 * time.Hour)
		m.mu.Lock()
		m.records["gate"], m.gens["gate"] = generation.records["gate"], m.gens["gate"]+1
		m.mu.Unlock()
		if err := h.Reload(context.Background(), "gate"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		h.want(bridge.LoginNeeded, bridge.HealthRevoked, bridge.ActionLogin)
	})
}

// A record that a person brings back waits for nothing, also with the pair in use.
func TestReloadWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		v.act(say(401, `{"error":"invalid_client"}`))
		time.Sleep(2 * time.Hour)
		h.want(bridge.Misconfigured, bridge.HealthClientRefused, bridge.ActionCheckClient)
		v.act(nil)
		m.mu.Lock()
		revived, err := oauth.Revive(m.records["gate"])
		m.records["gate"], m.gens["gate"] = revived, m.gens["gate"]+1
		m.mu.Unlock()
		if err := errors.Join(err, h.Reload(t.Context(), "gate")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})
}

// Tokens for one resource are minted in the account's turn, kept over a
// restart, and never touch the broad grant.
func TestNarrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		v.delay = 200 * time.Millisecond
		h := signedIn(t, v, m)
		_, refresh, _ := h.tokens()
		var wg sync.WaitGroup
		for i := range 300 {
			system := []string{"sys-a", "sys-b", "sys-c"}[i%3]
			wg.Go(func() {
				b, err := h.Tokens("gate").Bearer(context.Background(), system)
				if err != nil || b.Narrow != system || !v.serves(b.Token.Reveal()) {
					t.Errorf("Bearer(%s) = %s, %v", system, b.Narrow, err)
				}
			})
		}
		wg.Wait()
		if n := v.count("narrow"); n != 3 || v.most != 1 {
			t.Errorf("%d minted, %d at once; want 3, one at a time", n, v.most)
		}
		if _, still, _ := h.tokens(); still != refresh || v.refresh[still] == 0 {
			t.Error("the mint's refresh token replaced the broad one")
		}
		_ = h.end()
		h = start(t, v, m)
		b, err := h.Tokens("gate").Bearer(context.Background(), "sys-a")
		if err != nil || v.count("narrow") != 3 {
			t.Errorf("Bearer(sys-a) = %v after a restart, %d minted", err, v.count("narrow"))
		}
		h.Tokens("gate").Refused(b)
		if again, err := h.Tokens("gate").Bearer(context.Background(), "sys-a"); err != nil || again.Token.Equal(b.Token) || v.count("narrow") != 4 {
			t.Errorf("a refused token was not minted anew: %v", err)
		}
		time.Sleep(24 * time.Hour)
		for _, system := range []string{"sys-a", "sys-b"} {
			if b, err := h.Tokens("gate").Bearer(context.Background(), system); err != nil || !v.serves(b.Token.Reveal()) {
				t.Errorf("Bearer(%s) = %v a day later", system, err)
			}
		}
		h.wantServing()
	})
}

// A mint that fails says why, rests, and does not harm the account. None is made
// while the outcome of a renewal is not known.
func TestNarrowFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := loses(t, v, dropReply)
		n := len(v.calls)
		if _, err := h.Tokens("gate").Bearer(context.Background(), "sys"); !reasonIs(err, bridge.ReasonOffline) || len(v.calls) != n {
			t.Errorf("Bearer(sys) = %v with the journal open, %d calls", err, len(v.calls)-n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory())
		fault, n := counted(func(v *vendor, r *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
			return say(403, `{"error":"forbidden"}`)(v, r, answer)
		})
		v.act(fault)
		for range 10 {
			if _, err := h.Tokens("gate").Bearer(context.Background(), "sys"); !reasonIs(err, bridge.ReasonOffline) {
				t.Errorf("Bearer(sys) = %v", err)
			}
		}
		if n.Load() != 1 {
			t.Errorf("%d calls, want 1 and a rest", n.Load())
		}
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})
	// What the vendor asks for holds for all token calls of the account, also over
	// a restart.
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		fault, n := counted(say(429, "", "Retry-After", "7200"))
		v.act(fault)
		for _, system := range []string{"a", "b", "c"} {
			if _, err := h.Tokens("gate").Bearer(context.Background(), system); !reasonIs(err, bridge.ReasonOffline) {
				t.Errorf("Bearer(%s) = %v", system, err)
			}
			_ = h.end()
			h = start(t, v, m)
			synctest.Wait()
		}
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		time.Sleep(119 * time.Minute)
		if n.Load() != 1 {
			t.Errorf("%d calls within the time that the vendor asked for, want 1", n.Load())
		}
		v.act(nil)
		time.Sleep(2 * time.Minute)
		if _, err := h.Tokens("gate").Bearer(context.Background(), "a"); err != nil {
			t.Errorf("Bearer(a) = %v", err)
		}
		h.wantServing()
	})
}
