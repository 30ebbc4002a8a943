package cameramanager_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/cameramanager"
	sim "latchkey/vendors/cameramanager/cameramanagersim"
)

func happened(facts []bridge.Fact) (all []bridge.Happened) {
	for _, f := range facts {
		if e, ok := f.(bridge.Happened); ok {
			all = append(all, e)
		}
	}
	return all
}

// Without a path there are no events: no entity, no task, no request.
func TestNoEvents(t *testing.T) {
	h := open(t, bridgetest.Answers(`[{"cameraId":1}]`))
	h.MustRun("cameras")
	all, _ := devices(h.Take())
	if slices.ContainsFunc(all[0].Entities, func(e bridge.Entity) bool { return e.ID == "detection" }) ||
		slices.ContainsFunc(h.Tasks, func(task bridge.Task) bool { return task.Name == "events" }) ||
		slices.ContainsFunc(h.Calls, func(c bridge.Call) bool { return c.Name == "rights" }) {
		t.Error("events or rights are there without a path")
	}
}

func TestEventsOnSim(t *testing.T) {
	h := onSim(t, sim.New(sim.Options{Settings: sim.Settings{EventsPath: "/v2.4/events"}}), func(o *cameramanager.Options) { o.Events.Path = "/v2.4/events" })
	h.MustRun("events") // before there is a list
	h.MustRun("cameras", "events")
	got := happened(h.Take())
	if len(got) != 3 || got[0].Ref != (bridge.Ref{Device: "4201", Entity: "detection"}) || got[0].Type != "other" || got[0].ID != "990000" ||
		time.Since(got[0].At).Round(time.Minute) != time.Minute || got[0].Attributes["type"] != "example" || got[0].Attributes["duration"] != "10" {
		t.Errorf("events %+v", got)
	}
	if err := onSim(t, sim.New(sim.Options{}), func(o *cameramanager.Options) { o.Events.Path = "/v2.4/wrong" }).Run("events"); bridgetest.Failed(t, err).Status != 404 {
		t.Errorf("a wrong path: %v", err)
	}
}

