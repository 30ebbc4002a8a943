package dwspectrum_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/dwspectrum"
)

const (
	fakeSystem = "5ys"
	fakeCamera = "aaaaaaaa-bbbb-4ccc-8ddd-000000000001"
)

// answers are those of a system of one REST version.
func answers(n int) map[string]string {
	all := map[string]string{
		"/api/systems/":        `[{"id":"5ys","name":"S","stateOfHealth":"online"}]`,
		"/api/utils/settings":  `{"trafficRelayHost":"{systemId}.relay.vmsproxy.com"}`,
		"/rest/v3/system/info": `{"name":"S","restApiVersions":{"min":"v1","max":"v3"}}`,
		"/rest/v4/site/info":   `{"name":"S","restApiVersions":{"min":1,"max":4}}`,
		"/ec2/getEventRules":   `[{"id":"{r}","eventType":"softwareTriggerEvent","eventResourceIds":[],"eventCondition":"{\"inputPortId\":\"t1\",\"caption\":\"T\"}"}]`,
		"/api/createEvent":     `{"error":"0","errorId":"ok"}`, "/api/ptz": `{"error":"0"}`, "/api/executeEventAction": ``,
		"/ec2/cameraThumbnail": "\xff\xd8\xff\xe0",
	}
	for v := 1; v <= 4; v++ {
		at := fmt.Sprintf("/rest/v%d", v)
		all[at+"/servers"] = `[{"id":"{AAAAAAAA-bbbb-4ccc-8ddd-000000000009}","name":"Server","status":"Online"}]`
		all[at+"/devices"] = `[{"id":"{AAAAAAAA-bbbb-4ccc-8ddd-000000000001}","name":"Cam","status":"Online","ptz":{"capabilities":"presets"},"parameters":{"ptzCapabilities":"65536"},
			"options":{"ioSettings":[{"id":"2","portType":"Output"},{"id":"3","portType":"Output","autoResetTimeoutMs":"500"}]}}]`
		camera := at + "/devices/" + fakeCamera
		for _, rest := range []string{"", "/io", "/bookmarks", "/ptz/move", "/ptz/position", "/ptz/presets/p%2F1/activate", "/ptz/tours/t/active"} {
			all[camera+rest] = `{}`
		}
		all[camera+"/ptz/presets"], all[camera+"/ptz/tours"], all[camera+"/image"] = `[{"id":"p/1","name":"P"}]`, `[]`, "\xff\xd8\xff\xe0"
	}
	for _, rest := range []string{"/events/generic", "/events/rules/r"} {
		all["/rest/v4"+rest] = `{}`
	}
	all["/rest/v4/events/triggers"] = `[{"triggerId":"t1","name":"T","devices":{"all":true}}]`
	all["/rest/v4/events/rules"], all["/rest/v4/events/log"] = `[{"id":"r","enabled":true}]`, `[]`
	maps.DeleteFunc(all, func(path, _ string) bool {
		return strings.HasPrefix(path, "/rest/v") && int(path[7]-'0') > n
	})
	return all
}

// Every request that a task or a call sends, byte for byte, by version.
func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for n := 4; n >= 1; n-- {
			cloud := bridgetest.ByPath(answers(n))
			h := open(t, settings(), cloud, func(o *dwspectrum.Options) {
				o.Systems, o.Rules, o.Stills = []string{fakeSystem}, true, time.Hour
			})
			var out []string
			note := func(what string) {
				for _, asked := range cloud.Asked() {
					out = append(out, what+": "+asked)
				}
				cloud.Forget()
			}
			for _, task := range h.Tasks {
				if err := task.Do(t.Context(), h.Report); err != nil {
					t.Errorf("v%d task %s: %v", n, task.Name, err)
				}
				note("task " + strings.TrimSuffix(task.Name, "_"+fakeSystem))
			}
			for _, c := range []struct {
				name  string
				args  bridge.Args
				least int
			}{
				{"systems", nil, 1}, {"servers", nil, 1}, {"devices", nil, 1}, {"triggers", nil, 4}, {"rules", nil, 4}, {"ports", nil, 4}, {"presets", nil, 3}, {"tours", nil, 3}, {"position", nil, 3},
				{"snapshot", bridge.Args{"size": "640x480"}, 1},
				{"trigger", bridge.Args{"trigger": "t1"}, 1}, {"trigger", bridge.Args{"trigger": "t1", "state": "started"}, 1}, {"trigger", bridge.Args{"trigger": "t1", "state": "stopped"}, 1},
				{"output", bridge.Args{"port": "2", "active": true}, 1}, {"output", bridge.Args{"port": "2", "active": false}, 1}, {"output", bridge.Args{"port": "3", "active": true}, 1},
				{"ptz_preset", bridge.Args{"preset": "p/1"}, 3}, {"ptz_move", bridge.Args{"pan": -0.25, "tilt": 0.0, "focus": 1.0}, 3}, {"ptz_stop", nil, 3}, {"ptz_tour", bridge.Args{"tour": "t"}, 3},
				{"ptz_position", bridge.Args{"type": "absolute", "pan": 1.0, "tilt": -1.5, "zoom": 0.0, "speed": 1.0}, 3},
				{"bookmark", bridge.Args{"name": "a", "description": "b", "start": "2026-01-02T03:04:05Z", "duration": int64(10)}, 1}, {"bookmark", bridge.Args{"name": "a"}, 1},
				{"recording", bridge.Args{"enabled": true}, 4}, {"rule", bridge.Args{"system": fakeSystem, "rule": "r", "enabled": false}, 4},
				{"generic_event", bridge.Args{"source": "s", "caption": "c & <d>", "description": "e", "devices": []any{fakeCamera}}, 1},
				{"generic_event", bridge.Args{"caption": "c", "state": "started"}, 1}, {"generic_event", bridge.Args{"caption": "c", "state": "stopped"}, 1},
			} {
				args := bridge.Args{"device": bridge.DeviceID(fakeCamera)}
				maps.Copy(args, c.args)
				_, err := h.Call(c.name, args)
				if (err == nil) != (n >= c.least) {
					t.Errorf("v%d call %s: %v", n, c.name, err)
				}
				note("call " + c.name)
			}
			_, err := h.Call("ptz_preset_5x", bridge.Args{"device": bridge.DeviceID(fakeCamera), "preset": "p/1"})
			if (err == nil) != (n < 3) {
				t.Errorf("v%d call ptz_preset_5x: %v", n, err)
			}
			note("call ptz_preset_5x")
			golden(t, fmt.Sprintf("requests_v%d.golden", n), lines(out))
		}
	})
}

