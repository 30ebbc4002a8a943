package oauth_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// Nothing is known of an account that is not kept, and nothing panics.
func TestUnknownAccount(t *testing.T) {
	k, ctx := oauth.New(oauth.Options{Store: newMemory()}), context.Background()
	_, bearer := k.Tokens("x").Bearer(ctx, "")
	_, begin := k.Begin("x", back, "")
	_, logout := k.Logout(ctx, "x")
	_, inspect := k.Inspect(ctx, "x")
	for name, err := range map[string]error{"bearer": bearer, "begin": begin, "logout": logout, "inspect": inspect,
		"refresh": k.Refresh(ctx, "x"), "reload": k.Reload(ctx, "x"), "confirm": k.Confirm(ctx, "x")} {
		if err == nil {
			t.Errorf("%s took an unknown account", name)
		}
	}
	k.Tokens("x").Refused(bridge.Bearer{})
	k.Remove("x")
	if k.Identity("x") != "" || k.Health("x").State != "" || k.Busy() != 0 {
		t.Error("something is known of an unknown account")
	}
}

// What a person asks for is done, or the answer says why not.
func TestRefreshAsked(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*oauth.Options, *oauth.Account)
		before func(h *home)
		reason bridge.Reason // "": it works
		says   string
	}{
		"valid":           {nil, func(h *home) { _ = h.signIn("anna") }, "", ""},
		"never signed in": {nil, func(*home) {}, bridge.ReasonDenied, "sign in"},
		"signed out":      {nil, func(h *home) { _ = h.signIn("anna"); _, _ = h.Logout(context.Background(), "gate") }, bridge.ReasonDenied, "sign in"},
		"signed out, app": {app, func(h *home) { _, _ = h.bearer(); _, _ = h.Logout(context.Background(), "gate") }, "", ""},
		"not saved": {nil, func(h *home) {
			_ = h.signIn("anna")
			h.m.fail(errFull)
			_ = h.signIn("anna")
		}, bridge.ReasonOffline, "cannot be saved"},
		"client mended at the vendor": {nil, func(h *home) {
			_ = h.signIn("anna")
			h.v.act(say(401, ""))
			time.Sleep(3 * time.Hour)
			h.v.act(nil)
		}, "", ""},
		"throttled": {nil, func(h *home) {
			_ = h.signIn("anna")
			h.v.act(say(429, "", "Retry-After", "7200"))
			time.Sleep(46 * time.Minute)
			h.v.act(nil)
		}, bridge.ReasonDenied, "fewer token calls"},
		"vendor down": {nil, func(h *home) { _ = h.signIn("anna"); h.v.act(say(503, "")) }, "", "answered 503"},
	} {
		bubble(name, t, func(t *testing.T) {
			var change []func(*oauth.Options, *oauth.Account)
			if c.change != nil {
				change = append(change, c.change)
			}
			h := start(t, newVendor(), newMemory(), change...)
			c.before(h)
			err := h.Refresh(context.Background(), "gate")
			switch {
			case c.reason == "" && c.says == "":
				if err != nil {
					t.Errorf("Refresh() = %v", err)
				}
				h.wantServing()
				h.want(bridge.Valid, "", bridge.ActionNone)
			case c.reason != "" && !reasonIs(err, c.reason), err == nil, !strings.Contains(err.Error(), c.says), strings.Contains(err.Error(), canary):
				t.Errorf("Refresh() = %v, want %s, %q", err, c.reason, c.says)
			}
		})
	}
}

// Refreshes that people ask for keep 5 s apart, and inside the day's budget.
func TestRefreshAskedTooOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory())
		began, n := time.Now(), 0
		for ; n < 1000; n++ {
			if err := h.Refresh(context.Background(), "gate"); err != nil {
				if !reasonIs(err, bridge.ReasonDenied) || !strings.Contains(err.Error(), "used up") {
					t.Errorf("Refresh() = %v", err)
				}
				break
			}
		}
		if n != 288+2*37 || time.Since(began) < time.Duration(n)*5*time.Second {
			t.Errorf("%d refreshes in %s", n, time.Since(began))
		}
		h.wantServing()
		h.want(bridge.Retrying, bridge.HealthRateLimited, bridge.ActionNone)
		time.Sleep(24 * time.Hour)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})
}
