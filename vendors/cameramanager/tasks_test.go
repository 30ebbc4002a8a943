package cameramanager_test

import (
	"fmt"
	"slices"
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

// The devices of the demo account: ids are permanent.
func TestDevices(t *testing.T) {
	h := onSim(t, sim.New(sim.Options{}))
	h.MustRun("cameras")
	all, _ := devices(h.Take())
	if len(all) != 3 {
		t.Fatalf("%d cameras, want 3", len(all))
	}
	golden(t, "device.golden", bridgetest.JSON(t, all[0]))
	var ids []string
	for _, d := range all {
		for _, e := range d.Entities {
			ids = append(ids, d.ID+"/"+e.ID)
		}
	}
	golden(t, "ids.golden", lines(ids))
}

func TestStatus(t *testing.T) {
	s := sim.New(sim.Options{})
	s.Set(4202, func(c *sim.Camera) {
		c.Online, c.RecordingOnCloud, c.PasswordKnown, c.Audio = false, false, false, true
	})
	s.Set(4203, func(c *sim.Camera) { c.FirmwareStatus, c.PasswordStatus = "", "" })
	h := onSim(t, s)
	h.MustRun("cameras", "status")
	got := states(h.Take())
	slices.Sort(got) // the cloud promises no order
	golden(t, "status.golden", lines(got))
	if n := s.Log.Count("GET /rest/v2.4/cameras/*/status"); n != 1 {
		t.Errorf("%d requests for states, want 1 for all", n)
	}
}

// Whatever the cloud leaves out of the answer about all is asked one by one.
func TestStatusFallbacks(t *testing.T) {
	for name, change := range map[string]func(*sim.Settings){
		"no answer about all": func(t *sim.Settings) { t.NoAllStatus = true },
		"one left out":        func(t *sim.Settings) { t.MissOne = true },
		"ids as text":         func(t *sim.Settings) { t.TextIDs = true },
		"no strings":          func(t *sim.Settings) { t.NoStrings = true },
	} {
		t.Run(name, func(t *testing.T) {
			s := sim.New(sim.Options{})
			s.Change(change)
			h := onSim(t, s)
			h.MustRun("cameras")
			for range 2 {
				h.MustRun("status")
				online := 0
				for _, text := range states(h.Take()) {
					online += strings.Count(text, "online=true says=true")
				}
				if online != 3 {
					t.Errorf("%d cameras told about, want 3", online)
				}
			}
		})
	}
	t.Run("a camera that is gone meanwhile", func(t *testing.T) {
		s := sim.New(sim.Options{})
		h := onSim(t, s)
		h.MustRun("cameras")
		s.Remove(4202)
		h.MustRun("status")
		if got := states(h.Take()); slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "4202") }) {
			t.Errorf("told about a removed camera: %v", got)
		}
	})
}

// States wait for the list, and a new camera gets its state at once.
func TestStatusComesWithTheList(t *testing.T) {
	s := sim.New(sim.Options{})
	h := onSim(t, s)
	h.MustRun("status")
	if facts := h.Take(); len(facts) > 0 || s.Log.Count("") > 0 {
		t.Errorf("before there is a list: %v", facts)
	}
	for _, step := range []struct {
		name string
		do   func()
		want []string
	}{
		{"the first list after that", func() {}, []string{"status"}},
		{"the same list", func() {}, nil},
		{"a new camera", func() { s.Seed(sim.Camera{ID: 4300, Account: "9001", Name: "New"}) }, []string{"status"}},
		{"one less", func() { s.Remove(4300) }, nil},
	} {
		step.do()
		h.MustRun("cameras")
		if diff := cmp.Diff(step.want, due(h.Take())); diff != "" {
			t.Errorf("%s: due (-want +got):\n%s", step.name, diff)
		}
	}
	fresh := onSim(t, s)
	fresh.MustRun("cameras")
	if got := due(fresh.Take()); got != nil {
		t.Errorf("at an orderly start %v is due besides the plan", got)
	}
}

// What is no list of cameras is an error and removes none.
func TestBadLists(t *testing.T) {
	for _, body := range []string{
		"", "null", "{}", "{\"cameras\":[]}", "[", `[{"cameraId":4201}`, `[{"name":"Yard"}]`, `[{"cameraId":null}]`, "[null]", "[1]", `["a"]`,
		`"text"`, "<html><h1>502</h1></html>", `{"data":{"nodes":[]}}`, `{"error":"invalid_token"}`, `[{"cameraId":{}}]`, `[{"cameraId":4201},{}]`,
	} {
		h := open(t, bridgetest.Answers(body))
		err := h.Run("cameras")
		if err == nil {
			t.Errorf("%q is taken for a list", body)
		} else if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonNoAnswer {
			t.Errorf("%q: %s, want no_answer", body, f.Reason)
		}
		if facts := h.Take(); len(facts) > 0 {
			t.Errorf("%q reports %v", body, facts)
		}
	}
	h := open(t, bridgetest.Answers("[]"))
	h.MustRun("cameras")
	if all, lists := devices(h.Take()); lists != 1 || len(all) != 0 {
		t.Error("an account without cameras has an empty list")
	}
}

