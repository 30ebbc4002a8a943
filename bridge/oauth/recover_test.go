package oauth_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// loses is a running keeper whose second refresh has just lost its reply: a pair
// before the one in use exists, the journal is open, the access token lives.
func loses(t *testing.T, v *vendor, fault faultFunc) *home {
	t.Helper()
	h := signedIn(t, v, newMemory())
	time.Sleep(50 * time.Minute)
	v.mu.Lock()
	v.fault = append(v.fault, fault)
	v.mu.Unlock()
	time.Sleep(45 * time.Minute)
	synctest.Wait()
	return h
}

// tokens are the stored tokens in use, and the refresh token before.
func (h *home) tokens() (access, refresh, before string) {
	r := h.m.stored(h.t, "gate")
	p := r["pair"].(map[string]any)
	if b, ok := r["before"].(map[string]any); ok {
		before, _ = b["refresh"].(string)
	}
	return p["access"].(string), p["refresh"].(string), before
}

// T5: every leaf of the tree.
func TestLostReply(t *testing.T) {
	lives := func() *vendor { // of a server whose old access tokens live on
		v := newVendor()
		v.oldDies = false
		return v
	}

	bubble("a: used while it serves, nothing sent", t, func(t *testing.T) {
		v := lives()
		h := loses(t, v, dropReply)
		n := v.count("refresh")
		h.wantServing()
		h.want(bridge.Retrying, bridge.HealthNetwork, bridge.ActionNone)
		if next, ends := h.Health("gate").NextRefreshAt, h.Health("gate").ExpiresAt; !next.Equal(ends) {
			t.Errorf("next refresh %s, want the end of the access token %s", next, ends)
		}
		if err := h.Refresh(t.Context(), "gate"); !reasonIs(err, bridge.ReasonDenied) {
			t.Errorf("Refresh() = %v, want it denied while asking may end what serves", err)
		}
		time.Sleep(time.Until(h.Health("gate").ExpiresAt) - time.Second)
		if v.count("refresh") != n {
			t.Error("the vendor was asked while the access token serves")
		}
	})

	bubble("a: 200 without a token", t, func(t *testing.T) {
		h := loses(t, lives(), say(200, "<html>"))
		h.wantServing()
		h.want(bridge.Retrying, bridge.HealthBadReply, bridge.ActionNone)
	})

	bubble("b: the request was lost, the token is good", t, func(t *testing.T) {
		v := newVendor()
		h := loses(t, v, dropRequest)
		h.wantServing()
		time.Sleep(16 * time.Minute)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})

	bubble("b: at once after a 401", t, func(t *testing.T) {
		v := newVendor()
		v.kills, v.grace = false, true
		h := loses(t, v, dropReply)
		access, _, _ := h.tokens()
		h.Tokens("gate").Refused(bridge.Bearer{Token: bridge.NewSecret(access)})
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})

	bubble("b: again until a definite answer", t, func(t *testing.T) {
		v := newVendor()
		v.kills, v.grace = false, true
		h := loses(t, v, dropReply)
		v.act(say(502, "<html>"))
		time.Sleep(24 * time.Hour)
		h.want(bridge.Expired, bridge.HealthVendorDown, bridge.ActionNone)
		v.act(nil)
		time.Sleep(16 * time.Minute)
		h.wantServing()
	})

	bubble("c: the previous pair works", t, func(t *testing.T) {
		v := newVendor()
		v.kills = false
		h := loses(t, v, dropReply)
		_, _, before := h.tokens()
		v.mu.Lock()
		v.refresh[before] = 1
		v.mu.Unlock()
		time.Sleep(16 * time.Minute)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})

	bubble("c: no definite answer, so tried again", t, func(t *testing.T) {
		v := newVendor()
		v.kills = false
		h := loses(t, v, dropReply)
		_, _, before := h.tokens()
		v.mu.Lock()
		v.refresh[before] = 1
		v.fault = []faultFunc{func(_ *vendor, _ *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
			return answer()
		}, say(503, "")}
		v.mu.Unlock()
		time.Sleep(30 * time.Minute)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})

	bubble("c: its reply is lost too", t, func(t *testing.T) {
		v := newVendor()
		v.kills = false
		h := loses(t, v, dropReply)
		n := v.count("refresh")
		_, refresh, before := h.tokens()
		v.mu.Lock()
		v.refresh[before] = 1
		v.fault = []faultFunc{func(_ *vendor, _ *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
			return answer()
		}, dropReply}
		v.mu.Unlock()
		time.Sleep(24 * time.Hour)
		h.want(bridge.LoginNeeded, bridge.HealthLostInFlight, bridge.ActionLogin)
		var asked []string
		for _, c := range v.calls {
			if c.what == "refresh" {
				asked = append(asked, c.token)
			}
		}
		if asked = asked[n:]; len(asked) != 3 || asked[0] != refresh || asked[1] != before || asked[2] != refresh {
			t.Errorf("asked with %q, want %q, %q once, %q", asked, refresh, before, refresh)
		}
	})

	bubble("d: login needed, nothing deleted", t, func(t *testing.T) {
		v := newVendor()
		h := loses(t, v, dropReply)
		_, refresh, before := h.tokens()
		time.Sleep(16 * time.Minute)
		h.want(bridge.LoginNeeded, bridge.HealthLostInFlight, bridge.ActionLogin)
		_, nowRefresh, nowBefore := h.tokens()
		if nowRefresh != refresh || nowBefore != before {
			t.Error("tokens were deleted")
		}
		n := len(v.calls)
		time.Sleep(7 * 24 * time.Hour)
		if len(v.calls) != n {
			t.Errorf("%d calls after the end", len(v.calls)-n)
		}
		if err := h.signIn("anna"); err != nil {
			t.Fatal(err)
		}
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})

	bubble("d: acquires anew where it can", t, func(t *testing.T) {
		v := newVendor()
		h := loses(t, v, dropReply)
		can := oauth.Account{ID: "gate", Dialect: dialect()}
		can.Dialect.Acquire = appDialect().Acquire
		if err := h.Add(can); err != nil {
			t.Fatal(err)
		}
		time.Sleep(16 * time.Minute)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		if n := v.count("acquire"); n != 1 {
			t.Errorf("acquired %d times, want 1", n)
		}
	})
}

