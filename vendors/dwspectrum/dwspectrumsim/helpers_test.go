package dwspectrumsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/bridge/simkit"
	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

const host = "https://dwspectrum.digital-watchdog.com"

// cloud is a simulator with a way to ask it, without sockets.
type cloud struct {
	*sim.Sim
	t *testing.T
	h http.Handler
}

func open(t *testing.T, set sim.Settings) *cloud {
	s := sim.New(sim.Options{Settings: set})
	return &cloud{s, t, s.Handler()}
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) json(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(r.body), &m); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
	return m
}

// code is the error code of a refusal, and X-Auth-Result where there is one.
func (r reply) code() string {
	var m struct{ ResultCode, ErrorID string }
	_ = json.Unmarshal([]byte(r.body), &m)
	return m.ResultCode + m.ErrorID
}

// do sends a request; headers come in pairs. A body is JSON.
func (c *cloud) do(method, target, body string, headers ...string) reply {
	c.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = host + target
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), w.Body.String()}
}

func (c *cloud) with(token, method, target, body string) reply {
	c.t.Helper()
	return c.do(method, target, body, "Authorization", "Bearer "+token)
}

// grant signs anna in without a browser.
func (c *cloud) grant(scope string) simkit.Issued {
	return c.Issuer.Issue("latchkey-test", sim.DemoUser, scope)
}

// mint asks for a token of one system.
func (c *cloud) mint(refresh, scope string) (token string, r reply) {
	c.t.Helper()
	r = c.do("POST", "/oauth/token/", `{"client_id":"cloud","grant_type":"refresh_token","response_type":"token","refresh_token":"`+refresh+`","scope":"`+scope+`"}`)
	var m map[string]any
	_ = json.Unmarshal([]byte(r.body), &m)
	token, _ = m["access_token"].(string)
	return token, r
}

// at is an address at the node of a system.
func at(system, path string) string { return "https://" + system + ".relay-eu.vmsproxy.com" + path }

// signIn goes through the consent page as a browser would and returns the callback.
func (c *cloud) signIn(query string) (*url.URL, reply) {
	c.t.Helper()
	form := url.Values{"username": {sim.DemoUser}, "password": {sim.DemoPassword}, "decision": {"allow"}}
	r := httptest.NewRequest("POST", host+"/authorize?"+query, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, r)
	u, _ := url.Parse(w.Header().Get("Location"))
	return u, reply{w.Code, w.Header(), w.Body.String()}
}
