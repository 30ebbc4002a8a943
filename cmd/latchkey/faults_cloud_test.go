package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
)

// The one account of the fault points.
const (
	faultAccount = "gate"
	faultBack    = "http://127.0.0.1/oauth/callback"
)

var (
	faultKey    = bridge.NewSecret("a key that names the same copies in each run")
	faultPerson = simkit.Person{Name: "anna", Password: "secret of anna"}
)

// servers are the kinds of authorization server that a fault point is tried on:
// from the worst that was measured (a spent token ends the grant) to the kindest.
func servers() map[string]simkit.Rules {
	return map[string]simkit.Rules{
		"rotates":             {},
		"drops the reply":     {ReuseKills: true, OldAccess: simkit.OldAccessEnds},
		"kills the family":    {ReuseKills: true, OldAccess: simkit.OldAccessEnds, CodeReuseKills: true},
		"ends old at new use": {Rotation: simkit.RotateOnUse, OldAccess: simkit.OldAccessEndsOnUse},
	}
}

// faultCloud is an authorization server with one read of an API. It watches that
// no refresh token that may be spent comes again while an access token in our
// hands serves, and that no code comes twice.
type faultCloud struct {
	*simkit.Kit
	url  string
	busy sync.WaitGroup // requests in flight

	mu    sync.Mutex
	sent  map[string]int // codes and refresh tokens
	hands []string       // access tokens in our hands
	wrong []string
}

func newFaultCloud(t *testing.T, kind string) *faultCloud {
	rules := servers()[kind]
	rules.Users = []simkit.User{{Name: faultPerson.Name, Password: faultPerson.Password}}
	rules.Clients = []simkit.Client{{ID: "c", Secret: "secret of c"}}
	c := &faultCloud{Kit: simkit.New(kind, rules), sent: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", c.Issuer.ServeAuthorize)
	mux.HandleFunc("POST /token", c.watch(c.Issuer.ServeToken))
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, r *http.Request) {
		g, ok := c.Issuer.Bearer(r)
		if !ok {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"id":%q}`, g.User)
	})
	if kind == "drops the reply" {
		c.Faults.Add(simkit.Fault{On: "POST /token", Do: simkit.DropAfter})
	}
	handler := c.Wrap(mux)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.busy.Add(1)
		defer c.busy.Done()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// watch is the judge before the token endpoint.
func (c *faultCloud) watch(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p, _ := c.Issuer.Params(r)
		token := p.Get("refresh_token") + p.Get("code")
		c.mu.Lock()
		if c.sent[token]++; c.sent[token] > 1 {
			if p.Has("code") {
				c.wrong = append(c.wrong, "a code was sent twice")
			}
			for _, access := range c.hands {
				if c.live(access) {
					c.wrong = append(c.wrong, "a refresh token that may be spent was sent although an access token in our hands serves")
				}
			}
		}
		c.mu.Unlock()
		next(w, r)
	}
}

func (c *faultCloud) live(token string) bool {
	found, ok := c.Issuer.Look(token)
	return ok && found.Live
}

// rest waits until the requests that a dead process has sent are done, and mends
// the server. It tells whether a reply was dropped.
func (c *faultCloud) rest(t *testing.T, tokenCalls int) (dropped bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.Log.Wait(ctx, "POST /token", tokenCalls); err != nil {
		t.Error(err)
	}
	c.busy.Wait()
	dropped = c.Name() == "drops the reply" && c.Faults.Left() == 0
	c.Faults.Clear()
	return dropped
}

// calls counts token calls.
func (c *faultCloud) calls() int { return c.Log.Count("POST /token") }

// dialect is how the account speaks to the server at url.
func faultDialect(url string) bridge.Dialect {
	ask := func(params ...bridge.Param) *bridge.Ask {
		return &bridge.Ask{URL: url + "/token", Client: bridge.ClientParams, Params: params}
	}
	return bridge.Dialect{
		Grant: bridge.GrantCode, ClientID: "c", Secret: bridge.NewSecret("secret of c"),
		Authorize: &bridge.Authorize{URL: url + "/authorize", Echo: true},
		Exchange: ask(bridge.Param{Name: "grant_type", Text: "authorization_code"}, bridge.Param{Name: "code", From: bridge.FieldCode},
			bridge.Param{Name: "redirect_uri", From: bridge.FieldRedirect}),
		Refresh:  ask(bridge.Param{Name: "grant_type", Text: "refresh_token"}, bridge.Param{Name: "refresh_token", From: bridge.FieldRefreshToken}),
		Identity: &bridge.Identity{URL: url + "/me", Member: "id"},
	}
}

// faultRecord is what these tests read and write of the keeper's record.
type faultRecord struct {
	Version  int        `json:"v"`
	Pair     faultPair  `json:"pair"`
	Before   faultPair  `json:"before"`
	Identity string     `json:"identity"`
	SignedIn time.Time  `json:"signed_in_at"`
	Intent   *struct{}  `json:"intent,omitempty"`
	Pending  *faultSign `json:"pending,omitempty"`
}

type faultPair struct {
	Access   string    `json:"access"`
	Refresh  string    `json:"refresh"`
	Obtained time.Time `json:"obtained"`
	Expires  time.Time `json:"expires"`
}

type faultSign struct {
	Pair faultPair `json:"pair"`
}

// refreshTokens are those that the record could be renewed by.
func (r faultRecord) refreshTokens() []string {
	all := []string{r.Pair.Refresh, r.Before.Refresh}
	if r.Pending != nil {
		all = append(all, r.Pending.Pair.Refresh)
	}
	return all
}

// grant is the record of an account whose access token is of this age and lives an
// hour.
func (c *faultCloud) grant(age time.Duration) faultRecord {
	issued := c.Issuer.Issue("c", faultPerson.Name, "")
	if age > time.Hour {
		c.Issuer.EndAccess()
	}
	at := time.Now().Add(-age).UTC().Round(0)
	c.hands = []string{issued.Access}
	return faultRecord{Version: 1, Identity: faultPerson.Name, SignedIn: at,
		Pair: faultPair{Access: issued.Access, Refresh: issued.Refresh, Obtained: at, Expires: at.Add(time.Hour)}}
}

func (r faultRecord) encode(t *testing.T) []byte {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kindOf names what a record that is being saved is: the journal's intent, a
// sign-in that is not in use yet, or a pair.
func kindOf(record []byte) string {
	switch {
	case strings.Contains(string(record), `"intent":`):
		return "intent"
	case strings.Contains(string(record), `"pending":`):
		return "sign-in"
	}
	return "pair"
}
