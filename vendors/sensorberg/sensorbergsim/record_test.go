package sensorbergsim_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	sim "latchkey/vendors/sensorberg/sensorbergsim"
)

// The sheet's example of token info, and its refusal.
func TestTokenInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := cloud()
		token := app(t, s, "app")
		now := time.Now().Unix()
		time.Sleep(10 * time.Minute)
		info := send(s, "GET", "/oauth/token/info", "", "Authorization", "Bearer "+token)
		wantJSON(t, info, 200, fmt.Sprintf(`{"resource_owner_id":null,"scope":["app"],"expires_in":1209000,"application":{"uid":%q},"created_at":%d}`, sim.DemoClient, now))
		access, _ := user(t, s)
		if m := members(t, send(s, "GET", "/oauth/token/info", "", "Authorization", "Bearer "+access)); m["resource_owner_id"] != 501.0 {
			t.Errorf("a user's token: %v", m)
		}
		dead := send(s, "GET", "/oauth/token/info", "", "Authorization", "Bearer x")
		wantError(t, dead, 401, "invalid_token")
		if members(t, dead)["state"] != "unauthorized" {
			t.Errorf("state: %s", dead.Body)
		}
		for offer, want := range map[sim.Offer]int{sim.Off: 404, sim.Inactive: 401} {
			s.Change(func(h *sim.Habits) { h.TokenInfo = offer })
			if w := send(s, "GET", "/oauth/token/info", "", "Authorization", "Bearer "+token); w.Code != want {
				t.Errorf("offer %d: %d, want %d", offer, w.Code, want)
			}
		}
	})
}

func TestIntrospection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := cloud()
		access, refresh := user(t, s)
		now := time.Now().Unix()
		want := map[string]any{"active": true, "scope": "me", "client_id": sim.DemoClient, "token_type": "Bearer", "exp": float64(now + 1209600), "iat": float64(now)}
		for _, token := range []string{access, refresh} {
			if diff := cmp.Diff(want, members(t, post(s, "/oauth/introspect", asApp("token", token)...))); diff != "" {
				t.Errorf("introspection (-want +got):\n%s", diff)
			}
		}
		mobile, _ := take(t, send(s, "POST", "/oauth/token?grant_type=password&scope=me&client_id="+sim.DemoMobile+"&external_authentication_token="+sim.DemoExternal, ""))
		for what, token := range map[string]string{"unknown": "x", "another application's": mobile} {
			if diff := cmp.Diff(map[string]any{"active": false}, members(t, post(s, "/oauth/introspect", asApp("token", token)...))); diff != "" {
				t.Errorf("%s token (-want +got):\n%s", what, diff)
			}
		}
		by := func(bearer, token string) (status int, body string) {
			w := send(s, "POST", "/oauth/introspect", form("token", token), "Content-Type", "application/x-www-form-urlencoded", "Authorization", "Bearer "+bearer)
			return w.Code, w.Body.String()
		}
		if status, body := by(access, access); status != 401 || !strings.Contains(body, "invalid_token") {
			t.Errorf("a token of itself: %d %s", status, body)
		}
		if status, body := by(app(t, s, "app"), access); status != 200 || !strings.Contains(body, `"active":true`) {
			t.Errorf("another token of the application: %d %s", status, body)
		}
		wantError(t, post(s, "/oauth/introspect", "token", access), 400, "invalid_request")
		wantError(t, post(s, "/oauth/introspect", "token", access, "client_id", sim.DemoClient, "client_secret", "x"), 401, "invalid_client")
		s.Change(func(h *sim.Habits) { h.Introspection = sim.Inactive })
		if m := members(t, post(s, "/oauth/introspect", asApp("token", access)...)); m["active"] != false {
			t.Errorf("switched off: %v", m)
		}
		s.Change(func(h *sim.Habits) { h.Introspection = sim.Off })
		if w := post(s, "/oauth/introspect", asApp("token", access)...); w.Code != 404 {
			t.Errorf("not there: %d", w.Code)
		}
	})
}

// Access and refresh token are one record: revoking either ends both.
func TestRevoke(t *testing.T) {
	for _, by := range []string{"access", "refresh"} {
		s := cloud()
		access, refresh := user(t, s)
		token := map[string]string{"access": access, "refresh": refresh}[by]
		wantJSON(t, post(s, "/oauth/revoke", asApp("token", token, "token_type_hint", by+"_token")...), 200, `{}`)
		if serves(s, access) {
			t.Errorf("by %s: the access token serves", by)
		}
		wantError(t, post(s, "/oauth/token", asApp("grant_type", "refresh_token", "refresh_token", refresh)...), 400, "invalid_grant")
	}
	t.Run("with a bearer", func(t *testing.T) {
		s := cloud()
		token := app(t, s, "app")
		w := send(s, "POST", "/oauth/revoke", form(asApp("token", token)...), "Content-Type", "application/x-www-form-urlencoded", "Authorization", "Bearer "+token)
		wantError(t, w, 400, "invalid_request")
	})
	t.Run("after its end", func(t *testing.T) {
		for v, ended := range map[sim.Version]bool{sim.V550: false, sim.V582: true} {
			synctest.Test(t, func(t *testing.T) {
				s := cloud(version(v))
				access, refresh := user(t, s)
				time.Sleep(15 * 24 * time.Hour)
				post(s, "/oauth/revoke", asApp("token", access)...)
				if look, _ := s.Issuer.Look(refresh); !look.Live {
					t.Errorf("%d: an expired access token was revoked", v)
				}
				post(s, "/oauth/revoke", asApp("token", refresh)...)
				if look, _ := s.Issuer.Look(refresh); look.Live == ended {
					t.Errorf("%d: its refresh token lives: %v", v, look.Live)
				}
			})
		}
	})
}
