package oauth

import (
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
)

// What an attempt sends, by what the record holds and the dialect can.
func TestNextCall(t *testing.T) {
	ask := &bridge.Ask{}
	both := bridge.Dialect{Grant: bridge.GrantPassword, Refresh: ask, Acquire: ask}
	code := bridge.Dialect{Grant: bridge.GrantCode, Refresh: ask}
	has := record{Pair: pair{Access: "a", Refresh: "r"}}
	open := has
	open.Intent = &intent{Kind: kindRefresh}
	acquiring := has
	acquiring.Intent = &intent{Kind: kindAcquire}
	dead := has
	dead.RefreshDead = true
	for _, c := range []struct {
		name   string
		d      bridge.Dialect
		r      record
		serves bool
		want   kind
	}{
		{"closed", code, has, true, kindRefresh},
		{"(a) open and it serves", code, open, true, kindNone},
		{"(b) open and it does not", code, open, false, kindRefresh},
		{"open in an acquisition holds nothing up", both, acquiring, true, kindRefresh},
		{"refresh token first", both, has, false, kindRefresh},
		{"refresh token dead", both, dead, false, kindAcquire},
		{"no refresh token", both, record{}, false, kindAcquire},
		{"client credentials ask anew", bridge.Dialect{Grant: bridge.GrantClient, Refresh: ask, Acquire: ask}, has, true, kindAcquire},
		{"never signed in", code, record{}, false, kindNone},
		{"no refresh in the dialect", bridge.Dialect{Grant: bridge.GrantCode}, has, false, kindNone},
		{"portal", bridge.Dialect{Grant: bridge.GrantToken, Static: bridge.NewSecret("x")}, record{}, false, kindTrial},
	} {
		if got := c.r.next(&c.d, c.serves); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// While the journal is open and the access token serves, no attempt is even begun,
// also where the vendor has refused the client meanwhile.
func TestNothingDueWhileOpen(t *testing.T) {
	for _, ended := range []ending{"", endedClient} {
		synctest.Test(t, func(t *testing.T) {
			k, now := New(Options{Store: empty{}}), time.Now()
			if err := k.Add(Account{ID: "gate", Dialect: bridge.Dialect{Refresh: &bridge.Ask{URL: "https://vendor.test/token", Params: []bridge.Param{{Name: "refresh_token", From: bridge.FieldRefreshToken}}}}}); err != nil {
				t.Fatal(err)
			}
			a := k.find("gate")
			k.update(a, func() {
				a.use(record{Pair: pair{Access: "a", Refresh: "r", Obtained: now, Expires: now.Add(time.Hour)}, Ended: ended,
					Intent: &intent{Kind: kindRefresh, Lost: true}, Failures: 1, Trouble: fail(classClient, "", "")}, now)
			})
			if got := a.due.Sub(now); got != time.Hour {
				t.Errorf("ended %q: a token call is due in %s, want the end of the access token", ended, got)
			}
		})
	}
}
