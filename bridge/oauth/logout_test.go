package oauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

func TestLogout(t *testing.T) {
	for name, c := range map[string]struct {
		before  func(h *home)
		revoked bool
		says    string
		renews  int
	}{
		"works":       {func(*home) {}, true, "revoked at the vendor, and forgotten here", 0},
		"expired":     {func(h *home) { h.v.act(say(503, "")); time.Sleep(2 * time.Hour); h.v.act(nil) }, true, "revoked at the vendor", 1},
		"vendor down": {func(h *home) { h.v.act(say(503, "")) }, false, "did not confirm", 0},
		"no effect": {func(h *home) {
			h.v.act(func(v *vendor, r *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
				if r.URL.Path == "/revoke" {
					return say(200, `{}`)(v, r, answer)
				}
				return answer()
			})
		}, false, "still works", 0},
		"says no": {func(h *home) { h.v.act(say(200, `{"success":false}`)) }, false, "did not confirm", 0},
	} {
		bubble(name, t, func(t *testing.T) {
			v, m := newVendor(), newMemory()
			h := signedIn(t, v, m)
			c.before(h)
			bye, err := h.Logout(context.Background(), "gate")
			if err != nil || bye.Revoked != c.revoked || !strings.Contains(bye.Message, c.says) {
				t.Errorf("Logout() = %+v, %v, want revoked %v, %q", bye, err, c.revoked, c.says)
			}
			h.want(bridge.SignedOut, "", bridge.ActionNone)
			if _, err := h.bearer(); !reasonIs(err, bridge.ReasonLoginNeeded) {
				t.Errorf("Bearer() = %v after the logout", err)
			}
			if n := v.count("refresh"); n != c.renews {
				t.Errorf("%d refreshes, want %d", n, c.renews)
			}
			if strings.Contains(string(m.records["gate"]), canary) {
				t.Error("the record still holds a token")
			}
			_ = h.end()
			v.act(nil)
			h = start(t, v, m)
			time.Sleep(24 * time.Hour)
			h.want(bridge.SignedOut, "", bridge.ActionNone)
			if err := h.signIn("anna"); err != nil {
				t.Fatal(err)
			}
			h.wantServing()
		})
	}
}

// Where the vendor's word on a revocation proves nothing (Doorkeeper answers 200
// to what it does not revoke), only a token that is refused afterwards does, and
// only if it served before.
func TestLogoutProven(t *testing.T) {
	info := func(status int) func(*home) {
		return func(h *home) {
			h.v.act(func(v *vendor, r *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
				if r.URL.Path == "/info" || r.URL.Path == "/inspect" {
					return say(status, "")(v, r, answer)
				}
				return answer()
			})
		}
	}
	for name, c := range map[string]struct {
		before  func(h *home)
		revoked bool
		says    string
	}{
		"refused afterwards":  {func(*home) {}, true, "revoked at the vendor, and forgotten here"},
		"cannot be looked at": {info(404), false, "not proven"},
		"vendor has trouble":  {info(503), false, "not proven"},
		"ended before": {func(h *home) {
			time.Sleep(2 * time.Hour)
			h.v.act(func(v *vendor, r *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
				if r.URL.Path == "/token" {
					return say(503, "")(v, r, answer)
				}
				return answer()
			})
			time.Sleep(2 * time.Hour)
		}, false, "not proven"},
	} {
		bubble(name, t, func(t *testing.T) {
			h := signedIn(t, newVendor(), newMemory(), withInfo, func(_ *oauth.Options, a *oauth.Account) { a.Dialect.RevokeUnproven = true })
			c.before(h)
			bye, err := h.Logout(context.Background(), "gate")
			if err != nil || bye.Revoked != c.revoked || !strings.Contains(bye.Message, c.says) {
				t.Errorf("Logout() = %+v, %v, want revoked %v, %q", bye, err, c.revoked, c.says)
			}
			h.want(bridge.SignedOut, "", bridge.ActionNone)
		})
	}
}

// What a vendor does with an optional request is not known to mean anything.
func TestLogoutOptionalAsk(t *testing.T) {
	for _, optional := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			h := signedIn(t, newVendor(), newMemory(), func(_ *oauth.Options, a *oauth.Account) {
				refused := a.Dialect.Revoke[0]
				refused.URL, refused.Optional = "https://vendor.test/nowhere", optional
				a.Dialect.Revoke = append(slices.Clone(a.Dialect.Revoke), refused)
			})
			if bye, err := h.Logout(context.Background(), "gate"); err != nil || bye.Revoked != optional {
				t.Errorf("optional %v: Logout() = %+v, %v", optional, bye, err)
			}
		})
	}
}

// T24: a logout in the middle of a slow refresh waits for it and is final.
func TestLogoutDuringRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory())
		v.mu.Lock()
		v.delay = 10 * time.Second
		v.mu.Unlock()
		go func() { _ = h.Refresh(context.Background(), "gate") }()
		time.Sleep(6 * time.Second)
		if _, err := h.Logout(context.Background(), "gate"); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		h.want(bridge.SignedOut, "", bridge.ActionNone)
		if len(v.access) != 0 || v.most != 1 {
			t.Errorf("%d access tokens live on, %d calls at once", len(v.access), v.most)
		}
	})
}

// A logout that cannot be saved is one all the same, and is saved later.
func TestLogoutNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		m.fail(errFull)
		if _, err := h.Logout(context.Background(), "gate"); err == nil {
			t.Error("nobody was told")
		}
		if _, err := h.bearer(); err == nil {
			t.Error("a revoked token was handed out")
		}
		m.fail(nil)
		time.Sleep(time.Minute)
		h.want(bridge.SignedOut, "", bridge.ActionNone)
		if strings.Contains(string(m.records["gate"]), canary) {
			t.Error("the record still holds a token")
		}
	})
}

// Inspect gives the vendor's words without secrets.
func TestInspect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory())
		got, err := h.Inspect(context.Background(), "gate")
		var said map[string]any
		if err != nil || json.Unmarshal(got, &said) != nil || said["active"] != true || said["client_id"] != "c" || strings.Contains(string(got), canary) {
			t.Errorf("Inspect() = %s, %v", got, err)
		}
		for name, c := range map[string]struct {
			fault faultFunc
			want  bridge.Reason
		}{
			"401": {say(401, ""), bridge.ReasonRejected}, "429": {say(429, ""), bridge.ReasonRateLimited}, "html": {say(200, "<html>"), bridge.ReasonNoAnswer},
			"dial": {noDial, bridge.ReasonNotSent}, "lost": {dropReply, bridge.ReasonNoAnswer},
		} {
			v.act(func(v *vendor, r *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
				if r.URL.Path == "/inspect" {
					return c.fault(v, r, answer)
				}
				return answer()
			})
			if _, err := h.Inspect(context.Background(), "gate"); !reasonIs(err, c.want) || strings.Contains(err.Error(), canary) {
				t.Errorf("%s: Inspect() = %v, want %s", name, err, c.want)
			}
		}
	})
}
