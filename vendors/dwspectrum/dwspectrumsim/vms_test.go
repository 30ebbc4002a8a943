package dwspectrumsim_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

func device(kind string, n int) string {
	return fmt.Sprintf("aaaaaaaa-bbbb-4ccc-8ddd-%s%d00000001", kind, n)
}

// The relay sends every call on to a node on another host, by host name and, where
// there is one address only, by path.
func TestRelay(t *testing.T) {
	c := open(t, sim.Settings{})
	token, _ := c.mint(c.grant(sim.DefaultScope).Refresh, "cloudSystemId="+sim.System61)
	for start, node := range map[string]string{
		"https://" + sim.System61 + ".relay.vmsproxy.com/rest/v4/site/info?a=b": "https://" + sim.System61 + ".relay-eu.vmsproxy.com/rest/v4/site/info?a=b",
		"http://127.0.0.1:8080/relay/" + sim.System61 + "/rest/v4/site/info":    "http://localhost:8080/relay/" + sim.System61 + "/rest/v4/site/info",
	} {
		r := c.with(token, "GET", start, "")
		if r.status != 307 || r.header.Get("Location") != node {
			t.Errorf("%s: %d to %s", start, r.status, r.header.Get("Location"))
		}
		if r := c.with(token, "GET", node, ""); r.status != 200 || !strings.Contains(r.body, `"max":"v4"`) {
			t.Errorf("%s: %+v", node, r)
		}
	}
	for mode, want := range map[string]int{"": 503, "404": 404, "loop": 307} {
		c.Change(func(set *sim.Settings) { set.Offline = mode })
		for _, host := range []string{".relay.vmsproxy.com", ".relay-eu.vmsproxy.com"} {
			if r := c.with(token, "GET", "https://"+sim.Unnamed+host+"/rest/v4/site/info", ""); r.status != want {
				t.Errorf("offline %q: %d, want %d", mode, r.status, want)
			}
		}
	}
	c.Change(func(set *sim.Settings) { set.NoRedirect = true })
	if r := c.with(token, "GET", "https://"+sim.System61+".relay.vmsproxy.com/rest/v4/site/info", ""); r.status != 200 {
		t.Errorf("no redirect: %d", r.status)
	}
}

