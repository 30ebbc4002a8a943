package cameramanager_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/cameramanager"
	sim "latchkey/vendors/cameramanager/cameramanagersim"
)

// Every request that a call or a task sends, byte for byte.
func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := bridgetest.ByPath(map[string]string{"/rest/v2.4/cameras": `[{"cameraId":4201,"name":"Yard"}]`})
		h := open(t, cloud, func(o *cameramanager.Options) {
			o.Stills.Every, o.Stills.Resolution, o.Stills.Timestamp = time.Hour, "640x360", true
		})
		var out []string
		note := func(what string) {
			for _, asked := range cloud.Asked() {
				out = append(out, what+": "+asked)
			}
			cloud.Forget()
		}
		for _, task := range h.Tasks {
			_ = task.Do(t.Context(), h.Report)
			note("task " + task.Name)
		}
		time.Sleep(time.Hour)
		camera := func(pairs ...any) bridge.Args {
			args := bridge.Args{"camera": 4201}
			for i := 0; i < len(pairs); i += 2 {
				args[pairs[i].(string)] = pairs[i+1]
			}
			return args
		}
		for _, c := range []struct {
			name string
			args bridge.Args
		}{
			{"self", nil}, {"cameras", nil}, {"status", nil}, {"camera", camera()}, {"location", camera()},
			{"details", camera("part", "device_info")}, {"details", camera("part", "firmware")}, {"details", camera("part", "connection")}, {"details", camera("part", "mode")},
			{"details", camera("part", "video_detector")}, {"details", camera("part", "audio_detector")}, {"details", camera("part", "pir_detector")},
			{"snapshot", camera("resolution", "64x48")},
			{"streams", camera()}, {"streams", camera("types", "rtsp, hlsHttps")},
			{"recordings", camera("limit", int64(50))}, {"recordings", camera("from", "2026-01-01T00:00:00Z", "to", "2026-01-01T06:00:00.5+01:00", "limit", int64(5))},
			{"recordings", camera("from", "2026-01-01T00:00:00+0000", "to", "2026-01-03T00:00:00Z", "limit", int64(500))},
			{"recording", camera("id", 88001)},
		} {
			_, _ = h.Call(c.name, c.args)
			note("call " + c.name)
		}
		golden(t, "requests.golden", lines(out))
	})
}

func TestVersions(t *testing.T) {
	cloud := bridgetest.ByPath(nil)
	h := open(t, cloud, func(o *cameramanager.Options) { o.Versions.Self, o.Versions.Snapshot = "2.3", "2.4" })
	_, _ = h.Call("self", nil)
	_, _ = snapshot(h, 1)
	if got := strings.Join(cloud.Asked(), " "); !strings.Contains(got, "/rest/v2.3/users/self") || !strings.Contains(got, "/rest/v2.4/cameras/1/snapshot") {
		t.Errorf("asked %s", got)
	}
}

// Every call of the sheet against the simulator.
func TestCallsOnSim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Options{})
		h := onSim(t, s)
		text := func(name string, args bridge.Args) string {
			t.Helper()
			v, err := h.Call(name, args)
			if err != nil {
				t.Errorf("%s %v: %v", name, args, err)
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		one := bridge.Args{"camera": "4201"}
		for _, c := range []struct {
			name, want string
			args       bridge.Args
		}{
			{"status", `"cameraId":4203`, nil}, // without a list it reads that first
			{"cameras", `[{"accountId":9001,"cameraId":4201,`, nil},
			{"self", `"userId":7001`, nil},
			{"camera", `"name":"Yard"`, one},
			{"location", `"timeZone":"Europe/Amsterdam"`, one},
			{"details", `"part":"connection/details"`, bridge.Args{"camera": 4201, "part": "connection"}},
			{"streams", `"rtspHttp":"rtspHttp://localhost:8080/stream/rtsp/open?camera_id=4201"`, one},
			{"streams", `[{"streamId":{"value":0},"urls":{"rtsp":"rtsp://localhost:8080/stream/rtsp/open?camera_id=4201"}}]`, bridge.Args{"camera": 4201, "types": "rtsp"}},
			{"snapshot", `{"content_type":"image/jpeg","base64":"/9j/`, one},
		} {
			if got := text(c.name, c.args); !strings.Contains(got, c.want) {
				t.Errorf("%s: %s, want %s in it", c.name, got, c.want)
			}
		}
		var list []struct{ RecordingID int64 }
		if err := json.Unmarshal([]byte(text("recordings", bridge.Args{"camera": 4201, "limit": int64(10)})), &list); err != nil || len(list) != 10 {
			t.Fatalf("%d recordings, %v", len(list), err)
		}
		if got := text("recording", bridge.Args{"camera": 4201, "id": list[0].RecordingID}); !strings.Contains(got, "mp4Http") || strings.Contains(got, "token") {
			t.Errorf("recording: %s", got)
		}
		_, err := h.Call("camera", bridge.Args{"camera": 5101})
		if f := bridgetest.Failed(t, err); f.Status != 404 {
			t.Errorf("a camera of another account: %+v", f)
		}
		if all, _ := devices(h.Take()); len(all) != 3 {
			t.Errorf("the calls reported %d cameras, want 3", len(all))
		}
	})
}

