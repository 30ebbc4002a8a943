package operations_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/bridge"
	"latchkey/bridge/operations"
)

// A program that never ends, or gives too much, is an error in bounded time, and
// nothing is sent.
func TestHostilePrograms(t *testing.T) {
	for name, program := range map[string]string{
		"endless":           "def f: f; f",
		"endless values":    "repeat(1)",
		"endless list":      "[repeat(1)]",
		"counting":          "last(range(1e15))",
		"a huge text":       `"x" * 100000000`,
		"a huge list":       "[range(3000000)]",
		"a doubled text":    `reduce range(24) as $i ("x"; . + .)`,
		"deep":              "reduce range(5000) as $i (0; [.])",
		"many values":       "range(20000)",
		"two values":        "{}, {}",
		"none":              "empty",
		"an error":          `error("x" * 5000)`,
		"of the wrong type": ".args | .[0]",
		"halt":              "halt",
	} {
		t.Run(name, func(t *testing.T) {
			h := extend(t, bridge.Settings{Operations: map[string]bridge.Operation{"op": {Write: true, HTTP: "POST /a", Body: program}}}, bridge.Account{}, nil)
			began := time.Now()
			_, err := h.ask("op", bridge.Device{}, nil)
			if reason(err) != bridge.ReasonMalformed || len(err.Error()) > 400 {
				t.Errorf("got %.500v, want a short %s", err, bridge.ReasonMalformed)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			if got := h.cloud.lines(); got != "" {
				t.Errorf("sent %s", got)
			}
		})
	}
}

// Whatever an argument holds, a request stays in its path: it is sent with exactly
// the segments of the template, or not at all.
func TestNoRequestLeavesThePath(t *testing.T) {
	h := extend(t, bridge.Settings{Operations: map[string]bridge.Operation{"op": {
		Write: true, HTTP: "POST /v1/units/{.args.a}/x-{.args.b}?q={.args.a}",
		Args: map[string]bridge.ArgRule{"a": {Type: "string"}, "b": {Type: "string"}},
	}}}, bridge.Account{}, nil)
	check := func(t *rapid.T, a, b string) {
		h.cloud.asked = nil
		_, err := h.ask("op", bridge.Device{}, bridge.Args{"a": a, "b": b})
		if err != nil {
			if reason(err) != bridge.ReasonMalformed || len(h.cloud.asked) > 0 {
				t.Fatalf("%q %q: %v, sent %v", a, b, err, h.cloud.asked)
			}
			return
		}
		sent := strings.TrimPrefix(h.cloud.asked[0], "act POST ")
		u, err := url.Parse("https://cloud.example" + sent)
		if err != nil {
			t.Fatalf("%q %q: %q: %v", a, b, sent, err)
		}
		parts := strings.Split(u.EscapedPath(), "/")
		if u.Host != "cloud.example" || u.Fragment != "" || len(parts) != 5 || u.Query().Get("q") != a || len(u.Query()) != 1 {
			t.Fatalf("%q %q: sent %q", a, b, sent)
		}
		for i, want := range []string{"", "v1", "units", a, "x-" + b} {
			if got, err := url.PathUnescape(parts[i]); err != nil || got != want {
				t.Fatalf("%q %q: segment %d is %q, want %q", a, b, i, got, want)
			}
		}
		if again := u.ResolveReference(&url.URL{}).Path; again != u.Path {
			t.Fatalf("%q %q: %q resolves to %q", a, b, u.Path, again)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[./\\%2eEfF#?;a-c\x00]{0,8}`))
		check(t, text.Draw(t, "a"), text.Draw(t, "b"))
	})
	for _, a := range []string{".", "..", "a/../b", `a\..\b`, "%2e%2e", "a%2f..%2fb", "..;x", "", "a\nb", "a\x00", strings.Repeat("x", 600)} {
		h.cloud.asked = nil
		if _, err := h.ask("op", bridge.Device{}, bridge.Args{"a": a, "b": "b"}); reason(err) != bridge.ReasonMalformed || len(h.cloud.asked) > 0 {
			t.Errorf("%.40q: %v, sent %v; want it refused", a, err, h.cloud.asked)
		}
	}
}

// FuzzCheck: no text of the configuration makes Check or Extend panic, and what
// Check takes, Extend takes.
func FuzzCheck(f *testing.F) {
	f.Add("GET /a/{.now}?b={.page}", "", ".a", ".[]", ".id", "units")
	f.Add("POST /a", "", "{a: .args.x}", "", "", "op")
	f.Add("", "mutation($a: [Int!]) { a(b: {c: [$a]}) @d(e: $a) }", "{a: [1]}", "", "", "")
	f.Add("", "query { a(s: \"\u00e9$x\", b: $b) ...F } fragment F on T { c(d: $b) }", "{b: \"x\"}", ".", ".", "op")
	f.Fuzz(func(t *testing.T, http, graphql, program, each, id, target string) {
		s := bridge.Settings{ID: "home", Operations: map[string]bridge.Operation{"op": {HTTP: http, GraphQL: graphql, Variables: program, Each: each, For: target,
			Device: &bridge.DeviceRule{ID: id}, Args: map[string]bridge.ArgRule{"x": {Type: target}}}, "units": {HTTP: "GET /u", Each: each, Device: &bridge.DeviceRule{ID: id}}},
			Entities: []bridge.EntityRule{{ID: "e", Platform: bridge.Kind(target), For: target, Value: program, From: "op"}}}
		p := profile()
		if operations.Check(s, &p, []bridge.Call{}) != nil {
			return
		}
		if _, err := operations.Extend(operations.Options{Settings: s, Profile: p, Cloud: &fakeCloud{}}); err != nil {
			t.Errorf("Check took it, Extend did not: %v", err)
		}
	})
}
