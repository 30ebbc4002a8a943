package sensorbergsim_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge/simkit"
	sim "latchkey/vendors/sensorberg/sensorbergsim"
)

// The curl example of the vendor's text, and its sample reply.
func TestTheVendorsExample(t *testing.T) {
	s := cloud(version(sim.V440), func(h *sim.Habits) { h.Refresh = true })
	w := post(s, "/oauth/token", "grant_type", "client_credentials", "client_id", sim.DemoClient, "client_secret", sim.DemoSecret, "scope", "app")
	got := members(t, w)
	for _, name := range []string{"access_token", "refresh_token", "created_at"} {
		if got[name] == nil {
			t.Errorf("%s is missing", name)
		}
		delete(got, name)
	}
	if diff := cmp.Diff(map[string]any{"token_type": "bearer", "expires_in": 1209600.0, "scope": "app"}, got); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
	for name, want := range map[string]string{"Cache-Control": "no-store", "Pragma": "no-cache", "Content-Type": "application/json; charset=utf-8"} {
		if v := w.Header().Get(name); v != want {
			t.Errorf("%s: %q, want %q", name, v, want)
		}
	}
}

// The second curl example: everything in the query, no body, no secret.
func TestExternalToken(t *testing.T) {
	const path = "/oauth/token?external_authentication_token=" + sim.DemoExternal + "&scope=me&grant_type=password&client_id="
	access, refresh := take(t, send(cloud(), "POST", path+sim.DemoMobile, ""))
	if access == "" || refresh == "" {
		t.Errorf("got %q and %q, want a pair", access, refresh)
	}
	wantError(t, send(cloud(version(sim.V600)), "POST", path+sim.DemoMobile, ""), 401, simkit.InvalidClient) // the query is not read
	take(t, post(cloud(version(sim.V600)), "/oauth/token", "external_authentication_token", sim.DemoExternal, "scope", "me", "grant_type", "password", "client_id", sim.DemoMobile))
	wantError(t, post(cloud(), "/oauth/token", asApp("external_authentication_token", sim.DemoExternal, "scope", "me", "grant_type", "password")...), 400, simkit.InvalidGrant)
	wantError(t, send(cloud(), "POST", strings.Replace(path, sim.DemoExternal, "another", 1)+sim.DemoMobile, ""), 400, simkit.InvalidGrant)
}

func TestRefusals(t *testing.T) {
	other := simkit.Client{ID: "other", Secret: "o"}
	for _, c := range []struct {
		name   string
		pairs  []string
		basic  bool // id and secret in a Basic header too
		status int
		code   string
	}{
		{"wrong secret", []string{"grant_type", "client_credentials", "client_id", sim.DemoClient, "client_secret", "wrong", "scope", "app"}, false, 401, "invalid_client"},
		{"wrong id", []string{"grant_type", "client_credentials", "client_id", "nobody", "client_secret", "x", "scope", "app"}, false, 401, "invalid_client"},
		{"Basic and body", asApp("grant_type", "client_credentials", "scope", "app"), true, 400, "invalid_request"},
		{"no grant type", asApp("scope", "app"), false, 400, "invalid_request"},
		{"the prose's grant type", asApp("grant_type", "user_credentials", "scope", "app"), false, 400, "unsupported_grant_type"},
		{"foreign scope", asApp("grant_type", "client_credentials", "scope", "admin"), false, 400, "invalid_scope"},
		{"no scope", asApp("grant_type", "client_credentials"), false, 400, "invalid_scope"},
		{"a scope that the app may not have", []string{"grant_type", "client_credentials", "client_id", sim.DemoMobile, "scope", "app"}, false, 400, "invalid_scope"},
		{"wrong password", asApp("grant_type", "password", "username", sim.DemoUser, "password", "wrong", "scope", "me"), false, 400, "invalid_grant"},
		{"no password", asApp("grant_type", "password", "scope", "me"), false, 400, "invalid_grant"},
		{"unknown code", asApp("grant_type", "authorization_code", "code", "x", "redirect_uri", "https://x.example/"), false, 400, "invalid_grant"},
		{"code without redirect_uri", asApp("grant_type", "authorization_code", "code", "x"), false, 400, "invalid_request"},
		{"unknown parameter", asApp("grant_type", "client_credentials", "scope", "app", "colour", "blue"), false, 400, "invalid_request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var extra []string
			if c.basic {
				r, _ := http.NewRequest("GET", "/", nil)
				r.SetBasicAuth(sim.DemoClient, sim.DemoSecret)
				extra = []string{"Authorization", r.Header.Get("Authorization")}
			}
			w := send(cloud(), "POST", "/oauth/token", form(c.pairs...), append(extra, "Content-Type", "application/x-www-form-urlencoded")...)
			wantError(t, w, c.status, c.code)
		})
	}
	t.Run("JSON body", func(t *testing.T) {
		wantError(t, send(cloud(), "POST", "/oauth/token", `{"grant_type":"client_credentials"}`, "Content-Type", "application/json"), 400, "invalid_request")
	})
	t.Run("another client's refresh token", func(t *testing.T) {
		s := sim.New(sim.Options{Clients: []simkit.Client{{ID: sim.DemoClient, Secret: sim.DemoSecret}, other}})
		_, refresh := user(t, s)
		wantError(t, post(s, "/oauth/token", "grant_type", "refresh_token", "refresh_token", refresh, "client_id", "other", "client_secret", "o"), 400, "invalid_grant")
	})
	t.Run("DELETE is no token request", func(t *testing.T) {
		if w := send(cloud(), "DELETE", "/oauth/token", ""); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("got %d", w.Code)
		}
	})
}

