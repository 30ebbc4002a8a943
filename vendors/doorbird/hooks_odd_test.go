package doorbird_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/doorbird"
	"latchkey/vendors/doorbird/doorbirdsim"
)

// setupCloud answers with a station's setup, and nothing to writes.
func setupCloud(favourites, schedules string) *bridgetest.FakeCloud {
	return &bridgetest.FakeCloud{Answer: func(r bridge.Request) (bridge.Reply, error) {
		return bridge.Reply{Status: 200, Body: []byte(map[string]string{"/favorites": favourites, "/schedules": schedules}[r.Path])}, nil
	}}
}

func hooked(t *testing.T, cloud bridge.Cloud, notes *bridgetest.Notes, o *doorbird.Options) *station {
	t.Helper()
	return bridgetest.Open(t, o, settings("deviceAdmin"), bridge.Env{Cloud: cloud, Notes: notes, Identity: mac,
		HookURL: func() (bridge.Secret, error) { return bridge.NewSecret(hookURL), nil }})
}

// What is not understood is never changed: replies of other vendors, too.
func TestHooksNeedTheSetup(t *testing.T) {
	const book, rules = `{"http":{},"sip":{}}`, `[]`
	for _, c := range []struct{ favourites, schedules string }{
		{"", rules}, {"<html>", rules}, {"[]", rules}, {`{"http":7}`, rules}, {`{"http":{"0":{"title":"no identifier"}}}`, rules}, {`{"http":{"0":{"identifier":"x"}}}`, rules},
		{`{"http":{"0":{"identifier":{}}}}`, rules}, {`{"http":{"0":{"identifier":-1}}}`, rules}, {`{"http":["x"]}`, rules},
		{book, ""}, {book, "{}"}, {book, "null"}, {book, `[{"output":[]}]`}, {book, `[{"input":"motion","output":{}}]`}, {book, `[{"input":"motion","output":[1]}]`},
		{book, `[{"input":"motion"},{"input":"motion","param":""}]`}, {book, `[{"input":7,"output":"x"}]`}, {book, `["x"]`},
		{`[{"cameraId":4201,"name":"Yard"}]`, `[{"cameraId":4201,"name":"Yard"}]`},                   // CameraManager
		{`{"data":{"nodes":{"edges":[]}}}`, `{"data":{"nodes":{"edges":[]}}}`},                       // NetRex
		{`{"resultCode":"ok"}`, `{"resultCode":"ok"}`}, {`{"data":{"units":[]}}`, `{"errors":[{}]}`}, // DW Spectrum, Sensorberg
	} {
		for _, call := range []string{"hooks_plan", "hooks_install", "hooks_remove"} {
			cloud := setupCloud(c.favourites, c.schedules)
			_, err := hooked(t, cloud, &bridgetest.Notes{}, options(nil)).Call(call, nil)
			if err == nil || bridgetest.Failed(t, err).Reason != bridge.ReasonNoAnswer || len(cloud.Acts()) > 0 {
				t.Errorf("%s of %s and %s: %v, sent %v", call, c.favourites, c.schedules, err, cloud.Acts())
			}
		}
	}
}