// Each camera is asked where the path says so; types are named as configured, and
// addresses never told.
func TestEventsByCamera(t *testing.T) {
	cloud := bridgetest.ByPath(map[string]string{
		"/rest/v2.4/cameras": `[{"cameraId":4201},{"cameraId":"a/b 🎥"},{"cameraId":4203}]`,
		"/rest/v2.4/cameras/4201/events": `[
			{"eventId":9223372036854775807,"type":"MOTION_DETECTED","source":"camera","timestamp":"2026-01-02T03:04:05.000+0000","duration":1.5,"objectType":"car",
			 "streamUrls":{"hlsHttps":"https://node.example/x?access_token=canary"},"position":{"latitude":52}},
			{"eventId":2,"type":"SOMETHING_NEW","timestamp":"2026-01-02T03:04:05Z"},
			{"eventId":3,"type":{"odd":1},"timestamp":"2026-01-02T03:04:05Z"},
			{"type":"no id","timestamp":"2026-01-02T03:04:05Z"}, {"eventId":4,"type":"no time"}, null, {}]`,
		"/rest/v2.4/cameras/a%2Fb%20%F0%9F%8E%A5/events": `[{"eventId":5,"type":"PTZ","timestamp":"2026-01-02T03:04:05Z"}]`,
	})
	h := open(t, cloud, func(o *cameramanager.Options) {
		o.Events.Path, o.Events.Types = "/v2.4/cameras/{camera}/events", map[string]string{"MOTION_DETECTED": "motion", "PTZ": "moved"}
	})
	h.MustRun("cameras")
	all, _ := devices(h.Take())
	if last := all[0].Entities[len(all[0].Entities)-1]; last.ID != "detection" || !last.OffAtFirst || cmp.Diff([]string{"motion", "moved", "other"}, last.Options) != "" {
		t.Errorf("entity %+v", last)
	}
	h.MustRun("events")
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	event := func(device, kind, id string, attributes map[string]any) bridge.Happened {
		return bridge.Happened{Ref: bridge.Ref{Device: device, Entity: "detection"}, Type: kind, ID: id, At: at, Attributes: attributes}
	}
	got := happened(h.Take())
	for i := range got {
		got[i].At = got[i].At.UTC()
	}
	want := []bridge.Happened{
		event("4201", "motion", "9223372036854775807", map[string]any{"type": "MOTION_DETECTED", "source": "camera", "duration": "1.5", "object": "car"}),
		event("4201", "other", "2", map[string]any{"type": "SOMETHING_NEW"}),
		event("4201", "other", "3", map[string]any{}),
		event(bridge.DeviceID("a/b 🎥"), "moved", "5", map[string]any{"type": "PTZ"}),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// A camera that the cloud does not know ends no round, a fault of the cloud does.
func TestEventsFail(t *testing.T) {
	for status, want := range map[int]int{404: 3, 403: 3, 500: 2} {
		cloud := &bridgetest.FakeCloud{Answer: func(r bridge.Request) (bridge.Reply, error) {
			switch {
			case strings.HasSuffix(r.Path, "/cameras"):
				return bridge.Reply{Status: 200, Body: []byte(`[{"cameraId":1},{"cameraId":2}]`)}, nil
			case strings.HasSuffix(r.Path, "/1/events"):
				return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Status: status}
			}
			return bridge.Reply{Status: 200, Body: []byte("[]")}, nil
		}}
		h := open(t, cloud, func(o *cameramanager.Options) { o.Events.Path = "/v2.4/cameras/{camera}/events" })
		h.MustRun("cameras")
		if err := h.Run("events"); (err == nil) != (want == 3) || len(cloud.Asked()) != want {
			t.Errorf("%d: %v after %q", status, err, cloud.Asked())
		}
	}
}

func TestRights(t *testing.T) {
	const path = "/v2.4/users/self/rights"
	s := sim.New(sim.Options{Settings: sim.Settings{RightsPath: path}})
	if v, err := onSim(t, s, func(o *cameramanager.Options) { o.RightsPath = path }).Call("rights", nil); err != nil || !strings.Contains(bridgetest.JSON(t, v), `"deleteRecording": false`) {
		t.Errorf("rights %v, %v", v, err)
	}
	cloud := bridgetest.ByPath(map[string]string{"/rest/v2.4/users/self/rights": `{"ptz":false,"playback":true,"url":"https://node.example/?access_token=canary"}`})
	h := open(t, cloud, func(o *cameramanager.Options) { o.RightsPath = "/v2.4/users/self/rights" })
	v, err := h.Call("rights", nil)
	if got := bridgetest.JSON(t, v); err != nil || !strings.Contains(got, `"playback": true`) || strings.Contains(got, "canary") {
		t.Errorf("rights %s, %v", got, err)
	}
}

// Cameras whose ids can stand in no topic and no path: all their resources are
// asked for as one segment, and their button works. Equal names are no trouble.
func TestStrangeIDs(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, id := range []string{"a/b", "a b", "🎥", "../users", "a?b#c%", long} {
		escaped := map[string]string{"a/b": "a%2Fb", "a b": "a%20b", "🎥": "%F0%9F%8E%A5", "../users": "..%2Fusers", "a?b#c%": "a%3Fb%23c%25", long: long}[id]
		cloud := bridgetest.ByPath(map[string]string{
			"/rest/v2.4/cameras":            `[{"cameraId":"` + id + `","name":"Yard"},{"cameraId":4201,"name":"Yard"}]`,
			"/rest/v2.4/cameras/all/status": `[]`, "/rest/v2.4/cameras/4201/status": `{"cameraId":4201,"online":true}`,
			"/rest/v2.4/cameras/" + escaped:               `{"cameraId":"` + id + `"}`,
			"/rest/v2.4/cameras/" + escaped + "/status":   `{"cameraId":"` + id + `","online":true}`,
			"/rest/v2.0/cameras/" + escaped + "/snapshot": "\xff\xd8\xff\xe0",
			"/rest/v2.0/cameras/" + escaped + "/streams":  `[]`,
		})
		h := open(t, cloud)
		h.MustRun("cameras", "status")
		facts := h.Take()
		all, _ := devices(facts)
		if len(all) != 2 || all[0].ID == all[1].ID || all[0].Name != all[1].Name || len(states(facts)) != 2 {
			t.Fatalf("%.20q: devices %v, states %v", id, all, states(facts))
		}
		button := all[0].Entities[slices.IndexFunc(all[0].Entities, func(e bridge.Entity) bool { return e.ID == "refresh_still" })]
		if _, err := h.Call("snapshot", button.Verbs[0].Args); err != nil || len(pictures(h.Take())) != 1 {
			t.Errorf("%.20q: its button: %v", id, err)
		}
		for _, name := range []string{"camera", "streams"} {
			if _, err := h.Call(name, bridge.Args{"camera": all[0].ID}); err != nil {
				t.Errorf("%.20q: %s: %v", id, name, err)
			}
		}
	}
}
