package dwspectrum_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/dwspectrum"
)

// every runs all tasks and reading calls over one answer for everything.
func every(t *testing.T, body string) (errs []error) {
	t.Helper()
	cloud := &bridgetest.FakeCloud{Answer: func(bridge.Request) (bridge.Reply, error) {
		return bridge.Reply{Status: 200, Type: "application/json", Body: []byte(body)}, nil
	}}
	h := open(t, settings(), cloud, systems(fakeSystem), func(o *dwspectrum.Options) { o.Rules = true })
	for _, task := range h.Tasks {
		if err := task.Do(t.Context(), h.Report); err != nil {
			errs = append(errs, err)
		}
	}
	for _, name := range []string{"systems", "servers", "devices", "triggers", "rules"} {
		if _, err := h.Call(name, nil); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// Answers of somebody else, cut off, or of odd types are errors and no lists: a
// list that may be cut short would remove systems and cameras.
func TestOddAnswers(t *testing.T) {
	for _, body := range []string{
		``, `null`, `[`, `{`, `"`, `[{"id":"a"}`, `<html>busy</html>`, `{"data":{"units":[]}}`, `42`, `[1,2]`, `[{"name":"no id"}]`, `[{"id":"a"},{"id":null}]`,
		`{"resultCode":"retryLater","errorText":"busy"}`, `{"error":"9","errorId":"notFound"}`, `{"reply":{"a":1}}`, "\xff\xfe", `[{"id":{}}]`,
	} {
		errs := every(t, body)
		if len(errs) == 0 {
			t.Errorf("%q is taken for an answer", body)
		}
		cloud := &bridgetest.FakeCloud{Answer: func(bridge.Request) (bridge.Reply, error) { return bridge.Reply{Status: 200, Body: []byte(body)}, nil }}
		h := open(t, settings(), cloud, systems(fakeSystem))
		for _, task := range h.Tasks {
			_ = task.Do(t.Context(), h.Report)
		}
		if len(h.Sources()) > 0 {
			t.Errorf("%q is taken for a list: %v", body, h.Sources())
		}
	}
}

// A member of an odd type counts as absent, and unknown values keep going.
func TestOddMembers(t *testing.T) {
	all := answers(4)
	all["/api/systems/"] = `{"systems":[{"id":"5ys","name":7,"stateOfHealth":"dreaming","version":6.1,"accessRole":["x"],"more":{}}]}`
	all["/rest/v4/servers"] = `{"reply":[{"id":"s","status":"Odd"}]}`
	all["/rest/v4/devices"] = `[{"id":"c","status":"Flying","deviceType":"Drone","options":[],"ptz":7,"serverId":"nobody","name":{}},
		{"id":"d","status":["x"],"options":{"ioSettings":[{"id":1,"portType":"OUTPUT"},{"id":1,"portType":"Output"},{"portType":"Output"},{"id":2,"portType":"Odd"}]}}]`
	all["/rest/v4/events/triggers"] = `[{"triggerId":"","devices":{"all":true}},{"triggerId":"state","devices":{"ids":["c"]},"prolonged":"no"},{"triggerId":"state","devices":{"ids":["{C}","c"]}}]`
	all["/rest/v4/devices/d/io"] = `{"ports":{"1":{"isActive":"yes"},"9":{"isActive":true}}}`
	all["/rest/v4/events/log"] = `[{"timestampMs":"x"},{"timestampMs":"1767225600000","eventData":{"a":["c"],"type":"an <odd> type"}},{"timestampMs":1767225600001,"eventData":{"b":"d"}}]`
	h := open(t, settings(), bridgetest.ByPath(all), systems(fakeSystem), func(o *dwspectrum.Options) { o.Presets = false })
	for _, task := range h.Tasks {
		if err := task.Do(t.Context(), h.Report); err != nil {
			t.Errorf("%s: %v", task.Name, err)
		}
	}
	golden(t, "odd.golden", lines(states(h.Take()))+bridgetest.JSON(t, h.Sources()))
}

// Ids that can stand neither in a topic nor in a path, names that are the same.
func TestOddIDs(t *testing.T) {
	ids := []string{"a/b", "a b", "😀", strings.Repeat("x", 300), "..", "{", "state", "A", "a", "{a}", "é", "%2F", "ca\x00"}
	for i := range ids {
		ids[i] = strings.ToValidUTF8(ids[i], "")
	}
	var cameras, triggers, systemsList []map[string]any
	for _, id := range ids {
		cameras = append(cameras, map[string]any{"id": id, "name": "Same", "status": "Online", "options": map[string]any{"ioSettings": []any{map[string]any{"id": id, "portType": "Output"}}}})
		triggers = append(triggers, map[string]any{"triggerId": id, "name": "Same", "devices": map[string]any{"all": true}, "prolonged": true})
		systemsList = append(systemsList, map[string]any{"id": "of " + id, "name": "Same", "stateOfHealth": "online"})
	}
	all := answers(4)
	for path, v := range map[string]any{"/rest/v4/devices": cameras, "/rest/v4/events/triggers": triggers, "/api/systems/": append(systemsList, map[string]any{"id": fakeSystem})} {
		b, _ := json.Marshal(v)
		all[path] = string(b)
	}
	cloud := bridgetest.ByPath(all)
	h := open(t, settings(), cloud, systems(fakeSystem))
	h.MustRun("systems", task("site", fakeSystem)) // the helper checks every id
	if got := len(h.Sources()["systems"]); got != len(ids)+1 {
		t.Errorf("%d systems of %d", got, len(ids)+1)
	}
	told := h.Sources()[task("site", fakeSystem)]
	if got := len(told); got != len(ids) { // {a} and a are one; and the server
		t.Errorf("%d devices of %d", got, len(ids))
	}
	const plain, output = 6, 1
	if got := len(told[1].Entities); got != plain+2*(len(ids)-1)+output { // each trigger starts and stops
		t.Errorf("%d entities: %v", got, told[1].Entities)
	}
	for _, d := range told[1:] {
		cloud.Forget()
		if _, err := h.Call("ptz_stop", bridge.Args{"device": d.ID}); len(cloud.Asked()) == 0 {
			t.Fatalf("%q: %v", d.Original, err)
		}
		rest, _ := strings.CutPrefix(cloud.Asked()[0], "act DELETE /rest/v4/devices/")
		segment, rest, _ := strings.Cut(rest, "/")
		if id, err := url.PathUnescape(segment); err != nil || id != d.Original || !strings.HasPrefix(rest, "ptz/move origin=") {
			t.Errorf("%q: asked %q", d.Original, cloud.Asked())
		}
	}
}

// Ten thousand devices in one list.
func TestManyDevices(t *testing.T) {
	var b strings.Builder
	b.WriteString("[")
	for i := range 10000 { // the server is 9
		fmt.Fprintf(&b, `{"id":"{aaaaaaaa-bbbb-4ccc-8ddd-%012d}","name":"Same","status":"Online"},`, i+10)
	}
	all := answers(4)
	all["/rest/v4/devices"] = strings.TrimSuffix(b.String(), ",") + "]"
	h := open(t, settings(), bridgetest.ByPath(all), systems(fakeSystem))
	var told int
	for _, one := range h.Tasks {
		if strings.HasPrefix(one.Name, "site") {
			if err := one.Do(t.Context(), func(facts ...bridge.Fact) {
				for _, f := range facts {
					if list, is := f.(bridge.Devices); is {
						told = len(list.All)
					}
				}
			}); err != nil {
				t.Error(err)
			}
		}
	}
	if told != 10001 {
		t.Errorf("%d devices, want 10001", told)
	}
}

// Arguments that fit nothing are refused before anything is sent.
func TestMalformedArguments(t *testing.T) {
	all := answers(4)
	cloud := bridgetest.ByPath(all)
	h := open(t, settings(), cloud, systems(fakeSystem, "other"))
	h.MustRun("systems", task("site", fakeSystem))
	cloud.Forget()
	camera := bridge.DeviceID(fakeCamera)
	for _, c := range []struct {
		call string
		args bridge.Args
		want bridge.Reason
	}{
		{"snapshot", bridge.Args{"device": "nobody"}, bridge.ReasonUnknownTarget},
		{"snapshot", bridge.Args{"device": bridge.DeviceID(fakeSystem)}, bridge.ReasonUnknownTarget},
		{"trigger", bridge.Args{"device": bridge.DeviceID("aaaaaaaa-bbbb-4ccc-8ddd-000000000009"), "trigger": "t1"}, bridge.ReasonUnknownTarget}, // a server
		{"servers", bridge.Args{"system": "nobody"}, bridge.ReasonUnknownTarget},
		{"servers", nil, bridge.ReasonUnknownTarget}, // which of the two?
		{"rule", bridge.Args{"system": "nobody", "rule": "r", "enabled": true}, bridge.ReasonUnknownTarget},
		{"generic_event", bridge.Args{"system": fakeSystem}, bridge.ReasonMalformed},
		{"generic_event", bridge.Args{"system": fakeSystem, "caption": "c", "devices": "x"}, bridge.ReasonMalformed},
		{"generic_event", bridge.Args{"system": fakeSystem, "caption": "c", "devices": []any{"nobody"}}, bridge.ReasonMalformed},
		{"generic_event", bridge.Args{"system": fakeSystem, "caption": "c", "devices": []any{7}}, bridge.ReasonMalformed},
		{"bookmark", bridge.Args{"device": camera, "name": "n", "start": "yesterday"}, bridge.ReasonMalformed},
		{"snapshot", bridge.Args{"device": camera, "size": "1x"}, bridge.ReasonMalformed},
		{"ptz_move", bridge.Args{"device": camera, "pan": 0.0}, bridge.ReasonMalformed},
	} {
		_, err := h.Call(c.call, c.args)
		if err == nil || bridgetest.Failed(t, err).Reason != c.want {
			t.Errorf("%s %v: %v, want %s", c.call, c.args, err, c.want)
		}
	}
	if len(cloud.Asked()) > 0 {
		t.Errorf("asked %v", cloud.Asked())
	}
}

// A refusal tells the vendor's code and none of its text, also inside of a 200.
func TestErrorShapes(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":"4","errorId":"forbidden","errorString":"secret"}`: "refused (forbidden: this user may not do it there)",
		`{"error":9,"errorId":"notFound"}`:                           "refused (notFound)",
		`{"resultCode":"notAuthorized","errorText":"secret"}`:        "refused (notAuthorized)",
		`{"error":"1","errorId":"secret"}`:                           "refused", `<html>secret</html>`: "refused", `[1]`: "refused", ``: "refused",
	} {
		all := maps.Clone(answers(4))
		cloud := bridgetest.ByPath(all)
		good := cloud.Answer
		h := open(t, settings(), cloud, systems(fakeSystem))
		h.MustRun("systems", task("site", fakeSystem))
		cloud.Answer = func(r bridge.Request) (bridge.Reply, error) {
			return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Status: 400, Message: "refused", Detail: []byte(body)}
		}
		args := bridge.Args{"device": bridge.DeviceID(fakeCamera), "trigger": "t1"}
		_, err := h.Call("trigger", args)
		if f := bridgetest.Failed(t, err); f.Message != want || f.Reason != bridge.ReasonRejected || f.Status != 400 {
			t.Errorf("%s: %+v, want %q", body, f, want)
		}
		cloud.Answer = func(r bridge.Request) (bridge.Reply, error) {
			return bridge.Reply{Status: 200, Body: []byte(body)}, nil
		}
		_, err = h.Call("trigger", args)
		refused := strings.HasPrefix(body, "{") || strings.HasPrefix(body, "<") // a page is no success, whatever its status
		if refused != (err != nil) || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("200 %s: %v", body, err)
		}
		cloud.Answer = good
	}
}
