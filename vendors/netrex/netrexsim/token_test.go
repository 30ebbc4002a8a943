package netrexsim_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge/simkit"
	sim "latchkey/vendors/netrex/netrexsim"
)

// The vendor's page, step by step.
func TestGuide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, sim.Options{})
		for _, path := range []string{"/oauth2/auth/?", "/oauth2/auth?"} {
			if page := c.do("GET", path+asked, ""); page.status != 200 || !strings.Contains(page.body, "<form") {
				t.Fatalf("the sign-in page: HTTP %d", page.status)
			}
		}
		back := c.signIn(asked, "allow")
		if back.Get("state") != "s+1" {
			t.Errorf("came back with %v", back)
		}
		first, got := c.token(exchange(back.Get("code")))
		if got.status != 200 || len(first) != 3 || first["expires_in"] != 3600.0 || first["refresh_token"] == nil {
			t.Fatalf("the exchange: HTTP %d %s", got.status, got.body)
		}
		time.Sleep(time.Hour)
		if got := c.post(first["access_token"].(string), `{"query":"{ cameraList { name } }"}`); got.status != 401 {
			t.Errorf("after an hour: HTTP %d", got.status)
		}
		second, got := c.token(refresh(first["refresh_token"].(string)))
		if got.status != 200 || second["refresh_token"] == nil {
			t.Fatalf("the refresh: HTTP %d %s", got.status, got.body)
		}
		access := second["access_token"].(string)
		if got := c.ask(access, "{ cameraList { name } }"); got != `{"data":{"cameraList":[{"name":"Yard"},{"name":"Gate"},{"name":null},{"name":"Attic"}]}}` {
			t.Errorf("the API: %s", got)
		}
		revoke := func() string { return c.do("POST", "/oauth2/revoke?access_token="+access, "").body }
		if got := revoke(); got != `{"message":"The access token has been deleted.","success":true}` {
			t.Errorf("revoked: %s", got)
		}
		if got := c.post(access, `{"query":"{ cameraList { name } }"}`); got.status != 401 {
			t.Errorf("after the revocation: HTTP %d", got.status)
		}
		if _, got := c.token(refresh(second["refresh_token"].(string))); !strings.Contains(got.body, `"error"`) {
			t.Errorf("the refresh token lives after the revocation: %s", got.body)
		}
		if got := revoke(); !strings.Contains(got, `"success":false`) {
			t.Errorf("revoked twice: %s", got)
		}
	})
}

// Without the secret: the same reply, less the refresh token.
func TestSecretless(t *testing.T) {
	c := open(t, sim.Options{})
	v := exchange(c.code())
	v.Del("client_secret")
	members, got := c.token(v)
	if got.status != 200 || len(members) != 2 || members["access_token"] == nil {
		t.Fatalf("HTTP %d %s", got.status, got.body)
	}
	whole := c.issue(sim.DemoUser, "read")
	v = refresh(whole.Refresh)
	v.Del("client_secret")
	if _, got := c.token(v); !strings.Contains(got.body, `"error"`) {
		t.Errorf("refreshed without the secret: %s", got.body)
	}
}

func TestConsentRefusals(t *testing.T) {
	c := open(t, sim.Options{Clients: []simkit.Client{{ID: sim.DemoClient, Secret: sim.DemoSecret, Redirects: []string{"https://example.com"}}}})
	with := func(name, value string) string {
		v, _ := url.ParseQuery(asked)
		v.Set(name, value)
		return v.Encode()
	}
	for _, query := range []string{with("client_id", "x"), with("redirect_uri", "https://evil.example")} {
		if got := c.do("GET", "/oauth2/auth/?"+query, ""); got.status != 400 || got.header.Get("Location") != "" || !strings.Contains(got.body, "<h1>") {
			t.Errorf("%s: HTTP %d %s", query, got.status, got.header.Get("Location"))
		}
	}
	for _, scope := range []string{"admin", "read write", "read,", ""} {
		got := c.do("GET", "/oauth2/auth/?"+with("scope", scope), "")
		if to := got.header.Get("Location"); got.status != 302 || !strings.Contains(to, "error=") || !strings.Contains(to, "state=s%2B1") {
			t.Errorf("scope %q: HTTP %d %s", scope, got.status, to)
		}
	}
	if back := c.signIn(asked, "deny"); back.Get("error") != "access_denied" || back.Get("state") != "s+1" || back.Has("code") {
		t.Errorf("refused: %v", back)
	}
}

// Every refusal of the token endpoint, in each of the plausible statuses.
func TestTokenRefusals(t *testing.T) {
	for _, status := range []int{0, 400, 401} {
		c := open(t, sim.Options{Settings: sim.Settings{OAuthStatus: status}})
		used := c.code()
		if _, got := c.token(exchange(used)); got.status != 200 {
			t.Fatalf("exchange: %s", got.body)
		}
		for name, v := range map[string]url.Values{
			"wrong secret": exchange(c.code(), "client_secret", "x"), "unknown client": exchange(c.code(), "client_id", "x"),
			"used code": exchange(used), "no code": exchange("x"), "other redirect": exchange(c.code(), "redirect_uri", "https://example.com/x"),
			"unknown grant": exchange(c.code(), "grant_type", "password"), "the table's grant": exchange(c.code(), "grant_type", "auth_code"),
			"the table's redirect": params("client_id", sim.DemoClient, "client_secret", sim.DemoSecret, "grant_type", "authorization_code", "code", c.code(), "redirect_url", "https://example.com"),
			"dead refresh token":   refresh("x"), "unknown parameter": refresh(c.issue(sim.DemoUser, "read").Refresh, "scope", "read"), "nothing": {},
		} {
			members, got := c.token(v)
			want := status
			if want == 0 {
				want = 200
			}
			if sentence, _ := members["error"].(string); got.status != want || len(members) != 1 || !strings.Contains(sentence, " ") {
				t.Errorf("%s: HTTP %d %s, want %d and a sentence", name, got.status, got.body, want)
			}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		c := open(t, sim.Options{})
		code := c.code()
		time.Sleep(2 * time.Minute)
		if _, got := c.token(exchange(code)); !strings.Contains(got.body, `"error"`) {
			t.Errorf("a code of two minutes: %s", got.body)
		}
	})
}

