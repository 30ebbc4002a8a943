package doorbirdsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird/doorbirdsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const back = "https://redirecturl.com/handleOauthResponse.php"

// seedCloud has the client of the vendor's text, with its return address.
func seedCloud() *doorbirdsim.Sim {
	return doorbirdsim.New(doorbirdsim.Options{Clients: []simkit.Client{
		{ID: doorbirdsim.DemoClient, Secret: doorbirdsim.DemoSecret, Redirects: []string{back}},
		{ID: "another", Secret: "client", Redirects: []string{back}},
	}})
}

// send asks the cloud without a socket; extra are header pairs.
func send(s *doorbirdsim.Sim, method, target, body string, extra ...string) *httptest.ResponseRecorder {
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
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

var formType = []string{"Content-Type", "application/x-www-form-urlencoded"}

// client adds the client's id and secret to a form.
func client(pairs ...string) string {
	return form(append([]string{"client_id", doorbirdsim.DemoClient, "client_secret", doorbirdsim.DemoSecret}, pairs...)...)
}

// grant returns the Authorization header of a new grant of a user.
func grant(s *doorbirdsim.Sim, user string) []string {
	scope := doorbirdsim.Viewer
	if strings.HasSuffix(user, "0000") {
		scope = doorbirdsim.Admin
	}
	return []string{"Authorization", "Bearer " + s.Issuer.Issue(doorbirdsim.DemoClient, user, scope).Access}
}

func wantJSON(t *testing.T, w *httptest.ResponseRecorder, want string) {
	t.Helper()
	if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != want {
		t.Errorf("got %d %s\nwant 200 %s", w.Code, got, want)
	}
}

func wantStatus(t *testing.T, w *httptest.ResponseRecorder, want int) {
	t.Helper()
	if w.Code != want {
		t.Errorf("got %d %s, want %d", w.Code, w.Body, want)
	}
}

type tokens struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Life    int    `json:"expires_in"`
	Scope   string `json:"scope"`
	Refresh string `json:"refresh_token"`
}

func readTokens(t *testing.T, w *httptest.ResponseRecorder) (out tokens) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
		t.Fatalf("token reply %d %s: %v", w.Code, w.Body, err)
	}
	return out
}
