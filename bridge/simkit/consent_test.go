package simkit_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge/simkit"
)

func TestConsent(t *testing.T) {
	for _, tt := range []struct {
		name, decision string
		change         func(*simkit.Rules)
		query          []string
		status         int
		to             string // prefix of the Location
	}{
		{name: "state before code", decision: "allow", status: 302, to: callback + "?state=s%261&code="},
		{name: "no echo", decision: "allow", change: func(r *simkit.Rules) { r.NoEcho = true }, status: 302, to: callback + "?code="},
		{name: "refused", decision: "deny", status: 302, to: callback + "?state=s%261&error=access_denied"},
		{name: "refused, state alone", decision: "deny", change: func(r *simkit.Rules) { r.Denied = simkit.DeniedBare }, status: 302, to: callback + "?state=s%261"},
		{name: "refused, page", decision: "deny", change: func(r *simkit.Rules) { r.Denied = simkit.DeniedPage }, status: 400},
		{name: "page", status: 200},
		{name: "unknown client", decision: "allow", query: []string{"client_id", "nobody"}, status: 400},
		{name: "foreign address", decision: "allow", query: []string{"redirect_uri", callback + "/"}, status: 400},
		{name: "no scheme", decision: "allow", query: []string{"client_id", "other", "redirect_uri", "app.example/back"}, status: 400},
		{name: "any address", decision: "allow", query: []string{"client_id", "other", "redirect_uri", "http://127.0.0.1:1/x?y=z"}, status: 302, to: "http://127.0.0.1:1/x?y=z&state=s%261&code="},
		{name: "no response type", decision: "allow", query: []string{"response_type", ""}, status: 302, to: callback + "?state=s%261&error=unsupported_response_type"},
		{name: "scope of another user", decision: "allow", query: []string{"scope", "read admin"}, status: 200},
		{name: "unknown scope", decision: "allow", change: onlyRead, query: []string{"scope", "x"}, status: 302, to: callback + "?state=s%261&error=invalid_scope"},
		{name: "unknown scope, page", decision: "allow", change: func(r *simkit.Rules) { onlyRead(r); r.BadScope = simkit.BadScopePage }, query: []string{"scope", "x"}, status: 400},
		{name: "unknown scope, dropped", decision: "allow", change: func(r *simkit.Rules) { onlyRead(r); r.BadScope = simkit.BadScopeDropped }, query: []string{"scope", "x"}, status: 302, to: callback + "?state=s%261&code="},
		{name: "other name of the address", decision: "allow", change: func(r *simkit.Rules) { r.Return = []string{"redirect_url"} }, query: []string{"redirect_url", callback}, status: 302, to: callback + "?state=s%261&code="},
		{name: "extra parameters", decision: "deny", change: func(r *simkit.Rules) { r.Extra = map[string]string{"iss": "https://x"} }, status: 302, to: callback + "?state=s%261&error=access_denied&iss=https%3A%2F%2Fx"},
		{name: "no challenge", decision: "allow", change: func(r *simkit.Rules) { r.PKCE = true }, status: 302, to: callback + "?state=s%261&error=invalid_request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := rules()
			if tt.change != nil {
				tt.change(&r)
			}
			status, to := consent(t, simkit.NewIssuer(r), tt.decision, tt.query...)
			if status != tt.status || !strings.HasPrefix(to.String(), tt.to) || (tt.to == "") != (to.String() == "") {
				t.Errorf("got %d to %q, want %d to %q", status, to, tt.status, tt.to)
			}
		})
	}
}

func onlyRead(r *simkit.Rules) { r.ScopeOK = func(scope string) bool { return scope == "read" } }

func TestWrongPassword(t *testing.T) {
	i := simkit.NewIssuer(rules())
	i.Change(func(r *simkit.Rules) { r.Users[0].Password = "another" })
	if status, to := consent(t, i, "allow"); status != 200 || to.String() != "" {
		t.Errorf("got %d to %q, want the page again", status, to)
	}
}

