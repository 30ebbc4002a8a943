package oauth

import (
	"bytes"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
)

// T22: every state as it stands on MQTT: what, since when, what to type.
func TestHealthOfEveryState(t *testing.T) {
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		lives, over := now.Add(40*time.Minute), now.Add(-time.Minute)
		code := bridge.Dialect{Grant: bridge.GrantCode, Scope: "read", Refresh: &bridge.Ask{URL: "https://vendor.test/token"}}
		app := bridge.Dialect{Grant: bridge.GrantClient, Acquire: &bridge.Ask{URL: "https://vendor.test/token"}}
		portal := bridge.Dialect{Grant: bridge.GrantToken, Static: bridge.NewSecret("CANARY")}
		holds := func(expires time.Time) record {
			return record{Pair: pair{Access: "CANARY", Refresh: "CANARY", Obtained: now.Add(-20 * time.Minute), Expires: expires}}
		}
		fails := func(expires time.Time, c class, code string) record {
			r := holds(expires)
			r.Failures, r.Trouble = 3, fail(c, code, "what happened")
			r.NotBefore, r.Wait = now.Add(10*time.Minute), 10*time.Minute
			return r
		}
		ends := func(expires time.Time, e ending, c class) record {
			r := fails(expires, c, "")
			r.Ended = e
			return r
		}
		for _, c := range []struct {
			name   string
			d      bridge.Dialect
			r      record
			change func(a *account)
		}{
			{"never signed in", code, record{}, nil},
			{"signed out", code, record{Ended: signedOut}, nil},
			{"valid", code, holds(lives), nil},
			{"valid, without a known end", code, holds(time.Time{}), nil},
			{"valid, sign in soon", code, holds(lives), func(a *account) { a.conf.SignInBefore, a.rec.SignedIn = 13*24*time.Hour, now }},
			{"ended while latchkey was off", code, holds(over), nil},
			{"the network fails, the access token serves", code, fails(lives, classNotSent, ""), nil},
			{"the network fails, it does not", code, fails(over, classNotSent, ""), nil},
			{"vendor down", code, fails(over, classDown, ""), nil},
			{"throttled", code, fails(over, classThrottled, ""), nil},
			{"unreadable replies", code, fails(over, classStrange, ""), nil},
			{"the clock", code, fails(over, classClock, ""), nil},
			{"the disk", code, fails(over, classDisk, ""), nil},
			{"a pair waits to be saved", code, holds(lives), func(a *account) { a.held, a.heldAt = &record{}, now }},
			{"stopped in the middle of a renewal", code, func() record {
				r := holds(lives)
				r.Intent = &intent{Kind: kindRefresh, Started: now.Add(-time.Minute)}
				return r
			}(), nil},
			{"grant refused, the access token serves", code, ends(lives, endedGrant, classGrant), nil},
			{"grant refused, it does not", code, ends(over, endedGrant, classGrant), nil},
			{"client refused, the access token serves", code, ends(lives, endedClient, classClient), nil},
			{"client refused, it does not", code, ends(over, endedClient, classClient), nil},
			{"password refused", app, ends(over, endedGrant, classGrant), nil},
			{"moved, the access token serves", code, holds(lives), func(a *account) { a.conf.Moved = true }},
			{"moved, it does not", code, holds(over), func(a *account) { a.conf.Moved = true }},
			{"an access that was made to end", bridge.Dialect{}, holds(over), nil},
			{"credentials of an app, not fetched yet", app, record{}, nil},
			{"portal token", portal, record{}, nil},
			{"portal token refused", portal, record{}, func(a *account) { a.dead, a.notBefore = true, now }},
			{"calls of the day used up", code, holds(lives), func(a *account) {
				r := a.rec
				r.Day, r.Used = today(now), 1000
				a.rec, a.allowed = r, now
			}},
			{"record unreadable", code, record{}, func(a *account) {
				a.loaded, a.last = false, fail(classDisk, "", "the stored credentials cannot be read")
			}},
		} {
			k := New(Options{Store: empty{}, Owner: "here"})
			a := newAccount("gate")
			a.conf = &Account{ID: "gate", Dialect: c.d, LoginURL: "http://127.0.0.1:8087/accounts/gate/login"}
			a.jitter = 0.5
			a.adopt(c.r, 1, true)
			a.jitter = 0.5
			if c.change != nil {
				c.change(a)
			}
			a.due = k.plan(a, now)
			text, err := json.MarshalIndent(k.judge(a, now), "", " ")
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(text, []byte("CANARY")) {
				t.Errorf("%s: a secret is shown", c.name)
			}
			out.WriteString("# " + c.name + "\n" + string(text) + "\n\n")
		}
	})
	golden(t, "health.golden", out.String())
}