// Basic takes id and secret as they are, which a secret with % and + shows.
func TestBasic(t *testing.T) {
	for id, want := range map[string]int{sim.DemoClient: 200, "nobody": 401} {
		for _, encode := range []bool{false, true} {
			secret, status := sim.DemoSecret, want
			if encode {
				secret, status = url.QueryEscape(secret), 401
			}
			r, _ := http.NewRequest("GET", "/", nil)
			r.SetBasicAuth(id, secret)
			w := send(cloud(), "POST", "/oauth/token", form("grant_type", "client_credentials", "scope", "app"),
				"Content-Type", "application/x-www-form-urlencoded", "Authorization", r.Header.Get("Authorization"))
			if w.Code != status {
				t.Errorf("id %q, encoded %v: %d, want %d", id, encode, w.Code, status)
			}
		}
	}
}

// The table of the library's versions.
func TestVersions(t *testing.T) {
	for _, v := range sim.Versions() {
		s := cloud(version(v))
		token := app(t, s, "app")
		info := members(t, send(s, "GET", "/oauth/token/info", "", "Authorization", "Bearer "+token))
		_, old := info["scopes"]
		_, oldLeft := info["expires_in_seconds"]
		wantType, grantStatus, clientStatus := "Bearer", 400, 401
		if v == sim.V440 {
			wantType = "bearer"
		}
		if v < sim.V510 {
			grantStatus = 401
		}
		said := members(t, post(s, "/oauth/token", asApp("grant_type", "client_credentials", "scope", "app")...))
		if said["token_type"] != wantType || old != (v < sim.V500) || oldLeft != old {
			t.Errorf("%d: type %v, token info %v", v, said["token_type"], info)
		}
		wantError(t, post(s, "/oauth/token", asApp("grant_type", "refresh_token", "refresh_token", "x")...), grantStatus, "invalid_grant")
		wantError(t, post(s, "/oauth/token", "grant_type", "refresh_token", "refresh_token", "x", "client_id", "y", "client_secret", "z"), clientStatus, "invalid_client")

		wrong, stranger := post(s, "/oauth/revoke", "token", token, "client_id", sim.DemoClient, "client_secret", "wrong"), post(s, "/oauth/revoke", asApp("token", "unknown")...)
		wantWrong, wantStranger := 403, 200
		if v < sim.V520 {
			wantWrong = 200
		} else if v < sim.V540 {
			wantStranger = 403
		}
		if wrong.Code != wantWrong || stranger.Code != wantStranger || !serves(s, token) {
			t.Errorf("%d: revoke without right %d, of an unknown token %d; the token serves: %v", v, wrong.Code, stranger.Code, serves(s, token))
		}
		w := ask(s, app(t, s, "basic"), "GET", "/demo/units", "")
		wantScope := "insufficient_scope"
		if v < sim.V591 {
			wantScope = "invalid_scope"
		}
		if w.Code != 403 || !strings.Contains(w.Header().Get("WWW-Authenticate"), wantScope) || w.Body.Len() != 0 {
			t.Errorf("%d: wrong kind of token: %d %s %s", v, w.Code, w.Header(), w.Body)
		}
	}
}

// An application that may not use a grant: the status of that changed with 5.5 and 6.0.
func TestBarred(t *testing.T) {
	for _, v := range sim.Versions() {
		want := 400
		if v < sim.V510 || v >= sim.V550 && v < sim.V600 {
			want = 401
		}
		wantError(t, post(cloud(version(v), func(h *sim.Habits) { h.Barred = true }), "/oauth/token", asApp("grant_type", "client_credentials", "scope", "app")...), want, "unauthorized_client")
	}
}

func TestScopeAsTextOrList(t *testing.T) {
	for scopes, want := range map[sim.Scopes][2]any{
		sim.ScopesMixed: {"app", []any{"app"}}, sim.ScopesText: {"app", "app"}, sim.ScopesList: {[]any{"app"}, []any{"app"}},
	} {
		s := cloud(func(h *sim.Habits) { h.Scopes = scopes })
		reply := members(t, post(s, "/oauth/token", asApp("grant_type", "client_credentials", "scope", "app")...))
		info := members(t, send(s, "GET", "/oauth/token/info", "", "Authorization", "Bearer "+reply["access_token"].(string)))
		if diff := cmp.Diff(want, [2]any{reply["scope"], info["scope"]}); diff != "" {
			t.Errorf("reply and token info of %d (-want +got):\n%s", scopes, diff)
		}
	}
}

