package sensorberg_test

import (
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
	"latchkey/vendors/sensorberg"
	sim "latchkey/vendors/sensorberg/sensorbergsim"
)

const back = "https://home.example/oauth/callback"

// tokens are what the keeper has in hand.
var tokens = fields{bridge.FieldAccessToken: "ACCESS", bridge.FieldRefreshToken: "REFRESH", bridge.FieldCode: "CODE", bridge.FieldRedirect: back, bridge.FieldVerifier: "VERIFIER"}

// What each request to the OAuth server puts on the wire, byte for byte.
func TestRequests(t *testing.T) {
	var got strings.Builder
	for _, c := range []struct {
		name     string
		settings func(*bridge.Settings)
		options  func(*sensorberg.Options)
	}{
		{"client credentials", func(*bridge.Settings) {}, nil},
		{"client credentials, basic, another prefix and scope", func(s *bridge.Settings) { s.Scope = "basic" }, func(o *sensorberg.Options) { o.ClientAuth, o.OAuth = "basic", "/api/oauth" }},
		{"password", byPassword, nil},
		{"external token", byExternal, nil},
		{"external token in the form", byExternal, func(o *sensorberg.Options) { o.ExternalTokenIn = "form" }},
		{"authorization code", byCode, nil},
		{"authorization code of a public client", func(s *bridge.Settings) { byCode(s); s.ClientSecret = bridge.Secret{} }, nil},
	} {
		change := []func(*sensorberg.Options){}
		if c.options != nil {
			change = append(change, c.options)
		}
		d := options(change...).Profile(settings(c.settings)).Dialect
		fmt.Fprintf(&got, "# %s\n", c.name)
		if a := d.Authorize; a != nil {
			fmt.Fprintf(&got, "authorize: %s?%s (PKCE %v, echo %v)\n", a.URL, values(a.Params, tokens.with(d)).Encode(), a.PKCE, a.Echo)
		}
		for _, one := range []struct {
			what string
			ask  *bridge.Ask
		}{{"exchange", d.Exchange}, {"acquire", d.Acquire}, {"refresh", d.Refresh}, {"introspect", d.Inspect}, {"token info", d.TokenInfo}, {"revoke", &d.Revoke[0]}} {
			if one.ask == nil {
				continue
			}
			r := request(d, one.ask, tokens)
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(&got, "%s: %s %s", one.what, r.Method, r.URL)
			for _, name := range []string{"Content-Type", "Authorization"} {
				if v := r.Header.Get(name); v != "" {
					fmt.Fprintf(&got, "\n\t%s: %s", name, v)
				}
			}
			if len(body) > 0 {
				fmt.Fprintf(&got, "\n\t%s", body)
			}
			fmt.Fprintln(&got)
		}
		if d.Identity != nil {
			fmt.Fprintf(&got, "identity: %s of %s\n", d.Identity.Member, d.Identity.URL)
		}
		if len(d.Revoke) != 1 || !d.RevokeUnproven {
			t.Errorf("%s: %d requests to revoke, whose 200 is a proof: %v", c.name, len(d.Revoke), !d.RevokeUnproven)
		}
	}
	golden(t, "requests.golden", got.String())
}

// Revoking without a refresh token names the access token.
func TestRevokeNamesWhatThereIs(t *testing.T) {
	d := options().Profile(settings()).Dialect
	body, _ := io.ReadAll(request(d, &d.Revoke[0], fields{bridge.FieldAccessToken: "ACCESS"}).Body)
	if v, err := url.ParseQuery(string(body)); err != nil || v.Get("token") != "ACCESS" {
		t.Errorf("body %s", body)
	}
}

// An application, from its first token to the logout, in every version of the
// library and in every mode of asking again.
func TestApplication(t *testing.T) {
	for _, v := range sim.Versions() {
		for _, mode := range []sim.AppToken{sim.AlwaysNew, sim.NewKillsOld, sim.SameAgain} {
			for _, refresh := range []bool{false, true} {
				for _, auth := range []bridge.ClientAuth{bridge.ClientParams, bridge.ClientBasic} {
					s := sim.New(sim.Options{Habits: sim.Habits{Version: v, AppToken: mode, Refresh: refresh}})
					d := options(func(o *sensorberg.Options) { o.ClientAuth = auth }).Profile(settings()).Dialect
					if d.Refresh != nil || d.Identity != nil {
						t.Fatal("an application's token is asked for anew, and has no user")
					}
					mustSpeak(t, s, d, d.Acquire, nil)
					reply := mustSpeak(t, s, d, d.Acquire, nil)
					f := fields{bridge.FieldAccessToken: reply["access_token"].(string)}
					if token, ok := reply["refresh_token"].(string); ok {
						f[bridge.FieldRefreshToken] = token
					}
					wantShown(t, s, d, f, "app")
					mustSpeak(t, s, d, &d.Revoke[0], f)
					if status, _ := speak(t, s, d, d.TokenInfo, f); status != 401 {
						t.Errorf("%d, mode %d: token info answers %d after the logout", v, mode, status)
					}
				}
			}
		}
	}
}

