package simkit_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge/simkit"
)

func TestRotation(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*simkit.Rules)
		refresh string // what the reply brings: new, same, none
		reuse   bool   // the old refresh token is taken again
		spent   bool   // and still, after the new access token was used
		access  bool   // the old access token serves after the refresh
		used    bool   // and after the new one was used
	}{
		{"new", func(r *simkit.Rules) {}, "new", false, false, true, true},
		{"same", func(r *simkit.Rules) { r.Rotation = simkit.RotateSame }, "same", true, true, true, true},
		{"none", func(r *simkit.Rules) { r.Rotation = simkit.RotateNone }, "none", true, true, true, true},
		{"keep", func(r *simkit.Rules) { r.Rotation = simkit.RotateKeep }, "new", true, true, true, true},
		{"on use", func(r *simkit.Rules) {
			r.Rotation, r.OldAccess = simkit.RotateOnUse, simkit.OldAccessEndsOnUse
		}, "new", true, false, true, false},
		{"old access ends", func(r *simkit.Rules) { r.OldAccess = simkit.OldAccessEnds }, "new", false, false, false, false},
		{"grace", func(r *simkit.Rules) { r.Grace = time.Minute }, "new", true, true, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := rules()
			tt.change(&r)
			i := simkit.NewIssuer(r)
			old := i.Issue("app", "ann", "read")
			got := refresh(t, i, old.Refresh)
			brought := "new"
			switch got.Refresh {
			case "":
				brought = "none"
			case old.Refresh:
				brought = "same"
			}
			if got.Status != 200 || brought != tt.refresh || got.Access == old.Access {
				t.Fatalf("refresh: %+v, brought %s, want %s", got, brought, tt.refresh)
			}
			if s := serves(i, old.Access); s != tt.access {
				t.Errorf("old access token serves: %v, want %v", s, tt.access)
			}
			if s := refresh(t, i, old.Refresh).Status == 200; s != tt.reuse {
				t.Errorf("old refresh token taken again: %v, want %v", s, tt.reuse)
			}
			if !serves(i, got.Access) {
				t.Error("the new access token does not serve")
			}
			if s := serves(i, old.Access); s != tt.used {
				t.Errorf("old access token serves after the new one was used: %v, want %v", s, tt.used)
			}
			if s := refresh(t, i, old.Refresh).Status == 200; s != tt.spent {
				t.Errorf("old refresh token taken after that: %v, want %v", s, tt.spent)
			}
		})
	}
}

func TestReuseKillsTheFamily(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rules()
		r.ReuseKills, r.Grace = true, 10*time.Second
		i := simkit.NewIssuer(r)
		old, other := i.Issue("app", "ann", "read"), i.Issue("app", "ann", "read")
		first := refresh(t, i, old.Refresh)
		time.Sleep(9 * time.Second)
		if got := refresh(t, i, old.Refresh); got.Status != 200 || !serves(i, first.Access) {
			t.Errorf("within the grace time: %+v", got)
		}
		time.Sleep(time.Second)
		if got := refresh(t, i, old.Refresh); got.Error != simkit.InvalidGrant {
			t.Errorf("after the grace time: %+v", got)
		}
		if serves(i, first.Access) || refresh(t, i, first.Refresh).Status == 200 {
			t.Error("the newest pair lives on after a reuse")
		}
		if !serves(i, other.Access) {
			t.Error("another grant died with it")
		}
	})
}

func TestLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rules()
		r.AccessLife, r.RefreshLife = time.Hour, 24*time.Hour
		i := simkit.NewIssuer(r)
		is := i.Issue("app", "ann", "read")
		time.Sleep(time.Hour - 1)
		if !serves(i, is.Access) {
			t.Error("dead before its time")
		}
		time.Sleep(time.Nanosecond)
		if serves(i, is.Access) {
			t.Error("alive after its time")
		}
		if look, ok := i.Look(is.Access); !ok || look.Live || look.Use != "access" || !look.Expires.Equal(time.Now()) {
			t.Errorf("look: %+v", look)
		}
		time.Sleep(23 * time.Hour)
		if got := refresh(t, i, is.Refresh); got.Error != simkit.InvalidGrant {
			t.Errorf("refresh token after a day: %+v", got)
		}
	})
}