func TestHooksRefused(t *testing.T) {
	viewer := onSim(t, doorbirdsim.New(doorbirdsim.Options{}), doorbirdsim.DemoViewer, options(nil))
	off := bridgetest.Open(t, options(nil), settings("deviceAdmin"), bridge.Env{Cloud: setupCloud(`{}`, `[]`)})
	noSecret := bridgetest.Open(t, options(nil), settings("deviceAdmin"), bridge.Env{Cloud: setupCloud(`{}`, `[]`), HookURL: func() (bridge.Secret, error) { return bridge.Secret{}, errors.New("disk") }})
	other := `[{"event":"http","param":1000}]`
	taken := hooked(t, setupCloud(`{}`, `[{"input":"doorbell","param":"1","output":`+other+`},{"input":"motion","param":null,"output":`+other+`},{"input":"relay","param":1,"output":`+other+`}]`), &bridgetest.Notes{}, options(nil))
	many := hooked(t, setupCloud(`{}`, `[]`), &bridgetest.Notes{}, options(func(o *doorbird.Options) { o.Bells = 99 }))
	book := make([]string, 121)
	for i := range book {
		book[i] = fmt.Sprintf(`{"identifier":%d,"title":"latchkey gate 6ac227 x %d"}`, i, i)
	}
	full := hooked(t, setupCloud(`{"http":[`+strings.Join(book, ",")+`]}`, `[]`), &bridgetest.Notes{}, options(nil))
	noNotes := hooked(t, setupCloud(`{}`, `[]`), &bridgetest.Notes{Fail: errors.New("disk")}, options(nil))
	for name, c := range map[string]struct {
		st     *station
		call   string
		reason bridge.Reason
		says   string
	}{
		"viewer":               {viewer, "hooks_install", bridge.ReasonRejected, "deviceAdmin"},
		"page off":             {off, "hooks_install", bridge.ReasonNotSent, "web.listen"},
		"page off, remove":     {off, "hooks_remove", bridge.ReasonNotSent, "web.listen"},
		"no secret":            {noSecret, "hooks_install", "", "disk"},
		"no secret, remove":    {noSecret, "hooks_remove", "", "disk"},
		"all of another":       {taken, "hooks_install", bridge.ReasonNotSent, "replace=true"},
		"too many":             {many, "hooks_install", bridge.ReasonNotSent, "more than 60"},
		"too many to remove":   {full, "hooks_remove", bridge.ReasonNotSent, "more than 120"},
		"undo cannot be kept":  {noNotes, "hooks_install", bridge.ReasonNotSent, "could not be kept"},
		"undo, at the removal": {noNotes, "hooks_remove", bridge.ReasonNotSent, "could not be kept"},
	} {
		_, err := c.st.Call(c.call, nil)
		if err == nil || !strings.Contains(err.Error(), c.says) || c.reason != "" && bridgetest.Failed(t, err).Reason != c.reason {
			t.Errorf("%s: %v, want %s with %q", name, err, c.reason, c.says)
		}
	}
	for _, st := range []*station{off, taken, noNotes} {
		if got := st.Take(); len(got) > 0 {
			for _, f := range got {
				if _, ok := f.(bridge.Devices); ok {
					t.Errorf("reported %v", got)
				}
			}
		}
	}
}

// A disk that fills up in between: part was done, so it is not "not sent".
func TestHooksNotKeptInBetween(t *testing.T) {
	cloud, notes := setupCloud(`{}`, `[]`), &bridgetest.Notes{}
	answer := cloud.Answer
	cloud.Answer = func(r bridge.Request) (bridge.Reply, error) {
		if r.Path == "/favorite/http" {
			notes.Fail = errors.New("disk")
		}
		return answer(r)
	}
	_, err := hooked(t, cloud, notes, options(nil)).Call("hooks_install", nil)
	if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonNoAnswer || !strings.Contains(f.Message, "could not be kept: disk; 0 of 3") || len(cloud.Acts()) != 1 {
		t.Errorf("%+v, sent %v", f, cloud.Acts())
	}
	cloud = setupCloud(`{"http":{"0":{"identifier":4100,"title":"latchkey gate 6ac227 motion"}}}`, `[]`)
	_, err = hooked(t, cloud, notes, options(nil)).Call("hooks_remove", nil)
	if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonNoAnswer || !strings.Contains(f.Message, "1 of 1") || len(cloud.Acts()) != 1 {
		t.Errorf("removal: %+v, sent %v", f, cloud.Acts())
	}
}

// A rule is written back with all that it had; rules of unknown kinds, unknown
// outputs and numbers for texts are no trouble.
func TestHooksKeepWhatTheyDoNotKnow(t *testing.T) {
	cloud := setupCloud(`{"http":{"0":{"identifier":"4100","title":"Ä \"x\"","value":"https://secret.example"}},"new":1}`,
		`[{"input":"rfid","param":"77","output":[{"event":"relay","param":"1"}]},{"input":"doorbell","param":1,"enabled":true,"output":[{"event":"hologram","colour":"blue","param":{"x":1}}]},
		 {"input":"doorbell","param":"front","output":[]},{"input":"relay","param":"ghijkl@1"}]`)
	st := hooked(t, cloud, &bridgetest.Notes{}, options(nil))
	got := does(t, st.MustCall("hooks_install", nil))
	if diff := cmp.Diff([]string{"doorbell 1: add", "motion: add", "relay 1: add", "relay ghijkl@1: add"}, got); diff != "" {
		t.Errorf("hooks (-want +got):\n%s", diff)
	}
	sent := strings.Join(cloud.Acts(), "\n")
	const always = `"schedule":{"weekdays":[{"from":"82800","to":"82799"}]}}]`
	for _, want := range []string{
		`{"enabled":true,"input":"doorbell","output":[{"event":"hologram","colour":"blue","param":{"x":1}},{"event":"http","param":"4101",` + always + `,"param":1}`,
		`{"input":"motion","output":[{"event":"http","param":"4102",` + always + `,"param":""}`,
		`{"identifier":4104,"title":"latchkey gate 6ac227 relay ghijkl@1","value":"https://home.example/hooks/doorbird/gate/CANARY-4711?event=relay\u0026param=ghijkl%401"`,
	} {
		if !strings.Contains(sent, want) {
			t.Errorf("want %s in\n%s", want, sent)
		}
	}
	if strings.Contains(sent, "rfid") || strings.Contains(sent, "front") {
		t.Errorf("a strange rule was written:\n%s", sent)
	}
}

