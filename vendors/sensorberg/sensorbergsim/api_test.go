package sensorbergsim_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge/simkit"
	sim "latchkey/vendors/sensorberg/sensorbergsim"
)

const (
	openBody  = `{"data":{"type":"demo_openings","attributes":{"note":"hello"}}}`
	labelBody = `{"data":{"type":"demo_units","id":"17","attributes":{"label":"Hall"}}}`
)

// The sheet's example documents.
func TestDocuments(t *testing.T) {
	s := sim.New(sim.Options{Units: []sim.Unit{{ID: "17", Label: "Lobby", Kind: sim.Door, Trouble: sim.NoRight}}})
	token := app(t, s, "app")
	w := ask(s, token, "GET", "/demo/units", "")
	wantJSON(t, w, 200, `{"data":[{"type":"demo_units","id":"17","attributes":{"label":"Lobby","kind":"door"}}],"links":{"next":null}}`)
	if kind := w.Header().Get("Content-Type"); kind != "application/vnd.api+json" {
		t.Errorf("content type %q", kind)
	}
	wantJSON(t, ask(s, token, "POST", "/demo/units/17/openings", openBody), 403,
		`{"errors":[{"status":"403","code":"forbidden","title":"Not allowed","detail":"No right for this unit"}]}`)
	if s.Openings("17") != 0 {
		t.Error("a refused opening moved the door")
	}
}

func TestPages(t *testing.T) {
	s := cloud()
	token := app(t, s, "app")
	first := members(t, ask(s, token, "GET", "http://cloud.example/demo/units", ""))
	next, _ := first["links"].(map[string]any)["next"].(string)
	if len(first["data"].([]any)) != 2 || !strings.HasPrefix(next, "http://cloud.example/demo/units?") {
		t.Fatalf("first page %v", first)
	}
	wantJSON(t, ask(s, token, "GET", next, ""), 200, `{"data":[{"type":"demo_units","id":"a/b c","attributes":{"label":"Demo locker 3","kind":"locker_box"}}],"links":{"next":null}}`)
	wantJSON(t, ask(s, token, "GET", "/demo/units?filter[available]=true&page[after]=17", ""), 200,
		`{"data":[{"type":"demo_units","id":"a/b c","attributes":{"label":"Demo locker 3","kind":"locker_box"}}],"links":{"next":null}}`)
}

func TestMediaTypes(t *testing.T) {
	s := cloud()
	token := app(t, s, "app")
	for kind, want := range map[string]int{"application/json": 415, "application/vnd.api+json; charset=utf-8": 415, "application/vnd.api+json": 201} {
		if w := ask(s, token, "POST", "/demo/units/17/openings", openBody, "Content-Type", kind); w.Code != want {
			t.Errorf("content type %q: %d, want %d", kind, w.Code, want)
		}
	}
	for accept, want := range map[string]int{"application/json": 406, "application/vnd.api+json; charset=utf-8": 406, "*/*": 200, "text/html, application/vnd.api+json;q=0.5": 200} {
		if w := ask(s, token, "GET", "/demo/units", "", "Accept", accept); w.Code != want {
			t.Errorf("accept %q: %d, want %d", accept, w.Code, want)
		}
	}
	if n := s.Openings("17"); n != 1 {
		t.Errorf("%d openings, want 1", n)
	}
}

func TestOpening(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := cloud(func(h *sim.Habits) { h.OpensIn = time.Minute })
		token := app(t, s, "app")
		wantJSON(t, ask(s, token, "POST", "/demo/units/a%2Fb%20c/openings", openBody), 201, `{"data":{"type":"demo_openings","id":"1","attributes":{"state":"executing"}}}`)
		if s.Openings("a/b c") != 1 || s.Note("a/b c") != "hello" {
			t.Errorf("%d openings, note %q", s.Openings("a/b c"), s.Note("a/b c"))
		}
		time.Sleep(time.Minute)
		wantJSON(t, ask(s, token, "GET", "/demo/openings/1", ""), 200, `{"data":{"type":"demo_openings","id":"1","attributes":{"state":"success"}}}`)
		s.Change(func(h *sim.Habits) { h.Jams = true })
		wantJSON(t, ask(s, token, "GET", "/demo/openings/1", ""), 200, `{"data":{"type":"demo_openings","id":"1","attributes":{"state":"fail"}}}`)
		for _, missing := range []string{"/demo/openings/2", "/demo/openings/x", "/demo/units/99"} {
			if w := ask(s, token, "GET", missing, ""); w.Code != 404 {
				t.Errorf("%s: %d", missing, w.Code)
			}
		}
		for body, want := range map[string]int{`{"data":{"type":"other"}}`: 422, `{"data":{"type":"demo_openings","attributes":{"colour":"blue"}}}`: 422, `{`: 422} {
			if w := ask(s, token, "POST", "/demo/units/17/openings", body); w.Code != want {
				t.Errorf("%s: %d, want %d", body, w.Code, want)
			}
		}
	})
}

