package cameramanager_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/cameramanager"
	sim "latchkey/vendors/cameramanager/cameramanagersim"
)

func TestDriver(t *testing.T) {
	d := cameramanager.Driver()
	if d.Kind != "cameramanager" || d.Defaults.BaseURL != base || d.Defaults.Scope != "read" || d.Defaults.Grants[0] != bridge.GrantCode || d.Defaults.Poll != time.Minute {
		t.Errorf("driver: %+v", d)
	}
	if d.New() == d.New() {
		t.Error("two accounts share their options")
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name    string
		options func(*cameramanager.Options)
		change  func(*bridge.Settings)
		want    string // all errors, one a line
	}{
		{name: "defaults"},
		{name: "write", change: func(s *bridge.Settings) { s.Scope = "read write" }},
		{name: "no secret: a public client", change: func(s *bridge.Settings) { s.ClientSecret = bridge.Secret{} }},
		{name: "a token needs no client", change: func(s *bridge.Settings) {
			s.Grant, s.Token, s.ClientID, s.Scope = bridge.GrantToken, bridge.NewSecret("t"), "", ""
		}},
		{name: "client", change: func(s *bridge.Settings) { s.ClientID = "" }, want: "client_id: is missing: ask for an API key at https://dealer.cameramanager.com"},
		{name: "key in one", change: func(s *bridge.Settings) { s.ClientID = "a:b" }, want: "client_id: holds a colon: the key's id and secret are two settings"},
		{name: "scope", change: func(s *bridge.Settings) { s.Scope = "read admin" }, want: `scope: "admin" is not known (one of: read, write)`},
		{name: "no scope", change: func(s *bridge.Settings) { s.Scope = " " }, want: "scope: is empty: the vendor requires one, read suffices"},
		{name: "stills", options: func(o *cameramanager.Options) {
			o.Stills = cameramanager.Still{Every: time.Second, Interval: time.Second, Rest: -1, Slots: 5, Resolution: "big"}
		}, want: "options.stills.every: must be 0 or at least 1m\noptions.stills.interval: must be 10s to 1h: the vendor wants stills cached\noptions.stills.rest: must be 0 to 1h\n" +
			"options.stills.slots: must be 1 to 4: the cloud refuses more at once\noptions.stills.resolution: \"big\" is no resolution such as 1280x720"},
		{name: "off and small", options: func(o *cameramanager.Options) { o.LastRecording = 0; o.Stills.Resolution = "640x360" }},
		{name: "last recording", options: func(o *cameramanager.Options) { o.LastRecording = time.Second }, want: "options.last_recording: must be 0 or at least 1m"},
		{name: "events", options: func(o *cameramanager.Options) {
			o.Events.Path, o.Events.Types, o.RightsPath = "/v2.4/cameras/{camera}/events", map[string]string{"MOTION_DETECTED": "motion"}, "/v2.4/users/self/rights"
		}},
		{name: "bad events", options: func(o *cameramanager.Options) {
			o.Events = cameramanager.Events{Path: "/v2.4/../events?x", Every: time.Second, Types: map[string]string{"a": "", "b": strings.Repeat("x", 65)}}
			o.RightsPath = "/v2.4/cameras/{camera}/rights"
		}, want: "options.events.path: \"/v2.4/../events?x\" is no path such as /v2.4/cameras/{camera}/events\noptions.events.every: must be 10s to 1h\n" +
			"options.events.types: \"\" is no name for a type\noptions.events.types: \"xxxxxxxxxxxxxxxxxxxx\" is no name for a type\n" +
			"options.rights_path: \"/v2.4/cameras/{camera}/rights\" is no path such as /v2.4/users/self/rights"},
		{name: "versions", options: func(o *cameramanager.Options) { o.Versions.Status = "v2"; o.Versions.Logout = "" },
			want: "options.versions.status: \"v2\" is no version such as 2.4\noptions.versions.logout: \"\" is no version such as 2.4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, o := settings(), options()
			if c.change != nil {
				c.change(&s)
			}
			if c.options != nil {
				c.options(o)
			}
			got := ""
			if err := o.Check(s); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProfile(t *testing.T) {
	s := settings()
	s.BaseURL += "/" // a slash at the end changes nothing
	golden(t, "profile.golden", bridgetest.JSON(t, options().Profile(s)))
	if in := options(func(o *cameramanager.Options) { o.FormBody = true }).Profile(s).Dialect.Refresh.In; in != bridge.InForm {
		t.Errorf("form_body: parameters go into %q", in)
	}
}

// The dialect, spoken to the simulator as the keeper does: from the consent page
// to the logout, with the parameters in the query and in a form body.
func TestDialect(t *testing.T) {
	for _, form := range []bool{false, true} {
		s := sim.New(sim.Options{})
		srv := httptest.NewServer(s.Handler())
		set := settings()
		set.BaseURL = srv.URL
		d := options(func(o *cameramanager.Options) { o.FormBody = form }).Profile(set).Dialect
		if d.Authorize.Echo || d.Authorize.PKCE {
			t.Error("neither an echo of state nor PKCE is known")
		}
		const back = "http://127.0.0.1:8087/oauth/callback"
		fields := map[bridge.Field]string{bridge.FieldClientID: d.ClientID, bridge.FieldScope: d.Scope, bridge.FieldRedirect: back}
		authorize := params(d.Authorize.Params, fields)
		authorize.Set("redirect_uri", back)
		to, err := simkit.Person{Client: srv.Client(), Name: sim.DemoUser, Password: sim.DemoPassword}.Allow(t.Context(), d.Authorize.URL+"?"+authorize.Encode())
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(to)
		fields[bridge.FieldCode] = u.Query().Get("code")
		first := speak(t, srv.Client(), d, d.Exchange, fields)
		fields[bridge.FieldRefreshToken] = first["refresh_token"].(string)
		second := speak(t, srv.Client(), d, d.Refresh, fields)
		if second["refresh_token"] != first["refresh_token"] || second["scope"] != "read" {
			t.Errorf("refreshed to %v after %v", second, first)
		}
		fields[bridge.FieldAccessToken] = second["access_token"].(string)
		who := speak(t, srv.Client(), d, &bridge.Ask{Method: "GET", URL: d.Identity.URL, Bearer: true}, fields)
		if who[d.Identity.Member] != 7001.0 {
			t.Errorf("identity %v of %v", who[d.Identity.Member], who)
		}
		for i := range d.Revoke {
			speak(t, srv.Client(), d, &d.Revoke[i], fields)
		}
		for _, use := range []bridge.Field{bridge.FieldAccessToken, bridge.FieldRefreshToken} {
			if look, known := s.Issuer.Look(fields[use]); !known || look.Live {
				t.Errorf("%s lives after the logout", use)
			}
		}
		srv.Close()
	}
}

func params(all []bridge.Param, fields map[bridge.Field]string) url.Values {
	v := url.Values{}
	for _, p := range all {
		if text := p.Text + fields[p.From]; text != "" {
			v.Set(p.Name, text)
		}
	}
	return v
}

// speak sends one Ask as the keeper does.
func speak(t *testing.T, c *http.Client, d bridge.Dialect, ask *bridge.Ask, fields map[bridge.Field]string) (members map[string]any) {
	t.Helper()
	v := params(ask.Params, fields)
	target, body := ask.URL, ""
	if ask.In == bridge.InQuery {
		target += "?" + v.Encode()
	} else {
		body = v.Encode()
	}
	method := ask.Method
	if method == "" {
		method = "POST"
	}
	req, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	switch {
	case ask.Bearer:
		req.Header.Set("Authorization", "Bearer "+fields[bridge.FieldAccessToken])
	case ask.Client == bridge.ClientBasic:
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(d.ClientID+":"+d.Secret.Reveal())))
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s answered %s", method, req.URL.Path, resp.Status)
	}
	_ = json.NewDecoder(resp.Body).Decode(&members) // the logout says nothing
	return members
}
