package cameramanagersim_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/bridge/simkit"
	sim "latchkey/vendors/cameramanager/cameramanagersim"
)

// The client of the vendor's guide, as Basic header.
var basic = "Basic " + base64.StdEncoding.EncodeToString([]byte("cameramanager.test:qwertyuiopasdfghjklzxcvbnm12345"))

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

// do sends a request; headers come in pairs and default to Accept: application/json.
func (c *cloud) do(method, target, body string, headers ...string) reply {
	c.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:8080"+target, strings.NewReader(body))
	r.Header.Set("Accept", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.String()}
}

// get reads JSON with a bearer into v and wants 200.
func (c *cloud) get(token, target string, v any) {
	c.t.Helper()
	got := c.do("GET", target, "", "Authorization", "Bearer "+token)
	if got.status != 200 {
		c.t.Fatalf("GET %s: HTTP %d %s", target, got.status, got.body)
	}
	if err := json.Unmarshal([]byte(got.body), v); err != nil {
		c.t.Fatalf("GET %s: %v in %s", target, err, got.body)
	}
}

func (c *cloud) status(token, target string) int {
	c.t.Helper()
	return c.do("GET", target, "", "Authorization", "Bearer "+token).status
}

// grant signs anna in without a browser.
func (c *cloud) grant() simkit.Issued {
	return c.Issuer.Issue("cameramanager.test", "anna@example.com", "read")
}

type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
	Scope   string `json:"scope"`
	Expires int    `json:"expires_in"`
}

// token posts to the token endpoint.
func (c *cloud) token(params url.Values, headers ...string) (tokens, reply) {
	c.t.Helper()
	got := c.do("POST", "/oauth/token?"+params.Encode(), "", append([]string{"Authorization", basic}, headers...)...)
	var t tokens
	_ = json.Unmarshal([]byte(got.body), &t)
	return t, got
}

func refresh(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "scope": {"read"}, "refresh_token": {token}}
}

// signIn goes through the consent page as a browser would and returns the callback.
func (c *cloud) signIn(query string) *url.URL {
	c.t.Helper()
	form := url.Values{"username": {"anna@example.com"}, "password": {"correct horse"}, "decision": {"allow"}}
	got := c.do("POST", "/oauth/authorize?"+query, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	u, err := url.Parse(got.header.Get("Location"))
	if got.status != 302 || err != nil {
		c.t.Fatalf("sign-in: HTTP %d %s", got.status, got.body)
	}
	return u
}