// The table of refusals, as far as it is about systems.
func TestRefusedAtSystem(t *testing.T) {
	yard, info := "/rest/v4/devices/"+device("ca", 61), "/rest/v4/site/info"
	for _, c := range []struct {
		name, scope, method, path, body string
		change                          func(*cloud)
		status                          int
		code, auth                      string
	}{
		{name: "broad token", scope: sim.DefaultScope, path: info, status: 401, code: "unauthorized", auth: "Auth_WrongSessionToken"},
		{name: "URL and id", scope: host + " cloudSystemId=" + sim.System61, path: info, status: 401, code: "unauthorized", auth: "Auth_WrongSessionToken"},
		{name: "other system's token", scope: "cloudSystemId=" + sim.System60, path: info, status: 401, code: "unauthorized", auth: "Auth_WrongSessionToken"},
		{name: "no bearer", scope: "-", path: info, status: 401, code: "unauthorized"},
		{name: "speed missing", method: "POST", path: yard + "/ptz/presets/gate/activate", body: "{}", status: 422, code: "missingParameter"},
		{name: "triggerId missing", method: "POST", path: "/rest/v4/events/triggers", body: `{"deviceId":"x"}`, status: 422, code: "missingParameter"},
		{name: "out of range", method: "POST", path: yard + "/ptz/move", body: `{"pan":2}`, status: 422, code: "invalidParameter"},
		{name: "speed out of range", method: "POST", path: yard + "/ptz/presets/gate/activate", body: `{"speed":2}`, status: 422, code: "invalidParameter"},
		{name: "unknown device", path: "/rest/v4/devices/nobody/io", status: 404, code: "notFound"},
		{name: "unknown preset", method: "POST", path: yard + "/ptz/presets/x/activate", body: `{"speed":1}`, status: 404, code: "notFound"},
		{name: "unknown trigger", method: "POST", path: "/rest/v4/events/triggers", body: `{"triggerId":"x","deviceId":"` + device("ca", 61) + `"}`, status: 404, code: "notFound"},
		{name: "unknown rule", method: "PATCH", path: "/rest/v4/events/rules/x", body: `{"enabled":true}`, status: 404, code: "notFound"},
		{name: "input switched", method: "PATCH", path: "/rest/v4/devices/" + device("cc", 61) + "/io", body: `{"ports":{"1":{"isActive":true}}}`, status: 404, code: "notFound"},
		{name: "rule of a viewer", method: "PATCH", path: "/rest/v4/events/rules/" + device("91", 61), body: `{"enabled":false}`, status: 403, code: "forbidden", auth: "Auth_Forbidden",
			change: func(c *cloud) { c.Set(sim.System61, func(y *sim.System) { y.Role = "Viewer" }) }},
		{name: "cloud lost", path: info, status: 503, code: "serviceUnavailable", auth: "Auth_CloudConnectError",
			change: func(c *cloud) { c.Change(func(s *sim.Settings) { s.Auth = "Auth_CloudConnectError" }) }},
		{name: "locked out", path: info, status: 503, code: "serviceUnavailable", auth: "Auth_LockedOut",
			change: func(c *cloud) { c.Change(func(s *sim.Settings) { s.Auth = "Auth_LockedOut" }) }},
		{name: "2FA", path: info, status: 403, code: "secondFactorRequired", change: func(c *cloud) { c.Set(sim.System61, func(y *sim.System) { y.TwoFactor = true }) }},
		{name: "no bearer, another id", scope: "-", path: info, status: 401, code: "sessionExpired", change: func(c *cloud) { c.Change(func(s *sim.Settings) { s.NoBearer = "sessionExpired" }) }},
		{name: "2FA in a system's shape", path: info, status: 403, code: "secondFactorRequired", change: func(c *cloud) {
			c.Change(func(s *sim.Settings) { s.TwoFactor = "errorId" })
			c.Set(sim.System61, func(y *sim.System) { y.TwoFactor = true })
		}},
		{name: "bad JSON", method: "POST", path: "/rest/v4/events/generic", body: "{", status: 400, code: "badRequest"},
		{name: "state of a generic event", method: "POST", path: "/rest/v4/events/generic", body: "{}", status: 422, code: "invalidParameter"},
		{name: "camera off", path: yard + "/image?timestampMs=-1", status: 404, code: "notFound", change: func(c *cloud) { c.Set(sim.System61, func(y *sim.System) { y.Cameras[0].Status = "Offline" }) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := open(t, sim.Settings{})
			if c.change != nil {
				c.change(cl)
			}
			scope, method := c.scope, c.method
			if scope == "" {
				scope = "cloudSystemId=" + sim.System61
			}
			if method == "" {
				method = "GET"
			}
			r := cl.do(method, at(sim.System61, c.path), c.body)
			if scope != "-" {
				r = cl.with(cl.grant(scope).Access, method, at(sim.System61, c.path), c.body)
			}
			if r.status != c.status || r.code() != c.code || r.header.Get("X-Auth-Result") != c.auth {
				t.Errorf("HTTP %d %s %s, want %d %s %s: %s", r.status, r.code(), r.header.Get("X-Auth-Result"), c.status, c.code, c.auth, r.body)
			}
			if len(cl.Moves()) != 0 {
				t.Errorf("moved: %v", cl.Moves())
			}
		})
	}
}

// Versions: braces before 4, the mask on 3, nothing above the own one.
func TestVersions(t *testing.T) {
	for n, system := range map[int]string{1: sim.System50, 2: sim.System51, 3: sim.System60, 4: sim.System61} {
		c := open(t, sim.Settings{})
		token := c.grant("cloudSystemId=" + system).Access
		for v := 1; v <= 4; v++ {
			r := c.with(token, "GET", at(system, fmt.Sprintf("/rest/v%d/devices", v)), "")
			if (r.status == 200) != (v <= n) {
				t.Errorf("a system of v%d answers v%d with %d", n, v, r.status)
			}
			if v > n {
				continue
			}
			if strings.Contains(r.body, `"id":"{`) != (v < 4) || strings.Contains(r.body, "ptzCapabilities") != (v < 4) {
				t.Errorf("v%d: %s", v, r.body)
			}
			if !strings.Contains(r.body, "credentials") || !strings.Contains(r.body, "admin:") || strings.Count(r.body, `"status"`) != 2 {
				t.Errorf("v%d lacks what a client must bear: %s", v, r.body)
			}
			if with := c.with(token, "GET", at(system, fmt.Sprintf("/rest/v%d/devices?_with=id,name", v)), "").body; strings.Contains(with, "url") || !strings.Contains(with, "Yard") {
				t.Errorf("v%d: _with gives %s", v, with)
			}
		}
	}
}

