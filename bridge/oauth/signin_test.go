package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

const back = "https://home.test/oauth/callback"

// begin starts a sign-in and fails the test if it cannot.
func (h *home) begin(account, bind string) oauth.Begun {
	h.t.Helper()
	b, err := h.Begin(account, back, bind)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}

func TestConsentURL(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bridge.Dialect)
		want   url.Values
	}{
		"standard": {func(*bridge.Dialect) {}, url.Values{"client_id": {"c"}, "redirect_uri": {back}, "response_type": {"code"}, "scope": {"read"}, "state": {"S"}}},
		"netrex: commas": {func(d *bridge.Dialect) { d.Scope, d.Separator = "read liveview", "," },
			url.Values{"client_id": {"c"}, "redirect_uri": {back}, "response_type": {"code"}, "scope": {"read,liveview"}, "state": {"S"}}},
		"dwspectrum: state in the return URL": {func(d *bridge.Dialect) {
			d.Authorize.Return, d.Authorize.StateInURL, d.Authorize.NoScope = "redirect_url", true, true
		}, url.Values{"client_id": {"c"}, "redirect_url": {back + "?state=S"}, "response_type": {"code"}}},
		"pkce and parameters": {func(d *bridge.Dialect) {
			d.Exchange.Params = append(d.Exchange.Params, bridge.Param{Name: "code_verifier", From: bridge.FieldVerifier})
			d.Authorize.PKCE, d.Authorize.Params = true, []bridge.Param{{Name: "prompt", Text: "consent"}, {Name: "login_hint", From: bridge.FieldUsername}}
		}, url.Values{"client_id": {"c"}, "redirect_uri": {back}, "response_type": {"code"}, "scope": {"read"}, "state": {"S"},
			"prompt": {"consent"}, "code_challenge": {"C"}, "code_challenge_method": {"S256"}}},
	} {
		bubble(name, t, func(t *testing.T) {
			h := start(t, newVendor(), newMemory(), func(_ *oauth.Options, a *oauth.Account) { c.change(&a.Dialect) })
			begun := h.begin("gate", "")
			u, err := url.Parse(begun.URL)
			if err != nil {
				t.Fatal(err)
			}
			if len(begun.State) < 43 {
				t.Errorf("state %q has less than 256 bits", begun.State)
			}
			got := url.Values{}
			for name, values := range u.Query() {
				got.Set(name, strings.ReplaceAll(values[0], begun.State, "S"))
			}
			if len(got.Get("code_challenge")) == 43 {
				got.Set("code_challenge", "C")
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, newVendor(), newMemory())
		h.want(bridge.SignedOut, "", bridge.ActionLogin)
		if _, err := h.bearer(); !reasonIs(err, bridge.ReasonLoginNeeded) {
			t.Errorf("Bearer() = %v before the sign-in", err)
		}
		if err := h.signIn("anna"); err != nil {
			t.Fatal(err)
		}
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		if got := h.Identity("gate"); got != "anna" {
			t.Errorf("Identity() = %q", got)
		}
		// The store was written before the new token was first used (the question
		// whose account it is): Doorkeeper kills the old pair at that moment.
		if first := h.v.calls[0].what + " " + h.v.calls[1].what; first != "exchange identity" || h.m.saves != 2 {
			t.Errorf("%s, %d saves", first, h.m.saves)
		}
	})
}