func TestTokenRefusals(t *testing.T) {
	req := func(change func(*http.Request), pairs ...string) *http.Request {
		r := tokenRequest(pairs...)
		if change != nil {
			change(r)
		}
		return r
	}
	basic := func(r *http.Request) { r.SetBasicAuth("app", "s3cret") }
	toQuery := func(r *http.Request) {
		*r = *httptest.NewRequest(http.MethodPost, "/token?"+form("client_id", "app", "client_secret", "s3cret", "grant_type", "refresh_token", "refresh_token", "R").Encode(), nil)
	}
	toJSON := func(r *http.Request) {
		*r = *httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(`{"client_id":"app","client_secret":"s3cret","grant_type":"refresh_token","refresh_token":"R"}`))
		r.Header.Set("Content-Type", "application/json")
	}
	good := []string{"client_id", "app", "client_secret", "s3cret", "grant_type", "refresh_token", "refresh_token", "R"}
	for _, tt := range []struct {
		name   string
		change func(*simkit.Rules)
		r      *http.Request
		status int
		code   string
	}{
		{"good", nil, req(nil, good...), 200, ""},
		{"wrong secret", nil, req(nil, "client_id", "app", "client_secret", "no", "grant_type", "refresh_token", "refresh_token", "R"), 401, "invalid_client"},
		{"no secret", nil, req(nil, "client_id", "app", "grant_type", "refresh_token", "refresh_token", "R"), 401, "invalid_client"},
		{"Basic where it is not read", nil, req(basic, "grant_type", "refresh_token", "refresh_token", "R"), 401, "invalid_client"},
		{"Basic", auth(simkit.AuthBasic), req(basic, "grant_type", "refresh_token", "refresh_token", "R"), 200, ""},
		{"both", auth(simkit.AuthBasic, simkit.AuthParams), req(basic, good...), 400, "invalid_request"},
		{"both, taken", func(r *simkit.Rules) { auth(simkit.AuthBasic, simkit.AuthParams)(r); r.TwoWays = true }, req(basic, good...), 200, ""},
		{"query", nil, req(toQuery), 401, "invalid_client"},
		{"query, read", places(simkit.InQuery), req(toQuery), 200, ""},
		{"JSON", nil, req(toJSON), 400, "invalid_request"},
		{"JSON, read", places(simkit.InJSON), req(toJSON), 200, ""},
		{"form where JSON is read", places(simkit.InJSON), req(nil, good...), 401, "invalid_client"},
		{"repeated", nil, req(nil, append(good, "refresh_token", "R")...), 400, "invalid_request"},
		{"unknown parameter", nil, req(nil, append(good, "redirect_uri", callback)...), 400, "invalid_request"},
		{"unknown parameter, ignored", func(r *simkit.Rules) { r.Lenient = true }, req(nil, append(good, "redirect_uri", callback)...), 200, ""},
		{"no grant type", nil, req(nil, good[:4]...), 400, "invalid_request"},
		{"unknown grant type", nil, req(nil, append(good[:4:4], "grant_type", "user_credentials")...), 400, "unsupported_grant_type"},
		{"grant type that is off", nil, req(nil, append(good[:4:4], "grant_type", "client_credentials")...), 400, "unsupported_grant_type"},
		{"missing", nil, req(nil, append(good[:4:4], "grant_type", "refresh_token")...), 400, "invalid_request"},
		{"unknown token", nil, req(nil, append(good[:4:4], "grant_type", "refresh_token", "refresh_token", "?")...), 400, "invalid_grant"},
		{"access token as refresh token", nil, req(nil, append(good[:4:4], "grant_type", "refresh_token", "refresh_token", "A")...), 400, "invalid_grant"},
		{"another client's", nil, req(nil, "client_id", "other", "client_secret", "x", "grant_type", "refresh_token", "refresh_token", "R"), 400, "invalid_grant"},
		{"wider scope", nil, req(nil, append(good, "scope", "read write")...), 400, "invalid_scope"},
		{"GET", nil, httptest.NewRequest(http.MethodGet, "/token", nil), 405, ""},
		{"own words", func(r *simkit.Rules) {
			r.Refuse = func(f simkit.Refusal) *simkit.Answer {
				return simkit.JSON(200, map[string]string{"error": f.Type + ": " + f.Code})
			}
		}, req(nil, append(good[:4:4], "grant_type", "refresh_token", "refresh_token", "?")...), 200, "refresh_token: invalid_grant"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := rules()
			r.NewToken = func(use string) string { return strings.ToUpper(use[:1]) }
			if tt.change != nil {
				tt.change(&r)
			}
			i := simkit.NewIssuer(r)
			i.Issue("app", "ann", "read")
			if got := send(t, i, tt.r); got.Status != tt.status || got.Error != tt.code {
				t.Errorf("got %d %q, want %d %q", got.Status, got.Error, tt.status, tt.code)
			}
		})
	}
}

