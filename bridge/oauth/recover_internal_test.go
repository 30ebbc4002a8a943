package oauth

import (
	"testing"

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
