package oauth_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// withInfo is a vendor that shows a token beside introspecting it, and does not
// say whose it is.
func withInfo(_ *oauth.Options, a *oauth.Account) {
	a.Dialect.Identity = nil
	a.Dialect.TokenInfo = &bridge.Ask{Method: http.MethodGet, URL: "https://vendor.test/info", Bearer: true}
}

func TestTokenInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory(), withInfo)
		got, err := h.TokenInfo(context.Background(), "gate")
		if err != nil || !strings.Contains(string(got), `"client_id":"c"`) || strings.Contains(string(got), canary) || v.count("info") != 1 || v.count("inspect") != 0 {
			t.Errorf("TokenInfo() = %s, %v; info asked %d times, introspection %d", got, err, v.count("info"), v.count("inspect"))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		h := signedIn(t, newVendor(), newMemory())
		if _, err := h.TokenInfo(context.Background(), "gate"); !reasonIs(err, bridge.ReasonUnknownTarget) {
			t.Errorf("TokenInfo() of a vendor that has none = %v", err)
		}
	})
}

// After a refused refresh the access token is tried by token info, and by
// introspection where that is switched off.
func TestProbeByTokenInfo(t *testing.T) {
	for _, off := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			v := newVendor()
			h := signedIn(t, v, newMemory(), withInfo)
			v.act(func(v *vendor, r *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
				switch {
				case r.URL.Path == "/token":
					return say(400, `{"error":"invalid_grant"}`)(v, r, answer)
				case r.URL.Path == "/info" && off:
					return say(404, ``)(v, r, answer)
				}
				return answer()
			})
			time.Sleep(10 * time.Second)
			_ = h.Refresh(context.Background(), "gate")
			if asked := v.count("inspect") == 1; asked != off {
				t.Errorf("token info switched off %v: introspection asked %v", off, asked)
			}
			h.want(bridge.Retrying, bridge.HealthRevoked, bridge.ActionLogin)
		})
	}
}
