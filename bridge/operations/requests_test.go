package operations_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
)

// Each form of a request, as it goes out.
func TestRequests(t *testing.T) {
	vendors := bridge.Device{ID: "1001", Original: "1001", Kind: "camera", Facts: map[string]string{"node_id": "1001", "code": "0123", "name": "Yard"}}
	rows := []struct {
		name string
		op   bridge.Operation
		args bridge.Args
		want string
	}{
		{"get", bridge.Operation{HTTP: "GET /a"}, nil, "read GET /a"},
		{"media is accepted and sent", bridge.Operation{HTTP: "POST /a", Write: true, Media: "a/b", Body: "null"}, nil, "act POST /a (accept a/b, media a/b) null"},
		{"typed arguments", bridge.Operation{HTTP: "PUT /a", Write: true, Body: ".args", Args: map[string]bridge.ArgRule{"n": {Type: "int"}, "s": {Type: "string"}, "b": {Type: "bool"}, "f": {Type: "number"}}},
			bridge.Args{"n": int64(9007199254740993), "s": `"},{"`, "b": true, "f": 0.5}, `act PUT /a {"b":true,"f":0.5,"n":9007199254740993,"s":"\"},{\""}`},
		{"facts, the id and the account", bridge.Operation{HTTP: "POST /a/{.device.id}", Write: true, Body: "[.device, .account, .page]"}, nil,
			`act POST /a/1001 [{"code":"0123","id":"1001","name":"Yard","node_id":1001},{"id":"home","name":"Home"},null]`},
		{"the query leaves null out", bridge.Operation{HTTP: "GET /a?x={.args.none}&y=1&z={.device.name}&"}, nil, "read GET /a?y=1&z=Yard"},
		{"literals where the document has no header", bridge.Operation{
			GraphQL:   "{ list(s: \"é$n\", n: $n, o: {a: [$f, $t]}, x: $x) @include(if: $b) { a ...F } } fragment F on T { b(n: $n) }",
			Variables: `{n: .device.node_id, f: 1.5, t: .args.t, x: null, b: true}`, Args: map[string]bridge.ArgRule{"t": {Type: "string"}}},
			bridge.Args{"t": "\") { evil } #\n\u2028$n"},
			`read POST /graphql {"query":"{ list(s: \"é$n\", n: 1001, o: {a: [1.5, \"\\\") { evil } #\\n\\u2028$n\"]}, x: null) @include(if: true) { a ...F } } fragment F on T { b(n: 1001) }"}`},
		{"a variable of the operation's directive", bridge.Operation{GraphQL: "query @d(a: $x) { a }", Variables: "{x: 1}"}, nil, `read POST /graphql {"query":"query @d(a: 1) { a }"}`},
		{"an object as a literal", bridge.Operation{GraphQL: "{ a(o: $o) }", Variables: `{o: {b: [1, {c: "d"}]}}`}, nil, `read POST /graphql {"query":"{ a(o: {b: [1, {c: \"d\"}]}) }"}`},
		{"declared types", bridge.Operation{GraphQL: "mutation($a: Int!, $b: ID!, $c: String, $d: Int) { m(a: $a, b: $b, c: $c, d: $d) }", Write: true,
			Variables: `{a: .device.id, b: .device.node_id, c: .device.node_id, d: "0123"}`}, nil,
			`act POST /graphql {"query":"mutation($a: Int!, $b: ID!, $c: String, $d: Int) { m(a: $a, b: $b, c: $c, d: $d) }","variables":{"a":1001,"b":"1001","c":"1001","d":"0123"}}`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if strings.Contains(row.op.HTTP, ".args.none") {
				row.op.Args = map[string]bridge.ArgRule{"none": {Type: "string", Default: "x"}}
			}
			h := extend(t, bridge.Settings{ID: "home", Name: "Home", Operations: map[string]bridge.Operation{"op": row.op}}, bridge.Account{}, nil)
			if _, err := h.ask("op", vendors, row.args); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, h.cloud.lines()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestNothingIsSentThatCannotBeMade(t *testing.T) {
	for name, op := range map[string]bridge.Operation{
		"null in the path":           {HTTP: "POST /a/{.page}", Write: true},
		"a list in the path":         {HTTP: "POST /a/{[1]}", Write: true},
		"a device where none is":     {HTTP: "POST /a/{.device.id}", Write: true},
		"variables are no object":    {GraphQL: "{ a(b: $b) }", Variables: "[1]"},
		"an unknown variable":        {GraphQL: "query($a: Int) { a(b: $a) }", Variables: "{b: 1}"},
		"a variable without a value": {GraphQL: "{ a(b: $b, c: $c) }", Variables: "{b: 1}"},
		"a member that is no name":   {GraphQL: "{ a(b: $b) }", Variables: `{b: {"a: 1} evil": 1}}`},
	} {
		t.Run(name, func(t *testing.T) {
			h := extend(t, bridge.Settings{Operations: map[string]bridge.Operation{"op": op}}, bridge.Account{}, nil)
			if _, err := h.ask("op", bridge.Device{}, nil); reason(err).Outcome() != bridge.OutcomeRefused || reason(err) == "" {
				t.Errorf("got %v, want a refusal", err)
			}
			if got := h.cloud.lines(); got != "" {
				t.Errorf("sent %s", got)
			}
		})
	}
}

// The text of a value stays out of errors: it may be a secret of the reply.
func TestErrorsShowNoValues(t *testing.T) {
	h := extend(t, bridge.Settings{Operations: map[string]bridge.Operation{"op": {HTTP: "GET /a", Result: ".token | .[0].x"}}}, bridge.Account{},
		func(string, bridge.Request) (bridge.Reply, error) { return answer(`{"token":"canary"}`), nil })
	if _, err := h.ask("op", bridge.Device{}, nil); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "jq .token") {
		t.Errorf("got %v", err)
	}
}

// A word of a body is no use of the device: the operation needs none.
func TestWordsThatOnlyLookLikeTheDevice(t *testing.T) {
	h := extend(t, bridge.Settings{Operations: map[string]bridge.Operation{"op": {HTTP: "POST /a", Write: true, Body: `{type: "device", device: 1, page: 2}`}}}, bridge.Account{}, nil)
	if _, err := h.ask("op", bridge.Device{}, nil); err != nil {
		t.Error(err)
	}
}

func TestEachIsBounded(t *testing.T) {
	h := extend(t, bridge.Settings{Operations: map[string]bridge.Operation{"op": {HTTP: "GET /a", Each: "range(.n)"}}}, bridge.Account{}, func(string, bridge.Request) (bridge.Reply, error) { return answer(`{"n":10001}`), nil })
	if _, err := h.ask("op", bridge.Device{}, nil); reason(err) != bridge.ReasonRejected || !strings.Contains(err.Error(), "gives too much") {
		t.Errorf("got %v", err)
	}
}

// Tasks, calls and what a vendor reports run at the same time.
func TestAtTheSameTime(t *testing.T) {
	own := vendor(camera("1001"), camera("1002"))
	h := extend(t, netrex(), own, func(string, bridge.Request) (bridge.Reply, error) {
		return answer(`{"data":{"statisticDataMetric":1,"demoGotoPreset":true}}`), nil
	})
	var mu sync.Mutex
	states := 0
	count := func(facts ...bridge.Fact) {
		mu.Lock()
		defer mu.Unlock()
		states += len(facts)
	}
	var all sync.WaitGroup
	for range 4 {
		for _, task := range h.Tasks {
			all.Go(func() {
				for range 20 {
					if err := task.Do(t.Context(), count); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	if states == 0 {
		t.Error("nothing was reported")
	}
}

func TestNowAndMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(90 * time.Minute) // after midnight of the fake clock
		h := extend(t, bridge.Settings{Operations: map[string]bridge.Operation{"op": {HTTP: "GET /a?now={.now}&day={.midnight}"}}}, bridge.Account{}, nil)
		if _, err := h.ask("op", bridge.Device{}, nil); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		want := fmt.Sprintf("read GET /a?day=%d&now=%d", time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.Local).Unix(), now.Unix())
		if got := h.cloud.lines(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestPages(t *testing.T) {
	list := func(change func(*bridge.Operation)) bridge.Settings {
		o := bridge.Operation{HTTP: "GET /units?limit=2", Page: &bridge.Paging{Next: ".next"}, Each: ".items[]"}
		change(&o)
		return bridge.Settings{Operations: map[string]bridge.Operation{"op": o}}
	}
	endless := regexp.MustCompile(`after=(\d+)`)
	rows := []struct {
		name     string
		settings bridge.Settings
		replies  []string // in turn; the last again
		want     string   // the result, or the reason
		asked    string
	}{
		{"links", list(func(*bridge.Operation) {}), []string{`{"items":[1],"next":"https://cloud.example/api/units?p=2#x"}`, `{"items":[2],"next":"/api/units?p=3"}`, `{"items":[],"next":null}`}, "[1,2]",
			"read GET /units?limit=2\nread GET https://cloud.example/api/units?p=2\nread GET https://cloud.example/api/units?p=3"},
		{"a value in the request", list(func(o *bridge.Operation) { o.HTTP = "GET /units?after={.page}" }), []string{`{"items":[1],"next":7}`, `{"items":[2],"next":""}`}, "[1,2]",
			"read GET /units\nread GET /units?after=7"},
		{"more says no", list(func(o *bridge.Operation) { o.Page.More = ".more" }), []string{`{"items":[],"next":"x","more":false}`}, "[]", "read GET /units?limit=2"},
		{"more without next", list(func(o *bridge.Operation) { o.Page.More = ".more" }), []string{`{"items":[1],"more":true}`}, "rejected", "read GET /units?limit=2"},
		{"another host", list(func(*bridge.Operation) {}), []string{`{"items":[1],"next":"https://evil.example/api/units"}`}, "malformed", "read GET /units?limit=2"},
		{"another scheme", list(func(*bridge.Operation) {}), []string{`{"items":[1],"next":"http://cloud.example/api/units"}`}, "malformed", "read GET /units?limit=2"},
		{"no link", list(func(*bridge.Operation) {}), []string{`{"items":[1],"next":7}`}, "malformed", "read GET /units?limit=2"},
		{"the same for ever", list(func(o *bridge.Operation) { o.HTTP = "GET /u?after={.page}" }), []string{`{"items":[1],"next":7}`}, "rejected", "read GET /u\nread GET /u?after=7"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			turn := 0
			h := extend(t, row.settings, bridge.Account{}, func(string, bridge.Request) (bridge.Reply, error) {
				turn++
				return answer(row.replies[min(turn, len(row.replies))-1]), nil
			})
			got, err := h.ask("op", bridge.Device{}, nil)
			if err != nil {
				got = string(reason(err))
			}
			if got != row.want || h.cloud.lines() != row.asked {
				t.Errorf("got %s (%v) after\n%s\nwant %s after\n%s", got, err, h.cloud.lines(), row.want, row.asked)
			}
		})
	}
	t.Run("a list without end", func(t *testing.T) {
		h := extend(t, list(func(o *bridge.Operation) { o.HTTP = "GET /u?after={.page}" }), bridge.Account{}, func(_ string, r bridge.Request) (bridge.Reply, error) {
			n := 0
			if found := endless.FindStringSubmatch(written("", r)); found != nil {
				_, _ = fmt.Sscan(found[1], &n)
			}
			return answer(fmt.Sprintf(`{"items":[],"next":%d}`, n+1)), nil
		})
		if _, err := h.ask("op", bridge.Device{}, nil); reason(err) != bridge.ReasonRejected || len(h.cloud.asked) != 100 {
			t.Errorf("%v after %d pages, want %s after 100", err, len(h.cloud.asked), bridge.ReasonRejected)
		}
	})
}
