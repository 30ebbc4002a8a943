package oauth_test

import (
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// inWords is a vendor whose errors are sentences.
func inWords(_ *oauth.Options, a *oauth.Account) {
	a.Dialect.Reading = bridge.Reading{FreeText: true, Sentences: []bridge.Sentence{
		{Holds: "system error", Means: bridge.Passing}, {Holds: "Token", Means: bridge.BadGrant}, {Holds: "client", Means: bridge.BadClient}}}
}

// What a refused refresh comes to, by the words of the refusal: while the access
// token serves, and when it does not. A sentence that tells nothing may have been
// said in passing, so what it ended heals by itself; a stop is kept over restarts.
func TestSentences(t *testing.T) {
	for name, c := range map[string]struct {
		text   string
		state  bridge.TokenState
		reason bridge.HealthReason
		action bridge.UserAction
		calls  int64 // in the first three days
		heals  bool
	}{
		"the grant's":  {"Refresh TOKEN was deleted by a client", bridge.LoginNeeded, bridge.HealthRevoked, bridge.ActionLogin, 1, false},
		"the client's": {"Unknown client", bridge.Misconfigured, bridge.HealthClientRefused, bridge.ActionCheckClient, 4, true},
		"nobody's":     {"Sorry.", bridge.LoginNeeded, bridge.HealthRevoked, bridge.ActionLogin, 5, true},
	} {
		bubble(name, t, func(t *testing.T) {
			v, m := newVendor(), newMemory()
			h := signedIn(t, v, m, inWords)
			v.oldDies = false
			fault, calls := counted(say(200, `{"error":"`+c.text+`"}`))
			v.act(fault)
			time.Sleep(50 * time.Minute)
			h.want(bridge.Retrying, c.reason, c.action)
			h.wantServing()
			time.Sleep(20 * time.Minute)
			h.want(c.state, c.reason, c.action)
			time.Sleep(70 * time.Hour)
			if n := calls.Load(); n != c.calls {
				t.Errorf("%d token calls in three days, want %d", n, c.calls)
			}
			for range 50 { // T8: restarts are no reason to ask
				_ = h.end()
				h = start(t, v, m, inWords)
				time.Sleep(time.Second)
			}
			if n := calls.Load(); n > c.calls+1 { // the daily one may fall into it
				t.Errorf("%d token calls after fifty restarts", n)
			}
			h.want(c.state, c.reason, c.action)
			v.act(nil)
			time.Sleep(25 * time.Hour)
			if c.heals {
				h.wantServing()
				h.want(bridge.Valid, "", bridge.ActionNone)
			} else {
				h.want(c.state, c.reason, c.action)
			}
		})
	}
}

// T6: the vendor's own trouble, told in a sentence, ends nothing; nor does it when
// it is told as something vague for a moment.
func TestSentencesInAnOutage(t *testing.T) {
	for _, text := range []string{"A System Error occurred.", "Sorry."} {
		synctest.Test(t, func(t *testing.T) {
			v := newVendor()
			h := signedIn(t, v, newMemory(), inWords)
			v.act(say(200, `{"error":"`+text+`"}`))
			time.Sleep(46 * time.Minute) // a refresh is due after 39 to 45
			h.wantServing()
			v.act(nil)
			time.Sleep(16 * time.Minute)
			h.wantServing()
			h.want(bridge.Valid, "", bridge.ActionNone)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory(), inWords)
		v.act(say(200, `{"error":"System error"}`))
		time.Sleep(7 * 24 * time.Hour)
		h.want(bridge.Expired, bridge.HealthVendorDown, bridge.ActionNone)
		v.act(nil)
		time.Sleep(16 * time.Minute)
		h.wantServing()
	})
}
