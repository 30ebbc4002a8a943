package dwspectrum_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

const back = "http://127.0.0.1:8087/oauth/callback?state=N"

// Every token request, byte for byte as the keeper builds it.
func TestTokenRequests(t *testing.T) {
	fields := map[bridge.Field]string{
		bridge.FieldClientID: "latchkey-test", bridge.FieldCode: "C", bridge.FieldRefreshToken: "R", bridge.FieldAccessToken: "A",
		bridge.FieldNarrow: "11111111-2222", bridge.FieldUsername: "u@example.com", bridge.FieldPassword: "p",
	}
	var out []string
	for _, c := range []struct{ scope, grant string }{{"", "authorization_code"}, {base + "/cdb/oauth2/token cloudSystemId=*", "authorization_code"}, {"", "password"}} {
		s := settings()
		s.Scope, s.Grant, s.Username, s.Password = c.scope, bridge.Grant(c.grant), "u@example.com", bridge.NewSecret("p")
		d := options().Profile(s).Dialect
		fields[bridge.FieldScope] = d.Scope
		if d.Authorize != nil {
			v := query(d.Authorize.Params, fields)
			v.Set(d.Authorize.Return, back)
			out = append(out, "authorize: GET "+d.Authorize.URL+"?"+v.Encode())
		}
		for _, one := range []struct {
			name string
			ask  *bridge.Ask
		}{{"exchange", d.Exchange}, {"acquire", d.Acquire}, {"refresh", d.Refresh}, {"narrow", d.Narrow}, {"inspect", d.Inspect}, {"revoke 1", &d.Revoke[0]}, {"revoke 2", &d.Revoke[1]}} {
			if one.ask == nil {
				continue
			}
			req := build(t, one.ask, fields)
			body := new(strings.Builder)
			_, _ = body.WriteString(bodyOf(req))
			out = append(out, one.name+": "+req.Method+" "+req.URL.String()+" auth="+req.Header.Get("Authorization")+" type="+req.Header.Get("Content-Type")+" "+body.String())
		}
	}
	golden(t, "tokens.golden", lines(out))
}

func bodyOf(r *http.Request) string {
	if r.Body == nil {
		return ""
	}
	var m json.RawMessage
	_ = json.NewDecoder(r.Body).Decode(&m)
	return string(m)
}

func query(all []bridge.Param, fields map[bridge.Field]string) url.Values {
	v := url.Values{}
	for _, p := range all {
		if text := p.Text + fields[p.From]; text != "" {
			v.Set(p.Name, text)
		}
	}
	return v
}

