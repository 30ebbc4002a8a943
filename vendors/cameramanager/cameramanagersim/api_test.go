package cameramanagersim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge/simkit"
	sim "latchkey/vendors/cameramanager/cameramanagersim"
)

// The shapes of the vendor sheet, byte for byte where it prints them.
func TestShapes(t *testing.T) {
	c := open(t, sim.Options{Cameras: []sim.Camera{
		{ID: 4201, Name: "Yard", DeviceType: 77, MAC: "001122AABBCC", Zone: 310, Account: "9001", Online: true, RecordingOnCloud: true, PasswordKnown: true, FirmwareStatus: "example", Latitude: "52.0", Longitude: "5.0", TimeZone: "Europe/Amsterdam"},
		{ID: 5101, Account: "9002"},
	}})
	token := c.grant().Access
	for target, want := range map[string]string{
		"/rest/v2.4/cameras":                         `[{"cameraId":4201,"name":"Yard","deviceTypeId":77,"ethMacAddress":"001122AABBCC","zoneId":310,"accountId":9001}]`,
		"/rest/v2.4/cameras/4201":                    `{"cameraId":4201,"name":"Yard","deviceTypeId":77,"ethMacAddress":"001122AABBCC","zoneId":310,"accountId":9001}`,
		"/rest/v2.4/cameras/all/status":              `[{"cameraId":4201,"online":true,"recordingOnCloud":true,"recordingOnSd":false,"audioEnabled":false,"passwordKnown":true,"firmwareStatus":"example"}]`,
		"/rest/v2.3/cameras/4201/status":             `{"cameraId":4201,"online":true,"recordingOnCloud":true,"recordingOnSd":false,"audioEnabled":false,"passwordKnown":true,"firmwareStatus":"example"}`,
		"/rest/v2.4/cameras/4201/location":           `{"latitude":"52.0","longitude":"5.0","timeZone":"Europe/Amsterdam"}`,
		"/rest/v2.3/users/self":                      `{"userId":7001,"accountId":9001,"email":"anna@example.com","firstName":"A","lastName":"Example"}`,
		"/rest/v2.2/cameras/4201/connection/details": `{"cameraId":4201,"part":"connection/details"}`,
		"/rest/v2.0/cameras/4201/detectors/pir":      `{"cameraId":4201,"part":"pir"}`,
	} {
		var got, wanted any
		c.get(token, target, &got)
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", target, diff)
		}
	}
	c.Change(func(s *sim.Settings) { s.TextIDs = true })
	if got := c.do("GET", "/rest/v2.4/cameras/4201?access_token="+token, ""); !strings.Contains(got.body, `"cameraId":"4201"`) {
		t.Errorf("ids as text, token in the query: HTTP %d %s", got.status, got.body)
	}
}

func TestAPIRefusals(t *testing.T) {
	c := open(t, sim.Options{})
	token := c.grant().Access
	for _, x := range []struct {
		target  string
		headers []string
		status  int
		holds   string
	}{
		{"/rest/v2.4/cameras", []string{"Authorization", ""}, 401, `"invalid_token"`},
		{"/rest/v2.4/cameras", []string{"Authorization", "Bearer x"}, 401, `"error_description"`},
		{"/rest/v2.4/cameras", []string{"Accept", "text/html"}, 406, `"title"`},
		{"/rest/v2.4/cameras?page=2", nil, 400, `"code"`},
		{"/rest/v2.0/cameras", nil, 404, `"title"`},
		{"/rest/v2.0/cameras/4201/status", nil, 404, `"title"`},
		{"/rest/v2.4/cameras/4201/streams", nil, 404, `"title"`},
		{"/rest/v2.4/cameras/4201/deviceInfo", nil, 404, `"title"`},
		{"/rest/v2.1/users/self", nil, 404, `"title"`},
		{"/rest/v2.4/cameras/1", nil, 404, `"code"`},
		{"/rest/v2.4/cameras/x", nil, 404, `"code"`},
		{"/rest/v2.4/cameras/5101", nil, 404, `"code"`},
		{"/rest/v2.4/cameras/4201/recordings/1", nil, 404, `"code"`},
		{"/rest/v2.4/events", nil, 404, `"code"`},
		{"/elsewhere", nil, 404, `"code"`},
	} {
		got := c.do("GET", x.target, "", append([]string{"Authorization", "Bearer " + token}, x.headers...)...)
		if got.status != x.status || !strings.Contains(got.body, x.holds) {
			t.Errorf("%s %v: HTTP %d %s, want %d with %s", x.target, x.headers, got.status, got.body, x.status, x.holds)
		}
	}
	c.Change(func(s *sim.Settings) { s.ForeignStatus = 403; s.EventsPath = "/v2.4/events" })
	if status := c.status(token, "/rest/v2.4/cameras/5101"); status != 403 {
		t.Errorf("foreign camera: HTTP %d, want 403", status)
	}
	var events []map[string]any
	if c.get(token, "/rest/v2.4/events", &events); len(events) != 3 || events[0]["eventId"] == nil || events[0]["timestamp"] == nil || events[0]["duration"] == nil || events[0]["type"] == nil || events[0]["source"] == nil {
		t.Errorf("events: %v", events)
	}
}

