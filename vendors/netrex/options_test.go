package netrex_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/netrex"
)

func TestDriver(t *testing.T) {
	d := netrex.Driver()
	if d.Kind != "netrex" || d.Defaults.BaseURL != "" || d.Defaults.Scope != "read" || d.Defaults.Grants[0] != bridge.GrantCode || d.Defaults.Grants[1] != bridge.GrantToken {
		t.Errorf("driver: %+v", d)
	}
	if d.New() == d.New() {
		t.Error("two accounts share their options")
	}
}

func TestCheck(t *testing.T) {
	figures := func(node netrex.ID, types ...string) func(*netrex.Options) {
		return func(o *netrex.Options) {
			o.Statistics = append(o.Statistics, netrex.Statistic{Node: node, Types: types})
		}
	}
	many := func(o *netrex.Options) {
		for i := range 41 {
			figures(netrex.ID(strings.Repeat("1", i+1)), "peopleCountAverage", "peopleCountPassBy", "transactionCountPositive", "transactionCountNegative", "conversionCount")(o)
		}
	}
	const known = "(one of: peopleCountAverage, peopleCountPassBy, transactionCountPositive, transactionCountNegative, conversionCount)"
	for _, c := range []struct {
		name    string
		options func(*netrex.Options)
		change  func(*bridge.Settings)
		want    string // all errors, one a line
	}{
		{name: "defaults"},
		{name: "all scopes, with commas and spaces", change: func(s *bridge.Settings) {
			s.Scope = "read,write, liveview audiotransmit liveview_ptz liveview_light liveview_audioclip,recordings,recordings_delete,events"
		}},
		{name: "no secret: access that ends", change: func(s *bridge.Settings) { s.ClientSecret = bridge.Secret{} }},
		{name: "a portal token needs no client", change: func(s *bridge.Settings) {
			s.Grant, s.Token, s.ClientID, s.Scope = bridge.GrantToken, bridge.NewSecret("t"), "", ""
		}},
		{name: "client", change: func(s *bridge.Settings) { s.ClientID = "" },
			want: "client_id: is missing: make an OAuth2 application in the portal (user icon, </> API), or use a token made there with `grant: token`"},
		{name: "scope", change: func(s *bridge.Settings) { s.Scope = "read,admin" },
			want: `scope: "admin" is not known (one of: read, write, liveview, audiotransmit, liveview_ptz, liveview_light, liveview_audioclip, recordings, recordings_delete, events)`},
		{name: "no scope", change: func(s *bridge.Settings) { s.Scope = " , " }, want: "scope: is empty: read is the least"},
		{name: "kinds", options: func(o *netrex.Options) { o.Kinds = []string{"folder", "my folder"} }, want: `options.kinds[1]: "my folder" is no kind of node such as camera`},
		{name: "times", options: func(o *netrex.Options) { o.Forget, o.RecordingWait = -1, time.Second },
			want: "options.forget: must be 0 to 720h\noptions.recording_wait: must be 1m to 24h"},
		{name: "statistics", options: figures("1001", "peopleCountPassBy", "conversionCount")},
		{name: "statistics, wrong", options: func(o *netrex.Options) {
			figures("")(o)
			figures("1001", "people", "conversionCount", "conversionCount")(o)
		},
			want: "options.statistics[0].node: is no node_id\noptions.statistics[0].types: is empty (any of: peopleCountAverage, peopleCountPassBy, transactionCountPositive, transactionCountNegative, conversionCount)\n" +
				`options.statistics[1].types[0]: "people" is not known ` + known + "\n" + `options.statistics[1].types[2]: "conversionCount" stands there twice for node 1001`},
		{name: "statistics, many", options: many, want: "options.statistics: asks for 205 figures, at most 200"},
		{name: "words", options: func(o *netrex.Options) {
			o.ScopeSeparator, o.Names, o.DeadToken = ";", netrex.Names{Redirect: "url", Code: "code", Refresh: "a b"}, "dead"
		}, want: "options.scope_separator: \";\" is none of a comma, a space and a plus sign\noptions.names.redirect: \"url\" is not known (one of: redirect_uri, redirect_url)\n" +
			"options.names.code: \"code\" is not known (one of: authorization_code, auth_code)\noptions.names.refresh: \"a b\" is no name of a parameter\noptions.dead_token: \"dead\" is too short to mean only a dead token"},
		{name: "files", options: func(o *netrex.Options) { o.Schema, o.Save = "schema.graphql", "recordings" }, want: "options.save: \"recordings\" is no absolute path\noptions.schema: \"schema.graphql\" is no absolute path"},
		{name: "sentences", options: func(o *netrex.Options) {
			o.Sentences = []bridge.Sentence{{Holds: "klient", Means: bridge.BadClient}, {Holds: "no", Means: "bad"}}
		}, want: "options.sentences[1].holds: \"no\" is too short to mean only that\noptions.sentences[1].means: \"bad\" is not known (one of: client, grant, passing)"},
		{name: "the table's words", options: func(o *netrex.Options) {
			o.Names = netrex.Names{Redirect: "redirect_url", Code: "auth_code", Refresh: "token"}
		}},
		{name: "paths", options: func(o *netrex.Options) {
			o.Paths = netrex.Paths{Auth: "", Token: "/a?b", Revoke: "/a/../b", GraphQL: "//x"}
		},
			want: "options.paths.auth: \"\" is no path such as /oauth2/token\noptions.paths.token: \"/a?b\" is no path such as /oauth2/token\n" +
				"options.paths.revoke: \"/a/../b\" is no path such as /oauth2/token\noptions.paths.graphql: \"//x\" is no path such as /oauth2/token"},
		{name: "documents", options: func(o *netrex.Options) {
			o.Documents.Nodes, o.Documents.NodesOf, o.Documents.Recording = "nodeList", "{ nodeList { name } }", "{ recording(id: $id) { x } }"
			o.Documents.Check = "{ x "
		}, want: "options.documents.check: is no GraphQL document\noptions.documents.nodes: is no GraphQL document\noptions.documents.nodes_of: does not use $type\n" +
			"options.documents.recording: $id is not known here (known: recording)"},
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
	p := options().Profile(s)
	golden(t, "dialect.golden", bridgetest.JSON(t, p.Dialect))
	if p.Origins[""].Base != base || p.Pace[""].Every == 0 || !p.Renew403 || !p.RenewPage {
		t.Errorf("profile: %+v", p)
	}
	if own := (bridge.Sentence{Holds: "token nenalezen", Means: bridge.Passing}); options(func(o *netrex.Options) { o.Sentences = []bridge.Sentence{own} }).Profile(s).Dialect.Reading.Sentences[0] != own {
		t.Error("the configured sentence is not judged first")
	}
	s.Grant, s.Token = bridge.GrantToken, bridge.NewSecret("portal")
	p = options(func(o *netrex.Options) { o.DeadToken = "not valid" }).Profile(s)
	if d := p.Dialect; d.Static.Reveal() != "portal" || d.Refresh != nil || d.Exchange != nil || d.Authorize != nil || d.Revoke != nil || d.ClientID != "" {
		t.Errorf("a portal token has OAuth: %+v", d)
	}
	if p.Documents["options.documents.recording"] != options().Documents.Recording || len(p.Documents) != 7 || p.Schema != "" {
		t.Errorf("a schema would judge %v", p.Documents)
	}
	if p.RenewText != "not valid" || p.GraphQL != "/api/graphql.php" {
		t.Errorf("profile: %+v", p)
	}
}
