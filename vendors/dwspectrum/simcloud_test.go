package dwspectrum_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

// simCloud is a bridge.Cloud over the simulator's handler, without sockets: a token
// of its own for each system, redirects followed within the declared domain with
// the bearer kept, the reasons of hazards section 4.1.
type simCloud struct {
	sim     *sim.Sim
	profile bridge.Profile
	issued  simkit.Issued
	mu      sync.Mutex
	minted  map[string]string
	mints   int
}

func (c *simCloud) Read(ctx context.Context, r bridge.Request) (bridge.Reply, error) {
	return c.do(ctx, http.MethodGet, r)
}

func (c *simCloud) Act(ctx context.Context, r bridge.Request) (bridge.Reply, error) {
	if err := bridge.Take(ctx); err != nil {
		return bridge.Reply{}, err
	}
	return c.do(ctx, http.MethodPost, r)
}

// bearer mints as the keeper does: a refresh with the scope of one system, whose
// refresh token is dropped.
func (c *simCloud) bearer(narrow string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if narrow == "" || c.minted[narrow] != "" {
		return c.minted[narrow]
	}
	w := httptest.NewRecorder()
	d := c.profile.Dialect
	body := members(d.Narrow.Params, map[bridge.Field]string{bridge.FieldClientID: d.ClientID, bridge.FieldRefreshToken: c.issued.Refresh, bridge.FieldNarrow: narrow})
	req := httptest.NewRequest("POST", d.Narrow.URL, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	c.sim.Handler().ServeHTTP(w, req)
	var reply map[string]any
	_ = json.Unmarshal(w.Body.Bytes(), &reply)
	c.mints++
	c.minted[narrow], _ = reply["access_token"].(string)
	return c.minted[narrow]
}

func (c *simCloud) do(ctx context.Context, method string, r bridge.Request) (reply bridge.Reply, err error) {
	origin := c.profile.Origins[r.Origin]
	narrow := ""
	if origin.Narrowed {
		narrow = r.Narrow
	}
	if r.Method != "" {
		method = r.Method
	}
	target := strings.ReplaceAll(origin.Base, "{narrow}", r.Narrow) + r.Path
	if len(r.Query) > 0 {
		target += "?" + url.Values(r.Query).Encode()
	}
	body, _ := r.JSON.([]byte)
	defer func() {
		if recover() != nil { // the simulator cut the connection
			err = &bridge.Failure{Reason: bridge.ReasonNoAnswer}
		}
	}()
	token := c.bearer(narrow)
	if narrow == "" {
		token = c.issued.Access
	}
	w := httptest.NewRecorder()
	for hop := 0; hop <= 5; hop++ {
		req := httptest.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
		req.Header.Set("Authorization", "Bearer "+token)
		if body != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		w = httptest.NewRecorder()
		c.sim.Handler().ServeHTTP(w, req)
		to, _ := url.Parse(w.Header().Get("Location"))
		if w.Code != 307 || !strings.HasSuffix(to.Hostname(), "."+origin.Redirect) {
			break
		}
		target = to.String()
	}
	media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	reason := bridge.ReasonNoAnswer
	switch {
	case r.Limit > 0 && int64(w.Body.Len()) > r.Limit:
		return reply, &bridge.Failure{Reason: bridge.ReasonNoAnswer, Status: w.Code, Message: "longer than allowed"}
	case w.Code/100 == 2:
		return bridge.Reply{Status: w.Code, Type: media, Body: w.Body.Bytes()}, nil
	case w.Code == 429:
		reason = bridge.ReasonRateLimited
	case w.Code/100 == 4, w.Code == 307:
		reason = bridge.ReasonRejected
	}
	return reply, &bridge.Failure{Reason: reason, Status: w.Code, Message: "refused", Detail: w.Body.Bytes()}
}

// members is the JSON body of an ask.
func members(all []bridge.Param, fields map[bridge.Field]string) string {
	m := map[string]string{}
	for _, p := range all {
		if value := fields[p.From]; p.From == bridge.FieldNone || value != "" {
			m[p.Name] = p.Text + value
		}
	}
	b, _ := json.Marshal(m)
	return string(b)
}
