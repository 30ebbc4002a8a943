package sensorbergsim_test

import (
	"encoding/json"
	"strings"
	"testing"

	sim "latchkey/vendors/sensorberg/sensorbergsim"
)

func query(s *sim.Sim, token, text string, variables map[string]any) string {
	body, _ := json.Marshal(map[string]any{"query": text, "variables": variables})
	w := send(s, "POST", "/graphql", string(body), "Authorization", "Bearer "+token, "Content-Type", "application/json")
	return strings.TrimSpace(w.Body.String())
}

func TestGraphQL(t *testing.T) {
	s := cloud()
	token := app(t, s, "app")
	const pages = `query($after: String, $first: Int) { demoUnits(first: $first, after: $after) { edges { cursor node { id ... on DemoDoor { label } } } pageInfo { endCursor hasNextPage } } }`
	for _, c := range []struct {
		name, query string
		variables   map[string]any
		want        string
	}{
		{"first page", pages, map[string]any{"first": 2},
			`{"data":{"demoUnits":{"edges":[{"cursor":"17","node":{"id":"17","label":"Demo lobby"}},{"cursor":"18","node":{"id":"18","label":"Demo cellar"}}],"pageInfo":{"endCursor":"18","hasNextPage":true}}}}`},
		{"last page; the interface needs its fragment", pages, map[string]any{"first": 2, "after": "18"},
			`{"data":{"demoUnits":{"edges":[{"cursor":"a/b c","node":{"id":"a/b c"}}],"pageInfo":{"endCursor":"a/b c","hasNextPage":false}}}}`},
		{"behind the end", pages, map[string]any{"after": "a/b c"}, `{"data":{"demoUnits":{"edges":[],"pageInfo":{"endCursor":null,"hasNextPage":false}}}}`},
		{"of a kind", `{ demoUnits(kind: LOCKER_BOX) { edges { node { __typename id kind available } } } }`, nil,
			`{"data":{"demoUnits":{"edges":[{"node":{"__typename":"DemoLockerBox","available":true,"id":"a/b c","kind":"LOCKER_BOX"}}]}}}`},
		{"the union", `{ demoViewer { __typename ... on DemoApp { uid } ... on DemoPerson { name } } }`, nil, `{"data":{"demoViewer":{"__typename":"DemoApp","uid":"demo-application"}}}`},
		{"a named fragment", `query { one: demoUnit(id: 18) { ...f } } fragment f on DemoUnit { name: label available }`, nil, `{"data":{"one":{"available":false,"name":"Demo cellar"}}}`},
		{"the mutation", `mutation($u: ID!) { demoOpenUnit(unitId: $u, note: "hi") { id state } }`, map[string]any{"u": "17"}, `{"data":{"demoOpenUnit":{"id":"1","state":"success"}}}`},
		{"an unknown unit", `mutation { demoOpenUnit(unitId: 99) { id } }`, nil,
			`{"data":{"demoOpenUnit":null},"errors":[{"message":"Not found","path":["demoOpenUnit"],"extensions":{"code":"not_found"}}]}`},
	} {
		if got := query(s, token, c.query, c.variables); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
	if s.Openings("17") != 1 || s.Note("17") != "hi" {
		t.Errorf("%d openings, note %q; want 1, hi", s.Openings("17"), s.Note("17"))
	}
	for name, text := range map[string]string{
		"an unknown field": `{ demoUnits { total } }`, "a field of another type": `{ demoViewer { uid } }`, "a missing argument": `{ demoUnit { id } }`,
		"two operations": `query a { demoViewer { __typename } } query b { demoViewer { __typename } }`, "no document": `{`, "no cursor": `{ demoUnits(after: "x") { edges { cursor } } }`,
	} {
		if got := query(s, token, text, nil); !strings.Contains(got, `"errors":[`) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := query(s, app(t, s, "basic"), `{ demoViewer { __typename } }`, nil); got != "" {
		t.Errorf("basic is let in: %s", got)
	}
	me, _ := user(t, s)
	if got := query(s, me, `{ demoViewer { ... on DemoPerson { id name } } }`, nil); got != `{"data":{"demoViewer":{"id":"501","name":"demo@example.com"}}}` {
		t.Errorf("a user: %s", got)
	}
	if w := send(s, "POST", "/graphql", `query`, "Authorization", "Bearer "+token, "Content-Type", "application/json"); w.Code != 400 {
		t.Errorf("no JSON: %d", w.Code)
	}
}

// Troubles are 200 with errors.
func TestGraphQLTrouble(t *testing.T) {
	s := sim.New(sim.Options{Units: []sim.Unit{{ID: "17", Kind: sim.Door, Trouble: sim.NeedsBooking}}})
	got := query(s, app(t, s, "app"), `mutation { demoOpenUnit(unitId: "17") { id } }`, nil)
	if got != `{"data":{"demoOpenUnit":null},"errors":[{"message":"Booking required","path":["demoOpenUnit"],"extensions":{"code":"booking_required"}}]}` || s.Openings("17") != 0 {
		t.Errorf("got %s, %d openings", got, s.Openings("17"))
	}
}
