package oauth_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// apiOnly is a cloud that has nothing but its API.
type apiOnly struct {
	status     int
	body, sent string
}

func (c *apiOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	c.sent = r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body) + " " + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "+canary)
	return reply(c.status, c.body), nil
}

// A portal token that the cloud has refused is tried by the smallest read of the
// API, where there is neither identity nor introspection (NetRex): what is no data
// does not clear it.
func TestProbe(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		clears bool
	}{
		"data":   {200, `{"data":{"cameraList":[]}}`, true},
		"401":    {401, ``, false},
		"403":    {403, `{}`, false},
		"errors": {200, `{"errors":[{"message":"x"}],"data":null}`, false},
		"both":   {200, `{"errors":[{"message":"x"}],"data":{}}`, false},
		"a page": {200, `<!doctype html>`, false},
		"down":   {503, ``, false},
	} {
		bubble(name, t, func(t *testing.T) {
			cloud := &apiOnly{status: c.status, body: c.body}
			h := start(t, newVendor(), newMemory(), func(o *oauth.Options, a *oauth.Account) {
				o.Transport = cloud
				a.Dialect = bridge.Dialect{Grant: bridge.GrantToken, Static: bridge.NewSecret(canary + "-portal"), Probe: &bridge.Ask{
					URL: "https://vendor.test/graphql", In: bridge.InJSON, Bearer: true, Params: []bridge.Param{{Name: "query", Text: "{ a }"}}}}
			})
			token, err := h.bearer()
			if err != nil {
				t.Fatal(err)
			}
			h.Tokens("gate").Refused(bridge.Bearer{Token: bridge.NewSecret(token)})
			time.Sleep(25 * time.Hour)
			synctest.Wait() // a trial may be at work this moment
			if want := `POST /graphql application/json {"query":"{ a }"} -portal`; cloud.sent != want {
				t.Errorf("sent %s, want %s", cloud.sent, want)
			}
			if c.clears {
				h.want(bridge.Valid, "", bridge.ActionNone)
			} else {
				h.want(bridge.Misconfigured, bridge.HealthClientRefused, bridge.ActionCheckClient)
			}
		})
	}
}