// The switches of the token endpoint.
func TestTokenSettings(t *testing.T) {
	form := func(c *cloud, v url.Values) string {
		return c.do("POST", "/oauth2/token", v.Encode(), "Content-Type", "application/x-www-form-urlencoded").body
	}
	c := open(t, sim.Options{})
	if got := form(c, exchange(c.code())); !strings.Contains(got, `"error"`) {
		t.Errorf("a form body: %s", got)
	}
	c.Change(func(s *sim.Settings) { s.FormBody = true })
	if got := form(c, exchange(c.code())); !strings.Contains(got, `"refresh_token"`) {
		t.Errorf("a form body, allowed: %s", got)
	}
	if got := form(c, refresh(c.issue(sim.DemoUser, "read").Refresh)); !strings.Contains(got, `"refresh_token"`) {
		t.Errorf("a refresh in a form body, allowed: %s", got)
	}

	c = open(t, sim.Options{Settings: sim.Settings{OtherNames: true, TextLife: true, TokenType: true, RevokeClient: true, RefreshName: "token"}})
	code := c.signIn(strings.Replace(asked, "redirect_uri", "redirect_url", 1), "allow").Get("code")
	members, got := c.token(params("client_id", sim.DemoClient, "client_secret", sim.DemoSecret, "grant_type", "auth_code", "code", code, "redirect_url", "https://example.com"))
	if members["expires_in"] != "3600" || members["token_type"] != "bearer" {
		t.Fatalf("the other names: %s", got.body)
	}
	renewed, got := c.token(params("client_id", sim.DemoClient, "client_secret", sim.DemoSecret, "grant_type", "refresh_token", "token", members["refresh_token"].(string)))
	if renewed["access_token"] == nil {
		t.Fatalf("the other refresh parameter: %s", got.body)
	}
	if _, got := c.token(refresh(renewed["refresh_token"].(string))); !strings.Contains(got.body, `"error"`) {
		t.Errorf("the usual refresh parameter: %s", got.body)
	}
	revoke := url.Values{"access_token": {renewed["access_token"].(string)}}
	if got := c.do("POST", "/oauth2/revoke?"+revoke.Encode(), ""); !strings.Contains(got.body, `"error"`) {
		t.Errorf("revoked without the client: %s", got.body)
	}
	revoke.Set("client_id", sim.DemoClient)
	revoke.Set("client_secret", sim.DemoSecret)
	if got := c.do("POST", "/oauth2/revoke?"+revoke.Encode(), ""); !strings.Contains(got.body, `"success":true`) {
		t.Errorf("revoked with the client: %s", got.body)
	}
	c.Change(func(s *sim.Settings) { s.Sentence = "Nope." })
	if _, got := c.token(refresh("x")); got.body != `{"error":"Nope."}` {
		t.Errorf("one sentence for everything: %s", got.body)
	}
	c.Change(func(s *sim.Settings) { s.NoLife, s.RefreshName = true, "" })
	if members, _ := c.token(refresh(c.issue(sim.DemoUser, "read").Refresh)); members["expires_in"] != nil || members["access_token"] == nil {
		t.Errorf("no life: %v", members)
	}
	if got := c.do("GET", "/oauth2/revoke", ""); got.status != http.StatusMethodNotAllowed {
		t.Errorf("GET of revoke: HTTP %d", got.status)
	}
}

// The modes of rotation that the vendor sheet lists.
func TestRotation(t *testing.T) {
	for _, m := range []struct {
		mode           simkit.Rotation
		named, oldLive bool
	}{{simkit.RotateNew, true, false}, {simkit.RotateSame, true, true}, {simkit.RotateNone, false, true}, {simkit.RotateKeep, true, true}} {
		c := open(t, sim.Options{})
		c.Issuer.Change(func(r *simkit.Rules) { r.Rotation = m.mode })
		old := c.issue(sim.DemoUser, "read").Refresh
		members, _ := c.token(refresh(old))
		if (members["refresh_token"] != nil) != m.named {
			t.Errorf("mode %v: %v", m.mode, members)
		}
		if again, _ := c.token(refresh(old)); (again["access_token"] != nil) != m.oldLive {
			t.Errorf("mode %v, the old token again: %v", m.mode, again)
		}
	}
}

func TestPortalTokens(t *testing.T) {
	c := open(t, sim.Options{})
	token := c.PortalToken(sim.DemoGuest, "read")
	if got := c.ask(token, "{ nodeList { node_id } }"); got != `{"data":{"nodeList":[{"node_id":1001}]}}` {
		t.Errorf("the guest sees %s", got)
	}
	if !c.DeletePortalToken(token) || c.DeletePortalToken(token) {
		t.Error("a token is deleted once")
	}
	if got := c.post(token, `{"query":"{ nodeList { node_id } }"}`); got.status != 401 {
		t.Errorf("a deleted token: HTTP %d", got.status)
	}
}