func build(t *testing.T, ask *bridge.Ask, fields map[bridge.Field]string) *http.Request {
	t.Helper()
	target, body, method := ask.URL, "", "POST"
	if ask.Method != "" {
		method = ask.Method
	}
	if ask.In == bridge.InQuery {
		target += "?" + query(ask.Params, fields).Encode()
	} else {
		body = members(ask.Params, fields)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if ask.Bearer {
		req.Header.Set("Authorization", "Bearer "+fields[bridge.FieldAccessToken])
	}
	if ask.Client != bridge.ClientNone {
		t.Errorf("%s names a client by %q: DW Cloud has no client authentication", ask.URL, ask.Client)
	}
	return req
}

// The dialect, spoken to the simulator as the keeper does: from the consent page
// to the logout, by both token paths.
func TestDialect(t *testing.T) {
	for _, path := range []string{"/oauth/token/", "/cdb/oauth2/token"} {
		s := sim.New(sim.Options{})
		srv := httptest.NewServer(s.Handler())
		set := settings()
		set.BaseURL = srv.URL
		o := options()
		o.TokenPath = path
		d := o.Profile(set).Dialect
		fields := map[bridge.Field]string{bridge.FieldClientID: d.ClientID}
		v := query(d.Authorize.Params, fields)
		v.Set(d.Authorize.Return, back)
		to, err := simkit.Person{Client: srv.Client(), Name: sim.DemoUser, Password: sim.DemoPassword}.Allow(t.Context(), d.Authorize.URL+"?"+v.Encode())
		if err != nil {
			t.Fatal(err)
		}
		u, _ := url.Parse(to)
		if u.Query().Get("state") != "N" {
			t.Errorf("came back to %s: state inside of the address is lost", u.Path)
		}
		fields[bridge.FieldCode] = u.Query().Get("code")
		first := speak(t, srv.Client(), d.Exchange, fields)
		if first["scope"] != sim.DefaultScope || first["expires_in"] != "86400" || first["prolongation_period"] != "600" {
			t.Errorf("first tokens: %v", first)
		}
		fields[bridge.FieldRefreshToken] = first["refresh_token"].(string)
		second := speak(t, srv.Client(), d.Refresh, fields)
		fields[bridge.FieldRefreshToken], fields[bridge.FieldAccessToken] = second["refresh_token"].(string), second["access_token"].(string)
		for range 2 { // minting spends nothing
			fields[bridge.FieldNarrow] = sim.System61
			narrow := speak(t, srv.Client(), d.Narrow, fields)
			if narrow["scope"] != "cloudSystemId="+sim.System61 || narrow["refresh_token"] == second["refresh_token"] {
				t.Errorf("minted: %v", narrow)
			}
		}
		if said := speak(t, srv.Client(), d.Inspect, fields); said["active"] != true || said["username"] != sim.DemoUser {
			t.Errorf("introspection: %v", said)
		}
		for i := range d.Revoke {
			speak(t, srv.Client(), &d.Revoke[i], fields)
		}
		for _, use := range []bridge.Field{bridge.FieldAccessToken, bridge.FieldRefreshToken} {
			if look, known := s.Issuer.Look(fields[use]); !known || look.Live {
				t.Errorf("%s lives after the logout", use)
			}
		}
		srv.Close()
	}
}

// speak sends one ask and wants 2xx.
func speak(t *testing.T, c *http.Client, ask *bridge.Ask, fields map[bridge.Field]string) (members map[string]any) {
	t.Helper()
	req := build(t, ask, fields)
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		t.Fatalf("%s %s answered %s", req.Method, req.URL.Path, resp.Status)
	}
	_ = json.NewDecoder(resp.Body).Decode(&members)
	return members
}

// A grant with a narrowed scope, end to end: its token is used at its system as it
// is, or mints without listing.
func TestNarrowedScopes(t *testing.T) {
	for _, c := range []struct {
		scope   string
		sources int
		mints   int
	}{
		{"cloudSystemId=" + sim.System61, 1, 0},
		{base + "/cdb/oauth2/token cloudSystemId=*", 1, 1},
		{base + "/cdb/oauth2/token " + base + "/cdb/system cloudSystemId=*", 2, 1},
	} {
		s := sim.New(sim.Options{Settings: sim.Settings{SystemsByCDB: true}})
		set := settings()
		set.Scope = c.scope
		o := options(systems(sim.System61))
		cloud := &simCloud{sim: s, profile: o.Profile(set), issued: s.Issuer.Issue("latchkey-test", sim.DemoUser, c.scope), minted: map[string]string{}}
		h := open(t, set, cloud, systems(sim.System61))
		for _, task := range h.Tasks {
			if err := task.Do(t.Context(), h.report); err != nil {
				t.Errorf("%s: task %s: %v", c.scope, task.Name, err)
			}
		}
		if len(h.sources) != c.sources || cloud.mints != c.mints {
			t.Errorf("%s: %d sources, %d tokens minted; want %d and %d", c.scope, len(h.sources), cloud.mints, c.sources, c.mints)
		}
		if _, err := h.call("systems", nil); (err == nil) != (c.sources == 2) {
			t.Errorf("%s: systems: %v", c.scope, err)
		}
		if root := h.device(sim.System61); (root.Kind == "system") != (c.scope[0] == 'c' || c.sources == 2 || !strings.Contains(c.scope, "system ")) {
			t.Errorf("%s: the system's device is %+v", c.scope, root)
		}
	}
}
