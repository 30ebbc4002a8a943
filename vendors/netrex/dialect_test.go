package netrex_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
	"latchkey/vendors/netrex"
	sim "latchkey/vendors/netrex/netrexsim"
)

// Every request of the sign-in and of the token's life, byte for byte: with the
// secret, without it, and with each option that changes one.
func TestTokenRequests(t *testing.T) {
	fields := map[bridge.Field]string{bridge.FieldCode: "c0de/+", bridge.FieldRedirect: "https://latchkey.example/oauth/callback",
		bridge.FieldRefreshToken: "r&t", bridge.FieldAccessToken: "a=t"}
	var out []string
	note := func(title string, s bridge.Settings, change func(*netrex.Options)) {
		d := options(change).Profile(s).Dialect
		out = append(out, "# "+title)
		start := params(d, d.Authorize.Params, fields)
		start.Set(d.Authorize.Return, fields[bridge.FieldRedirect])
		start.Set("state", "st")
		out = append(out, "GET "+d.Authorize.URL+"?"+start.Encode())
		for _, ask := range []*bridge.Ask{d.Exchange, d.Refresh, &d.Revoke[0], d.Probe} {
			if ask == nil { // no refresh without the secret
				continue
			}
			r := request(t, d, ask, fields)
			body := ""
			if r.Header.Get("Content-Type") != "" {
				body = " " + r.Header.Get("Content-Type") + " " + bodyOf(t, r)
			}
			out = append(out, r.Method+" "+r.URL.String()+body)
		}
	}
	secretless := settings()
	secretless.ClientSecret = bridge.Secret{}
	note("with the secret", settings(), func(*netrex.Options) {})
	note("without the secret", secretless, func(*netrex.Options) {})
	note("a form body, and the client with the revocation", settings(), func(o *netrex.Options) { o.FormBody, o.RevokeClient = true, true })
	note("the words of the vendor's tables, spaces in the scope", settings(), func(o *netrex.Options) {
		o.Names, o.ScopeSeparator = netrex.Names{Redirect: "redirect_url", Code: "auth_code", Refresh: "token"}, " "
	})
	note("other paths", settings(), func(o *netrex.Options) {
		o.Paths = netrex.Paths{Auth: "/auth", Token: "/t", Revoke: "/r", GraphQL: "/g"}
	})
	golden(t, "token_requests.golden", lines(out))
}

