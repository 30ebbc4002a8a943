package dwspectrumsim_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge/simkit"
	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

// The article's examples: code, refresh with its `cloud_portal`, list, introspect,
// revoke in its order.
func TestArticle(t *testing.T) {
	c := open(t, sim.Settings{})
	u, _ := c.signIn("redirect_url=http%3A%2F%2F127.0.0.1%2Fback%3Fa%3Db&client_id=x&state=S")
	if u.Query().Get("a") != "b" || u.Query().Get("state") != "S" || u.Query().Get("code") == "" {
		t.Fatalf("came back to %v", u)
	}
	first := c.do("POST", "/oauth/token/", `{"grant_type":"authorization_code","response_type":"token","code":"`+u.Query().Get("code")+`"}`).json(t)
	for name, want := range map[string]any{"expires_in": "86400", "token_type": "bearer", "prolongation_period": "600", "scope": sim.DefaultScope} {
		if first[name] != want {
			t.Errorf("%s is %v, want %v", name, first[name], want)
		}
	}
	if at, ok := first["expires_at"].(string); !ok || len(at) != 13 {
		t.Errorf("expires_at is %v", first["expires_at"])
	}
	second := c.do("POST", "/cdb/oauth2/token", fmt.Sprintf(`{"client_id":"cloud_portal","grant_type":"refresh_token","response_type":"token","refresh_token":%q,"scope":%q}`,
		first["refresh_token"], host+" cloudSystemId=*")).json(t)
	access, refresh := fmt.Sprint(second["access_token"]), fmt.Sprint(second["refresh_token"])
	if second["scope"] != sim.DefaultScope || refresh == first["refresh_token"] {
		t.Errorf("refreshed to %v", second)
	}
	if r := c.with(access, "GET", "/api/systems/", ""); r.status != 200 || !strings.HasPrefix(r.body, "[") || !strings.Contains(r.body, "authKey") {
		t.Errorf("systems: %+v", r)
	}
	if r := c.with(access, "GET", "/cdb/systems?systemId="+sim.System61, ""); !strings.HasPrefix(r.body, `{"systems":[{`) || strings.Contains(r.body, sim.System60) {
		t.Errorf("one system: %+v", r)
	}
	info := c.with(access, "GET", "/oauth/introspect/?token="+access, "").json(t)
	if info["active"] != true || info["username"] != sim.DemoUser {
		t.Errorf("introspection: %v", info)
	}
	for _, token := range []string{refresh, access} {
		if r := c.with(access, "POST", "/oauth/revoke/", `{"token":"`+token+`"}`); r.status != 200 {
			t.Errorf("revoke: %+v", r)
		}
	}
	if r := c.with(access, "GET", "/api/systems/", ""); r.status != 401 {
		t.Errorf("a revoked token: %+v", r)
	}
}