// The fields of the user's rights are documented, their path is not.
func TestRights(t *testing.T) {
	c := open(t, sim.Options{})
	const path = "/v2.4/users/self/rights"
	token := c.grant().Access
	if status := c.status(token, "/rest"+path); status != 404 {
		t.Errorf("no path is set: HTTP %d, want 404", status)
	}
	c.Change(func(s *sim.Settings) { s.RightsPath = path })
	got := map[string]bool{}
	c.get(token, "/rest"+path, &got)
	want := map[string]bool{"ptz": false, "microphone": false, "playback": true, "export": true, "deleteRecording": false, "lockRecording": false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rights (-want +got):\n%s", diff)
	}
}

func TestAllStatus(t *testing.T) {
	many := make([]sim.Camera, 100)
	for i := range many {
		many[i] = sim.Camera{ID: int64(i), Account: "9001", FirmwareStatus: "example"}
	}
	c := open(t, sim.Options{Cameras: many})
	token := c.grant().Access
	ids := func() (out []float64) {
		var list []map[string]any
		c.get(token, "/rest/v2.4/cameras/all/status", &list)
		for _, s := range list {
			out = append(out, s["cameraId"].(float64))
		}
		return out
	}
	if a, b := ids(), ids(); len(a) != 100 || cmp.Equal(a, b) {
		t.Errorf("%d statuses, shuffled: %v", len(a), !cmp.Equal(a, b))
	}
	c.Change(func(s *sim.Settings) { s.MissOne = true })
	if a, b := len(ids()), len(ids()); a+b != 199 {
		t.Errorf("%d and %d statuses, want one missing in one of them", a, b)
	}
	c.Change(func(s *sim.Settings) { s.NoStrings = true })
	if got := c.do("GET", "/rest/v2.4/cameras/5/status", "", "Authorization", "Bearer "+token); strings.Contains(got.body, "firmwareStatus") {
		t.Errorf("strings are there: %s", got.body)
	}
	c.Change(func(s *sim.Settings) { s.NoAllStatus = true })
	if status := c.status(token, "/rest/v2.4/cameras/all/status"); status != 404 {
		t.Errorf("HTTP %d, want 404", status)
	}
}

func TestCamerasChange(t *testing.T) {
	c := open(t, sim.Options{})
	token := c.grant().Access
	count := func() int {
		var list []any
		c.get(token, "/rest/v2.4/cameras", &list)
		return len(list)
	}
	c.Seed(sim.Camera{ID: 4299, Account: "9001"})
	if n := count(); n != 4 {
		t.Errorf("%d cameras after one was added, want 4", n)
	}
	c.Remove(4299)
	if n := count(); n != 3 {
		t.Errorf("%d cameras after it was removed, want 3", n)
	}
	if !c.Set(4201, func(k *sim.Camera) { k.Online = false }) || c.Set(1, func(*sim.Camera) {}) {
		t.Error("Set does not tell whether there is such a camera")
	}
	var status struct{ Online bool }
	if c.get(token, "/rest/v2.4/cameras/4201/status", &status); status.Online {
		t.Error("still online")
	}
	c.Seed()
	c.Remove(4201)
	c.Remove(4202)
	c.Remove(4203)
	if got := c.do("GET", "/rest/v2.4/cameras", "", "Authorization", "Bearer "+token); got.body != "[]" {
		t.Errorf("no cameras: %s, want an empty list", got.body)
	}
}

// The faults that the vendor sheet asks for come from simkit.
func TestFaults(t *testing.T) {
	c := open(t, sim.Options{})
	token := c.grant().Access
	c.Faults.Add(simkit.Fault{On: "GET /rest/*/cameras", Do: simkit.Malformed})
	got := c.do("GET", "/rest/v2.4/cameras", "", "Authorization", "Bearer "+token)
	if got.status != 200 || json.Valid([]byte(got.body)) {
		t.Errorf("HTTP %d %s, want half a list", got.status, got.body)
	}
	c.Faults.Add(simkit.Fault{On: "GET /rest/*/cameras", Do: simkit.HTML(502)})
	if got := c.do("GET", "/rest/v2.4/cameras", "", "Authorization", "Bearer "+token); got.status != 502 || !strings.Contains(got.body, "<html>") {
		t.Errorf("HTTP %d %s", got.status, got.body)
	}
	if n := c.Log.Count("GET /rest/*/cameras"); n != 2 {
		t.Errorf("%d requests logged, want 2", n)
	}
}
