package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble is a test in virtual time.
func bubble(name string, t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// T3, T25: 1,000 callers of one expired token make one call, and one in a hurry leaves.
func TestThousandCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		v.act(say(503, ""))
		time.Sleep(61 * time.Minute) // outage: the token has ended
		synctest.Wait()
		v.act(nil)
		v.delay = 700 * time.Millisecond
		before := v.count("refresh")

		var wg sync.WaitGroup
		got := make([]error, 1000)
		ctx := bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(context.Background())
		for i := range got {
			wg.Go(func() { _, got[i] = h.Tokens("gate").Bearer(ctx, "") })
		}
		hurry, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := h.Tokens("gate").Bearer(hurry, "")
		var f *bridge.Failure
		if took := time.Since(began); took != 50*time.Millisecond || !errors.As(err, &f) || f.Reason != bridge.ReasonDeadline {
			t.Errorf("the 50 ms caller left after %s with %v", took, err)
		}
		wg.Wait()
		for i, err := range got {
			if err != nil {
				t.Fatalf("caller %d: %v", i, err)
			}
		}
		if n := v.count("refresh") - before; n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
		if v.most != 1 {
			t.Errorf("%d calls at once, want 1", v.most)
		}
		h.wantServing()
	})
}

// T9: refreshed between 65 and 75 % of its life, for 14 idle days.
func TestKeepsAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		time.Sleep(14 * 24 * time.Hour)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		last := v.calls[0].at
		for _, c := range v.calls {
			if c.what != "refresh" {
				continue
			}
			if gap := c.at.Sub(last); gap < 39*time.Minute || gap > 45*time.Minute+time.Second {
				t.Fatalf("refreshed after %s of an hour's life, want 65 to 75 %%", gap)
			}
			last = c.at
		}
		n := v.count("refresh")
		if n < 14*32 || n > 14*37 {
			t.Errorf("%d refreshes in 14 days", n)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.told) > n+2 || m.saves != 2*n+2 {
			t.Errorf("health told %d times and %d writes for %d refreshes, want one and two for each", len(h.told), m.saves, n)
		}
		for _, told := range h.told[1:] {
			if told.State != bridge.Valid {
				t.Fatalf("the account was %s for a moment", told.State)
			}
		}
	})
}

func TestKeepalive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		v.life = 300 * 24 * time.Hour
		h := signedIn(t, v, m, func(_ *oauth.Options, a *oauth.Account) { a.Keepalive = 168 * time.Hour })
		time.Sleep(169 * time.Hour)
		if n := v.count("refresh"); n != 1 {
			t.Errorf("%d refreshes in a week, want 1", n)
		}
		h.wantServing()
	})
}

// T12: a reply without a refresh token keeps the stored one.
func TestReplyWithoutRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		v.rotates, v.omit = false, true
		h := signedIn(t, v, m)
		time.Sleep(24 * time.Hour)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})
}

// T6: no outage of whatever kind ends a chain; it heals by itself.
func TestSevenDaysOfOutage(t *testing.T) {
	for name, c := range map[string]struct {
		fault  faultFunc
		reason bridge.HealthReason
	}{
		"no connection":   {noDial, bridge.HealthNetwork},
		"request lost":    {dropRequest, bridge.HealthNetwork},
		"503":             {say(503, "<html>down</html>"), bridge.HealthVendorDown},
		"408":             {say(408, ""), bridge.HealthVendorDown},
		"500 with grant":  {say(500, `{"error":"invalid_grant"}`), bridge.HealthVendorDown},
		"429":             {say(429, ""), bridge.HealthRateLimited},
		"html 200":        {say(200, "<html>sign in to the hotel</html>"), bridge.HealthBadReply},
		"html 403":        {say(403, "<html>firewall</html>"), bridge.HealthBadReply},
		"html 401":        {say(401, "<html>proxy</html>"), bridge.HealthBadReply},
		"redirect":        {say(302, "", "Location", "https://elsewhere.test/"), bridge.HealthBadReply},
		"empty 200":       {say(200, ""), bridge.HealthBadReply},
		"unknown error":   {say(400, `{"error":"moon_phase"}`), bridge.HealthBadReply},
		"error an object": {say(400, `{"error":{"code":7}}`), bridge.HealthBadReply},
		"try later":       {say(400, `{"error":"temporarily_unavailable"}`), bridge.HealthVendorDown},
		"cut off":         {say(200, `{"access_token":"CANARY-x`), bridge.HealthBadReply},
	} {
		bubble(name, t, func(t *testing.T) {
			v, m := newVendor(), newMemory()
			h := signedIn(t, v, m)
			v.act(c.fault)
			time.Sleep(50 * time.Minute)
			h.wantServing()
			h.want(bridge.Retrying, c.reason, bridge.ActionNone)
			time.Sleep(7 * 24 * time.Hour)
			h.want(bridge.Expired, c.reason, bridge.ActionNone)
			if _, err := h.bearer(); !reasonIs(err, bridge.ReasonOffline) {
				t.Errorf("Bearer() = %v, want offline", err)
			}
			v.act(nil)
			time.Sleep(16 * time.Minute)
			synctest.Wait()
			h.wantServing()
			h.want(bridge.Valid, "", bridge.ActionNone)
			if n := len(v.calls); n > 4 {
				t.Errorf("the vendor acted on %d calls", n)
			}
		})
	}
}

// T6, T18: an outage of a day uses up no budget by its own back-off: when it ends
// in the evening the account heals in a quarter of an hour, not after midnight.
func TestOutageUntilEvening(t *testing.T) {
	bubble("refresh token", t, func(t *testing.T) {
		v := newVendor()
		v.life = 4 * time.Hour
		untilEvening(t, v, signedIn(t, v, newMemory()), say(503, ""))
	})
	// A password has a small budget, of which only what was sent takes.
	bubble("password, no connection", t, func(t *testing.T) {
		v := newVendor()
		v.noRefresh = true
		untilEvening(t, v, start(t, v, newMemory(), password("right")), noDial)
	})
}

func untilEvening(t *testing.T, v *vendor, h *home, outage faultFunc) {
	synctest.Wait()
	h.wantServing()
	v.act(outage)
	time.Sleep(21 * time.Hour)
	v.act(nil)
	time.Sleep(16 * time.Minute)
	synctest.Wait()
	h.wantServing()
	h.want(bridge.Valid, "", bridge.ActionNone)
}

func reasonIs(err error, want bridge.Reason) bool {
	var f *bridge.Failure
	return errors.As(err, &f) && f.Reason == want
}

// Retry-After is obeyed in both forms, also over a restart.
func TestRetryAfter(t *testing.T) {
	for name, value := range map[string]func() string{
		"seconds": func() string { return "7200" },
		"date":    func() string { return time.Now().Add(2 * time.Hour).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") },
	} {
		bubble(name, t, func(t *testing.T) {
			v, m := newVendor(), newMemory()
			h := signedIn(t, v, m)
			fault, n := counted(func(v *vendor, r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
				return say(429, "", "Retry-After", value())(v, r, nil)
			})
			v.act(fault)
			time.Sleep(46 * time.Minute)
			_ = h.end()
			if n.Load() != 1 {
				t.Fatalf("%d calls, want 1", n.Load())
			}
			h = start(t, v, m)
			time.Sleep(90 * time.Minute)
			if n.Load() != 1 {
				t.Errorf("%d calls before the two hours were over", n.Load()-1)
			}
			h.want(bridge.Expired, bridge.HealthRateLimited, bridge.ActionNone)
			v.act(nil)
			time.Sleep(30 * time.Minute)
			h.wantServing()
		})
	}
}