// A return that is used, old, foreign or changed is refused, and no code is sent.
func TestReturnsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		echo bool
		cb   func(h *home, b oauth.Begun) oauth.Callback
	}{
		"foreign state":       {true, func(_ *home, _ oauth.Begun) oauth.Callback { return oauth.Callback{State: "x"} }},
		"foreign, no echo":    {false, func(_ *home, _ oauth.Begun) oauth.Callback { return oauth.Callback{State: "x", Bind: "cookie"} }},
		"no state":            {true, func(_ *home, _ oauth.Begun) oauth.Callback { return oauth.Callback{Bind: "cookie"} }},
		"no state, no cookie": {false, func(_ *home, _ oauth.Begun) oauth.Callback { return oauth.Callback{} }},
		"other cookie":        {false, func(_ *home, _ oauth.Begun) oauth.Callback { return oauth.Callback{Bind: "other"} }},
		"too old": {true, func(_ *home, b oauth.Begun) oauth.Callback {
			time.Sleep(10*time.Minute + time.Second)
			return oauth.Callback{State: b.State}
		}},
		"used": {true, func(h *home, b oauth.Begun) oauth.Callback {
			_, _ = h.Finish(context.Background(), oauth.Callback{State: b.State, Error: "access_denied"})
			return oauth.Callback{State: b.State}
		}},
		"of another account": {true, func(_ *home, b oauth.Begun) oauth.Callback { return oauth.Callback{State: b.State, Account: "barn"} }},
		"two open": {false, func(h *home, _ oauth.Begun) oauth.Callback {
			h.begin("barn", "second")
			return oauth.Callback{Bind: "second"}
		}},
	} {
		bubble(name, t, func(t *testing.T) {
			h := start(t, newVendor(), newMemory(), func(_ *oauth.Options, a *oauth.Account) { a.Dialect.Authorize.Echo = c.echo })
			barn := oauth.Account{ID: "barn", Dialect: dialect()}
			barn.Dialect.Authorize.Echo = c.echo
			if err := h.Add(barn); err != nil {
				t.Fatal(err)
			}
			cb := c.cb(h, h.begin("gate", "cookie"))
			cb.Code = "code-of-anna"
			if _, err := h.Finish(context.Background(), cb); err == nil {
				t.Error("the return was taken")
			}
			if n := h.v.count("exchange"); n != 0 {
				t.Errorf("%d codes were sent", n)
			}
		})
	}
}

// Without an echo the cookie binds the sign-in; a second /login of the same
// account replaces the first.
func TestReturnWithoutState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, newVendor(), newMemory(), func(_ *oauth.Options, a *oauth.Account) { a.Dialect.Authorize.Echo = false })
		h.begin("gate", "first")
		h.begin("gate", "second")
		if _, err := h.Finish(context.Background(), oauth.Callback{Bind: "first", Code: "code-of-anna"}); err == nil {
			t.Error("the replaced sign-in was taken")
		}
		account, err := h.Finish(context.Background(), oauth.Callback{Bind: "second", Code: "code-of-anna"})
		if err != nil || account != "gate" {
			t.Errorf("Finish() = %q, %v", account, err)
		}
		h.wantServing()
	})
}

func TestPasted(t *testing.T) {
	for text, want := range map[string]oauth.Callback{
		back + "?code=abc&state=s&iss=https%3A%2F%2Fx": {Account: "gate", Code: "abc", State: "s"},
		" " + back + "?state=s&code=a%2Fb#_=_ ":        {Account: "gate", Code: "a/b", State: "s"},
		"code=abc":                                     {Account: "gate", Code: "abc"},
		"4/0AbC-code":                                  {Account: "gate", Code: "4/0AbC-code"},
		back + "?error=access_denied&state=s":          {Account: "gate", Error: "access_denied", State: "s"},
		back + "?state=s&code=abc&state=s":             {Account: "gate", Code: "abc", State: "s"},
	} {
		got, err := oauth.ReadPasted("gate", text)
		if err != nil || got != want {
			t.Errorf("ReadPasted(%q) = %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "  ", back, "hello world", back + "?state=s&state=t&code=abc", "?a=b"} {
		if got, err := oauth.ReadPasted("gate", text); err == nil {
			t.Errorf("ReadPasted(%q) = %+v, want an error", text, got)
		}
	}
	synctest.Test(t, func(t *testing.T) { // T23
		h := start(t, newVendor(), newMemory())
		h.begin("gate", "")
		cb, err := oauth.ReadPasted("gate", "code-of-anna")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Finish(context.Background(), cb); err != nil {
			t.Error(err)
		}
		h.wantServing()
	})
}

// Pending sign-ins are bounded.
func TestManyBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, newVendor(), newMemory())
		first := h.begin("gate", "")
		for range 4 {
			h.begin("gate", "")
		}
		if _, err := h.Finish(context.Background(), oauth.Callback{State: first.State, Code: "code-of-anna"}); err == nil {
			t.Error("the oldest of five sign-ins was still there, want four")
		}
	})
}

