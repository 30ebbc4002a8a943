package oauth_test

import (
	"net/http"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// A token that was ended elsewhere shows before anybody needs it, where the vendor
// shows tokens; what proves nothing changes nothing.
func TestLook(t *testing.T) {
	inspected := func(v *vendor, what faultFunc) {
		v.act(func(v *vendor, r *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
			if r.URL.Path == "/inspect" {
				return what(v, r, answer)
			}
			return answer()
		})
	}
	revoke := func(v *vendor) {
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, f := range v.access {
			v.kill(f)
		}
	}
	longLived := func() *vendor { v := newVendor(); v.life = 48 * time.Hour; return v }
	bubble("revoked elsewhere", t, func(t *testing.T) {
		v := longLived()
		h := signedIn(t, v, newMemory())
		time.Sleep(10 * time.Hour)
		if n := v.count("inspect"); n < 8 || n > 10 {
			t.Errorf("%d looks in 10 hours", n)
		}
		h.want(bridge.Valid, "", bridge.ActionNone)
		if next := h.Health("gate").NextRefreshAt; time.Until(next) < 10*time.Hour {
			t.Errorf("a look is told as a refresh, at %s", next)
		}
		revoke(v)
		time.Sleep(70 * time.Minute)
		h.want(bridge.LoginNeeded, bridge.HealthRevoked, bridge.ActionLogin)
		if n := v.count("refresh"); n != 1 {
			t.Errorf("%d refreshes, want the one that found it out", n)
		}
	})
	bubble("the access token alone", t, func(t *testing.T) {
		v := longLived()
		h := signedIn(t, v, newMemory())
		time.Sleep(time.Minute)
		v.mu.Lock()
		clear(v.access)
		v.mu.Unlock()
		time.Sleep(70 * time.Minute)
		h.want(bridge.Valid, "", bridge.ActionNone)
		if token, err := h.bearer(); err != nil || !v.serves(token) {
			t.Errorf("the token is not renewed: %v", err)
		}
	})
	for name, c := range map[string]struct {
		first, then faultFunc // while it serves
		noticed     bool
	}{
		"inactive after it was active":       {say(200, `{"active":true}`), say(200, `{"active":false}`), true},
		"inactive from the start":            {say(200, `{"active":false}`), say(200, `{"active":false}`), false},
		"the vendor is down":                 {say(200, `{"active":true}`), say(503, ``), false},
		"nobody answers":                     {say(200, `{"active":true}`), noDial, false},
		"too many":                           {say(200, `{"active":true}`), say(429, ``), false},
		"a page that says nothing of active": {say(200, `{"active":true}`), say(200, `<html>`), false},
	} {
		bubble(name, t, func(t *testing.T) {
			v := longLived()
			h := signedIn(t, v, newMemory())
			inspected(v, c.first)
			time.Sleep(3 * time.Hour)
			inspected(v, c.then)
			time.Sleep(3 * time.Hour)
			h.want(bridge.Valid, "", bridge.ActionNone)
			if n := v.count("refresh"); (n > 0) != c.noticed {
				t.Errorf("%d refreshes; noticed: %v", n, c.noticed)
			}
		})
	}
	bubble("renewed often enough", t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory())
		time.Sleep(24 * time.Hour)
		h.want(bridge.Valid, "", bridge.ActionNone)
		if n := v.count("inspect"); n != 0 {
			t.Errorf("%d looks at tokens that live for an hour", n)
		}
	})
	bubble("a vendor that shows none", t, func(t *testing.T) {
		v := longLived()
		h := signedIn(t, v, newMemory(), func(_ *oauth.Options, a *oauth.Account) { a.Dialect.Inspect = nil })
		asked := v.count("identity")
		time.Sleep(24 * time.Hour)
		h.want(bridge.Valid, "", bridge.ActionNone)
		if n := v.count("identity"); n != asked {
			t.Errorf("%d questions whose account it is", n-asked)
		}
	})
	bubble("a storm of restarts", t, func(t *testing.T) {
		v, m := longLived(), newMemory()
		h := signedIn(t, v, m)
		for range 50 {
			_ = h.end()
			time.Sleep(50 * time.Minute)
			h = start(t, v, m)
		}
		if n := v.count("inspect"); n != 0 {
			t.Errorf("%d looks, want none: each run was too short", n)
		}
	})
}