// A user, by every way to sign in, in every version: sign in, refresh, look, log out.
func TestUser(t *testing.T) {
	inForm := func(o *sensorberg.Options) { o.ExternalTokenIn = bridge.InForm }
	for _, v := range sim.Versions() {
		for name, c := range map[string]struct {
			settings func(*bridge.Settings)
			options  func(*sensorberg.Options)
			from     sim.Version // and before: it works
		}{
			"password": {byPassword, func(*sensorberg.Options) {}, sim.V600},
			"external": {byExternal, func(*sensorberg.Options) {}, sim.V595}, // the query is no longer read
			"form":     {byExternal, inForm, sim.V600},
			"code":     {byCode, func(*sensorberg.Options) {}, sim.V600},
		} {
			for _, onUse := range []bool{false, true} {
				s := sim.New(sim.Options{Habits: sim.Habits{Version: v, OnUse: onUse, PKCE: name == "code"}})
				d := options(c.options).Profile(settings(c.settings)).Dialect
				if v > c.from {
					if status, _ := speak(t, s, d, d.Acquire, nil); status/100 == 2 {
						t.Errorf("%d: %s in the query is read", v, name)
					}
					continue
				}
				ask, f := d.Acquire, fields{}
				if ask == nil {
					ask, f = d.Exchange, consent(t, s, d)
				}
				first := mustSpeak(t, s, d, ask, f)
				second := mustSpeak(t, s, d, d.Refresh, fields{bridge.FieldRefreshToken: first["refresh_token"].(string)})
				f = fields{bridge.FieldAccessToken: second["access_token"].(string), bridge.FieldRefreshToken: second["refresh_token"].(string)}
				if who := mustSpeak(t, s, d, &bridge.Ask{Method: "GET", URL: d.Identity.URL, Bearer: true}, f); who[d.Identity.Member] != 501.0 {
					t.Errorf("%s: identity %v of %v", name, who[d.Identity.Member], who)
				}
				wantShown(t, s, d, f, "me")
				mustSpeak(t, s, d, &d.Revoke[0], f)
				if status, _ := speak(t, s, d, d.TokenInfo, f); status != 401 {
					t.Errorf("%d %s: token info answers %d after the logout", v, name, status)
				}
			}
		}
	}
}

// wantShown wants introspection and token info of a live token.
func wantShown(t *testing.T, s *sim.Sim, d bridge.Dialect, f fields, scope string) {
	t.Helper()
	if m := mustSpeak(t, s, d, d.Inspect, f); m["active"] != true || m["scope"] != scope {
		t.Errorf("introspection %v", m)
	}
	if m := mustSpeak(t, s, d, d.TokenInfo, f); m["application"].(map[string]any)["uid"] != d.ClientID {
		t.Errorf("token info %v", m)
	}
}

// consent signs the demo user in at the consent page, with a challenge.
func consent(t *testing.T, s *sim.Sim, d bridge.Dialect) fields {
	t.Helper()
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636, appendix B
	v := values(d.Authorize.Params, fields{}.with(d))
	v.Set("redirect_uri", back)
	v.Set("state", "s1")
	v.Set("code_challenge", challenge)
	v.Set("code_challenge_method", "S256")
	to, err := simkit.Person{Client: srv.Client(), Name: sim.DemoUser, Password: sim.DemoPassword}.Allow(t.Context(), srv.URL+strings.TrimPrefix(d.Authorize.URL, base)+"?"+v.Encode())
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil || u.Query().Get("state") != "s1" {
		t.Fatalf("came back to %s", to)
	}
	return fields{bridge.FieldCode: u.Query().Get("code"), bridge.FieldRedirect: back, bridge.FieldVerifier: verifier}
}