// Cut off behind both tokens, a reply is a reply; before, it is lost.
func TestReplyCutOff(t *testing.T) {
	for n := 0; n < 130; n += 13 {
		synctest.Test(t, func(t *testing.T) {
			v := newVendor()
			v.kills, v.oldDies = false, false
			h := loses(t, v, cutReply(n))
			_, refresh, _ := h.tokens()
			_, alive := v.refresh[refresh]
			whole := h.Health("gate").State == bridge.Valid
			if whole != alive {
				t.Errorf("cut at %d: valid %v, the stored refresh token lives: %v", n, whole, alive)
			}
			h.wantServing()
		})
	}
}

// The journal is closed: a refused refresh token ends the chain at once, the
// previous one is not tried, and the access token serves on if it does.
func TestRefusedWithClosedJournal(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		status int
		client bridge.Secret
		state  bridge.TokenState
		reason bridge.HealthReason
		action bridge.UserAction
	}{
		"grant":  {status: 400, body: `{"error":"invalid_grant"}`, state: bridge.LoginNeeded, reason: bridge.HealthRevoked, action: bridge.ActionLogin},
		"client": {status: 401, body: `{"error":"invalid_client"}`, state: bridge.Misconfigured, reason: bridge.HealthClientRefused, action: bridge.ActionCheckClient},
		"empty":  {status: 401, state: bridge.Misconfigured, reason: bridge.HealthClientRefused, action: bridge.ActionCheckClient},
	} {
		bubble(name, t, func(t *testing.T) {
			v := newVendor()
			h := signedIn(t, v, newMemory())
			time.Sleep(50 * time.Minute)
			fault, n := counted(say(c.status, c.body))
			v.act(fault)
			time.Sleep(40 * time.Minute)
			h.wantServing()
			h.want(bridge.Retrying, c.reason, c.action)
			if n.Load() != 1 || v.count("identity") != 2 {
				t.Errorf("%d token calls and %d reads, want 1 and 2 (sign-in, proof)", n.Load(), v.count("identity"))
			}
			time.Sleep(time.Hour)
			h.want(c.state, c.reason, c.action)
			if n.Load() != 1 {
				t.Errorf("%d token calls, want 1", n.Load())
			}
		})
		bubble(name+", access token dead", t, func(t *testing.T) {
			v := newVendor()
			h := signedIn(t, v, newMemory())
			time.Sleep(50 * time.Minute)
			v.mu.Lock()
			clear(v.access)
			v.mu.Unlock()
			fault, _ := counted(say(c.status, c.body))
			v.act(fault)
			time.Sleep(40 * time.Minute)
			h.want(c.state, c.reason, c.action)
		})
	}
}
