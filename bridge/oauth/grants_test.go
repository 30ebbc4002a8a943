package oauth_test

import (
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// app makes the account one of client credentials.
func app(_ *oauth.Options, a *oauth.Account) { a.Dialect = appDialect() }

// password makes it one of user name and password.
func password(text string) func(*oauth.Options, *oauth.Account) {
	return func(_ *oauth.Options, a *oauth.Account) {
		a.Dialect = appDialect()
		a.Dialect.Grant, a.Dialect.Refresh = bridge.GrantPassword, dialect().Refresh
		a.Dialect.Login = bridge.Login{Username: "anna", Password: bridge.NewSecret(text)}
		a.Dialect.Acquire.Params = []bridge.Param{{Name: "grant_type", Text: "password"}, {Name: "password", From: bridge.FieldPassword}}
	}
}

// Client credentials acquire by themselves and ask anew: no refresh token is
// needed, and one that comes is not used.
func TestClientCredentials(t *testing.T) {
	for name, none := range map[string]bool{"no refresh token": true, "one comes": false} {
		bubble(name, t, func(t *testing.T) {
			v, m := newVendor(), newMemory()
			v.noRefresh = none
			h := start(t, v, m, app)
			h.wantServing()
			time.Sleep(24 * time.Hour)
			h.wantServing()
			h.want(bridge.Valid, "", bridge.ActionNone)
			if a, r := v.count("acquire"), v.count("refresh"); a < 30 || a > 40 || r != 0 {
				t.Errorf("%d acquired, %d refreshed", a, r)
			}
			_ = h.end()
			h = start(t, v, m, app)
			h.wantServing()
		})
	}
}

// A lost reply spends nothing where tokens are acquired.
func TestAcquireReplyLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		v.fault = []faultFunc{dropReply, dropReply}
		h := start(t, v, newMemory(), app)
		synctest.Wait()
		h.want(bridge.Expired, bridge.HealthNetwork, bridge.ActionNone)
		time.Sleep(2 * time.Minute)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})
}

// T18: a wrong password is tried once, whatever is pressed or restarted; a
// mended configuration is tried at once.
func TestWrongPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := start(t, v, m, password("wrong"))
		for range 20 {
			time.Sleep(12 * time.Hour)
			ctx := bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(t.Context())
			if _, err := h.Tokens("gate").Bearer(ctx, ""); !reasonIs(err, bridge.ReasonLoginNeeded) {
				t.Fatalf("Bearer() = %v", err)
			}
			h.want(bridge.LoginNeeded, bridge.HealthRevoked, bridge.ActionLogin)
			_ = h.end()
			h = start(t, v, m, password("wrong"))
		}
		if n := v.count(""); n != 1 {
			t.Errorf("a wrong password was sent %d times, want once", n)
		}
		_ = h.end()
		h = start(t, v, m, password("right"))
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		time.Sleep(24 * time.Hour)
		h.wantServing()
		if n := v.count("acquire"); n != 2 {
			t.Errorf("a password was sent %d times, want twice: then the refresh token is used", n)
		}
	})
}

// A password waits out its back-off, even when somebody presses.
func TestPasswordNotEager(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		fault, n := counted(say(503, ""))
		v.act(fault)
		h := start(t, v, newMemory(), password("right"))
		for range 8 {
			time.Sleep(7 * time.Second)
			ctx := bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(t.Context())
			_, _ = h.Tokens("gate").Bearer(ctx, "")
		}
		if n.Load() != 1 {
			t.Errorf("a password was sent %d times within a minute, want once", n.Load())
		}
		time.Sleep(24 * time.Hour)
		if n.Load() > 12+2*38 {
			t.Errorf("a password was sent %d times a day", n.Load())
		}
	})
}

// T7: a wrong secret is the client's fault: no sign-in is asked for, once a day
// is tried, and the right secret heals.
func TestWrongClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		v.mu.Lock()
		v.secret = "another"
		v.mu.Unlock()
		time.Sleep(2 * time.Hour)
		h.want(bridge.Misconfigured, bridge.HealthClientRefused, bridge.ActionCheckClient)
		look := oauth.New(oauth.Options{Store: m, Unread: true})
		standIn := oauth.Account{ID: "gate", Dialect: dialect()}
		standIn.Dialect.Secret = bridge.NewSecret("not read")
		if err := look.Add(standIn); err != nil || look.Health("gate").State != bridge.Misconfigured {
			t.Errorf("a look without the secret: %v, %s, want misconfigured", err, look.Health("gate").State)
		}
		for range 10 {
			_ = h.end()
			h = start(t, v, m)
			time.Sleep(time.Minute)
		}
		if n := v.count("refresh_token"); n != 1 {
			t.Errorf("%d calls, want 1", n)
		}
		time.Sleep(7 * 24 * time.Hour)
		if n := v.count("refresh_token"); n < 7 || n > 10 {
			t.Errorf("%d calls in a week, want one a day", n)
		}
		fixed := oauth.Account{ID: "gate", Dialect: dialect()}
		fixed.Dialect.Secret = bridge.NewSecret("another")
		if err := h.Add(fixed); err != nil {
			t.Fatal(err)
		}
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	})
}