// The table of refusals, as far as it is about tokens.
func TestRefusedTokens(t *testing.T) {
	const good = `"grant_type":"refresh_token","response_type":"token"`
	for _, c := range []struct {
		name   string
		set    sim.Settings
		do     func(c *cloud, g simkit.Issued) reply
		status int
		code   string
	}{
		{"form body", sim.Settings{}, func(c *cloud, g simkit.Issued) reply {
			return c.do("POST", "/oauth/token/", "grant_type=refresh_token&response_type=token&refresh_token="+g.Refresh, "Content-Type", "application/x-www-form-urlencoded")
		}, 400, "invalidFormat"},
		{"bad JSON", sim.Settings{}, func(c *cloud, _ simkit.Issued) reply { return c.do("POST", "/oauth/token/", "{") }, 400, "invalidFormat"},
		{"no response_type", sim.Settings{}, func(c *cloud, g simkit.Issued) reply {
			return c.do("POST", "/oauth/token/", `{"grant_type":"refresh_token","refresh_token":"`+g.Refresh+`"}`)
		}, 400, "badRequest"},
		{"unknown parameter", sim.Settings{}, func(c *cloud, g simkit.Issued) reply {
			return c.do("POST", "/oauth/token/", `{`+good+`,"audience":"x","refresh_token":"`+g.Refresh+`"}`)
		}, 400, "badRequest"},
		{"no slash", sim.Settings{}, func(c *cloud, _ simkit.Issued) reply { return c.do("POST", "/oauth/token", "{}") }, 301, ""},
		{"the GET that follows", sim.Settings{}, func(c *cloud, _ simkit.Issued) reply { return c.do("GET", "/oauth/token/", "") }, 405, ""},
		{"used code", sim.Settings{}, usedCode, 401, "notAuthorized"},
		{"used code, 400", sim.Settings{CodeStatus: 400}, usedCode, 400, "notAuthorized"},
		{"used code, 403", sim.Settings{CodeStatus: 403}, usedCode, 403, "notAuthorized"},
		{"dead refresh token", sim.Settings{}, dead, 401, "notAuthorized"},
		{"signed out elsewhere", sim.Settings{DeadCode: "credentialsRemovedPermanently"}, dead, 401, "credentialsRemovedPermanently"},
		{"other shape", sim.Settings{PortalErrors: "html"}, dead, 401, ""},
		{"wider scope", sim.Settings{WiderRefused: true}, wider, 403, "forbidden"},
		{"wider scope, old one back", sim.Settings{}, wider, 200, ""},
		{"system token on a cloud route", sim.Settings{}, scoped("cloudSystemId="+sim.System61, "GET", "/api/systems/"), 403, "forbidden"},
		{"system token on a cloud route, 401", sim.Settings{ScopeStatus: 401}, scoped("cloudSystemId="+sim.System61, "GET", "/api/systems/"), 401, "forbidden"},
		{"token scope on systems", sim.Settings{}, scoped(host+"/cdb/oauth2/token cloudSystemId=*", "GET", "/api/systems/"), 403, "forbidden"},
		{"systems scope on systems", sim.Settings{}, scoped(host+"/cdb/system cloudSystemId=*", "GET", "/api/systems/"), 200, ""},
		{"systems scope on systems by CDB", sim.Settings{SystemsByCDB: true}, scoped(host+"/cdb/system cloudSystemId=*", "GET", "/api/systems/"), 403, "forbidden"},
		{"systems scope on its own revoke", sim.Settings{}, scoped(host+"/cdb/system cloudSystemId=*", "POST", "/oauth/revoke/"), 403, "forbidden"},
		{"access token revoked first", sim.Settings{}, func(c *cloud, g simkit.Issued) reply {
			c.with(g.Access, "POST", "/oauth/revoke/", `{"token":"`+g.Access+`"}`)
			return c.with(g.Access, "POST", "/oauth/revoke/", `{"token":"`+g.Refresh+`"}`)
		}, 401, "notAuthorized"},
		{"wrong password", sim.Settings{}, func(c *cloud, _ simkit.Issued) reply {
			return c.do("POST", "/oauth/token/", `{"grant_type":"password","response_type":"token","client_id":"3rdParty","username":"anna@example.com","password":"x"}`)
		}, 401, "badUsername"},
		{"busy", sim.Settings{}, func(c *cloud, g simkit.Issued) reply {
			c.Faults.Add(simkit.Fault{On: "POST /oauth/token/", Do: sim.Busy})
			return dead(c, g)
		}, 503, "retryLater"},
		{"not ok", sim.Settings{}, func(c *cloud, g simkit.Issued) reply {
			c.Faults.Add(simkit.Fault{On: "POST /oauth/token/", Do: sim.NotOK})
			return dead(c, g)
		}, 200, "retryLater"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := open(t, c.set)
			r := c.do(cl, cl.grant(sim.DefaultScope))
			if r.status != c.status || r.code() != c.code {
				t.Errorf("HTTP %d %s, want %d %s: %s", r.status, r.code(), c.status, c.code, r.body)
			}
		})
	}
}

func usedCode(c *cloud, _ simkit.Issued) reply {
	u, _ := c.signIn("redirect_url=http%3A%2F%2F127.0.0.1%2F&client_id=x")
	body := `{"grant_type":"authorization_code","response_type":"token","code":"` + u.Query().Get("code") + `"}`
	c.do("POST", "/oauth/token/", body)
	return c.do("POST", "/oauth/token/", body)
}

func dead(c *cloud, g simkit.Issued) reply {
	c.Issuer.EndUser(sim.DemoUser)
	_, r := c.mint(g.Refresh, "")
	return r
}

func wider(c *cloud, _ simkit.Issued) reply {
	_, r := c.mint(c.grant("cloudSystemId="+sim.System61).Refresh, sim.DefaultScope)
	if r.status == 200 && r.json(c.t)["scope"] != "cloudSystemId="+sim.System61 {
		c.t.Errorf("the scope widened: %s", r.body)
	}
	return r
}

func scoped(scope, method, path string) func(*cloud, simkit.Issued) reply {
	return func(c *cloud, _ simkit.Issued) reply {
		g := c.grant(scope)
		return c.with(g.Access, method, path, `{"token":"`+g.Refresh+`"}`)
	}
}