// T21: a sign-in as somebody else waits for a yes; the old grant stays in use,
// also over a restart. The introspection may be what names it (DW Spectrum).
func TestOtherIdentity(t *testing.T) {
	bubble("a read of the API", t, func(t *testing.T) {
		otherIdentity(t, bridge.Identity{URL: "https://vendor.test/identity", Member: "id"})
	})
	bubble("introspection", t, func(t *testing.T) { otherIdentity(t, bridge.Identity{Member: "username"}) })
	bubble("introspection that does not say", t, func(t *testing.T) {
		h := signedIn(t, newVendor(), newMemory(), func(_ *oauth.Options, a *oauth.Account) { a.Dialect.Identity = &bridge.Identity{Member: "owner"} })
		if err := h.signIn("berta"); err != nil || h.Identity("gate") != "" {
			t.Errorf("Finish() = %v, of %q: what was never known cannot differ", err, h.Identity("gate"))
		}
		h.wantServing()
	})
}

// Where the vendor no longer says whose account it is, a yes leaves it open.
func TestNoIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory())
		v.act(func(v *vendor, r *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
			if r.URL.Path == "/identity" {
				return say(403, "")(v, r, answer)
			}
			return answer()
		})
		var other *oauth.OtherIdentity
		if err := h.signIn("berta"); !errors.As(err, &other) || other.Had != "anna" {
			t.Fatalf("Finish() = %v, want another identity", err)
		}
		if err := h.Confirm(context.Background(), "gate"); err != nil {
			t.Fatal(err)
		}
		if got := h.Identity("gate"); got != "" {
			t.Errorf("Identity() = %q, which nobody has said", got)
		}
		v.act(nil)
		time.Sleep(time.Hour)
		if got := h.Identity("gate"); got != "berta" {
			t.Errorf("Identity() = %q when the vendor says it again", got)
		}
	})
}

func otherIdentity(t *testing.T, by bridge.Identity) {
	names := func(_ *oauth.Options, a *oauth.Account) { a.Dialect.Identity = &by }
	v, m := newVendor(), newMemory()
	h := signedIn(t, v, m, names)
	old, _ := h.bearer()
	err := h.signIn("berta")
	var other *oauth.OtherIdentity
	if !errors.As(err, &other) || other.Had != "anna" || other.Got != "berta" {
		t.Fatalf("Finish() = %v, want another identity", err)
	}
	if token, _ := h.bearer(); token != old || h.Identity("gate") != "anna" {
		t.Error("the account was rebound without a yes")
	}
	time.Sleep(3 * time.Hour)
	h.wantServing()
	_ = h.end()
	h = start(t, v, m, names)
	h.wantServing()
	if h.Identity("gate") != "anna" {
		t.Error("the account was rebound by a restart")
	}
	if err := h.Confirm(context.Background(), "gate"); err != nil {
		t.Fatal(err)
	}
	h.wantServing()
	if h.Identity("gate") != "berta" {
		t.Errorf("Identity() = %q after the yes", h.Identity("gate"))
	}
	if err := h.Confirm(context.Background(), "gate"); err == nil {
		t.Error("a second Confirm found something to confirm")
	}
}

// A crash between the pending pair and its use, or a vendor that cannot say
// whose it is: the sign-in is finished later.
func TestSignInFinishesLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		v.act(func(v *vendor, r *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
			if r.URL.Path == "/identity" {
				return say(503, "")(v, r, answer)
			}
			return answer()
		})
		if err := h.signIn("anna"); err == nil || strings.Contains(err.Error(), canary) {
			t.Fatalf("Finish() = %v, want a word that it is not known whose it is", err)
		}
		h.wantServing()
		_ = h.end()
		v.act(nil)
		h = start(t, v, m)
		synctest.Wait()
		h.wantServing()
		if m.stored(t, "gate")["pending"] != nil {
			t.Error("the sign-in still waits")
		}
	})
}

// Errors of the exchange are worded, and hold nothing secret.
func TestExchangeRefused(t *testing.T) {
	for name, c := range map[string]struct {
		fault faultFunc
		want  string
	}{
		"code":    {say(400, `{"error":"invalid_grant","error_description":"code-of-anna is bad"}`), "begin again, and compare the redirect URL"},
		"client":  {say(401, `{"error":"invalid_client"}`), "correct client id and secret"},
		"network": {noDial, "no connection"},
		"lost":    {dropReply, "ended before"},
		"html":    {say(200, "<html>CANARY"), "no token"},
	} {
		bubble(name, t, func(t *testing.T) {
			v := newVendor()
			h := start(t, v, newMemory())
			v.act(c.fault)
			err := h.signIn("anna")
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) {
				t.Errorf("Finish() = %v, want %q and no secret", err, c.want)
			}
			h.want(bridge.SignedOut, "", bridge.ActionLogin)
		})
	}
}