func TestHook(t *testing.T) {
	at := time.Unix(1760000000, 0)
	event := func(entity, kind, id string, attributes map[string]any) bridge.Fact {
		return bridge.Happened{Ref: bridge.Ref{Device: mac, Entity: entity}, Type: kind, ID: id, At: at, Attributes: attributes}
	}
	for _, c := range []struct {
		event, param string
		want         []bridge.Fact
	}{
		{"doorbell", "1", []bridge.Fact{event("ring", "ring", "doorbell-1--1760000000", map[string]any{"bell": "1"}), bridge.Due{Task: "live"}, bridge.Due{Task: "last_ring", In: 5 * time.Second}}},
		{"motion", "", []bridge.Fact{bridge.State{Ref: bridge.Ref{Device: mac, Entity: "motion"}, Value: bridge.Bool(true)}, bridge.Due{Task: "last_motion", In: 5 * time.Second}}},
		{"relay", "2", []bridge.Fact{event("opened", "opened", "relay-2--1760000000", map[string]any{"relay": "2"})}},
		{"relay", "ghijkl@1", []bridge.Fact{event("opened", "opened", "relay-ghijkl@1--1760000000", map[string]any{"relay": "ghijkl@1"})}},
		{"doorbell", "0", nil}, {"doorbell", "100", nil}, {"doorbell", "", nil}, {"doorbell", "x", nil}, {"relay", "", nil}, {"relay", strings.Repeat("🚪", 300), nil},
		{"rfid", "1", nil}, {"", "", nil},
	} {
		st := hooked(t, &bridgetest.FakeCloud{}, &bridgetest.Notes{}, options(nil))
		err := st.Push.Hook(form("event", c.event, "param", c.param, "more", "ignored"), []byte("<body>"), at, st.Report)
		if diff := cmp.Diff(c.want, st.Take(), cmp.AllowUnexported(bridge.Value{})); diff != "" || (err == nil) != (c.want != nil) {
			t.Errorf("%s %.20q: %v (-want +got):\n%s", c.event, c.param, err, diff)
		}
	}
}

// Notes that are damaged cost the memory of the hooks, not the station.
func TestHooksNoteDamaged(t *testing.T) {
	for _, note := range []string{"{", "7", `{"event":1}`, `[{"event":"doorbell","param":"999999999999999999999","address":"x"}]`, "null"} {
		st := hooked(t, setupCloud(`{}`, `[]`), bridgetest.NotesOf("hooks", note), options(nil))
		if got := does(t, st.MustCall("hooks_plan", nil)); len(got) != 3 {
			t.Errorf("%q: %v", note, got)
		}
	}
}

// A station that only this machine's address would serve is warned of.
func TestHooksWarnOfLoopback(t *testing.T) {
	for address, warned := range map[string]bool{"http://127.0.0.1:8087": true, "http://localhost:8087": true, "http://[::1]:8087": true, "http://192.168.1.5:8087": false, "https://home.example": false} {
		st := bridgetest.Open(t, options(nil), settings("deviceAdmin"), bridge.Env{Cloud: setupCloud(`{}`, `[]`), HookURL: func() (bridge.Secret, error) { return bridge.NewSecret(address + "/hooks/doorbird/gate/S"), nil }})
		if got := fmt.Sprintf("%+v", st.MustCall("hooks_plan", nil)); strings.Contains(got, "no door station can reach") != warned {
			t.Errorf("%s: %s", address, got)
		}
	}
}
