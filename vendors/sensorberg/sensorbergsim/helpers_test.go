package sensorbergsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	sim "latchkey/vendors/sensorberg/sensorbergsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloud is a simulator with changed habits.
func cloud(change ...func(*sim.Habits)) *sim.Sim {
	s := sim.New(sim.Options{})
	for _, f := range change {
		s.Change(f)
	}
	return s
}

func version(v sim.Version) func(*sim.Habits) { return func(h *sim.Habits) { h.Version = v } }

// send asks the cloud without a socket; extra are header pairs.
func send(s *sim.Sim, method, target, body string, extra ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(extra); i += 2 {
		r.Header.Set(extra[i], extra[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

// post sends a form to the OAuth server.
func post(s *sim.Sim, path string, pairs ...string) *httptest.ResponseRecorder {
	return send(s, "POST", path, form(pairs...), "Content-Type", "application/x-www-form-urlencoded")
}

// asApp adds the confidential application's id and secret.
func asApp(pairs ...string) []string {
	return append([]string{"client_id", sim.DemoClient, "client_secret", sim.DemoSecret}, pairs...)
}

func members(t *testing.T, w *httptest.ResponseRecorder) (m map[string]any) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return m
}

// take wants a token reply.
func take(t *testing.T, w *httptest.ResponseRecorder) (access, refresh string) {
	t.Helper()
	m := members(t, w)
	access, _ = m["access_token"].(string)
	refresh, _ = m["refresh_token"].(string)
	if w.Code != http.StatusOK || access == "" {
		t.Fatalf("token reply %d %s", w.Code, w.Body)
	}
	return access, refresh
}

// app gets an application's token.
func app(t *testing.T, s *sim.Sim, scope string) string {
	t.Helper()
	access, _ := take(t, post(s, "/oauth/token", asApp("grant_type", "client_credentials", "scope", scope)...))
	return access
}

// user gets a user's pair.
func user(t *testing.T, s *sim.Sim) (access, refresh string) {
	t.Helper()
	return take(t, post(s, "/oauth/token", asApp("grant_type", "password", "username", sim.DemoUser, "password", sim.DemoPassword, "scope", "me")...))
}

// ask sends a request of JSON:API.
func ask(s *sim.Sim, token, method, target, body string, extra ...string) *httptest.ResponseRecorder {
	head := []string{"Authorization", "Bearer " + token, "Accept", "application/vnd.api+json"}
	if body != "" {
		head = append(head, "Content-Type", "application/vnd.api+json")
	}
	return send(s, method, target, body, append(head, extra...)...)
}

// serves tells whether an access token does.
func serves(s *sim.Sim, access string) bool {
	return send(s, "GET", "/oauth/token/info", "", "Authorization", "Bearer "+access).Code == http.StatusOK
}

// wantJSON compares JSON as values.
func wantJSON(t *testing.T, w *httptest.ResponseRecorder, status int, want string) {
	t.Helper()
	var g, x any
	if err := json.Unmarshal([]byte(want), &x); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal(w.Body.Bytes(), &g)
	if diff := cmp.Diff(x, g); diff != "" || w.Code != status {
		t.Errorf("status %d, want %d; body (-want +got):\n%s", w.Code, status, diff)
	}
}

// wantError wants an error of the OAuth server.
func wantError(t *testing.T, w *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), `"error":"`+code+`"`) || !strings.Contains(w.Header().Get("WWW-Authenticate"), `error="`+code+`"`) {
		t.Errorf("got %d %s (%s), want %d %s", w.Code, w.Body, w.Header().Get("WWW-Authenticate"), status, code)
	}
}