func auth(ways ...simkit.ClientAuth) func(*simkit.Rules) {
	return func(r *simkit.Rules) { r.Auth = ways }
}
func places(in ...simkit.Place) func(*simkit.Rules) { return func(r *simkit.Rules) { r.In = in } }

// authservers.md: what one way of Basic takes with such a secret, the other refuses.
func TestBasicEncoding(t *testing.T) {
	const secret = "a+b%2F:c"
	for _, tt := range []struct {
		way           simkit.ClientAuth
		raw, encoded  int
		user, escaped string
	}{
		{simkit.AuthBasic, 200, 401, secret, "a%2Bb%252F%3Ac"},
		{simkit.AuthBasicEncoded, 401, 200, secret, "a%2Bb%252F%3Ac"},
	} {
		r := simkit.Rules{Clients: []simkit.Client{{ID: "app", Secret: secret}}, Auth: []simkit.ClientAuth{tt.way}, Grants: []string{"client_credentials"}}
		for pass, want := range map[string]int{tt.user: tt.raw, tt.escaped: tt.encoded} {
			req := tokenRequest("grant_type", "client_credentials")
			req.SetBasicAuth("app", pass)
			if got := send(t, simkit.NewIssuer(r), req); got.Status != want {
				t.Errorf("%s with %q: %d, want %d", tt.way, pass, got.Status, want)
			}
		}
	}
}

func TestOtherGrants(t *testing.T) {
	all := func(r *simkit.Rules) { r.Grants = []string{"client_credentials", "password", "refresh_token"} }
	t.Run("app", func(t *testing.T) {
		r := rules()
		all(&r)
		i := simkit.NewIssuer(r)
		first := ask(t, i, "grant_type", "client_credentials", "scope", "read")
		if first.Status != 200 || first.Refresh != "" {
			t.Errorf("got %+v, want no refresh token", first)
		}
		i.Change(func(r *simkit.Rules) { r.AppOldEnds, r.AppRefresh = true, true })
		if second := ask(t, i, "grant_type", "client_credentials"); second.Refresh == "" || serves(i, first.Access) || !serves(i, second.Access) {
			t.Errorf("got %+v, old serves: %v", second, serves(i, first.Access))
		}
	})
	t.Run("same again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := rules()
			all(&r)
			r.SameAccess = true
			i := simkit.NewIssuer(r)
			first := ask(t, i, "grant_type", "client_credentials")
			time.Sleep(10 * time.Second)
			if got := ask(t, i, "grant_type", "client_credentials"); got.Access != first.Access || got.Life != 3590 {
				t.Errorf("got %+v, want the same token with what remains", got)
			}
		})
	})
	t.Run("password", func(t *testing.T) {
		r := rules()
		all(&r)
		i := simkit.NewIssuer(r)
		if got := ask(t, i, "grant_type", "password", "username", "ann", "password", "pw", "scope", "read"); got.Status != 200 || got.Refresh == "" {
			t.Errorf("right password: %+v", got)
		}
		if got := ask(t, i, "grant_type", "password", "username", "ann", "password", "?"); got.Error != simkit.InvalidGrant {
			t.Errorf("wrong password: %+v", got)
		}
		if got := ask(t, i, "grant_type", "password", "username", "ann", "password", "pw", "scope", "all"); got.Error != simkit.InvalidScope {
			t.Errorf("scope that is not the user's: %+v", got)
		}
		i.Change(func(r *simkit.Rules) {
			r.Needs = map[string][]string{"password": {"external_authentication_token"}}
		})
		if got := ask(t, i, "grant_type", "password", "external_authentication_token", "ext-1"); got.Status != 200 {
			t.Errorf("external token: %+v", got)
		}
		if got := ask(t, i, "grant_type", "password", "external_authentication_token", "?"); got.Error != simkit.InvalidGrant {
			t.Errorf("unknown external token: %+v", got)
		}
	})
	t.Run("secretless", func(t *testing.T) {
		r := rules()
		r.Secretless = true
		i := simkit.NewIssuer(r)
		got := send(t, i, tokenRequest("client_id", "app", "grant_type", "authorization_code", "code", newCode(t, i), "redirect_uri", callback))
		if got.Status != 200 || got.Refresh != "" {
			t.Errorf("got %+v, want an access token alone", got)
		}
	})
	t.Run("mint", func(t *testing.T) {
		r := rules()
		r.Mint = func(asked, _ string) (string, bool) { return asked, strings.HasPrefix(asked, "system=") }
		i := simkit.NewIssuer(r)
		old := i.Issue("app", "ann", "")
		minted := refresh(t, i, old.Refresh, "scope", "system=1")
		if minted.Scope != "system=1" || minted.Refresh != "" || refresh(t, i, old.Refresh).Status != 200 {
			t.Errorf("minted %+v, want a narrow access token and nothing spent", minted)
		}
	})
}