// Minting spends nothing; a scope that cannot be read is ignored; a code may bring
// a narrowed scope at once.
func TestScopes(t *testing.T) {
	c := open(t, sim.Settings{})
	g := c.grant(sim.DefaultScope)
	for _, id := range []string{sim.System61, sim.System60, sim.System61} {
		token, r := c.mint(g.Refresh, "cloudSystemId="+id)
		if r.json(t)["scope"] != "cloudSystemId="+id || token == "" || r.json(t)["refresh_token"] == g.Refresh {
			t.Errorf("minted %s", r.body)
		}
	}
	if _, r := c.mint(g.Refresh, "no scope at all"); r.json(t)["scope"] != sim.DefaultScope {
		t.Errorf("an unreadable scope: %s", r.body)
	}
	u, _ := c.signIn("redirect_url=http%3A%2F%2F127.0.0.1%2F&client_id=x")
	r := c.do("POST", "/oauth/token/", `{"grant_type":"authorization_code","response_type":"token","code":"`+u.Query().Get("code")+`","scope":"cloudSystemId=`+sim.System61+`"}`)
	if r.json(t)["scope"] != "cloudSystemId="+sim.System61 {
		t.Errorf("a narrowed exchange: %s", r.body)
	}
	tokens := c.grant(host + "/cdb/system cloudSystemId=*")
	if _, r := c.mint(tokens.Refresh, "cloudSystemId="+sim.System61); r.json(t)["scope"] == "cloudSystemId="+sim.System61 {
		t.Errorf("a systems scope mints: %s", r.body)
	}
}

// Rotation, lives and forms of the reply are switches.
func TestHabits(t *testing.T) {
	for _, c := range []struct {
		rotation simkit.Rotation
		has, old bool // a refresh token comes; the old one serves on
	}{{simkit.RotateNew, true, false}, {simkit.RotateKeep, true, true}, {simkit.RotateSame, true, true}, {simkit.RotateNone, false, true}} {
		cl := open(t, sim.Settings{NumberTimes: true, NoProlongation: true})
		cl.Issuer.Change(func(r *simkit.Rules) { r.Rotation = c.rotation })
		g := cl.grant(sim.DefaultScope)
		_, r := cl.mint(g.Refresh, "")
		m := r.json(t)
		_, again := cl.mint(g.Refresh, "")
		if (m["refresh_token"] != nil) != c.has || (again.status == 200) != c.old || m["expires_in"] != 86400.0 || m["prolongation_period"] != nil {
			t.Errorf("rotation %d: %v, again %d", c.rotation, m, again.status)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		c := open(t, sim.Settings{})
		g := c.grant(sim.DefaultScope)
		time.Sleep(24*time.Hour + time.Second)
		if r := c.with(g.Access, "GET", "/api/systems/", ""); r.status != 401 {
			t.Errorf("an expired access token: %d", r.status)
		}
	})
	mint := open(t, sim.Settings{NoMintRefresh: true})
	if _, r := mint.mint(mint.grant(sim.DefaultScope).Refresh, "cloudSystemId="+sim.System61); r.json(t)["refresh_token"] != nil || r.json(t)["access_token"] == nil {
		t.Errorf("a minting without refresh token: %s", r.body)
	}
	for _, accepted := range []bool{false, true} {
		other := open(t, sim.Settings{})
		if accepted {
			other.Issuer.Change(func(r *simkit.Rules) { r.Return = append(r.Return, "redirect_uri") })
		}
		if r := other.do("GET", "/authorize?client_id=x&redirect_uri=http%3A%2F%2F127.0.0.1%2F", ""); (r.status == 200) != accepted {
			t.Errorf("redirect_uri alone, accepted %v: %d", accepted, r.status)
		}
	}
	c := open(t, sim.Settings{BareInfo: true, RevokeStatus: 204, RelayHost: "relay.example"})
	g := c.grant(sim.DefaultScope)
	if m := c.with(g.Access, "GET", "/oauth/introspect/?token="+g.Access, "").json(t); len(m) != 1 {
		t.Errorf("bare introspection: %v", m)
	}
	if r := c.with(g.Access, "POST", "/oauth/revoke/", `{"token":"`+g.Refresh+`"}`); r.status != 204 {
		t.Errorf("revoke: %d", r.status)
	}
	if m := c.do("GET", "/api/utils/settings", "").json(t); m["trafficRelayHost"] != "relay.example" {
		t.Errorf("settings: %v", m)
	}
}