// The call tells what stands in the way of states, and gives no half of them.
func TestStatusCallFails(t *testing.T) {
	for _, on := range []string{"GET /rest/v2.4/cameras", "GET /rest/v2.4/cameras/all/status", "GET /rest/v2.4/cameras/4203/status"} {
		s := sim.New(sim.Options{Settings: sim.Settings{NoAllStatus: strings.Contains(on, "4203")}})
		s.Faults.Add(simkit.Fault{On: on, Do: simkit.Status(500, "application/json", `{"code":3}`)})
		h := onSim(t, s)
		if v, err := h.Call("status", nil); v != nil || !strings.Contains(bridgetest.Failed(t, err).Message, "code 3") {
			t.Errorf("%s: %v, %v", on, v, err)
		}
		if _, err := h.Call("status", nil); err != nil {
			t.Errorf("then: %v", err)
		}
	}
}

// A device's id serves where the camera's own cannot stand in a topic.
func TestCameraByDevice(t *testing.T) {
	cloud := bridgetest.Answers(`[{"cameraId":"Cam-A"}]`)
	h := open(t, cloud)
	h.MustRun("cameras")
	for _, id := range []string{"Cam-A", bridge.DeviceID("Cam-A")} {
		cloud.Forget()
		if _, err := h.Call("camera", bridge.Args{"camera": id}); err != nil || cloud.Asked()[0] != ("read GET /rest/v2.4/cameras/Cam-A") {
			t.Errorf("%s: asked %v, %v", id, cloud.Asked(), err)
		}
	}
}

func TestMalformedArguments(t *testing.T) {
	cloud := bridgetest.Answers("{}")
	h := open(t, cloud)
	for _, c := range []struct {
		call string
		args bridge.Args
	}{
		{"camera", bridge.Args{}}, {"camera", bridge.Args{"camera": ""}}, {"camera", bridge.Args{"camera": nil}}, {"camera", bridge.Args{"camera": true}},
		{"camera", bridge.Args{"camera": "../users"}}, {"camera", bridge.Args{"camera": "a b"}}, {"camera", bridge.Args{"camera": "ü"}}, {"camera", bridge.Args{"camera": 1.5}},
		{"camera", bridge.Args{"camera": []any{1}}}, {"camera", bridge.Args{"camera": strings.Repeat("1", 65)}}, {"camera", bridge.Args{"camera": func() {}}},
		{"snapshot", bridge.Args{"camera": "x/y"}}, {"snapshot", bridge.Args{"camera": 1, "resolution": "1x"}},
		{"recordings", bridge.Args{"camera": "?"}}, {"recordings", bridge.Args{"camera": 1, "from": "yesterday"}}, {"recordings", bridge.Args{"camera": 1, "to": "1700000000"}},
		{"recordings", bridge.Args{"camera": 1, "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}},
		{"recording", bridge.Args{"camera": 1, "id": "a/b"}}, {"recording", bridge.Args{"id": 1}},
	} {
		_, err := h.Call(c.call, c.args)
		if err == nil || bridgetest.Failed(t, err).Reason != bridge.ReasonMalformed {
			t.Errorf("%s %v: %v, want malformed", c.call, c.args, err)
		}
	}
	if len(cloud.Asked()) > 0 {
		t.Errorf("asked %v", cloud.Asked())
	}
}

// An address that carries a token is shown without it.
func TestResultsHoldNoToken(t *testing.T) {
	h := open(t, bridgetest.Answers(`[{"streamId":{"value":12345678901234567890},"urls":{
		"a":"https://node.example/x?camera_id=1&access_token=canary%3A1&t=2","b":"rtsp://user:canary@node.example/x?camera_id=1",
		"c":"https://node.example/%zz?access_token=canary","d":"https://node.example/x?camera_id=1#f","e":"a text: no address"}}]`))
	v, err := h.Call("streams", bridge.Args{"camera": 1})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := json.Marshal(v)
	var want any
	_ = json.Unmarshal([]byte(`[{"streamId":{"value":0},"urls":{"a":"https://node.example/x?camera_id=1&t=2","b":"rtsp://node.example/x?camera_id=1","c":"","d":"https://node.example/x?camera_id=1#f","e":"a text: no address"}}]`), &want)
	var have any
	_ = json.Unmarshal([]byte(strings.Replace(string(got), "12345678901234567890", "0", 1)), &have)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
}

// Error objects: the vendor's code is shown, its text never.
func TestErrorShapes(t *testing.T) {
	for body, want := range map[string]string{
		`{"code":7,"title":"secret","detail":"secret"}`:          "refused (CameraManager code 7)",
		`{"code":"7","title":"secret"}`:                          "refused (CameraManager code 7)",
		`{"code":"secret"}`:                                      "refused",
		`{"error":"invalid_token","error_description":"secret"}`: "refused",
		`<html>secret</html>`:                                    "refused", ``: "refused", `[1]`: "refused",
	} {
		h := open(t, &bridgetest.FakeCloud{Answer: func(bridge.Request) (bridge.Reply, error) {
			return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Status: 400, Message: "refused", Detail: []byte(body)}
		}})
		_, err := h.Call("self", nil)
		if f := bridgetest.Failed(t, err); f.Message != want || f.Reason != bridge.ReasonRejected || f.Status != 400 {
			t.Errorf("%s: %q, want %q", body, fmt.Sprint(f), want)
		}
	}
}