// The version of the API is what the system answers, whatever the cloud lists.
func TestRestVersion(t *testing.T) {
	probed := func(listed string, n int, fixed int) (asked []string) {
		all := answers(n)
		all["/api/systems/"] = `[{"id":"5ys","version":` + listed + `}]`
		cloud := bridgetest.ByPath(all)
		h := open(t, settings(), cloud, systems(fakeSystem), func(o *dwspectrum.Options) { o.Rest = fixed })
		h.MustRun("systems")
		cloud.Forget()
		_ = h.Run(task("site", fakeSystem))
		for _, line := range cloud.Asked() {
			asked = append(asked, strings.Fields(strings.SplitN(line, "?", 2)[0])[2])
		}
		return asked[:min(len(asked), 5)]
	}
	for _, c := range []struct {
		name, listed string
		n, fixed     int
		want         string
	}{
		{"as listed", `"6.1.0.1"`, 4, 0, "/rest/v4/site/info /rest/v4/servers /rest/v4/devices"},
		{"not listed, so downward", `null`, 2, 0, "/rest/v4/site/info /rest/v3/system/info /rest/v2/servers /rest/v2/servers /rest/v2/devices"},
		{"listed too new", `"7.0"`, 3, 0, "/rest/v4/site/info /rest/v3/system/info /rest/v3/servers /rest/v3/devices"},
		{"listed too old, but it says better", `"6.0"`, 4, 0, "/rest/v3/system/info /rest/v3/servers /rest/v3/devices"},
		{"5.1", `"5.1.2"`, 2, 0, "/rest/v2/servers /rest/v2/servers /rest/v2/devices"},
		{"5.0", `"5.0"`, 1, 0, "/rest/v1/servers /rest/v1/servers /rest/v1/devices"},
		{"a number", `6.1`, 4, 0, "/rest/v4/site/info /rest/v4/servers /rest/v4/devices"},
		{"no number", `"next"`, 4, 0, "/rest/v4/site/info /rest/v4/servers /rest/v4/devices"},
		{"fixed", `"6.1"`, 4, 2, "/rest/v2/servers /rest/v2/devices"},
		{"none", `"6.1"`, 0, 0, "/rest/v4/site/info /rest/v3/system/info /rest/v2/servers /rest/v1/servers"},
		{"below 5", `"4.2"`, 4, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := probed(c.listed, c.n, c.fixed)
			if want := strings.Fields(c.want); !slices.Equal(got[:min(len(got), len(want))], want) || c.want == "" && len(got) > 0 {
				t.Errorf("asked %q, want %q", got, want)
			}
		})
	}
	up := answers(4)
	up["/rest/v3/system/info"] = `{"restApiVersions":{"min":"v1","max":"v4"}}`
	up["/api/systems/"] = `[{"id":"5ys","version":"6.0"}]`
	cloud := bridgetest.ByPath(up)
	h := open(t, settings(), cloud, systems(fakeSystem))
	h.MustRun("systems", task("site", fakeSystem))
	if !strings.Contains(lines(cloud.Asked()), "/rest/v4/devices") {
		t.Errorf("the system's own word is not taken: %q", cloud.Asked())
	}
	delete(up, "/rest/v4/servers") // downgraded: found out at the next poll but one
	_ = h.Run(task("site", fakeSystem))
	cloud.Forget()
	up["/rest/v3/system/info"] = `{"restApiVersions":{"min":"v1","max":"v3"}}`
	h.MustRun(task("site", fakeSystem))
	if !strings.Contains(lines(cloud.Asked()), "/rest/v3/devices") {
		t.Errorf("a system that lost its API is not asked anew: %q", cloud.Asked())
	}
}
