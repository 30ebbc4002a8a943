package operations_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/operations"
)

// vendorCalls are those of a vendor with a relay.
func vendorCalls() []bridge.Call {
	return []bridge.Call{{Name: "relay", Args: []bridge.Arg{{Name: "number", Type: bridge.ArgInt, Min: 1, Max: 9}}, Effect: bridge.Writes}}
}

// mistakes returns what Check says, a line each.
func mistakes(s bridge.Settings) string {
	p := profile()
	if err := operations.Check(s, &p, vendorCalls()); err != nil {
		return err.Error()
	}
	return ""
}

func TestCheckOperations(t *testing.T) {
	get := bridge.Operation{HTTP: "GET /a"}
	post := bridge.Operation{HTTP: "POST /a", Write: true}
	list := bridge.Operation{HTTP: "GET /a", Each: ".[]", Device: &bridge.DeviceRule{ID: ".id"}}
	rows := []struct {
		name   string
		from   bridge.Operation
		change func(*bridge.Operation)
		want   string // "": fine
	}{
		{"a get", get, func(o *bridge.Operation) {}, ""},
		{"a list", list, func(o *bridge.Operation) {}, ""},
		{"neither", get, func(o *bridge.Operation) { o.HTTP = "" }, "operations.op: want either http or graphql"},
		{"both", get, func(o *bridge.Operation) { o.GraphQL = "{ a }" }, "operations.op: want either http or graphql"},
		{"no method", get, func(o *bridge.Operation) { o.HTTP = "/a" }, "operations.op.http: want a method and a path"},
		{"another host", get, func(o *bridge.Operation) { o.HTTP = "GET https://evil.example/" }, "operations.op.http: want a method and a path"},
		{"another host without scheme", get, func(o *bridge.Operation) { o.HTTP = "GET //evil.example/a" }, "operations.op.http: the path"},
		{"dots", get, func(o *bridge.Operation) { o.HTTP = "GET /a/../b" }, "operations.op.http: the path"},
		{"encoded dots", get, func(o *bridge.Operation) { o.HTTP = "GET /a/%2e%2E/b" }, "operations.op.http: the path"},
		{"a space", get, func(o *bridge.Operation) { o.HTTP = "GET /a b" }, "must be percent-encoded"},
		{"a fragment", get, func(o *bridge.Operation) { o.HTTP = "GET /a#b" }, "must be percent-encoded"},
		{"no end of a program", get, func(o *bridge.Operation) { o.HTTP = "GET /a/{.x" }, "operations.op.http: {.x: jq"},
		{"a program with braces", get, func(o *bridge.Operation) { o.HTTP = `GET /a/{ {"}": .now}["}"] }` }, ""},
		{"query", get, func(o *bridge.Operation) { o.HTTP = "GET /a?b=c&d={.now}&e=" }, ""},
		{"a program as a parameter's name", get, func(o *bridge.Operation) { o.HTTP = "GET /a?{.x}=c" }, "cannot be a program"},
		{"a write that does not say so", get, func(o *bridge.Operation) { o.HTTP = "POST /a" }, "operations.op.http: POST may move something: say write: true"},
		{"a mutation that does not say so", get, func(o *bridge.Operation) { o.HTTP, o.GraphQL = "", "mutation { a }" }, "operations.op.graphql: a mutation moves something"},
		{"a mutation behind a comment", get, func(o *bridge.Operation) { o.HTTP, o.GraphQL = "", "# query\n mutation { a }" }, "operations.op.graphql: a mutation moves something"},
		{"a query that says that it writes", post, func(o *bridge.Operation) { o.HTTP, o.GraphQL = "", "query { a }" }, "operations.op.write: a query moves nothing"},
		{"two operations", get, func(o *bridge.Operation) { o.HTTP, o.GraphQL = "", "query A { a } query B { b }" }, "has 2 operations, not one"},
		{"a subscription", get, func(o *bridge.Operation) { o.HTTP, o.GraphQL = "", "subscription { a }" }, "a subscription cannot be run"},
		{"bad graphql", get, func(o *bridge.Operation) { o.HTTP, o.GraphQL = "", "{\n  a(b: }" }, "operations.op.graphql: graphql: Unexpected } at line 2"},
		{"undeclared variable", get, func(o *bridge.Operation) {
			o.HTTP, o.GraphQL, o.Variables = "", "query($a: Int) { a(b: $b, c: $a) }", "{a: 1}"
		}, "$b is not declared"},
		{"variables are missing", get, func(o *bridge.Operation) { o.HTTP, o.GraphQL = "", "{ a(b: $b) }" }, "operations.op.variables: is missing: $b"},
		{"variables nobody uses", get, func(o *bridge.Operation) { o.HTTP, o.GraphQL, o.Variables = "", "{ a }", "{b: 1}" }, "operations.op.variables: the document has none"},
		{"a body of a get", get, func(o *bridge.Operation) { o.Body = "{}" }, "operations.op.body: a GET has no body"},
		{"bad media", post, func(o *bridge.Operation) { o.Media = "a/b; charset=utf-8" }, "operations.op.media"},
		{"bad jq", post, func(o *bridge.Operation) { o.Body = "{a:\n  .b c}" }, `operations.op.body: jq: unexpected token "c" at line 2, column 6`},
		{"unknown function", post, func(o *bridge.Operation) { o.Body = "{a: nosuch(1)}" }, "operations.op.body: jq: function not defined: nosuch/1 at line 1, column 5"},
		{"the environment", post, func(o *bridge.Operation) { o.Body = "{a: env.HOME}" }, "operations.op.body: jq: env at line 1, column 5"},
		{"the environment as a variable", post, func(o *bridge.Operation) { o.Body = "{a: [1, ($ENV | .HOME)]}" }, "operations.op.body: jq: $ENV"},
		{"a member called env", post, func(o *bridge.Operation) { o.Body = "{env: .device.env}" }, ""},
		{"input", post, func(o *bridge.Operation) { o.Body = "input" }, "operations.op.body: jq:"},
		{"a module", post, func(o *bridge.Operation) { o.Body = `import "a" as a; a::b` }, "operations.op.body: jq:"},
		{"an argument nobody declares", post, func(o *bridge.Operation) { o.Body = "{a: .args.note}" }, `operations.op.body: reads the argument "note"`},
		{"an unknown type", post, func(o *bridge.Operation) { o.Args = map[string]bridge.ArgRule{"a": {Type: "text"}} }, `operations.op.args.a.type: "text" is no type`},
		{"an enum without values", post, func(o *bridge.Operation) { o.Args = map[string]bridge.ArgRule{"a": {Type: "enum"}} }, "operations.op.args.a.values: is missing"},
		{"bounds of a bool", post, func(o *bridge.Operation) { o.Args = map[string]bridge.ArgRule{"a": {Type: "bool", Max: new(1.0)}} }, "min and max go with"},
		{"half an int", post, func(o *bridge.Operation) { o.Args = map[string]bridge.ArgRule{"a": {Type: "int", Max: new(1.5)}} }, "is no bound of a int"},
		{"min above max", post, func(o *bridge.Operation) {
			o.Args = map[string]bridge.ArgRule{"a": {Type: "int", Min: new(3.0), Max: new(1.0)}}
		}, "min is above max"},
		{"a default of another type", post, func(o *bridge.Operation) {
			o.Args = map[string]bridge.ArgRule{"a": {Type: "int", Default: "3"}}
		}, "operations.op.args.a.default: 3 is no int"},
		{"a default out of bounds", post, func(o *bridge.Operation) {
			o.Args = map[string]bridge.ArgRule{"a": {Type: "number", Max: new(0.5), Default: 0.7}}
		}, "operations.op.args.a.default: 0.7 is outside its bounds"},
		{"an argument called device", post, func(o *bridge.Operation) { o.Args = map[string]bridge.ArgRule{"device": {Type: "int"}} }, "stands for the device"},
		{"too often", get, func(o *bridge.Operation) { o.Every = 29 * time.Second }, "operations.op.every: 29s is too often (at least 30s)"},
		{"a write by itself", post, func(o *bridge.Operation) { o.Every = time.Hour }, "operations.op.every: a write is never repeated"},
		{"by itself with an argument", get, func(o *bridge.Operation) {
			o.Every, o.Args = time.Hour, map[string]bridge.ArgRule{"a": {Type: "int"}}
		}, `operations.op.every: runs by itself, and the argument "a"`},
		{"pages of a write", post, func(o *bridge.Operation) { o.Page, o.Each = &bridge.Paging{Next: ".n"}, ".[]" }, "operations.op.page: a write has no pages"},
		{"pages without items", get, func(o *bridge.Operation) { o.Page = &bridge.Paging{Next: ".n"} }, "operations.op.page: needs each"},
		{"pages without a next", list, func(o *bridge.Operation) { o.Page = &bridge.Paging{} }, "operations.op.page.next: is missing"},
		{"pages of graphql that nobody turns", list, func(o *bridge.Operation) {
			o.HTTP, o.GraphQL, o.Page = "", "{ a }", &bridge.Paging{Next: ".n"}
		}, "nothing uses .page"},
		{"a device without items", get, func(o *bridge.Operation) { o.Device = &bridge.DeviceRule{ID: ".id"} }, "operations.op.device: needs each"},
		{"a device without id", list, func(o *bridge.Operation) { o.Device = &bridge.DeviceRule{} }, "operations.op.device.id: is missing"},
		{"for itself", list, func(o *bridge.Operation) { o.For = "op" }, "operations.op.for: an operation cannot run for its own"},
		{"for what yields none", get, func(o *bridge.Operation) { o.For = "plain" }, `operations.op.for: the operation "plain" yields no devices`},
		{"for a vendor's kind", get, func(o *bridge.Operation) { o.For = "camera" }, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			o := row.from
			row.change(&o)
			got := mistakes(bridge.Settings{Operations: map[string]bridge.Operation{"op": o, "plain": get}})
			if row.want == "" && got != "" || !strings.Contains(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
	for name, want := range map[string]string{"Open": "no operation can be called", "relay": "is a call of the account already", "graphql": "is a call of the account already", "state": ""} {
		got := mistakes(bridge.Settings{Operations: map[string]bridge.Operation{name: get}})
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("name %q: got %q, want %q", name, got, want)
		}
	}
}

func TestCheckEntities(t *testing.T) {
	operations := map[string]bridge.Operation{
		"units": {HTTP: "GET /u", Each: ".[]", Device: &bridge.DeviceRule{ID: ".id"}, Every: time.Hour},
		"other": {HTTP: "GET /o", Each: ".[]", Device: &bridge.DeviceRule{ID: ".id"}, Every: time.Hour},
		"state": {HTTP: "GET /s/{.device.id}", For: "units", Every: time.Hour},
		"open":  {HTTP: "POST /u/{.device.id}", For: "units", Write: true},
		"set":   {HTTP: "POST /s", Write: true, Args: map[string]bridge.ArgRule{"level": {Type: "number", Min: new(0.5), Max: new(9.5)}, "mode": {Type: "enum", Values: []string{"a", "b"}, Default: "a"}}},
	}
	button := bridge.EntityRule{ID: "e", Platform: bridge.Button, For: "units", Call: "open"}
	sensor := bridge.EntityRule{ID: "e", Platform: bridge.Sensor, For: "units", Value: ".x"}
	lock := bridge.EntityRule{ID: "e", Platform: bridge.Lock, For: "units", From: "state", Value: ".locked", Verbs: []bridge.VerbRule{{Says: "OPEN", Call: "open"}}}
	number := bridge.EntityRule{ID: "e", Platform: bridge.Number, For: "units", Verbs: []bridge.VerbRule{{Call: "set", Value: "level"}}}
	rows := []struct {
		name   string
		from   bridge.EntityRule
		change func(*bridge.EntityRule)
		want   string
	}{
		{"button", button, func(e *bridge.EntityRule) {}, ""},
		{"sensor", sensor, func(e *bridge.EntityRule) {}, ""},
		{"lock", lock, func(e *bridge.EntityRule) {}, ""},
		{"number", number, func(e *bridge.EntityRule) {}, ""},
		{"reserved id", sensor, func(e *bridge.EntityRule) { e.ID = "state" }, "entities[0].id: no entity can be called"},
		{"no platform", sensor, func(e *bridge.EntityRule) { e.Platform = "light" }, `entities[0].platform: "light" is none`},
		{"for nothing", sensor, func(e *bridge.EntityRule) { e.For = "" }, "entities[0].for: is missing"},
		{"for what yields none", sensor, func(e *bridge.EntityRule) { e.For = "open" }, "entities[0].for: the operation"},
		{"from nowhere", sensor, func(e *bridge.EntityRule) { e.From = "nowhere" }, `entities[0].from: there is no operation "nowhere"`},
		{"from others' state", sensor, func(e *bridge.EntityRule) { e.For, e.From = "other", "state" }, `entities[0].from: "state" runs for devices of "units"`},
		{"no value", sensor, func(e *bridge.EntityRule) { e.Value = "" }, "entities[0].value: is missing"},
		{"bad value", sensor, func(e *bridge.EntityRule) { e.Value = "..." }, "entities[0].value: jq:"},
		{"a button with a value", button, func(e *bridge.EntityRule) { e.Value = "." }, "entities[0].value: a button has none"},
		{"a lock without a state", lock, func(e *bridge.EntityRule) { e.Value, e.From = "", "" }, "entities[0].value: is missing"},
		{"a lock that is told PRESS", lock, func(e *bridge.EntityRule) { e.Verbs = []bridge.VerbRule{{Says: "PRESS", Call: "open"}} }, `entities[0].verbs[0].says: a lock is never told "PRESS"`},
		{"a lock that takes anything", lock, func(e *bridge.EntityRule) { e.Verbs = []bridge.VerbRule{{Call: "set", Value: "mode"}} }, "has no payload of its own"},
		{"a button without a call", button, func(e *bridge.EntityRule) { e.Call = "" }, "entities[0]: a button needs verbs"},
		{"call and verbs", button, func(e *bridge.EntityRule) { e.Verbs = []bridge.VerbRule{{Says: "PRESS", Call: "open"}} }, "entities[0].call: is short for"},
		{"a sensor with a call", sensor, func(e *bridge.EntityRule) { e.Call = "open" }, "entities[0]: a sensor takes no commands"},
		{"call of nothing", button, func(e *bridge.EntityRule) { e.Call = "nowhere" }, `entities[0].call: there is no operation and no call "nowhere"`},
		{"call for others", button, func(e *bridge.EntityRule) { e.For = "other" }, `entities[0].call: "open" runs for devices of "units"`},
		{"a vendor's call", button, func(e *bridge.EntityRule) { e.For, e.Call, e.Args = "station", "relay", map[string]any{"number": 1} }, ""},
		{"a vendor's call, out of bounds", button, func(e *bridge.EntityRule) { e.Call, e.Args = "relay", map[string]any{"number": 10} }, "entities[0].args.number: 10 is not 1 to 9"},
		{"an argument is missing", button, func(e *bridge.EntityRule) { e.Call = "relay" }, `entities[0].args: the argument "number" of "relay" is missing`},
		{"an argument too many", button, func(e *bridge.EntityRule) { e.Args = map[string]any{"x": 1} }, `entities[0].args.x: "open" has no such argument`},
		{"bounds of halves", button, func(e *bridge.EntityRule) { e.Call, e.Args = "set", map[string]any{"level": 0.2} }, "entities[0].args.level: 0.2 is outside its bounds"},
		{"no value of the enum", button, func(e *bridge.EntityRule) { e.Call, e.Args = "set", map[string]any{"level": 1, "mode": "c"} }, "entities[0].args.mode"},
		{"no such payload", number, func(e *bridge.EntityRule) { e.Verbs[0].Value = "x" }, `entities[0].verbs[0].value: "set" has no argument "x"`},
		{"says and value", number, func(e *bridge.EntityRule) { e.Verbs[0].Says = "1" }, "entities[0].verbs[0]: want either says"},
		{"a select without options", number, func(e *bridge.EntityRule) { e.Platform, e.Verbs[0].Value = bridge.Select, "mode" }, "entities[0].options: is missing"},
		{"an event without types", sensor, func(e *bridge.EntityRule) { e.Platform = bridge.Event }, "entities[0].options: is missing"},
		{"an image without an operation", sensor, func(e *bridge.EntityRule) { e.Platform = bridge.ImageKind }, "entities[0].from: is missing"},
		{"a select", number, func(e *bridge.EntityRule) {
			e.Platform, e.Options, e.Verbs = bridge.Select, []string{"a", "b"}, []bridge.VerbRule{{Call: "set", Value: "mode", Args: map[string]any{"level": 1}}}
		}, ""},
		{"a select that is told what is no option", number, func(e *bridge.EntityRule) {
			e.Platform, e.Options, e.Verbs[0] = bridge.Select, []string{"a"}, bridge.VerbRule{Says: "b", Call: "set", Args: map[string]any{"level": 1}}
		}, `entities[0].verbs[0].says: a select is never told "b" (one of: ["a"])`},
		{"a switch", lock, func(e *bridge.EntityRule) {
			e.Platform, e.Verbs = bridge.Switch, []bridge.VerbRule{{Says: "ON", Call: "open"}, {Says: "OFF", Call: "open"}}
		}, ""},
		{"a switch that is told TOGGLE", lock, func(e *bridge.EntityRule) {
			e.Platform, e.Verbs = bridge.Switch, []bridge.VerbRule{{Says: "TOGGLE", Call: "open"}}
		}, `entities[0].verbs[0].says: a switch is never told "TOGGLE"`},
		{"a switch without verbs", lock, func(e *bridge.EntityRule) { e.Platform, e.Verbs = bridge.Switch, nil }, "entities[0]: a switch needs verbs"},
		{"a step of nothing", number, func(e *bridge.EntityRule) { e.Step = new(0.0) }, "entities[0].step: must be above 0"},
		{"a range of a sensor", sensor, func(e *bridge.EntityRule) { e.Min = new(1.0) }, "entities[0]: min, max and step"},
		{"an empty range", number, func(e *bridge.EntityRule) { e.Min, e.Max = new(1.0), new(1.0) }, "entities[0].min: is not below max"},
		{"a category of its own", sensor, func(e *bridge.EntityRule) { e.Category = "main" }, "entities[0].category"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			e := row.from
			e.Verbs = append([]bridge.VerbRule(nil), e.Verbs...)
			row.change(&e)
			got := mistakes(bridge.Settings{Operations: operations, Entities: []bridge.EntityRule{e}})
			if row.want == "" && got != "" || !strings.Contains(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
	t.Run("twice", func(t *testing.T) {
		got := mistakes(bridge.Settings{Operations: operations, Entities: []bridge.EntityRule{sensor, sensor}})
		if !strings.Contains(got, `entities[1].id: "e" is there already for "units" (entities[0])`) {
			t.Errorf("got %q", got)
		}
	})
}

// What the vendor has is not known while its own options are wrong.
func TestCheckWithoutTheVendor(t *testing.T) {
	s := bridge.Settings{Operations: map[string]bridge.Operation{"a": {GraphQL: "{ a }"}},
		Entities: []bridge.EntityRule{{ID: "e", Platform: bridge.Button, For: "station", Call: "relay", Args: map[string]any{"number": 1}}}}
	if err := operations.Check(s, nil, nil); err != nil {
		t.Errorf("got %v, want nothing", err)
	}
	if err := operations.Check(s, &bridge.Profile{}, []bridge.Call{}); err == nil || !strings.Contains(err.Error(), "operations.a.graphql: this account has no GraphQL") ||
		!strings.Contains(err.Error(), `no call "relay"`) {
		t.Errorf("got %v", err)
	}
}