// A camera turns until it is stopped; an auto-reset output falls back; what a port
// shows is stale after the monitoring lapsed.
func TestClockwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, sim.Settings{})
		token := c.grant("cloudSystemId=" + sim.System61).Access
		yard, box := device("ca", 61), device("cc", 61)
		ask := func(method, path, body string) reply {
			t.Helper()
			r := c.with(token, method, at(sim.System61, path), body)
			if r.status != 200 {
				t.Errorf("%s %s: %d %s", method, path, r.status, r.body)
			}
			return r
		}
		ask("POST", "/rest/v4/devices/"+yard+"/ptz/move", `{"pan":0.5}`)
		time.Sleep(time.Hour)
		if !c.Moving(sim.System61, yard) {
			t.Error("the camera stopped by itself")
		}
		ask("DELETE", "/rest/v4/devices/"+yard+"/ptz/move", "")
		if c.Moving(sim.System61, yard) {
			t.Error("the camera turns after the stop")
		}
		io := "/rest/v4/devices/" + box + "/io"
		shows := func(port string) bool {
			return strings.Contains(ask("GET", io, "").body, `"`+port+`":{"isActive":true`)
		}
		ask("GET", io, "")
		ask("PATCH", io, `{"ports":{"3":{"isActive":true}}}`)
		if !shows("3") || !c.Active(sim.System61, box, "3") {
			t.Error("the output is not on")
		}
		time.Sleep(4 * time.Second)
		if shows("3") || c.Active(sim.System61, box, "3") {
			t.Error("the output did not fall back")
		}
		time.Sleep(61 * time.Second)
		c.Input(sim.System61, box, "1", true)
		if shows("1") {
			t.Error("monitoring did not lapse")
		}
		if !shows("1") {
			t.Error("monitoring does not start again")
		}
	})
}

// How lists, times and events are written is open.
func TestWritten(t *testing.T) {
	c := open(t, sim.Settings{})
	token, yard := c.grant("cloudSystemId="+sim.System61).Access, device("ca", 61)
	c.Happen(sim.System61, yard, "cameraMotionEvent")
	read := func(path string) string { return c.with(token, "GET", at(sim.System61, path), "").body }
	const devices, log = "/rest/v4/devices?_with=id", "/rest/v4/events/log?startTimeMs=0"
	for path, want := range map[string]string{devices: `[{"id"`, log: `"eventType":"cameraMotionEvent"`} {
		if got := read(path); !strings.Contains(got, want) || strings.Contains(got, `"timestampMs":"`) {
			t.Errorf("%s: %s, want %s in it", path, got, want)
		}
	}
	c.Change(func(s *sim.Settings) { s.Envelope, s.TextTimes, s.FlatEvents = true, true, true })
	for path, want := range map[string]string{devices: `{"reply":[{"id"`, log: `"type":"motion"`} {
		if got := read(path); !strings.Contains(got, want) || path == log && !strings.Contains(got, `"timestampMs":"`) {
			t.Errorf("%s: %s, want %s in it", path, got, want)
		}
	}
}

// The ways before 6.1.
func TestOldWays(t *testing.T) {
	c := open(t, sim.Settings{})
	token := c.grant("cloudSystemId=" + sim.System51).Access
	yard := device("ca", 51)
	if r := c.with(token, "GET", at(sim.System51, "/ec2/getEventRules"), ""); !strings.Contains(r.body, `softwareTriggerEvent`) || !strings.Contains(r.body, `inputPortId`) {
		t.Errorf("rules: %s", r.body)
	}
	fire := url.Values{"event_type": {"softwareTriggerEvent"}, "inputPortId": {device("71", 51)}, "eventResourceId": {yard}, "state": {"Active"}}
	if r := c.with(token, "GET", at(sim.System51, "/api/createEvent?"+fire.Encode()), ""); r.json(t)["error"] != "0" {
		t.Errorf("fire: %s", r.body)
	}
	if r := c.with(token, "GET", at(sim.System51, "/ec2/cameraThumbnail?time=latest&cameraId=%7B"+yard+"%7D"), ""); !strings.HasPrefix(r.body, "\xff\xd8\xff") {
		t.Errorf("thumbnail: %d", r.status)
	}
	body := `{"actionType":"cameraOutputAction","toggleState":"active","resourceIds":["{` + device("cc", 51) + `}"],"params":"{\"relayOutputId\":\"2\"}"}`
	if r := c.with(token, "POST", at(sim.System51, "/api/executeEventAction"), body); r.status != 200 || r.body != "" {
		t.Errorf("output: %+v", r)
	}
	if got := fmt.Sprint(c.Moves()); got != fmt.Sprintf("[{%s %s trigger %s started} {%s %s output 2 true}]", sim.System51, yard, device("71", 51), sim.System51, device("cc", 51)) {
		t.Errorf("moved: %s", got)
	}
}
