package doorbird_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird"
	"latchkey/vendors/doorbird/doorbirdsim"
)

func TestDriver(t *testing.T) {
	d := doorbird.Driver()
	if d.Kind != "doorbird" || d.Defaults.BaseURL != base || d.Defaults.Scope != "deviceViewer" ||
		len(d.Defaults.Grants) != 1 || d.Defaults.Grants[0] != bridge.GrantCode || d.Defaults.Poll < d.Defaults.PollFloor {
		t.Errorf("driver: %+v", d)
	}
	if d.New() == d.New() {
		t.Error("two accounts share their options")
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options func(*doorbird.Options)
		change  func(*bridge.Settings)
		want    string // all errors, one a line
	}{
		{name: "defaults"},
		{name: "admin", change: func(s *bridge.Settings) { s.Scope = "deviceAdmin" }},
		{name: "no client", change: func(s *bridge.Settings) { s.ClientID, s.ClientSecret = "", bridge.Secret{} },
			want: "client_id: is missing: DoorBird gives a client id and secret to companies on request\nclient_secret: is missing: DoorBird gives a client id and secret to companies on request"},
		{name: "both scopes", change: func(s *bridge.Settings) { s.Scope = "deviceViewer deviceAdmin" },
			want: `scope: "deviceViewer deviceAdmin" is not known (one of: deviceViewer, deviceAdmin)`},
		{name: "relays", options: func(o *doorbird.Options) {
			o.Relays = []doorbird.Relay{{Number: 1}, {Number: 1, Peripheral: "x"}, {Number: 0}, {Number: 10000}, {Number: 1},
				{Number: 2, Peripheral: strings.Repeat("p", 57)}, {Number: 3, Name: strings.Repeat("n", 129)}}
		}, want: "options.relays[2].number: must be 1 to 9999\noptions.relays[3].number: must be 1 to 9999\noptions.relays[4]: is there twice\n" +
			"options.relays[5].peripheral: is too long for an id\noptions.relays[6].name: is longer than 128 characters"},
		{name: "body", options: func(o *doorbird.Options) { o.PeripheralBody = "xml" }, want: `options.peripheral_body: "xml" is not known (one of: object, string)`},
		{name: "bells", options: func(o *doorbird.Options) { o.Bells = 0 }, want: "options.bells: must be 1 to 99"},
		{name: "pictures", options: func(o *doorbird.Options) {
			o.Picture = doorbird.Picture{Every: time.Second, After: []time.Duration{1, time.Minute, time.Minute}}
		}, want: "options.picture.every: must be 0 or at least 30s\noptions.picture.after[0]: must be 1s to 1h\noptions.picture.after[2]: must be later than the one before"},
		{name: "too many times", options: func(o *doorbird.Options) {
			o.Picture.After = []time.Duration{1e9, 2e9, 3e9, 4e9, 5e9, 6e9}
		}, want: "options.picture.after: has more than 5 times"},
		{name: "paths", options: func(o *doorbird.Options) { o.Authorize, o.Token, o.Revoke = "auth", "", "/revoke?x" },
			want: "options.authorize: \"auth\" is no path below base_url, such as /auth/token\noptions.token: \"\" is no path below base_url, such as /auth/token\noptions.revoke: \"/revoke?x\" is no path below base_url, such as /auth/token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := settings("deviceViewer")
			if tt.change != nil {
				tt.change(&s)
			}
			got := ""
			if err := options(tt.options).Check(s); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func TestProfile(t *testing.T) {
	s := settings("deviceAdmin")
	s.BaseURL += "/" // a slash at the end changes nothing
	p := options(func(o *doorbird.Options) { o.Revoke = "/oauth/end" }).Profile(s)
	d := p.Dialect
	fields := map[bridge.Field]string{bridge.FieldCode: "CODE&", bridge.FieldRedirect: "https://home.example/oauth/callback?a=b c",
		bridge.FieldAccessToken: "ACCESS+", bridge.FieldRefreshToken: "REFRESH/"}
	asks := append([]bridge.Ask{*d.Exchange, *d.Refresh}, d.Revoke...)
	got := "GET " + d.Authorize.URL + "?" + authorize(d, "https://home.example/oauth/callback?a=b c", "STATE") + "\n"
	for _, ask := range asks {
		got += "POST " + ask.URL + "\n\t" + body(t, d, ask, fields) + "\n"
	}
	golden(t, "dialect.golden", got)
	if diff := cmp.Diff(map[string]bridge.Origin{"": {Base: base}}, p.Origins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bridge.Pace{"": {Every: time.Second, InFlight: 1, Yields: true}}, p.Pace); diff != "" {
		t.Errorf("pace (-want +got):\n%s", diff)
	}
}

// The dialect, spoken to the simulator: from the consent page to the revocation.
func TestDialect(t *testing.T) {
	const back = "http://127.0.0.1:8087/oauth/callback?x=ä b"
	sim := doorbirdsim.New(doorbirdsim.Options{})
	srv := httptest.NewServer(sim.Handler())
	defer srv.Close()
	s := settings("deviceViewer")
	s.BaseURL = srv.URL
	d := options(nil).Profile(s).Dialect
	viewer := simkit.Person{Client: srv.Client(), Name: doorbirdsim.DemoViewer, Password: "viewer"}
	to, err := viewer.Allow(t.Context(), d.Authorize.URL+"?"+authorize(d, back, "st"))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil || u.Query().Get("state") != "st" || !d.Authorize.Echo {
		t.Fatalf("sent back to %q (%v), want the state", to, err)
	}
	fields := map[bridge.Field]string{bridge.FieldCode: u.Query().Get("code"), bridge.FieldRedirect: back}
	first := speak(t, srv.Client(), d, *d.Exchange, fields)
	fields[bridge.FieldRefreshToken] = first["refresh_token"].(string)
	second := speak(t, srv.Client(), d, *d.Refresh, fields)
	fields[bridge.FieldAccessToken], fields[bridge.FieldRefreshToken] = second["access_token"].(string), second["refresh_token"].(string)

	req, _ := http.NewRequest(http.MethodGet, d.Identity.URL, nil)
	req.Header.Set("Authorization", "Bearer "+fields[bridge.FieldAccessToken])
	if who := do(t, srv.Client(), req)[d.Identity.Member]; who != doorbirdsim.DemoMAC {
		t.Errorf("identity %v, want the station's MAC", who)
	}
	for _, ask := range d.Revoke {
		speak(t, srv.Client(), d, ask, fields)
	}
	for _, use := range []bridge.Field{bridge.FieldAccessToken, bridge.FieldRefreshToken} {
		if look, known := sim.Issuer.Look(fields[use]); !known || look.Live {
			t.Errorf("%s lives after the revocation", use)
		}
	}
}

// authorize is the query of the consent page, as the keeper makes it.
func authorize(d bridge.Dialect, redirect, state string) string {
	q := form("redirect_uri", redirect, "state", state)
	for _, p := range d.Authorize.Params {
		q.Set(p.Name, value(d, p, nil))
	}
	return q.Encode()
}

// body is what one Ask sends: a form, the client among the fields.
func body(t *testing.T, d bridge.Dialect, ask bridge.Ask, fields map[bridge.Field]string) string {
	t.Helper()
	if ask.In != bridge.InForm || ask.Client != bridge.ClientParams || ask.Method != "" || ask.Bearer {
		t.Fatalf("ask %+v is not the vendor's dialect", ask)
	}
	b := form("client_id", d.ClientID, "client_secret", d.Secret.Reveal())
	for _, p := range ask.Params {
		b.Set(p.Name, value(d, p, fields))
	}
	return b.Encode()
}

func speak(t *testing.T, c *http.Client, d bridge.Dialect, ask bridge.Ask, fields map[bridge.Field]string) map[string]any {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, ask.URL, strings.NewReader(body(t, d, ask, fields)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return do(t, c, req)
}

func value(d bridge.Dialect, p bridge.Param, fields map[bridge.Field]string) string {
	switch p.From {
	case bridge.FieldClientID:
		return d.ClientID
	case bridge.FieldScope:
		return d.Scope
	}
	return p.Text + fields[p.From]
}

func do(t *testing.T, c *http.Client, req *http.Request) (members map[string]any) {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s answered %s", req.Method, req.URL.Path, resp.Status)
	}
	if resp.ContentLength == 0 {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(&members); err != nil {
		t.Fatal(err)
	}
	return members
}
