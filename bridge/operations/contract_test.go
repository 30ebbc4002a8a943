package operations_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/operations"
)

// theExample is that of the Contract.
func theExample() bridge.Settings {
	return bridge.Settings{
		ID: "home", Name: "Home",
		Operations: map[string]bridge.Operation{
			"units": {
				GraphQL:   "query($after: String) { units(first: 50, after: $after) { edges { node { id label } } pageInfo { endCursor hasNextPage } } }",
				Variables: "{after: .page}",
				Page:      &bridge.Paging{Next: ".data.units.pageInfo.endCursor", More: ".data.units.pageInfo.hasNextPage"},
				Each:      ".data.units.edges[].node",
				Device:    &bridge.DeviceRule{ID: ".id", Name: ".label"},
				Every:     10 * time.Minute,
			},
			"open": {
				Write:  true,
				HTTP:   "POST /v1/units/{.device.id}/openings",
				Media:  "application/vnd.api+json",
				Args:   map[string]bridge.ArgRule{"note": {Type: "string", Max: new(40.0)}},
				Body:   `{data: {type: "openings", attributes: {note: .args.note}}}`,
				OK:     ".errors == null",
				Result: ".data.attributes.state",
			},
		},
		Entities: []bridge.EntityRule{
			{ID: "open", Platform: bridge.Button, Name: "Open", For: "units", Call: "open", Args: map[string]any{"note": "latchkey"}},
			{ID: "label", Platform: bridge.Sensor, Name: "Label", For: "units", Value: ".label"},
		},
	}
}

// with changes an operation of settings.
func with(s bridge.Settings, name string, change func(*bridge.Operation)) bridge.Settings {
	o := s.Operations[name]
	change(&o)
	s.Operations[name] = o
	return s
}

// units answers the example in two pages.
func units(verb string, r bridge.Request) (bridge.Reply, error) {
	body := ""
	if text, ok := r.JSON.([]byte); ok {
		body = string(text)
	}
	switch {
	case r.Path == "/graphql" && strings.Contains(body, `"after":null`):
		return answer(`{"data":{"units":{"edges":[{"node":{"id":"17","label":"Lobby"}}],"pageInfo":{"endCursor":"c1","hasNextPage":true}}}}`), nil
	case r.Path == "/graphql" && strings.Contains(body, `"after":"c1"`):
		return answer(`{"data":{"units":{"edges":[{"node":{"id":"a/b","label":"Yard"}}],"pageInfo":{"endCursor":"c2","hasNextPage":false}}}}`), nil
	case verb == "act":
		return answer(`{"data":{"type":"openings","attributes":{"state":"accepted"}}}`), nil
	}
	return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Status: 404, Message: "the cloud says 404"}
}

func TestTheExampleOfTheContract(t *testing.T) {
	h := extend(t, theExample(), bridge.Account{}, units)
	if err := h.poll("operation:units"); err != nil {
		t.Fatal(err)
	}
	lobby, yard := h.device("17"), h.device(bridge.DeviceID("a/b"))
	want := bridge.Device{ID: "17", Original: "17", Name: "Lobby", Kind: "operation:units", Facts: map[string]string{"id": `"17"`}, Entities: []bridge.Entity{
		{ID: "open", Name: "Open", Kind: bridge.Button, Verbs: []bridge.Verb{{Says: "PRESS", Call: "open", Args: bridge.Args{"note": "latchkey"}}}},
		{ID: "label", Name: "Label", Kind: bridge.Sensor},
	}}
	if diff := cmp.Diff(want, lobby); diff != "" {
		t.Errorf("device (-want +got):\n%s", diff)
	}
	if got, want := h.shows(), map[string]string{"17/label": "Lobby", yard.ID + "/label": "Yard"}; !cmp.Equal(got, want) {
		t.Errorf("states %v, want %v", got, want)
	}
	call := h.named("open")
	if call.Effect != bridge.Writes || !call.OfEntity {
		t.Errorf("open: effect %v, stands for its entity %v; want a write that does", call.Effect, call.OfEntity)
	}
	for _, d := range []bridge.Device{lobby, yard} {
		if got, err := h.ask("open", d, bridge.Args{"note": "latchkey"}); err != nil || got != `"accepted"` {
			t.Errorf("open %s: %s, %v", d.Name, got, err)
		}
	}
	const query = `query($after: String) { units(first: 50, after: $after) { edges { node { id label } } pageInfo { endCursor hasNextPage } } }`
	const body = ` (accept application/vnd.api+json, media application/vnd.api+json) {"data":{"attributes":{"note":"latchkey"},"type":"openings"}}`
	if diff := cmp.Diff(strings.Join([]string{
		`read POST /graphql {"query":"` + query + `","variables":{"after":null}}`,
		`read POST /graphql {"query":"` + query + `","variables":{"after":"c1"}}`,
		`act POST /v1/units/17/openings` + body,
		`act POST /v1/units/a%2Fb/openings` + body,
	}, "\n"), h.cloud.lines()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestAfterARestartThePressWorksBeforeTheFirstList(t *testing.T) {
	needy := func() bridge.Settings {
		return with(theExample(), "open", func(o *bridge.Operation) { o.Body = "{note: .device.label}" })
	}
	stored := bridge.Device{ID: "17", Original: "17", Kind: "operation:units", Facts: map[string]string{"id": "17"}}
	t.Run("with the id alone", func(t *testing.T) {
		h := extend(t, theExample(), bridge.Account{}, units)
		if _, err := h.ask("open", stored, bridge.Args{"note": "x"}); err != nil {
			t.Fatal(err)
		}
		if got := h.cloud.lines(); strings.Contains(got, "read") {
			t.Errorf("read the list although only the id is needed:\n%s", got)
		}
	})
	t.Run("the list is read when more is needed", func(t *testing.T) {
		h := extend(t, needy(), bridge.Account{}, units)
		if _, err := h.ask("open", stored, bridge.Args{"note": "x"}); err != nil {
			t.Fatal(err)
		}
		if got := h.cloud.lines(); !strings.Contains(got, `"note":"Lobby"`) || strings.Count(got, "act ") != 1 {
			t.Errorf("got\n%s", got)
		}
	})
	t.Run("nothing is sent when the list cannot be read", func(t *testing.T) {
		h := extend(t, needy(), bridge.Account{}, func(string, bridge.Request) (bridge.Reply, error) {
			return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Status: 503, Message: "down"}
		})
		if _, err := h.ask("open", stored, bridge.Args{"note": "x"}); reason(err) != bridge.ReasonOffline {
			t.Errorf("got %v, want %s", err, bridge.ReasonOffline)
		}
		if got := h.cloud.lines(); strings.Contains(got, "act ") {
			t.Errorf("sent:\n%s", got)
		}
	})
}

func TestGone(t *testing.T) {
	gone := operations.Gone(theExample())
	for source, want := range map[string]bool{
		"operation:units": false, "operation:units/17": false, "operation:old": true, "operation:open": true, "stations": false, "": false,
	} {
		if got := gone(source); got != want {
			t.Errorf("%q: gone %v, want %v", source, got, want)
		}
	}
}

func TestWarnOfAScopeThatIsNotAskedFor(t *testing.T) {
	s := bridge.Settings{Scope: "read,liveview", Operations: map[string]bridge.Operation{"a": {HTTP: "GET /a", Needs: "liveview liveview_ptz"}}}
	err := operations.Warn(s, nil)
	if err == nil || !strings.Contains(err.Error(), `operations.a.needs: the scope "liveview_ptz"`) || strings.Contains(err.Error(), `"liveview" `) {
		t.Errorf("got %v", err)
	}
}