func TestOddCameras(t *testing.T) {
	h := open(t, bridgetest.Answers(`[
		{"cameraId":"AB/12 ü","name":"","ethMacAddress":"00:11:22:AA:BB:CC","deviceTypeId":"x","extra":{"a":1}},
		{"cameraId":4201,"name":null,"ethMacAddress":"none"},
		{"cameraId":4201,"name":"twice"},
		{"cameraId":"state","name":"`+strings.Repeat("n", 300)+`","zoneId":true}]`))
	h.MustRun("cameras")
	all, _ := devices(h.Take())
	var got []string
	for _, d := range all {
		if !bridge.IsID(d.ID) || bridge.IsReservedID(d.ID) {
			t.Errorf("%q is no usable id", d.ID)
		}
		got = append(got, fmt.Sprintf("%s|%s|%.10s|%s", d.ID, d.Original, d.Name, d.MAC))
	}
	want := []string{bridge.DeviceID("AB/12 ü") + "|AB/12 ü|Camera AB/|001122aabbcc", "4201|4201|Camera 420|", bridge.DeviceID("state") + "|state|nnnnnnnnnn|"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
}

func TestBadStatuses(t *testing.T) {
	list := `[{"cameraId":4201,"name":"Yard"}]`
	for _, body := range []string{"", "{", "<html>", `{"cameraId":4201}`, "[1", `"x"`} {
		h := open(t, bridgetest.ByPath(map[string]string{"/rest/v2.4/cameras": list, "/rest/v2.4/cameras/all/status": body}))
		h.MustRun("cameras")
		h.Take()
		if err := h.Run("status"); err == nil {
			t.Errorf("%q is taken for states", body)
		}
		if facts := h.Take(); len(facts) > 0 {
			t.Errorf("%q reports %v", body, facts)
		}
	}
	// Members of odd types count as absent, strangers are left alone.
	h := open(t, bridgetest.ByPath(map[string]string{"/rest/v2.4/cameras": list,
		"/rest/v2.4/cameras/all/status": `[null,5,{"cameraId":99,"online":true},{"cameraId":"4201","online":"true","recordingOnCloud":7,"audioEnabled":null,"passwordKnown":0,"firmwareStatus":3,"connectionType":["x"]}]`}))
	h.MustRun("cameras", "status")
	want := []string{"4201 online=true says=true", "4201/password_problem ON", "4201/firmware_status 3"}
	if diff := cmp.Diff(want, states(h.Take())); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

// Faults of the cloud end a task with their reason, and the next run is fine.
func TestFaults(t *testing.T) {
	for name, deed := range map[string]simkit.Deed{
		"lost": simkit.DropAfter, "502": simkit.HTML(502), "500": simkit.Status(500, "application/json", `{"code":3,"title":"x"}`), "half": simkit.Malformed,
		"401": simkit.Status(401, "application/json", `{"error":"invalid_token"}`), "429": simkit.Status(429, "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			s := sim.New(sim.Options{})
			h := onSim(t, s)
			h.MustRun("cameras", "status")
			h.Take()
			s.Faults.Add(simkit.Fault{Times: 3, Do: deed})
			for _, task := range []string{"cameras", "status", "recordings"} {
				if err := h.Run(task); err == nil {
					t.Errorf("%s: no error", task)
				}
			}
			if facts := h.Take(); len(facts) > 0 {
				t.Errorf("reported %v", facts)
			}
			h.MustRun("cameras", "status", "recordings")
		})
	}
}

func TestLastRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // starts at midnight
		s := sim.New(sim.Options{})
		s.Set(4202, func(c *sim.Camera) { c.RecordingOnCloud = false })
		h := onSim(t, s)
		h.MustRun("cameras")
		time.Sleep(20 * time.Minute)
		for _, layout := range []string{"", time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05.000Z07:00"} {
			s.Change(func(t *sim.Settings) { t.TimeLayout = layout })
			h.Take()
			h.MustRun("recordings")
			want := []string{"4201/last_recording 2000-01-01T00:15:00Z", "4203/last_recording 2000-01-01T00:15:00Z"}
			if diff := cmp.Diff(want, states(h.Take())); diff != "" {
				t.Errorf("layout %q (-want +got):\n%s", layout, diff)
			}
		}
	})
}

