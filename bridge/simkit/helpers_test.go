package simkit_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"latchkey/bridge/simkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const callback = "https://app.example/back"

func rules() simkit.Rules {
	return simkit.Rules{
		Clients: []simkit.Client{{ID: "app", Secret: "s3cret", Redirects: []string{callback}}, {ID: "other", Secret: "x"}},
		Users:   []simkit.User{{Name: "ann", Password: "pw", External: "ext-1", Of: "station", Scopes: []string{"read"}}},
	}
}

// reply is what a token request came to.
type reply struct {
	Status  int
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Scope   string `json:"scope"`
	Error   string `json:"error"`
	Life    int    `json:"expires_in"`
}

// ask posts a form to the token endpoint as client app, without a socket.
func ask(t *testing.T, i *simkit.Issuer, pairs ...string) reply {
	t.Helper()
	return send(t, i, tokenRequest(append([]string{"client_id", "app", "client_secret", "s3cret"}, pairs...)...))
}

func tokenRequest(pairs ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(form(pairs...).Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

func send(t *testing.T, i *simkit.Issuer, r *http.Request) reply {
	t.Helper()
	w := httptest.NewRecorder()
	i.ServeToken(w, r)
	out := reply{Status: w.Code}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatalf("token reply %q: %v", w.Body, err)
		}
	}
	return out
}

func refresh(t *testing.T, i *simkit.Issuer, token string, more ...string) reply {
	t.Helper()
	return ask(t, i, append([]string{"grant_type", "refresh_token", "refresh_token", token}, more...)...)
}

// consent posts the form of the consent page and returns where it leads.
func consent(t *testing.T, i *simkit.Issuer, decision string, pairs ...string) (status int, to *url.URL) {
	t.Helper()
	q := form("response_type", "code", "client_id", "app", "redirect_uri", callback, "scope", "read", "state", "s&1")
	for k, v := range form(pairs...) {
		q[k] = v
	}
	body := form("username", "ann", "password", "pw", "decision", decision).Encode()
	r := httptest.NewRequest(http.MethodPost, "/authorize?"+q.Encode(), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	i.ServeAuthorize(w, r)
	to, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, to
}

func newCode(t *testing.T, i *simkit.Issuer, pairs ...string) string {
	t.Helper()
	status, to := consent(t, i, "allow", pairs...)
	if status != http.StatusFound || to.Query().Get("code") == "" {
		t.Fatalf("consent: %d to %q, want a code", status, to)
	}
	return to.Query().Get("code")
}

func exchange(t *testing.T, i *simkit.Issuer, code string) reply {
	t.Helper()
	return ask(t, i, "grant_type", "authorization_code", "code", code, "redirect_uri", callback)
}

func serves(i *simkit.Issuer, access string) bool { _, ok := i.Access(access); return ok }
