package netrexsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/bridge/simkit"
	sim "latchkey/vendors/netrex/netrexsim"
)

// cloud is a simulator with a way to ask it, without sockets.
type cloud struct {
	*sim.Sim
	t *testing.T
	h http.Handler
}

func open(t *testing.T, o sim.Options) *cloud {
	s := sim.New(o)
	return &cloud{s, t, s.Handler()}
}

type reply struct {
	status int
	header http.Header
	body   string
}

// do sends a request; headers come in pairs.
func (c *cloud) do(method, target, body string, headers ...string) reply {
	c.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8080"+target, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.String()}
}

// signIn goes through the consent page and returns where the browser is sent.
func (c *cloud) signIn(query, decision string) url.Values {
	c.t.Helper()
	form := url.Values{"username": {sim.DemoUser}, "password": {sim.DemoPassword}, "decision": {decision}}
	got := c.do("POST", "/oauth2/auth/?"+query, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	u, err := url.Parse(got.header.Get("Location"))
	if got.status != 302 || err != nil {
		c.t.Fatalf("sign-in: HTTP %d %s", got.status, got.body)
	}
	return u.Query()
}

const asked = "response_type=code&client_id=latchkey-demo&scope=read,recordings&redirect_uri=https%3A%2F%2Fexample.com&state=s%2B1"

func (c *cloud) code() string { return c.signIn(asked, "allow").Get("code") }

// token posts to the token endpoint, parameters in the query.
func (c *cloud) token(params url.Values) (members map[string]any, got reply) {
	c.t.Helper()
	got = c.do("POST", "/oauth2/token?"+params.Encode(), "")
	_ = json.Unmarshal([]byte(got.body), &members)
	return members, got
}

// params are pairs; an empty value is left out.
func params(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

func exchange(code string, more ...string) url.Values {
	return params(append([]string{"client_id", sim.DemoClient, "client_secret", sim.DemoSecret, "grant_type", "authorization_code", "code", code, "redirect_uri", "https://example.com"}, more...)...)
}

func refresh(token string, more ...string) url.Values {
	return params(append([]string{"client_id", sim.DemoClient, "client_secret", sim.DemoSecret, "grant_type", "refresh_token", "refresh_token", token}, more...)...)
}

func (c *cloud) issue(user, scope string) simkit.Issued {
	return c.Issuer.Issue(sim.DemoClient, user, scope)
}

// ask posts a query and returns the body, its line end cut off.
func (c *cloud) ask(token, query string) string {
	c.t.Helper()
	body, _ := json.Marshal(map[string]string{"query": query})
	return c.post(token, string(body)).body
}

func (c *cloud) post(token, body string) reply {
	c.t.Helper()
	got := c.do("POST", "/api/graphql.php", body, "Authorization", "Bearer "+token, "Content-Type", "application/json")
	got.body = strings.TrimSpace(got.body)
	return got
}