func TestCode(t *testing.T) {
	t.Run("once", func(t *testing.T) {
		i := simkit.NewIssuer(rules())
		code := newCode(t, i)
		first := exchange(t, i, code)
		want := reply{Status: 200, Access: first.Access, Refresh: first.Refresh, Scope: "read", Life: 3600}
		if diff := cmp.Diff(want, first); diff != "" || first.Access == "" || first.Refresh == "" {
			t.Errorf("first use (-want +got):\n%s", diff)
		}
		g, ok := i.Access(first.Access)
		if diff := cmp.Diff(simkit.Grant{ID: 1, Type: "authorization_code", Client: "app", User: "ann", Of: "station", Scope: "read"}, g); !ok || diff != "" {
			t.Errorf("grant (-want +got):\n%s", diff)
		}
		if again := exchange(t, i, code); again.Error != simkit.InvalidGrant || !serves(i, first.Access) {
			t.Errorf("second use: %+v, first tokens serve: %v; want invalid_grant, true", again, serves(i, first.Access))
		}
		i.Change(func(r *simkit.Rules) { r.CodeReuseKills = true })
		if exchange(t, i, code); serves(i, first.Access) {
			t.Error("tokens of a code that was used twice serve on")
		}
	})
	t.Run("foreign", func(t *testing.T) {
		i := simkit.NewIssuer(rules())
		code := newCode(t, i)
		got := send(t, i, tokenRequest("client_id", "other", "client_secret", "x", "grant_type", "authorization_code", "code", code, "redirect_uri", callback))
		if got.Error != simkit.InvalidGrant {
			t.Errorf("another client's code: %+v", got)
		}
		if got := ask(t, i, "grant_type", "authorization_code", "code", code, "redirect_uri", callback+"/"); got.Error != simkit.InvalidGrant {
			t.Errorf("another address: %+v", got)
		}
		if got := exchange(t, i, code); got.Status != 200 {
			t.Errorf("refusals spent the code: %+v", got)
		}
	})
	t.Run("expired", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			i := simkit.NewIssuer(rules())
			code := newCode(t, i)
			time.Sleep(10 * time.Minute)
			if got := exchange(t, i, code); got.Error != simkit.InvalidGrant {
				t.Errorf("after ten minutes: %+v", got)
			}
		})
	})
	t.Run("PKCE", func(t *testing.T) { // RFC 7636, appendix B
		i := simkit.NewIssuer(rules())
		code := newCode(t, i, "code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method", "S256")
		if got := exchange(t, i, code); got.Error != simkit.InvalidGrant {
			t.Errorf("without verifier: %+v", got)
		}
		got := ask(t, i, "grant_type", "authorization_code", "code", code, "redirect_uri", callback,
			"code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
		if got.Status != 200 {
			t.Errorf("with verifier: %+v", got)
		}
	})
}

func TestPerson(t *testing.T) {
	i := simkit.NewIssuer(rules())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/login" { // the daemon's page, which leads to the vendor
			http.Redirect(w, r, "/authorize?"+form("response_type", "code", "client_id", "app", "redirect_uri", callback, "scope", "read", "state", "7").Encode(), http.StatusFound)
			return
		}
		i.ServeAuthorize(w, r)
	}))
	defer s.Close()
	ann := simkit.Person{Client: s.Client(), Name: "ann", Password: "pw"}
	back, err := ann.Allow(t.Context(), s.URL+"/login")
	if err != nil || !strings.HasPrefix(back, callback+"?state=7&code=") {
		t.Errorf("allow: %q, %v", back, err)
	}
	if back, err := ann.Deny(t.Context(), s.URL+"/login"); err != nil || back != callback+"?state=7&error=access_denied" {
		t.Errorf("deny: %q, %v", back, err)
	}
	ann.Password = "wrong"
	if back, err := ann.Allow(t.Context(), s.URL+"/login"); err == nil {
		t.Errorf("wrong password: %q, want an error", back)
	}
	if _, err := ann.Allow(t.Context(), s.URL+"/authorize?client_id=nobody"); err == nil || !strings.Contains(err.Error(), "400") {
		t.Errorf("error page: %v, want its status", err)
	}
}
