package operations_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/operations"
)

const aSchema = `
enum Kind { door gate }
scalar Opaque
type Unit { id: ID! label: String state: Opaque }
type Query { units(first: Int!, kind: Kind): [Unit!] unit(id: Int!): Unit }
type Writes { open(id: Int!): Boolean }
extend type Query { more: [Unit] }
schema { query: Query mutation: Writes }
`

// known is a profile of a cloud with a schema.
func known(t *testing.T, text string) *bridge.Profile {
	t.Helper()
	p := profile()
	p.Schema = filepath.Join(t.TempDir(), "schema.graphql")
	if err := os.WriteFile(p.Schema, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return &p
}

// Which documents fit, and the one clear message about each that does not.
func TestSchema(t *testing.T) {
	for text, want := range map[string]string{
		"{ units(first: 5, kind: door) { id label __typename } __schema { types { name } } }":                            "",
		"{ units(first: $n, kind: $k) { id } }":                                                                          "", // literals, whose types are not told
		"query($n: Int!) { units(first: $n) { ...F ... { label } ... on Unit { id } } } fragment F on Unit { id state }": "",
		"{ units(first: 5) { id colour } }":                                                                              "Unit has no field colour at line 1, column 24",
		"{ doors { id } }":                                                                                               "Query has no field doors at line 1, column 3",
		"{ units { id } }":                                                                                               "units wants the argument first at line 1, column 3",
		"{ units(first: 5, kind: window) { id } }":                                                                       "window is no Kind at line 1, column 19",
		`{ units(first: 5, kind: door, by: "x") { id } }`:                                                                "units takes no argument by at line 1, column 31",
		"{ unit(id: 7) }":                                                                                                "unit needs fields of Unit at line 1, column 3",
		"{ unit(id: 7) { ...F } } fragment F on Unit { size }":                                                           "Unit has no field size at line 1, column 47",
		"{ unit(id: 7) { ... on Unit { size } } }":                                                                       "Unit has no field size at line 1, column 31",
		"{ unit(id: 7) { ... { size } } }":                                                                               "Unit has no field size at line 1, column 23",
		"query($n: Int!) {\n units(first: $n) { id } more { id }\n}":                                                     "",
		"mutation { close(id: 1) }":                                                                                      "Writes has no field close at line 1, column 12",
	} {
		op := bridge.Operation{GraphQL: text, Write: strings.HasPrefix(text, "mutation"), Variables: "{n: 1}"}
		if strings.Contains(text, "$k") {
			op.Variables = `{n: 1, k: "door"}`
		} else if !strings.Contains(text, "$") {
			op.Variables = ""
		}
		s := bridge.Settings{Operations: map[string]bridge.Operation{"one": op}}
		p := known(t, aSchema)
		if err := operations.Check(s, p, nil); err != nil {
			t.Errorf("%s: an error of the configuration: %v", text, err)
		}
		got := ""
		if err := operations.Warn(s, p); err != nil {
			got = err.Error()
		}
		if want != "" {
			want = "operations.one.graphql: the operation is switched off, for it does not fit the schema: " + want
		}
		if !strings.HasPrefix(got, want) || (want == "") != (got == "") || strings.Count(got, "\n") > 0 {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

// What does not fit is neither polled nor sent when somebody asks; the rest runs.
func TestSchemaSwitchesOff(t *testing.T) {
	s := bridge.Settings{ID: "a", Operations: map[string]bridge.Operation{
		"list":  {GraphQL: "{ units(first: 1) { id } }", Every: time.Minute},
		"doors": {GraphQL: "{ doors { id } }", Every: time.Minute},
		"close": {GraphQL: "mutation { close(id: 1) }", Write: true},
		"page":  {HTTP: "GET /page"},
	}}
	h := &home{t: t, cloud: &fakeCloud{}}
	a, err := operations.Extend(operations.Options{Settings: s, Profile: *known(t, aSchema), Cloud: h.cloud})
	if err != nil {
		t.Fatal(err)
	}
	h.Account = a
	if len(a.Tasks) != 1 || a.Tasks[0].Name != "operation:list" {
		t.Errorf("tasks %+v, want the one that fits", a.Tasks)
	}
	for _, name := range []string{"doors", "close"} {
		_, err := h.ask(name, bridge.Device{}, nil)
		if reason(err) != bridge.ReasonUnknownTarget || !strings.Contains(err.Error(), "does not fit the cloud's schema: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"list", "page"} {
		if _, err := h.ask(name, bridge.Device{}, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	want := "read POST /graphql {\"query\":\"{ units(first: 1) { id } }\"}\nread GET /page"
	if diff := cmp.Diff(want, h.cloud.lines()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// A file that is no schema is a mistake of the configuration, with or without
// operations; the vendor's own documents only warn.
func TestSchemaFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a page":   {"<html>", "is no schema in GraphQL's own language: "},
		"JSON":     {`{"data":{"__schema":{}}}`, "is no schema in GraphQL's own language: "},
		"half":     {"type Query { units: [Unit", "is no schema in GraphQL's own language: "},
		"no query": {"type Unit { id: ID }", "is no schema: it has no type Query"},
		"huge":     {strings.Repeat("# nothing\n", 1<<20), "is larger than 8388608 bytes"},
		"fine":     {aSchema, ""},
	} {
		p, got := known(t, c.text), ""
		if err := operations.Check(bridge.Settings{}, p, nil); err != nil {
			got = err.Error()
		}
		if strings.HasPrefix(got, "options.schema: ") != (c.want != "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %.200s, want %s", name, got, c.want)
		}
	}
	p := profile()
	p.Schema = "/nowhere/schema.graphql"
	if err := operations.Check(bridge.Settings{}, &p, nil); err == nil || !strings.Contains(err.Error(), "options.schema: the schema cannot be read: open /nowhere") {
		t.Errorf("no file: %v", err)
	}
	reads := known(t, "type Query { x: Int }")
	reads.Documents = map[string]string{"options.documents.w": "mutation { open }"}
	if err := operations.Warn(bridge.Settings{}, reads); err == nil || !strings.HasSuffix(err.Error(), "there is no mutation at all") {
		t.Errorf("a schema without mutations: %v", err)
	}
	own := known(t, aSchema)
	own.Documents = map[string]string{"options.documents.a": "{ units(first: $n) { id } }", "options.documents.b": "{ unit(id: $i) { id colour } }", "options.documents.c": "{ x }"}
	want := "options.documents.b: does not fit the schema: Unit has no field colour at line 1, column 21\n" +
		"options.documents.c: does not fit the schema: Query has no field x at line 1, column 3"
	if err := operations.Warn(bridge.Settings{}, own); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if err := operations.Check(bridge.Settings{}, own, nil); err != nil {
		t.Errorf("own documents: %v", err)
	}
}
