package generic_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/vendors/generic"
)

var update = flag.Bool("update", false, "write the golden files anew")

func settings(grant bridge.Grant) bridge.Settings {
	return bridge.Settings{ID: "other", Vendor: "generic", BaseURL: "https://cloud.example/base", Grant: grant, ClientID: "id", ClientSecret: bridge.NewSecret("secret"),
		Scope: "read write", Username: "me", Password: bridge.NewSecret("pw"), Token: bridge.NewSecret("t")}
}

func options(change func(*generic.Options)) *generic.Options {
	o := generic.Driver().New().(*generic.Options)
	o.OAuth.Authorize.URL, o.OAuth.Token.URL = "/oauth/authorize", "/oauth/token"
	if change != nil {
		change(o)
	}
	return o
}

// How each grant is spoken, with the standards' parameters and with every option
// used.
func TestProfile(t *testing.T) {
	all := func(o *generic.Options) {
		a := &o.OAuth
		a.Authorize.Return, a.Authorize.PKCE, a.Authorize.Echo = "redirect_url", true, true
		a.Authorize.Params = map[string]string{"access_type": "offline", "response_type": "", "scope": "only-this"}
		a.Token = generic.Ask{URL: "https://login.example/token", In: bridge.InJSON, Client: "basic", Params: map[string]string{"audience": "api", "user": "u:{username}"}}
		a.Refresh = &generic.Ask{URL: "/refresh", In: bridge.InQuery, Client: "params"}
		a.Revoke = []generic.Ask{{URL: "/revoke"}, {URL: "/revoke", Params: map[string]string{"token": "{access_token}", "token_type_hint": "access_token"}}}
		a.Introspect = &generic.Ask{URL: "/introspect", Client: "none"}
		a.Separator, a.Life = ",", 2*time.Hour
		o.GraphQL, o.Pace = "/graphql", time.Second
	}
	for _, grant := range generic.Driver().Defaults.Grants {
		for name, change := range map[string]func(*generic.Options){"plain": nil, "all": all} {
			t.Run(string(grant)+"_"+name, func(t *testing.T) {
				o := options(change)
				if err := o.Check(settings(grant)); err != nil {
					t.Fatal(err)
				}
				text, err := json.MarshalIndent(o.Profile(settings(grant)), "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join("testdata", string(grant)+"_"+name+".json")
				if *update {
					if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(text)+"\n"); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
	}
	t.Run("a public client", func(t *testing.T) {
		s := settings(bridge.GrantCode)
		s.ClientSecret = bridge.Secret{}
		if got := options(nil).Profile(s).Dialect.Exchange.Client; got != bridge.ClientParams {
			t.Errorf("client %q, want %q", got, bridge.ClientParams)
		}
	})
}

func TestCheck(t *testing.T) {
	rows := []struct {
		name   string
		grant  bridge.Grant
		change func(*generic.Options, *bridge.Settings)
		want   string // "": fine
	}{
		{"a token needs nothing", bridge.GrantToken, func(o *generic.Options, s *bridge.Settings) { *o, s.ClientID = generic.Options{}, "" }, ""},
		{"no page to sign in", bridge.GrantCode, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Authorize.URL = "" }, "options.oauth.authorize.url: is missing"},
		{"no page is needed", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Authorize.URL = "" }, ""},
		{"no token endpoint", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Token.URL = "" }, "options.oauth.token.url: is missing"},
		{"no client", bridge.GrantClient, func(_ *generic.Options, s *bridge.Settings) { s.ClientID = "" }, "client_id: is missing"},
		{"no client on purpose", bridge.GrantPassword, func(o *generic.Options, s *bridge.Settings) { s.ClientID, o.OAuth.Token.Client = "", "none" }, ""},
		{"plain http", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Token.URL = "http://login.example/t" }, "options.oauth.token.url: must be https"},
		{"plain http at home", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Token.URL = "http://127.0.0.1:1/t" }, ""},
		{"no path", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Token.URL = "token" }, "options.oauth.token.url: want a path below base_url"},
		{"two slashes", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Token.URL = "//evil.example/t" }, "options.oauth.token.url"},
		{"a password in the URL", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Token.URL = "https://a:b@login.example/t" }, "options.oauth.token.url"},
		{"place", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Token.In = "body" }, `options.oauth.token.in: "body" is none of`},
		{"client", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Token.Client = "header" }, `options.oauth.token.client: "header" is none of`},
		{"field", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) {
			o.OAuth.Token.Params = map[string]string{"a": "{nothing}"}
		}, "options.oauth.token.params.a: there is no {nothing}"},
		{"braces", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) {
			o.OAuth.Token.Params = map[string]string{"a": "{scope} x"}
		}, "options.oauth.token.params.a: want text"},
		{"revoke", bridge.GrantClient, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Revoke = []generic.Ask{{URL: "/r"}, {}} }, "options.oauth.revoke[1].url: is missing"},
		{"refresh", bridge.GrantCode, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Refresh = &generic.Ask{} }, "options.oauth.refresh.url: is missing"},
		{"introspect", bridge.GrantToken, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Introspect = &generic.Ask{} }, "options.oauth.introspect.url: is missing"},
		{"return", bridge.GrantCode, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Authorize.Return = "a b" }, "options.oauth.authorize.return"},
		{"separator", bridge.GrantCode, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Separator = "\n" }, "options.oauth.separator"},
		{"life", bridge.GrantCode, func(o *generic.Options, _ *bridge.Settings) { o.OAuth.Life = -1 }, "options.oauth.life"},
		{"graphql elsewhere", bridge.GrantCode, func(o *generic.Options, _ *bridge.Settings) { o.GraphQL = "https://evil.example/graphql" }, "options.graphql"},
		{"pace", bridge.GrantCode, func(o *generic.Options, _ *bridge.Settings) { o.Pace = time.Hour }, "options.pace"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o, s := options(nil), settings(row.grant)
			row.change(o, &s)
			got := ""
			if err := o.Check(s); err != nil {
				got = err.Error()
			}
			if row.want == "" && got != "" || !strings.Contains(got, row.want) || strings.Count(got, "\n") > 0 {
				t.Errorf("got %q, want %q alone", got, row.want)
			}
		})
	}
}

// The account has nothing of its own.
func TestOpen(t *testing.T) {
	a, err := options(nil).Open(settings(bridge.GrantCode), bridge.Env{})
	if err != nil || len(a.Tasks)+len(a.Calls) > 0 || a.Push != nil {
		t.Errorf("got %+v, %v", a, err)
	}
}