// A code may be exchanged for a scope of its own.
func TestScopeOfExchange(t *testing.T) {
	r := rules()
	r.Scope = func(asked, granted string) (string, bool) { return asked, asked != "all" }
	i := simkit.NewIssuer(r)
	code := newCode(t, i, "scope", "read")
	with := func(scope string) reply {
		return ask(t, i, "grant_type", "authorization_code", "code", code, "redirect_uri", callback, "scope", scope)
	}
	if got := with("all"); got.Status != 400 || got.Error != simkit.InvalidScope {
		t.Errorf("a scope that is not allowed: %+v", got)
	}
	got := with("narrow")
	if again := refresh(t, i, got.Refresh); got.Scope != "narrow" || again.Scope != "narrow" {
		t.Errorf("scopes %q, then %q, want narrow", got.Scope, again.Scope)
	}
}

func TestEnd(t *testing.T) {
	i := simkit.NewIssuer(rules())
	one, two, three := i.Issue("app", "ann", "read"), i.Issue("app", "ann", "read"), i.Issue("app", "bob", "read")
	if !i.End(one.Access, false) || i.End(one.Access, false) || i.End("?", true) {
		t.Error("End does not tell whether the token served")
	}
	if refresh(t, i, one.Refresh).Status != 200 {
		t.Error("the refresh token died with the access token alone")
	}
	if i.End(two.Access, true); serves(i, two.Access) || refresh(t, i, two.Refresh).Status == 200 {
		t.Error("the grant outlives its end")
	}
	if i.EndUser("ann"); !serves(i, three.Access) {
		t.Error("another user was signed out too")
	}
	if i.EndAccess(); serves(i, three.Access) || refresh(t, i, three.Refresh).Status != 200 {
		t.Error("EndAccess must end access tokens and nothing else")
	}
}

func TestBearer(t *testing.T) {
	i := simkit.NewIssuer(rules())
	is := i.Issue("app", "ann", "read")
	for header, want := range map[string]bool{"Bearer " + is.Access: true, "bearer " + is.Access: true, "Basic " + is.Access: false, "Bearer " + is.Refresh: false, "": false} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", header)
		if _, ok := i.Bearer(r); ok != want {
			t.Errorf("%.10s…: %v, want %v", header, ok, want)
		}
	}
}

// Four refreshes at once: one pair, three refusals, and on servers that detect
// reuse the winner's tokens are dead too (authservers.md).
func TestRefreshAtOnce(t *testing.T) {
	r := rules()
	r.ReuseKills = true
	i := simkit.NewIssuer(r)
	old := i.Issue("app", "ann", "read")
	got := make([]reply, 4)
	var wg sync.WaitGroup
	for n := range got {
		wg.Go(func() { got[n] = refresh(t, i, old.Refresh) })
	}
	wg.Wait()
	won := 0
	for _, g := range got {
		if g.Status == 200 {
			won++
			if serves(i, g.Access) {
				t.Error("the winner's token serves")
			}
		}
	}
	if won != 1 {
		t.Errorf("%d refreshes won, want 1", won)
	}
}

func TestSecrets(t *testing.T) {
	i := simkit.NewIssuer(rules())
	is := i.Issue("app", "ann", "read")
	code := newCode(t, i)
	got := map[string]bool{}
	for _, s := range i.Secrets() {
		got[s] = true
	}
	want := map[string]bool{is.Access: true, is.Refresh: true, code: true, "s3cret": true, "x": true, "pw": true, "ext-1": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
}