func TestTroubles(t *testing.T) {
	for trouble, want := range map[sim.Trouble]int{sim.NoRight: 403, sim.NeedsBooking: 409, sim.Busy: 423} {
		s := sim.New(sim.Options{Units: []sim.Unit{{ID: "17", Kind: sim.Door, Trouble: trouble}}})
		token := app(t, s, "app")
		if w := ask(s, token, "POST", "/demo/units/17/openings", openBody); w.Code != want {
			t.Errorf("trouble %d: %d, want %d", trouble, w.Code, want)
		}
		s.Change(func(h *sim.Habits) { h.Status = 422 })
		if w := ask(s, token, "POST", "/demo/units/17/openings", openBody); w.Code != 422 {
			t.Errorf("trouble %d: %d, want the configured 422", trouble, w.Code)
		}
		if s.Openings("17") != 0 {
			t.Error("the door moved")
		}
		s.SetUnits(sim.Unit{ID: "17", Kind: sim.Door})
		if w := ask(s, token, "POST", "/demo/units/17/openings", openBody); w.Code != 201 || s.Openings("17") != 1 {
			t.Errorf("the trouble is over: %d, %d openings", w.Code, s.Openings("17"))
		}
	}
}

// The traps: what the caller hears is not what the door did.
func TestFaultsAtTheDoor(t *testing.T) {
	const on = "POST /demo/units/17/openings"
	for _, c := range []struct {
		name   string
		do     simkit.Deed
		moves  int
		status int // 0: the connection is cut
	}{
		{"the reply is lost", simkit.DropAfter, 1, 0},
		{"cut in the headers", simkit.CutAt(0), 1, 0},
		{"the request is lost", simkit.DropBefore, 0, 0},
		{"503 after the door moved", simkit.StatusAfter(503, "", ""), 1, 503},
		{"503", simkit.HTML(503), 0, 503},
		{"401 of somebody else", simkit.Status(401, "", ""), 0, 401},
	} {
		s := cloud()
		token := app(t, s, "app")
		s.Faults.Add(simkit.Fault{On: on, Do: c.do})
		srv := httptest.NewServer(s.Handler())
		r, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/demo/units/17/openings", strings.NewReader(openBody))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/vnd.api+json")
		status := 0
		if resp, err := srv.Client().Do(r); err == nil {
			if _, err = io.Copy(io.Discard, resp.Body); err == nil {
				status = resp.StatusCode
			}
			_ = resp.Body.Close()
		}
		srv.Close()
		if s.Openings("17") != c.moves || status != c.status || s.Faults.Left() != 0 {
			t.Errorf("%s: %d openings, status %d; want %d, %d", c.name, s.Openings("17"), status, c.moves, c.status)
		}
	}
}

func TestUpdate(t *testing.T) {
	for verb, other := range map[string]string{"PUT": "PATCH", "PATCH": "PUT"} {
		s := cloud(func(h *sim.Habits) { h.Verb = verb })
		token := app(t, s, "app")
		if w := ask(s, token, other, "/demo/units/17", labelBody); w.Code != 405 || s.Updates() != 0 {
			t.Errorf("%s: %d, %d updates", other, w.Code, s.Updates())
		}
		wantJSON(t, ask(s, token, verb, "/demo/units/17", labelBody), 200, `{"data":{"type":"demo_units","id":"17","attributes":{"label":"Hall","kind":"door"}}}`)
		if w := ask(s, token, verb, "/demo/units/18", labelBody); w.Code != 409 || s.Updates() != 1 {
			t.Errorf("another id: %d, %d updates", w.Code, s.Updates())
		}
	}
}

// Each scope opens its routes alone; a dead token opens none.
func TestScopes(t *testing.T) {
	s := cloud()
	me, _ := user(t, s)
	// client_credentials gives a scope `me` to whoever asks, but no user.
	tokens := map[string]string{"me": me, "app": app(t, s, "app"), "basic": app(t, s, "basic"), "app that says me": app(t, s, "me")}
	for name, token := range tokens {
		for _, route := range []string{"me", "app", "basic"} {
			want := http.StatusForbidden
			if name == route {
				want = http.StatusOK
			}
			if w := ask(s, token, "GET", "/demo/"+route, ""); w.Code != want {
				t.Errorf("token %s at /demo/%s: %d, want %d", name, route, w.Code, want)
			}
		}
	}
	for refused, want := range map[sim.Refused]string{sim.RefusedEmpty: "", sim.RefusedOAuth: `"error":"invalid_token"`, sim.RefusedJSONAPI: `"errors":[`} {
		s.Change(func(h *sim.Habits) { h.Refused = refused })
		w := ask(s, "dead", "GET", "/demo/units", "")
		if w.Code != 401 || !strings.Contains(w.Header().Get("WWW-Authenticate"), `error="invalid_token"`) || !strings.Contains(w.Body.String(), want) || want == "" && w.Body.Len() > 0 {
			t.Errorf("refused %d: %d %s", refused, w.Code, w.Body)
		}
	}
	s.Change(func(h *sim.Habits) { h.Scope = sim.Basic })
	if w := ask(s, tokens["basic"], "GET", "/demo/units", ""); w.Code != 200 {
		t.Errorf("units with the basic right: %d", w.Code)
	}
}
