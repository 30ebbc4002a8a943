package oauth_test

import (
	"bytes"
	"crypto/x509"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// clockTrust says whether the clock is trusted.
func clockTrust(trusted *atomic.Bool) func(*oauth.Options, *oauth.Account) {
	return func(o *oauth.Options, _ *oauth.Account) { o.ClockTrusted = trusted.Load }
}

// T13: a boot with a clock 30 years back: the stored token is tried, never
// judged. The clock is trusted at minute 3, and no sign-in is asked for.
func TestBootInThePast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		_ = h.end()
		m.records["gate"] = bytes.ReplaceAll(m.records["gate"], []byte(`"2000-01-01T`), []byte(`"2030-01-01T`))
		if !bytes.Contains(m.records["gate"], []byte("2030-01-01T")) {
			t.Fatal("the stored times were not changed")
		}
		var trusted atomic.Bool
		h = start(t, v, m, clockTrust(&trusted))
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		time.Sleep(3 * time.Minute)
		if n := v.count("refresh"); n != 0 {
			t.Errorf("%d refreshes by a clock that is not trusted", n)
		}
		trusted.Store(true)
		time.Sleep(time.Minute)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		if n := v.count("refresh"); n != 1 {
			t.Errorf("%d refreshes once the clock is trusted, want 1: the stored times say nothing", n)
		}
		for _, told := range h.told {
			if told.UserAction != bridge.ActionNone {
				t.Errorf("a person was asked to %s", told.UserAction)
			}
		}
	})
}

// A clock that is never trusted holds nothing up for ever, and is obeyed nowhere.
func TestClockNeverTrusted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		var trusted atomic.Bool
		h := signedIn(t, v, m, clockTrust(&trusted))
		for range 10 {
			time.Sleep(24 * time.Hour)
			h.wantServing()
			h.want(bridge.Valid, "", bridge.ActionNone)
			_ = h.end()
			time.Sleep(2 * time.Hour)
			h = start(t, v, m, clockTrust(&trusted))
			if token, err := h.bearer(); err != nil {
				t.Fatalf("Bearer() = %v: the token was judged by a clock that is not trusted", err)
			} else if !v.serves(token) {
				h.Tokens("gate").Refused(bridge.Bearer{Token: bridge.NewSecret(token)})
			}
			h.wantServing()
		}
	})
}

// A certificate that is not valid at an untrusted time is the clock's fault.
func TestCertificateAndClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		var trusted atomic.Bool
		trusted.Store(true)
		h := signedIn(t, v, newMemory(), clockTrust(&trusted))
		trusted.Store(false)
		v.act(func(*vendor, *http.Request, func() (*http.Response, error)) (*http.Response, error) {
			return nil, x509.CertificateInvalidError{Cert: &x509.Certificate{}, Reason: x509.Expired}
		})
		time.Sleep(2 * time.Hour)
		h.want(bridge.Expired, bridge.HealthClock, bridge.ActionCheckClock)
		v.act(nil)
		trusted.Store(true)
		time.Sleep(31 * time.Second)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})
}

// Off-time counts: a token that ended while latchkey was off is renewed at the start.
func TestOffTimeCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		_ = h.end()
		time.Sleep(30 * 24 * time.Hour)
		h = start(t, v, m)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		if n := v.count("refresh"); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
	})
}

// The last 14 days before a sign-in is due say so while all is well.
func TestSignInBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory(), func(_ *oauth.Options, a *oauth.Account) { a.SignInBefore = 20 * 24 * time.Hour })
		due := time.Now().Add(20 * 24 * time.Hour).UTC().Truncate(time.Second)
		if got := h.Health("gate").SignInBefore; !got.Equal(due) {
			t.Errorf("sign_in_before is %s, want %s", got, due)
		}
		time.Sleep(6*24*time.Hour - time.Minute)
		h.want(bridge.Valid, "", bridge.ActionNone)
		time.Sleep(time.Minute + time.Second)
		h.want(bridge.Valid, "", bridge.ActionLogin)
		h.mu.Lock()
		if last := h.told[len(h.told)-1]; last.UserAction != bridge.ActionLogin {
			t.Error("nobody was told when the 14 days began")
		}
		h.mu.Unlock()
		if err := h.signIn("anna"); err != nil {
			t.Fatal(err)
		}
		h.want(bridge.Valid, "", bridge.ActionNone)
	})
}

// T13: times that were written by a wrong clock, or are read by one, end nothing:
// here they lie a day back, and no token call comes through.
func TestStoredTimesOfWrongClock(t *testing.T) {
	for name, trusted := range map[string][2]bool{"wrong when written": {false, true}, "wrong when read": {true, false}} {
		bubble(name, t, func(t *testing.T) {
			var trust atomic.Bool
			trust.Store(trusted[0])
			v, m := newVendor(), newMemory()
			h := signedIn(t, v, m, clockTrust(&trust))
			_ = h.end()
			pair := m.stored(t, "gate")["pair"].(map[string]any)
			for _, member := range []string{"obtained", "expires"} {
				at, err := time.Parse(time.RFC3339, pair[member].(string))
				if err != nil {
					t.Fatal(err)
				}
				m.records["gate"] = bytes.ReplaceAll(m.records["gate"], []byte(pair[member].(string)), []byte(at.Add(-24*time.Hour).Format(time.RFC3339)))
			}
			v.act(noDial)
			trust.Store(trusted[1])
			h = start(t, v, m, clockTrust(&trust))
			time.Sleep(30 * time.Minute)
			h.wantServing()
		})
	}
}
