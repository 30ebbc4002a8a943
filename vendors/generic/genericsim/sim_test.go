package genericsim_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"latchkey/vendors/generic/genericsim"
)

func ask(t *testing.T, s *genericsim.Sim, token, method, path, media, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "https://cloud.example"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	got, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, strings.TrimSpace(string(got))
}

func TestAPI(t *testing.T) {
	const jsonAPI, plain = "application/vnd.api+json", "application/json"
	opening := `{"data":{"type":"openings","attributes":{"note":"n"}}}`
	s := genericsim.New(genericsim.Options{})
	token := s.Issuer.Issue(genericsim.DemoClient, genericsim.DemoUser, "units").Access
	rows := []struct {
		name, method, path, media, body string
		status                          int
		part                            string
		openings                        int // of the yard, so far
	}{
		{"first page", "GET", "/v1/units", "", "", 200, `"next":"https://cloud.example/v1/units?after=18"`, 0},
		{"last page", "GET", "/v1/units?after=18", "", "", 200, `"next":null`, 0},
		{"one", "GET", "/v1/units/a%2Fb%20c", "", "", 200, `"label":"Yard"`, 0},
		{"none", "GET", "/v1/units/nowhere", "", "", 404, `"code":"not_found"`, 0},
		{"open", "POST", "/v1/units/a%2Fb%20c/openings", jsonAPI, opening, 201, `"state":"accepted"`, 1},
		{"wrong media", "POST", "/v1/units/a%2Fb%20c/openings", plain, opening, 415, `"code":"media"`, 1},
		{"media with parameters", "POST", "/v1/units/a%2Fb%20c/openings", jsonAPI + "; charset=utf-8", opening, 415, `"code":"media"`, 1},
		{"unknown member", "POST", "/v1/units/a%2Fb%20c/openings", jsonAPI, `{"data":{"type":"openings"},"x":1}`, 422, `"code":"body"`, 1},
		{"query", "POST", "/graphql", plain, `{"query":"query($a:String){ units(first: 1, after: $a) { edges { node { x: label } } pageInfo { endCursor hasNextPage } } }","variables":{"a":"17"}}`, 200,
			`{"data":{"units":{"edges":[{"node":{"x":"Cellar"}}],"pageInfo":{"endCursor":"18","hasNextPage":true}}}}`, 1},
		{"mutation", "POST", "/graphql", plain, `{"query":"mutation { demoOpen(unit: \"a/b c\", note: \"g\") { state } }"}`, 200, `{"data":{"demoOpen":{"state":"accepted"}}}`, 2},
		{"no such unit", "POST", "/graphql", plain, `{"query":"mutation { demoOpen(unit: 1) { state } }"}`, 200, `"code":"NOT_FOUND"`, 2},
		{"unknown field", "POST", "/graphql", plain, `{"query":"{ doors { id } }"}`, 200, `"code":"GRAPHQL_VALIDATION_FAILED"`, 2},
		{"wrong variable", "POST", "/graphql", plain, `{"query":"query($i: Int!) { units(first: $i) { edges { cursor } } }","variables":{"i":"x"}}`, 200, `"code":"BAD_USER_INPUT"`, 2},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			status, body := ask(t, s, token, row.method, row.path, row.media, row.body)
			if status != row.status || !strings.Contains(body, row.part) || s.Openings("a/b c") != row.openings {
				t.Errorf("got %d %s and %d openings, want %d %s and %d", status, body, s.Openings("a/b c"), row.status, row.part, row.openings)
			}
		})
	}
	if s.Note("a/b c") != "g" {
		t.Errorf("note %q, want that of the last opening", s.Note("a/b c"))
	}
	s.Issuer.EndAccess()
	if status, body := ask(t, s, token, "GET", "/v1/units", "", ""); status != http.StatusUnauthorized || !strings.Contains(body, "invalid_token") {
		t.Errorf("with a dead token: %d %s", status, body)
	}
}
