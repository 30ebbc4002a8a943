package cameramanagersim_test

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge/simkit"
	sim "latchkey/vendors/cameramanager/cameramanagersim"
)

const authorize = "response_type=code&client_id=cameramanager.test&scope=write&state=s1&redirect_uri=https%3A%2F%2Fexample.com"

// The vendor's guide, step by step: sign in with scope write, exchange the code
// with read and be answered write, refresh with write, log out.
func TestGuide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, sim.Options{})
		if page := c.do("GET", "/oauth/authorize?"+authorize, ""); page.status != 200 || !strings.Contains(page.body, "<form") {
			t.Fatalf("the sign-in page: HTTP %d", page.status)
		}
		back := c.signIn(authorize)
		if back.Host != "example.com" || back.Query().Get("state") != "s1" {
			t.Errorf("came back to %s", back)
		}
		first, got := c.token(url.Values{"grant_type": {"authorization_code"}, "scope": {"read"}, "code": {back.Query().Get("code")}, "redirect_uri": {"https://example.com"}})
		if got.status != 200 || first.Type != "bearer" || first.Scope != "write" || first.Expires != 43199 {
			t.Fatalf("the exchange: HTTP %d %s", got.status, got.body)
		}
		if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:\d+$`).MatchString(first.Access) {
			t.Errorf("access token %q is not like the guide's", first.Access)
		}
		time.Sleep(time.Hour)
		second, got := c.token(url.Values{"grant_type": {"refresh_token"}, "scope": {"write"}, "refresh_token": {first.Refresh}})
		if got.status != 200 || second.Refresh != first.Refresh || second.Access == first.Access || second.Expires != 43199 {
			t.Errorf("the refresh: HTTP %d %s", got.status, got.body)
		}
		for _, token := range []string{first.Access, second.Access} { // the old one lives by default
			if status := c.status(token, "/rest/v2.4/users/self"); status != 200 {
				t.Errorf("the API: HTTP %d", status)
			}
		}
		logout := func() int {
			return c.do("DELETE", "/rest/v2.0/users/self/tokens/current", "", "Authorization", "Bearer "+second.Access).status
		}
		if status := logout(); status != 200 {
			t.Errorf("logout: HTTP %d", status)
		}
		if status := c.status(second.Access, "/rest/v2.4/users/self"); status != 401 {
			t.Errorf("after logout the API: HTTP %d, want 401", status)
		}
		if _, got := c.token(refresh(first.Refresh)); got.status != 400 || !strings.Contains(got.body, `"invalid_grant"`) {
			t.Errorf("after logout a refresh: HTTP %d %s, want 400 invalid_grant", got.status, got.body)
		}
		if status := logout(); status != 401 {
			t.Errorf("second logout: HTTP %d, want 401", status)
		}
	})
}

func TestTokenRefusals(t *testing.T) {
	c := open(t, sim.Options{})
	issued := c.grant()
	code := func() string { return c.signIn(authorize).Query().Get("code") }
	used := code()
	exchange := func(code string) url.Values {
		return url.Values{"grant_type": {"authorization_code"}, "scope": {"read"}, "code": {code}, "redirect_uri": {"https://example.com"}}
	}
	if _, got := c.token(exchange(used)); got.status != 200 {
		t.Fatalf("exchange: HTTP %d %s", got.status, got.body)
	}
	with := func(v url.Values, name, value string) url.Values {
		if v.Set(name, value); value == "" {
			v.Del(name)
		}
		return v
	}
	header := func(text string) []string {
		return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(text))}
	}
	for _, x := range []struct {
		name    string
		params  url.Values
		headers []string
		status  int
		err     string
	}{
		{"the guide's own sample header, ID quote SECRET", refresh(issued.Refresh), []string{"Authorization", "Basic Y2FtZXJhbWFuYWdlci50ZXN0InF3ZXJ0eXVpb3Bhc2RmZ2hqa2x6eGN2Ym5tMTIzNDU="}, 401, "unauthorized"},
		{"ID: for a client with a secret", refresh(issued.Refresh), header("cameramanager.test:"), 401, "unauthorized"},
		{"wrong secret", refresh(issued.Refresh), header("cameramanager.test:x"), 401, "unauthorized"},
		{"secret in the parameters", with(with(refresh(issued.Refresh), "client_id", "cameramanager.test"), "client_secret", "qwertyuiopasdfghjklzxcvbnm12345"), []string{"Authorization", ""}, 401, "unauthorized"},
		{"no scope", with(refresh(issued.Refresh), "scope", ""), nil, 400, "invalid_request"},
		{"no grant_type", with(refresh(issued.Refresh), "grant_type", ""), nil, 400, "invalid_request"},
		{"unknown grant_type", with(refresh(issued.Refresh), "grant_type", "device"), nil, 400, "unsupported_grant_type"},
		{"unknown scope", with(refresh(issued.Refresh), "scope", "admin"), nil, 400, "invalid_scope"},
		{"wider scope", with(refresh(issued.Refresh), "scope", "write"), nil, 400, "invalid_scope"},
		{"unknown scope with a code", with(exchange(code()), "scope", "all"), nil, 400, "invalid_scope"},
		{"unknown refresh token", refresh("x"), nil, 400, "invalid_grant"},
		{"an access token", refresh(issued.Access), nil, 400, "invalid_grant"},
		{"used code", exchange(used), nil, 400, "invalid_grant"},
		{"unknown code", exchange("x"), nil, 400, "invalid_grant"},
		{"other redirect_uri", with(exchange(code()), "redirect_uri", "https://example.com/"), nil, 400, "invalid_grant"},
		{"no redirect_uri", with(exchange(code()), "redirect_uri", ""), nil, 400, "invalid_request"},
		{"wrong password", url.Values{"grant_type": {"password"}, "scope": {"read"}, "username": {"anna@example.com"}, "password": {"x"}}, nil, 400, "invalid_grant"},
		{"no Accept", refresh(issued.Refresh), []string{"Accept", ""}, 406, ""},
		{"Accept: anything", refresh(issued.Refresh), []string{"Accept", "*/*"}, 406, ""},
	} {
		_, got := c.token(x.params, x.headers...)
		if got.status != x.status || x.err != "" && !strings.Contains(got.body, `"error":"`+x.err+`"`) {
			t.Errorf("%s: HTTP %d %s, want %d %s", x.name, got.status, got.body, x.status, x.err)
		}
		if (got.header.Get("WWW-Authenticate") != "") != (x.status == 401) {
			t.Errorf("%s: WWW-Authenticate %q", x.name, got.header.Get("WWW-Authenticate"))
		}
	}
	if got := c.do("GET", "/oauth/token?"+refresh(issued.Refresh).Encode(), "", "Authorization", basic); got.status != 405 {
		t.Errorf("GET: HTTP %d, want 405", got.status)
	}
	for _, bad := range []string{"example.com/callback", "ftp://example.com", ""} {
		q := "response_type=code&client_id=cameramanager.test&scope=read&redirect_uri=" + url.QueryEscape(bad)
		if got := c.do("GET", "/oauth/authorize?"+q, ""); got.status != 400 || got.header.Get("Location") != "" {
			t.Errorf("return address %q: HTTP %d, want 400 and no redirect", bad, got.status)
		}
	}
}

// What the texts leave open about tokens is a rule of simkit or a setting.
func TestTokenSettings(t *testing.T) {
	t.Run("form body, accepted or not", func(t *testing.T) {
		for _, accepted := range []bool{true, false} {
			c := open(t, sim.Options{})
			if !accepted {
				c.Issuer.Change(func(r *simkit.Rules) { r.In = []simkit.Place{simkit.InQuery} })
			}
			got := c.do("POST", "/oauth/token", refresh(c.grant().Refresh).Encode(), "Authorization", basic, "Content-Type", "application/x-www-form-urlencoded")
			if want := map[bool]int{true: 200, false: 400}[accepted]; got.status != want {
				t.Errorf("accepted %v: HTTP %d, want %d", accepted, got.status, want)
			}
		}
	})
	t.Run("bad client as invalid_client", func(t *testing.T) {
		c := open(t, sim.Options{Settings: sim.Settings{ClientError: "invalid_client"}})
		if _, got := c.token(refresh("x"), "Authorization", ""); got.status != 401 || !strings.Contains(got.body, `"invalid_client"`) {
			t.Errorf("HTTP %d %s", got.status, got.body)
		}
	})
	t.Run("a client without a secret", func(t *testing.T) {
		c := open(t, sim.Options{Clients: []simkit.Client{{ID: "public"}}})
		issued := c.Issuer.Issue("public", "anna@example.com", "read")
		if _, got := c.token(refresh(issued.Refresh), "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("public:"))); got.status != 200 {
			t.Errorf("ID: got HTTP %d %s", got.status, got.body)
		}
	})
	t.Run("old access token dies, state is not echoed, rotation", func(t *testing.T) {
		c := open(t, sim.Options{})
		c.Issuer.Change(func(r *simkit.Rules) {
			r.OldAccess, r.NoEcho, r.Rotation = simkit.OldAccessEnds, true, simkit.RotateNew
		})
		issued := c.grant()
		next, _ := c.token(refresh(issued.Refresh))
		if next.Refresh == issued.Refresh || c.status(issued.Access, "/rest/v2.4/cameras") != 401 || c.status(next.Access, "/rest/v2.4/cameras") != 200 {
			t.Error("the refresh neither rotated nor ended the old access token")
		}
		if back := c.signIn(authorize); back.Query().Has("state") {
			t.Errorf("state came back: %s", back)
		}
	})
	t.Run("the same live token for a repeated sign-in", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := open(t, sim.Options{})
			c.Issuer.Change(func(r *simkit.Rules) { r.SameAccess = true })
			sign := func() tokens {
				code := c.signIn(authorize).Query().Get("code")
				got, _ := c.token(url.Values{"grant_type": {"authorization_code"}, "scope": {"read"}, "code": {code}, "redirect_uri": {"https://example.com"}})
				return got
			}
			first := sign()
			time.Sleep(time.Hour)
			if second := sign(); second.Access != first.Access || second.Expires != 43199-3600 {
				t.Errorf("got %+v after %+v", second, first)
			}
		})
	})
	t.Run("no refresh token in a refresh", func(t *testing.T) {
		c := open(t, sim.Options{})
		c.Issuer.Change(func(r *simkit.Rules) { r.Rotation = simkit.RotateNone })
		issued := c.grant()
		for range 2 {
			if next, got := c.token(refresh(issued.Refresh)); got.status != 200 || next.Refresh != "" {
				t.Errorf("HTTP %d %s", got.status, got.body)
			}
		}
	})
	t.Run("an error that echoes the token", func(t *testing.T) {
		c := open(t, sim.Options{})
		c.Faults.Add(simkit.Fault{Times: simkit.Always, Do: sim.EchoToken})
		if _, got := c.token(refresh("secret-token")); !strings.Contains(got.body, "secret-token") {
			t.Errorf("token endpoint: %s", got.body)
		}
		if got := c.do("GET", "/rest/v2.4/cameras", "", "Authorization", "Bearer secret-token"); got.status != 401 || !strings.Contains(got.body, "secret-token") {
			t.Errorf("API: HTTP %d %s", got.status, got.body)
		}
	})
	t.Run("access tokens end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := open(t, sim.Options{})
			issued := c.grant()
			time.Sleep(12*time.Hour - time.Second)
			if c.status(issued.Access, "/rest/v2.4/cameras") != 200 {
				t.Error("dead before its time")
			}
			time.Sleep(time.Second)
			if c.status(issued.Access, "/rest/v2.4/cameras") != 401 {
				t.Error("alive after its time")
			}
		})
	})
}
