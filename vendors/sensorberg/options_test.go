package sensorberg_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/vendors/sensorberg"
)

func TestDriver(t *testing.T) {
	d := sensorberg.Driver()
	want := bridge.Defaults{BaseURL: base, Grants: []bridge.Grant{"client_credentials", "password", "authorization_code"}, Poll: 15 * time.Minute, PollFloor: time.Minute}
	if diff := cmp.Diff(want, d.Defaults); d.Kind != "sensorberg" || diff != "" {
		t.Errorf("driver %q, defaults (-want +got):\n%s", d.Kind, diff)
	}
	if d.New() == d.New() {
		t.Error("two accounts share their options")
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*bridge.Settings)
		options func(*sensorberg.Options)
		want    string // all errors, one a line
	}{
		{name: "an application"},
		{name: "the basic right", change: func(s *bridge.Settings) { s.Scope = "basic app" }},
		{name: "a user", change: byPassword},
		{name: "an external token needs no secret", change: byExternal},
		{name: "a code", change: byCode},
		{name: "a user with another scope of the application", change: func(s *bridge.Settings) { byPassword(s); s.Scope = "me app" }},
		{name: "no client", change: func(s *bridge.Settings) { s.ClientID, s.ClientSecret = "", bridge.Secret{} },
			want: "client_id: is missing: Sensorberg gives a client id and secret for an application\nclient_secret: is missing: an application signs in with client id and secret"},
		{name: "an unknown scope", change: func(s *bridge.Settings) { s.Scope = "app admin" }, want: `scope: "admin" is not known (one of: me, app, basic)`},
		{name: "a user's scope for an application", change: func(s *bridge.Settings) { s.Scope = "me" },
			want: "scope: me is of a user's token, and client_credentials brings an application's (app or basic)"},
		{name: "two ways", change: func(s *bridge.Settings) { byPassword(s); s.ExternalToken = bridge.NewSecret("x") },
			want: "external_token: replaces username and password: give either"},
		{name: "basic without a secret", change: byExternal, options: func(o *sensorberg.Options) { o.ClientAuth = "basic" }, want: "options.client_auth: basic needs a client_secret"},
		{name: "options", options: func(o *sensorberg.Options) {
			*o = sensorberg.Options{OAuth: "oauth", GraphQL: "/../graphql", ClientAuth: "basic_encoded", ExternalTokenIn: "json", HealthCheck: "ping", Pace: time.Hour}
		}, want: `options.oauth: "oauth" is no path such as /oauth
options.graphql: "/../graphql" is no path such as /graphql
options.client_auth: "basic_encoded" is not known (one of: params, basic)
options.external_token_in: "json" is not known (one of: query, form)
options.health_check: "ping" is not known (one of: token_info, none)
options.pace: must be 0 to 1m`},
		{name: "paths of another server", options: func(o *sensorberg.Options) { o.OAuth, o.GraphQL = "/api/v2/oauth", "/api/graph_ql" }},
		{name: "no address", options: func(o *sensorberg.Options) { o.OAuth, o.GraphQL = "//evil.example", "/graphql?x=😀" },
			want: "options.oauth: \"//evil.example\" is no path such as /oauth\noptions.graphql: \"/graphql?x=😀\" is no path such as /graphql"},
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

// The profile but for its dialect, whose requests have a golden file.
func TestProfile(t *testing.T) {
	p := options().Profile(settings(func(s *bridge.Settings) { s.BaseURL += "/" })) // a slash at the end changes nothing
	p.Dialect = bridge.Dialect{}
	want := bridge.Profile{
		Origins: map[string]bridge.Origin{"": {Base: base}},
		Pace:    map[string]bridge.Pace{"": {Every: 100 * time.Millisecond, Yields: true}},
		GraphQL: "/graphql",
		Request: &bridge.RawRequest{Media: "application/vnd.api+json", Deny: []string{"/oauth"}},
		Renew:   "invalid_token",
	}
	got, _ := json.Marshal(p)
	expected, _ := json.Marshal(want)
	if diff := cmp.Diff(string(expected), string(got)); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
}

// The account has nothing of its own but the check: no id can change.
func TestIDs(t *testing.T) {
	a, _ := open(t, replies(200, `{}`))
	if len(a.Calls) != 0 || a.Push != nil {
		t.Errorf("calls %v, push %v; all calls come from the configuration and the daemon", a.Calls, a.Push)
	}
	if a, _ := open(t, replies(200, `{}`), func(o *sensorberg.Options) { o.HealthCheck = "none" }); len(a.Tasks) != 0 {
		t.Errorf("tasks %v with health_check none", a.Tasks)
	}
}