// A full page is followed by the next, which starts where the last one ends.
func TestLastRecordingPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := bridgetest.ByPath(map[string]string{"/rest/v2.4/cameras": `[{"cameraId":1}]`})
		known := cloud.Answer
		now := time.Now()
		cloud.Answer = func(r bridge.Request) (bridge.Reply, error) {
			if !strings.HasSuffix(r.Path, "/recordings") {
				return known(r)
			}
			from, _ := time.Parse("2006-01-02T15:04:05.000-0700", r.Query["minTimestamp"][0])
			var list []string
			for i := range 200 {
				if end := from.Add(time.Duration(i) * 10 * time.Second); !end.After(now) {
					list = append(list, fmt.Sprintf(`{"recordingId":%d,"endTime":%q}`, i, end.Format(time.RFC3339)))
				}
			}
			return bridge.Reply{Status: 200, Body: []byte("[" + strings.Join(list, ",") + "]")}, nil
		}
		h := open(t, cloud)
		h.MustRun("cameras", "recordings")
		want := "1/last_recording " + now.UTC().Format(time.RFC3339)
		if got := states(h.Take()); len(got) != 1 || got[0] != want || len(cloud.Asked()) != 3 {
			t.Errorf("got %v after %d requests, want %s after a list and two pages", got, len(cloud.Asked()), want)
		}
	})
}

// Ten thousand cameras are a list and one answer about all.
func TestManyCameras(t *testing.T) {
	const n = 10000
	s := sim.New(sim.Options{Cameras: many(n)})
	h := onSim(t, s)
	h.MustRun("cameras", "status")
	told := 0
	for _, text := range states(h.Take()) {
		told += strings.Count(text, "says=true")
	}
	if told != n || s.Log.Count("") != 2 {
		t.Errorf("%d cameras told about in %d requests, want %d in 2", told, s.Log.Count(""), n)
	}
}

func many(n int) []sim.Camera {
	cameras := make([]sim.Camera, n)
	for i := range cameras {
		cameras[i] = sim.Camera{ID: int64(i + 1), Account: "9001", Online: true}
	}
	return cameras
}

// One by one, cameras are asked a hundred at a time, all in turn.
func TestOneByOne(t *testing.T) {
	s := sim.New(sim.Options{Cameras: many(950), Settings: sim.Settings{NoAllStatus: true}})
	h := onSim(t, s)
	h.MustRun("cameras")
	seen := map[string]bool{}
	for run := range 10 {
		h.MustRun("status")
		for _, text := range states(h.Take()) {
			if id, ok := strings.CutSuffix(text, " online=true says=true"); ok {
				seen[id] = true
			}
		}
		if want := min((run+1)*100, 950); len(seen) != want {
			t.Fatalf("%d cameras seen after %d runs, want %d", len(seen), run+1, want)
		}
	}
}

func TestTasks(t *testing.T) {
	names := func(change func(*cameramanager.Options)) (all []string) {
		for _, task := range open(t, bridgetest.Answers("[]"), change).Tasks {
			all = append(all, fmt.Sprint(task.Name, " ", task.Every))
		}
		return all
	}
	for _, c := range []struct {
		change func(*cameramanager.Options)
		want   []string
	}{
		{func(*cameramanager.Options) {}, []string{"cameras 10m0s", "status 1m0s", "recordings 15m0s"}},
		{func(o *cameramanager.Options) { o.LastRecording, o.Stills.Every = 0, time.Hour }, []string{"cameras 10m0s", "status 1m0s", "stills 1h0m0s"}},
	} {
		if diff := cmp.Diff(c.want, names(c.change)); diff != "" {
			t.Errorf("tasks (-want +got):\n%s", diff)
		}
	}
}

// Whatever the cloud answers: an error or facts that fit, never a panic.
func FuzzReplies(f *testing.F) {
	for _, body := range []string{"", "null", "[]", "{}", `[{"cameraId":4201,"online":true}]`, `[{"cameraId":"\u0000"}]`, `[{"cameraId":1e99,"endTime":"2026-01-02T03:04:05.000+0000"}]`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		h := open(t, bridgetest.Answers(body))
		for _, task := range h.Tasks {
			_ = task.Do(t.Context(), h.Report)
		}
		for _, call := range h.Calls {
			v, err := call.Do(t.Context(), bridge.Order{Args: bridge.Args{"camera": 4201, "id": 1, "part": "mode"}, Report: h.Report})
			if (v == nil) == (err == nil) && body != "null" {
				t.Errorf("call %s returned %v, %v", call.Name, v, err)
			}
		}
	})
}
