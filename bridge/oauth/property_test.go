package oauth_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"latchkey/bridge"
)

// What may happen to an account, in any order.
var happenings = []string{"an hour", "a day", "no connection", "503", "hotel", "well again", "restart", "crash", "refused", "revoked", "sign-in"}

// Whatever the order of refreshes, crashes, outages, revocations and sign-ins: no
// refresh token is sent twice, and in the end the account serves, or asks for a
// sign-in if the vendor has revoked it since the last one.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		story := rapid.SliceOfN(rapid.SampledFrom(happenings), 1, 15).Draw(rt, "story")
		synctest.Test(t, func(t *testing.T) { live(t, story) })
		if t.Failed() {
			rt.Fatalf("after %q", story)
		}
	})
}

// live plays a story and judges its end.
func live(t *testing.T, story []string) {
	v, m := newVendor(), newMemory()
	h := signedIn(t, v, m)
	revoked := false
	for _, what := range story {
		switch what {
		case "an hour":
			time.Sleep(time.Hour)
		case "a day":
			time.Sleep(24 * time.Hour)
		case "no connection":
			v.act(noDial)
		case "503":
			v.act(say(503, ""))
		case "hotel":
			v.act(say(403, "<html>sign in to the hotel</html>"))
		case "well again":
			v.act(nil)
		case "restart":
			_ = h.end()
			h = start(t, v, m)
		case "crash": // of a keeper that rests: what is cut in half, TestCrashAtEveryStep has
			synctest.Wait()
			m = m.copy()
			_ = h.end()
			h = start(t, v, m)
		case "refused":
			h.refuse()
		case "revoked":
			revoked = true
			v.mu.Lock()
			for f := range v.identity {
				v.kill(f)
			}
			v.mu.Unlock()
		case "sign-in":
			v.act(nil)
			if err := h.signIn("anna"); err != nil {
				t.Errorf("sign-in: %v", err)
			}
			revoked = false
		}
		synctest.Wait()
	}
	v.act(nil)
	time.Sleep(16 * time.Minute)
	if token, err := h.bearer(); err == nil && !v.serves(token) {
		h.refuse()
		time.Sleep(16 * time.Minute)
	}
	synctest.Wait()
	sent := map[string]int{}
	for _, c := range v.calls {
		if c.what == "refresh" {
			sent[c.token]++
		}
	}
	for _, n := range sent {
		if n > 1 && !revoked {
			t.Errorf("a refresh token was sent %d times", n)
		}
	}
	if revoked {
		h.want(bridge.LoginNeeded, bridge.HealthRevoked, bridge.ActionLogin)
		return
	}
	h.wantServing()
	h.want(bridge.Valid, "", bridge.ActionNone)
}