func TestAskingAgain(t *testing.T) {
	for mode, want := range map[sim.AppToken]struct{ oldServes, same bool }{
		sim.AlwaysNew: {true, false}, sim.NewKillsOld: {false, false}, sim.SameAgain: {true, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := cloud(func(h *sim.Habits) { h.AppToken = mode })
			first := app(t, s, "app")
			time.Sleep(time.Hour)
			reply := members(t, post(s, "/oauth/token", asApp("grant_type", "client_credentials", "scope", "app")...))
			left := 1209600.0
			if want.same {
				left -= 3600
			}
			if reply["refresh_token"] != nil || (reply["access_token"] == first) != want.same || serves(s, first) != want.oldServes || reply["expires_in"] != left {
				t.Errorf("mode %d: %v after %q, which serves: %v", mode, reply, first, serves(s, first))
			}
		})
	}
}

func TestRotation(t *testing.T) {
	refresh := func(s *sim.Sim, token string) (w string) {
		m := post(s, "/oauth/token", asApp("grant_type", "refresh_token", "refresh_token", token)...)
		return m.Body.String()
	}
	t.Run("at once", func(t *testing.T) {
		s := cloud()
		access, old := user(t, s)
		if !strings.Contains(refresh(s, old), "refresh_token") || serves(s, access) || !strings.Contains(refresh(s, old), "invalid_grant") {
			t.Error("the old pair lives after a refresh")
		}
	})
	t.Run("on use", func(t *testing.T) {
		s := cloud(func(h *sim.Habits) { h.OnUse = true })
		access, old := user(t, s)
		refresh(s, old)
		next, _ := take(t, post(s, "/oauth/token", asApp("grant_type", "refresh_token", "refresh_token", old)...))
		if !serves(s, access) {
			t.Error("the old access token died before the new one was used")
		}
		if !serves(s, next) || serves(s, access) || !strings.Contains(refresh(s, old), "invalid_grant") {
			t.Error("the old pair lives after the new token's first use")
		}
	})
}

func TestAuthorizationCode(t *testing.T) {
	const back = "https://home.example/oauth/callback"
	s := cloud()
	begin := func(redirect, scope string) string {
		return "/oauth/authorize?" + form("response_type", "code", "client_id", sim.DemoClient, "redirect_uri", redirect, "scope", scope, "state", "s1")
	}
	if w := send(s, "GET", begin(back, "me"), ""); w.Code != 200 || !strings.Contains(w.Body.String(), "<form") {
		t.Errorf("the consent page: %d %s", w.Code, w.Body)
	}
	approve := func(method string) url.Values {
		w := send(s, method, begin(back, "me"), form("username", sim.DemoUser, "password", sim.DemoPassword, "decision", "allow"), "Content-Type", "application/x-www-form-urlencoded")
		u, err := url.Parse(w.Header().Get("Location"))
		if err != nil || w.Code != 302 {
			t.Fatalf("%s: %d %s", method, w.Code, w.Body)
		}
		return u.Query()
	}
	if q := approve("DELETE"); q.Get("error") != "access_denied" || q.Get("state") != "s1" {
		t.Errorf("refused: %v", q)
	}
	q := approve("POST")
	exchange := asApp("grant_type", "authorization_code", "code", q.Get("code"), "redirect_uri", back)
	if access, refresh := take(t, post(s, "/oauth/token", exchange...)); !serves(s, access) || refresh == "" || q.Get("state") != "s1" {
		t.Errorf("signed in with %v: %q %q", q, access, refresh)
	}
	wantError(t, post(s, "/oauth/token", exchange...), 400, "invalid_grant")
	for _, bad := range []string{begin("http://127.0.0.1:8087/oauth/callback", "me"), begin(back, "admin")} {
		if w := send(s, "GET", bad, ""); w.Code != 400 || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d, want an error page", bad, w.Code)
		}
	}
	s.Change(func(h *sim.Habits) { h.PlainRedirects, h.PKCE = true, true })
	if w := send(s, "GET", begin("http://127.0.0.1:8087/oauth/callback", "me"), ""); w.Code != 302 || !strings.Contains(w.Header().Get("Location"), "invalid_request") {
		t.Errorf("no challenge: %d %s", w.Code, w.Header())
	}
}

func TestNoExpiryAndTheServersClock(t *testing.T) {
	s := cloud(func(h *sim.Habits) { h.Endless, h.Skew = true, -time.Hour })
	m := members(t, post(s, "/oauth/token", asApp("grant_type", "client_credentials", "scope", "app")...))
	if _, there := m["expires_in"]; there || time.Since(time.Unix(int64(m["created_at"].(float64)), 0)) < 59*time.Minute {
		t.Errorf("reply %v", m)
	}
	info := members(t, send(s, "GET", "/oauth/token/info", "", "Authorization", "Bearer "+m["access_token"].(string)))
	if v, there := info["expires_in"]; !there || v != nil {
		t.Errorf("token info %v, want expires_in null", info)
	}
}