// The dialect, spoken to the simulator as the keeper does: from the consent page to
// the revocation, under each answer to what is unknown.
func TestDialect(t *testing.T) {
	for name, c := range map[string]struct {
		sim     sim.Settings
		rotate  simkit.Rotation
		options func(*netrex.Options)
		bare    bool // without the secret
	}{
		"documented":        {},
		"without secret":    {bare: true},
		"form body":         {sim: sim.Settings{FormBody: true}, options: func(o *netrex.Options) { o.FormBody = true }},
		"other names":       {sim: sim.Settings{OtherNames: true}, options: func(o *netrex.Options) { o.Names.Redirect, o.Names.Code = "redirect_url", "auth_code" }},
		"refresh parameter": {sim: sim.Settings{RefreshName: "token"}, options: func(o *netrex.Options) { o.Names.Refresh = "token" }},
		"revoke client":     {sim: sim.Settings{RevokeClient: true}, options: func(o *netrex.Options) { o.RevokeClient = true }},
		"same token":        {rotate: simkit.RotateSame}, "no token": {rotate: simkit.RotateNone}, "kept token": {rotate: simkit.RotateKeep},
		"text life": {sim: sim.Settings{TextLife: true, TokenType: true}}, "no life": {sim: sim.Settings{NoLife: true}},
	} {
		t.Run(name, func(t *testing.T) {
			s := sim.New(sim.Options{Settings: c.sim})
			s.Issuer.Change(func(r *simkit.Rules) { r.Rotation = c.rotate })
			srv := httptest.NewServer(s.Handler())
			defer srv.Close()
			set := settings()
			set.BaseURL = srv.URL
			if c.bare {
				set.ClientSecret = bridge.Secret{}
			}
			o := options()
			if c.options != nil {
				c.options(o)
			}
			d := o.Profile(set).Dialect
			if !d.Authorize.Echo || d.Authorize.PKCE || !d.Reading.FreeText {
				t.Error("state comes back, PKCE is not known, errors are sentences")
			}
			const back = "http://127.0.0.1:8087/oauth/callback"
			fields := map[bridge.Field]string{bridge.FieldRedirect: back}
			start := params(d, d.Authorize.Params, fields)
			start.Set(d.Authorize.Return, back)
			to, err := simkit.Person{Client: srv.Client(), Name: sim.DemoUser, Password: sim.DemoPassword}.Allow(t.Context(), d.Authorize.URL+"?"+start.Encode())
			if err != nil {
				t.Fatal(err)
			}
			u, _ := url.Parse(to)
			fields[bridge.FieldCode] = u.Query().Get("code")
			first := speak(t, srv.Client(), d, d.Exchange, fields)
			fields[bridge.FieldAccessToken], _ = first["access_token"].(string)
			if look, known := s.Issuer.Look(fields[bridge.FieldAccessToken]); !known || look.Grant.Scope != "read,recordings" {
				t.Fatalf("exchanged: %v of scope %q", first, look.Grant.Scope)
			}
			fields[bridge.FieldRefreshToken], _ = first["refresh_token"].(string)
			if c.bare != (fields[bridge.FieldRefreshToken] == "") {
				t.Errorf("exchanged: %v", first)
			}
			if !c.bare {
				second := speak(t, srv.Client(), d, d.Refresh, fields)
				fields[bridge.FieldAccessToken], _ = second["access_token"].(string)
				if second["access_token"] == nil || (second["refresh_token"] != nil) != (c.rotate != simkit.RotateNone) {
					t.Errorf("refreshed: %v", second)
				}
			}
			if probed := speak(t, srv.Client(), d, d.Probe, fields); probed["data"] == nil || probed["errors"] != nil {
				t.Errorf("the probe: %v", probed)
			}
			if bye := speak(t, srv.Client(), d, &d.Revoke[0], fields); bye["success"] != true {
				t.Errorf("revoked: %v", bye)
			}
			if look, _ := s.Issuer.Look(fields[bridge.FieldAccessToken]); look.Live {
				t.Error("the access token lives after the revocation")
			}
		})
	}
}

func params(d bridge.Dialect, all []bridge.Param, fields map[bridge.Field]string) url.Values {
	v := url.Values{}
	for _, p := range all {
		text := fields[p.From]
		switch p.From {
		case bridge.FieldClientID:
			text = d.ClientID
		case bridge.FieldScope:
			text = strings.Join(strings.Fields(d.Scope), d.Separator)
		}
		if text = p.Text + text; text != "" {
			v.Set(p.Name, text)
		}
	}
	return v
}

// request builds one Ask as the keeper does.
func request(t *testing.T, d bridge.Dialect, ask *bridge.Ask, fields map[bridge.Field]string) *http.Request {
	t.Helper()
	v := params(d, ask.Params, fields)
	if ask.Client == bridge.ClientParams {
		v.Set("client_id", d.ClientID)
		if !d.Secret.Empty() {
			v.Set("client_secret", d.Secret.Reveal())
		}
	}
	target, body := ask.URL, ""
	if ask.In == bridge.InQuery {
		target += "?" + v.Encode()
	} else if ask.In == bridge.InForm {
		body = v.Encode()
	} else {
		object, _ := json.Marshal(map[string]string{"query": v.Get("query")})
		body = string(object)
	}
	req, err := http.NewRequest("POST", target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", map[bridge.Place]string{bridge.InForm: "application/x-www-form-urlencoded", bridge.InJSON: "application/json"}[ask.In])
	}
	if ask.Bearer {
		req.Header.Set("Authorization", "Bearer "+fields[bridge.FieldAccessToken])
	}
	return req
}

// bodyOf reads what a request sends.
func bodyOf(t *testing.T, r *http.Request) string {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func speak(t *testing.T, c *http.Client, d bridge.Dialect, ask *bridge.Ask, fields map[bridge.Field]string) (members map[string]any) {
	t.Helper()
	resp, err := c.Do(request(t, d, ask, fields))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&members); err != nil {
		t.Fatalf("%s answered %s: %v", ask.URL, resp.Status, err)
	}
	return members
}