// A token of the portal serves until the vendor refuses it, and is tried again.
func TestPortalToken(t *testing.T) {
	static := func(ask bool) func(*oauth.Options, *oauth.Account) {
		return func(_ *oauth.Options, a *oauth.Account) {
			a.Dialect = bridge.Dialect{Grant: bridge.GrantToken, Static: bridge.NewSecret(canary + "-portal")}
			if ask {
				a.Dialect.Identity = dialect().Identity
			}
		}
	}
	for name, ask := range map[string]bool{"can be tried": true, "cannot": false} {
		bubble(name, t, func(t *testing.T) {
			v, m := newVendor(), newMemory()
			v.life = 1000 * time.Hour
			h := start(t, v, m, static(ask))
			token, err := h.bearer()
			if err != nil || token != canary+"-portal" {
				t.Fatalf("Bearer() = %v", err)
			}
			h.want(bridge.Valid, "", bridge.ActionNone)
			time.Sleep(100 * time.Hour)
			b := bridge.Bearer{Token: bridge.NewSecret(token)}
			h.Tokens("gate").Refused(b)
			h.want(bridge.Misconfigured, bridge.HealthClientRefused, bridge.ActionCheckClient)
			time.Sleep(59 * time.Second)
			h.want(bridge.Misconfigured, bridge.HealthClientRefused, bridge.ActionCheckClient)
			if !ask {
				time.Sleep(2 * time.Second)
				h.want(bridge.Valid, "", bridge.ActionNone)
				return
			}
			time.Sleep(24 * time.Hour)
			h.want(bridge.Misconfigured, bridge.HealthClientRefused, bridge.ActionCheckClient)
			v.mu.Lock()
			v.access[token], v.ends[token] = 1, time.Now().Add(1000*time.Hour)
			v.mu.Unlock()
			time.Sleep(24 * time.Hour)
			h.wantServing()
			h.want(bridge.Valid, "", bridge.ActionNone)
			if m.saves != 0 {
				t.Errorf("%d writes for a token of the configuration", m.saves)
			}
		})
	}
}

// An access that was made to end (NetRex without a secret) ends without alarm.
func TestAccessEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		v.noRefresh = true
		h := signedIn(t, v, newMemory(), func(_ *oauth.Options, a *oauth.Account) { a.Dialect.Secret = bridge.Secret{} })
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		time.Sleep(time.Hour)
		h.want(bridge.SignedOut, bridge.HealthAccessEnded, bridge.ActionNone)
		if n := v.count(""); n != 1 {
			t.Errorf("%d token calls, want the exchange alone", n)
		}
	})
}

// T4: a grant restored beside another installation is not refreshed before a yes.
func TestMoved(t *testing.T) {
	moved := func(o *oauth.Options, a *oauth.Account) { o.Owner, a.Moved = "elsewhere", true }
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		_ = h.end()
		saves := m.saves
		h = start(t, v, m, moved)
		h.wantServing()
		h.want(bridge.Retrying, bridge.HealthMoved, bridge.ActionLogin)
		time.Sleep(24 * time.Hour)
		h.want(bridge.LoginNeeded, bridge.HealthMoved, bridge.ActionLogin)
		if err := h.Refresh(t.Context(), "gate"); !reasonIs(err, bridge.ReasonDenied) {
			t.Errorf("Refresh() = %v", err)
		}
		if n := v.count("refresh"); n != 0 || m.saves != saves {
			t.Errorf("%d refreshes, %d writes before the yes", n, m.saves-saves)
		}
		if err := h.signIn("anna"); err != nil {
			t.Fatal(err)
		}
		_ = h.end()
		h = start(t, v, m, moved) // the store still says so; the record knows better
		time.Sleep(24 * time.Hour)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		_ = h.end()
		h = start(t, v, m) // taken over by the first
		time.Sleep(24 * time.Hour)
		h.wantServing()
	})
}

// An account that signs in by itself takes nothing from the other installation: it
// gets itself a grant of its own, and revokes only that.
func TestMovedPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := start(t, v, m, password("right"))
		h.wantServing()
		_ = h.end()
		_, theirs, _ := h.tokens()
		moved := func(o *oauth.Options, a *oauth.Account) { o.Owner, a.Moved = "elsewhere", true }
		h = start(t, v, m.copy(), moved, password("right"))
		if bye, err := h.Logout(t.Context(), "gate"); err != nil || bye.Revoked || v.count("revoke") > 0 {
			t.Errorf("Logout() = %+v, %v: the grant of the other installation", bye, err)
		}
		_ = h.end()
		for range 2 { // the second time by what the first has got
			h = start(t, v, m, moved, password("right"))
			h.wantServing()
			time.Sleep(24 * time.Hour)
			h.wantServing()
			h.want(bridge.Valid, "", bridge.ActionNone)
			_ = h.end()
		}
		if n := v.count("acquire"); n != 2 || v.refresh[theirs] == 0 {
			t.Errorf("%d grants, want one for each installation; the other's is alive: %v", n, v.refresh[theirs] != 0)
		}
	})
}
