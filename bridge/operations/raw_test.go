package operations_test

import (
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/operations"
)

func rawHome(t *testing.T, reply string) *home {
	p := profile()
	p.Request = &bridge.RawRequest{Media: "application/vnd.api+json", Deny: []string{"/oauth"}}
	h := &home{t: t, cloud: &fakeCloud{reply: func(string, bridge.Request) (bridge.Reply, error) { return answer(reply), nil }}}
	a, err := operations.Extend(operations.Options{Settings: bridge.Settings{ID: "home"}, Profile: p, Cloud: h.cloud})
	if err != nil {
		t.Fatal(err)
	}
	h.Account = a
	return h
}

func TestRawGraphQL(t *testing.T) {
	for query, want := range map[string]string{
		"{ a }":                          "reads",
		"query A { mutation }":           "reads",
		"mutation { a }":                 "writes",
		"# query { a }\nmutation{a}":     "writes",
		"query A { a } mutation B { b }": "error",
		"{ a } { b }":                    "error",
		"subscription { a }":             "error",
		"{ a":                            "error",
		"":                               "error",
		"fragment F on T { a }":          "error",
		"fragment F on M { a } mutation { ...F }":  "writes",
		"\ufeff query { a }":                       "reads",
		"query { a(b: \"mutation { x }\") { c } }": "reads",
	} {
		h := rawHome(t, `{"data":{"a":"https://x.example/"},"errors":[{"message":"partly"}]}`)
		effect, err := h.named("graphql").Raw(bridge.Args{"query": query})
		got := map[bridge.Effect]string{bridge.Reads: "reads", bridge.Writes: "writes"}[effect]
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: %s (%v), want %s", query, got, err, want)
		}
	}
	t.Run("reads show errors beside data", func(t *testing.T) {
		h := rawHome(t, `{"data":{"a":"https://x.example/"},"errors":[{"message":"partly"}]}`)
		got, err := h.ask("graphql", bridge.Device{}, bridge.Args{"query": "{ a }", "variables": map[string]any{}})
		if err != nil || got != `{"data":{"a":"https://x.example/"},"errors":[{"message":"partly"}]}` {
			t.Errorf("got %s, %v", got, err)
		}
		if got, want := h.cloud.lines(), `read POST /graphql {"query":"{ a }"}`; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	})
	t.Run("writes need a permit and fail with errors", func(t *testing.T) {
		h := rawHome(t, `{"data":null,"errors":[{"message":"no"}]}`)
		args := bridge.Args{"query": "mutation($a: Int) { a(b: $a) }", "variables": map[string]any{"a": 1}}
		if _, err := h.named("graphql").Do(t.Context(), bridge.Order{Args: args}); reason(err) != bridge.ReasonDenied {
			t.Errorf("without a permit: %v", err)
		}
		if _, err := h.ask("graphql", bridge.Device{}, args); reason(err) != bridge.ReasonRejected {
			t.Errorf("with errors: %v", err)
		}
		if got, want := h.cloud.lines(), `act POST /graphql {"query":"mutation($a: Int) { a(b: $a) }","variables":{"a":1}}`; got != want {
			t.Errorf("sent %s, want %s", got, want)
		}
	})
}

func TestRawRequest(t *testing.T) {
	rows := []struct {
		method, path string
		want         string
	}{
		{"GET", "/v1/units?a=b", "reads"}, {"HEAD", "/", "reads"}, {"POST", "/v1/units", "writes"}, {"DELETE", "/v1/oauth", "writes"}, {"GET", "/oauthority", "reads"},
		{"GET", "v1", "error"}, {"GET", "//evil.example/a", "error"}, {"GET", "https://evil.example/", "error"}, {"GET", `/\evil.example`, "error"},
		{"GET", "/a/../b", "error"}, {"GET", "/a/%2e%2e/b", "error"}, {"GET", "/a/%252e%252e/b", "error"}, {"GET", "/a b", "error"}, {"GET", "/a#b", "error"}, {"GET", "/a\n", "error"}, {"GET", "", "error"},
		{"POST", "/oauth/token", "error"}, {"GET", "/oauth", "error"}, {"GET", "/OAuth/token", "error"}, {"GET", "/%6fauth/token", "error"}, {"GET", "/%256fauth/token", "error"}, {"GET", "/%2525256fauth/token", "error"}, {"GET", "/%25256fauth/token", "error"}, {"GET", "/v/%2foauth", "reads"}, {"GET", "/a/;/b", "reads"},
	}
	for _, row := range rows {
		h := rawHome(t, `{}`)
		args := bridge.Args{"method": row.method, "path": row.path}
		effect, err := h.named("request").Raw(args)
		got := map[bridge.Effect]string{bridge.Reads: "reads", bridge.Writes: "writes"}[effect]
		if err != nil {
			got = "error"
		}
		if got != row.want {
			t.Errorf("%s %q: %s (%v), want %s", row.method, row.path, got, err, row.want)
		}
		if _, err := h.ask("request", bridge.Device{}, args); (err == nil) != (row.want != "error") || (h.cloud.lines() == "") != (row.want == "error") {
			t.Errorf("%s %q: %v, sent %q", row.method, row.path, err, h.cloud.lines())
		}
	}
	h := rawHome(t, `{}`)
	if _, err := h.ask("request", bridge.Device{}, bridge.Args{"method": "PUT", "path": "/a?b=c", "json": map[string]any{"d": 1}}); err != nil {
		t.Fatal(err)
	}
	if got, want := h.cloud.lines(), `act PUT /a?b=c (accept application/vnd.api+json, media application/vnd.api+json) {"d":1}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
}

// An account without operations is the vendor's own, untouched.
func TestNothingConfigured(t *testing.T) {
	own := bridge.Account{Tasks: []bridge.Task{{Name: "poll", Every: time.Minute}}, Calls: []bridge.Call{{Name: "graphql"}}}
	a, err := operations.Extend(operations.Options{Profile: profile(), Account: own})
	if err != nil || len(a.Tasks) != 1 || len(a.Calls) != 1 {
		t.Errorf("got %d tasks, %d calls, %v", len(a.Tasks), len(a.Calls), err)
	}
}
