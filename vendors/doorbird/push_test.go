package doorbird_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/doorbird"
	"latchkey/vendors/doorbird/doorbirdsim"
)

var rangAt = time.Unix(1760000000, 0)

// pushed opens an account that has reported its device.
func pushed(t *testing.T, notes *bridgetest.Notes, change func(*doorbird.Options)) *station {
	t.Helper()
	sim := doorbirdsim.New(doorbirdsim.Options{})
	cloud := bridgetest.Simulated(sim.Handler(), base, sim.Issuer.Issue(doorbirdsim.DemoClient, doorbirdsim.DemoViewer, doorbirdsim.Viewer).Access)
	st := bridgetest.Open(t, options(func(o *doorbird.Options) {
		withPush(o)
		if change != nil {
			change(o)
		}
	}), settings("deviceViewer"), bridge.Env{Cloud: cloud, Notes: notes})
	st.MustRun("station")
	st.Take()
	return st
}

func TestPush(t *testing.T) {
	event := func(entity, kind, id string, attributes map[string]any) bridge.Happened {
		return bridge.Happened{Ref: bridge.Ref{Device: mac, Entity: entity}, Type: kind, ID: id, At: rangAt, Attributes: attributes}
	}
	ring := []bridge.Fact{
		event("ring", "ring", "doorbell-1--1760000000", map[string]any{"bell": "1"}),
		bridge.Due{Task: "live"}, bridge.Due{Task: "last_ring", In: 5 * time.Second},
	}
	motion := []bridge.Fact{
		bridge.State{Ref: bridge.Ref{Device: mac, Entity: "motion"}, Value: bridge.Bool(true)},
		bridge.Due{Task: "last_motion", In: 5 * time.Second},
	}
	const head = `{"timestamp":1760000000,"intercomid":"qwerty","mac":"1CCAE3A1B2C3","user":"qwerty0002",`
	for _, tt := range []struct {
		name, body string
		late       time.Duration
		mine       bool
		want       []bridge.Fact
	}{
		{"the vendor's sample", head + `"event":"doorbell","eventparam":"1"}`, time.Second, true, ring},
		{"numbers and text swapped", `{"timestamp":"1760000000","mac":"1c:ca:e3:a1:b2:c3","event":"doorbell","eventparam":1,"peripheral":"","new":{}}`, 0, true, ring},
		{"fraction of a second", `{"timestamp":1760000000.7,"mac":"1CCAE3A1B2C3","event":"doorbell","eventparam":"1","peripheral":null}`, 0, true, ring},
		{"no timestamp", `{"mac":"1CCAE3A1B2C3","event":"doorbell","eventparam":"1"}`, 0, true, ring},
		{"with a controller", head + `"event":"doorbell","eventparam":"1","peripheral":"ghijkl"}`, 0, true, append([]bridge.Fact{
			event("ring", "ring", "doorbell-1-ghijkl-1760000000", map[string]any{"bell": "1", "peripheral": "ghijkl"})}, ring[1:]...)},
		{"odd bell", head + `"event":"doorbell","eventparam":"front"}`, 0, true, append([]bridge.Fact{
			event("ring", "ring", "doorbell-front--1760000000", map[string]any{"bell": "front"})}, ring[1:]...)},
		{"late ring keeps its time", head + `"event":"doorbell","eventparam":"1"}`, time.Hour, true, ring},
		{"motion", head + `"event":"motion","eventparam":"motion"}`, 30 * time.Second, true, motion},
		{"late motion", head + `"event":"motion","eventparam":"motion"}`, 31 * time.Second, true, motion[1:]},
		{"unknown kind", head + `"event":"rfid","eventparam":"42"}`, 0, true, []bridge.Fact{
			event("event", "other", "rfid-42--1760000000", map[string]any{"kind": "rfid", "param": "42"})}},
		{"another station", `{"mac":"1CCAE3FFFFFF","event":"doorbell","eventparam":"1"}`, 0, false, nil},
		{"no station", `{"event":"doorbell","eventparam":"1"}`, 0, false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			st := pushed(t, &bridgetest.Notes{}, nil)
			mine, err := st.Push.Take([]byte(tt.body), rangAt.Add(tt.late), st.Report)
			if mine != tt.mine || err != nil {
				t.Errorf("mine %v, %v, want %v", mine, err, tt.mine)
			}
			if diff := cmp.Diff(tt.want, st.Take(), cmp.AllowUnexported(bridge.Value{})); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMalformedPush(t *testing.T) {
	st := pushed(t, &bridgetest.Notes{}, nil)
	for _, body := range []string{"", "[]", "null", `{"mac":1}`, `{"mac":"1CCAE3A1B2C3","event":"doorbell","eventparam":{}}`, `{"mac":"1CCAE3A1B2C3" "peripheral":1}`, "<html>"} {
		mine, err := st.Push.Take([]byte(body), rangAt, st.Report)
		if mine || (err == nil) != (body == "null") {
			t.Errorf("%q: mine %v, %v", body, mine, err)
		}
	}
	if got := st.Take(); len(got) != 0 {
		t.Errorf("reported %v", got)
	}
}

// Without a key nothing is pushed, and no entity waits for it in vain.
func TestNoPush(t *testing.T) {
	st := onSim(t, doorbirdsim.New(doorbirdsim.Options{}), doorbirdsim.DemoViewer, options(nil))
	if !st.Push.Key.Empty() || st.Push.Take != nil {
		t.Error("an account without a key takes pushes")
	}
	off := bridgetest.Open(t, options(nil), settings("deviceViewer"), bridge.Env{Cloud: &bridgetest.FakeCloud{}})
	if off.Push != nil {
		t.Error("with the page off something is taken")
	}
}

// A push knows its station from the grant, before the cloud has answered.
func TestPushBeforeTheFirstAnswer(t *testing.T) {
	st := bridgetest.Open(t, options(withPush), settings("deviceViewer"), bridge.Env{Cloud: &bridgetest.FakeCloud{}, Identity: doorbirdsim.DemoMAC})
	mine, err := st.Push.Take([]byte(`{"mac":"1CCAE3A1B2C3","event":"doorbell","eventparam":"1"}`), rangAt, st.Report)
	if h, ok := st.Take()[0].(bridge.Happened); !mine || err != nil || !ok || h.Entity != "ring" {
		t.Errorf("mine %v, %v, %+v", mine, err, h)
	}
	nobody := bridgetest.Open(t, options(withPush), settings("deviceViewer"), bridge.Env{Cloud: &bridgetest.FakeCloud{}})
	if mine, err := nobody.Push.Take([]byte(`{"mac":"","event":"doorbell"}`), rangAt, nobody.Report); mine || err != nil {
		t.Errorf("an account without a station takes a push: %v, %v", mine, err)
	}
}

// A bell that was not expected gets its entities before its event, and has them
// after a restart.
func TestNewBell(t *testing.T) {
	notes := &bridgetest.Notes{}
	st := pushed(t, notes, nil)
	push := func(bell string) []bridge.Fact {
		t.Helper()
		if _, err := st.Push.Take([]byte(`{"mac":"1CCAE3A1B2C3","event":"doorbell","eventparam":"`+bell+`","timestamp":1760000000}`), rangAt, st.Report); err != nil {
			t.Fatal(err)
		}
		return st.Take()
	}
	facts := push("3")
	want := []string{"ring Doorbell", "last_ring Last ring", "ring_3 Doorbell 3", "last_ring_3 Last ring 3", "motion Motion", "last_motion Last motion", "event Other event"}
	all := ids(device(t, facts[:1]))
	if diff := cmp.Diff(want, all[len(all)-len(want):]); diff != "" {
		t.Errorf("entities (-want +got):\n%s", diff)
	}
	if h, ok := facts[1].(bridge.Happened); !ok || h.Entity != "ring_3" {
		t.Errorf("then %+v, want the ring of bell 3", facts[1])
	}
	if facts := push("3"); len(facts) != 3 {
		t.Errorf("the second time: %d facts, want no list", len(facts))
	}
	if facts := push("100"); facts[0].(bridge.Happened).Entity != "ring" {
		t.Errorf("a bell out of bounds: %+v", facts[0])
	}
	metadataAlone := func(r bridge.Request) (bridge.Reply, error) {
		return bridge.Reply{Status: 200, Body: []byte(map[bool]string{true: `{"mac":"1CCAE3A1B2C3"}`, false: `[]`}[r.Path == "/metadata"])}, nil
	}
	restarted := bridgetest.Open(t, options(withPush), settings("deviceViewer"), bridge.Env{Notes: notes, Cloud: &bridgetest.FakeCloud{Answer: metadataAlone}})
	restarted.MustRun("station")
	all = ids(device(t, restarted.Take()))
	if diff := cmp.Diff(want, all[len(all)-len(want):]); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
}

// Notes that cannot be read or written cost a bell's memory, not the station.
func TestNotesFail(t *testing.T) {
	half := bridgetest.NotesOf("bells", "[2")
	for _, notes := range []*bridgetest.Notes{{Fail: errors.New("disk")}, half, bridgetest.NotesOf("bells", "[-1,0,1,100]")} {
		st := pushed(t, notes, nil)
		if _, err := st.Push.Take([]byte(`{"mac":"1CCAE3A1B2C3","event":"doorbell","eventparam":"2"}`), rangAt, st.Report); err != nil {
			t.Fatal(err)
		}
		facts := st.Take()
		if n := len(device(t, facts).Entities); facts[1].(bridge.Happened).Entity != "ring_2" || n != 12 {
			t.Errorf("%d entities, then %+v", n, facts[1])
		}
		if log := st.Log.String(); strings.Contains(log, "are not known") != (notes.Fail != nil || notes == half) || strings.Contains(log, "is not remembered") != (notes.Fail != nil) {
			t.Errorf("logged %s", log)
		}
	}
	st := pushed(t, bridgetest.NotesOf("bells", "[2,99]"), nil)
	st.MustRun("station")
	if got := st.Device(mac).Entities; got[len(got)-4].ID != "last_ring_99" || strings.Contains(st.Log.String(), "level=WARN") {
		t.Errorf("the first and the last bell: %v\n%s", ids(st.Device(mac)), st.Log)
	}
}

// The simulator's pushes, one for each user and more, are one event by their id.
func TestPushesOfOneRing(t *testing.T) {
	st := pushed(t, &bridgetest.Notes{}, nil)
	var mu sync.Mutex
	foreign := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if want := "key=" + "push-key"; !st.Push.Key.Equal(bridge.NewSecret("push-key")) || r.Header.Get("Authorization") != want {
			t.Errorf("header %q", r.Header.Get("Authorization"))
		}
		mine, err := st.Push.Take(body, time.Now(), st.Report)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if !mine {
			foreign++
		}
	}))
	defer receiver.Close()
	sim := doorbirdsim.New(doorbirdsim.Options{HTTP: receiver.Client()})
	ring := func(p doorbirdsim.Push) map[string]bool {
		p.URL, p.Key = receiver.URL, "push-key"
		sim.Change(func(h *doorbirdsim.Habits) { h.Push = p })
		if err := sim.Ring(t.Context(), doorbirdsim.DemoMAC, "1"); err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, f := range st.Take() {
			if h, ok := f.(bridge.Happened); ok {
				got[h.ID] = true
			}
		}
		return got
	}
	for _, p := range []doorbirdsim.Push{{}, {Twice: true}, {NumericParam: true}, {EmptyPeripheral: true}, {Late: time.Minute}} {
		if got := ring(p); len(got) != 1 {
			t.Errorf("%+v: ids %v, want one", p, got)
		}
	}
	if got := ring(doorbirdsim.Push{ForeignMAC: "1CCAE3FFFFFF"}); len(got) != 0 || foreign != 2 {
		t.Errorf("another station: ids %v, %d foreign pushes, want none and 2", got, foreign)
	}
}

func FuzzPush(f *testing.F) {
	f.Add([]byte(`{"timestamp":1760000000,"intercomid":"qwerty","mac":"1CCAE3A1B2C3","user":"qwerty0002","event":"doorbell","eventparam":"2"}`))
	f.Add([]byte(`{"mac":"1CCAE3A1B2C3","timestamp":1e400,"event":"x"}`))
	f.Add([]byte(`{"mac":"1CCAE3A1B2C3","timestamp":1e20}`))
	o := options(withPush)
	f.Fuzz(func(t *testing.T, body []byte) {
		st := bridgetest.Open(t, o, settings("deviceViewer"), bridge.Env{Cloud: &bridgetest.FakeCloud{}, Identity: mac})
		mine, err := st.Push.Take(body, rangAt, st.Report)
		if (mine && err != nil) || (mine && !bytes.Contains(body, []byte("{"))) {
			t.Errorf("mine %v, %v", mine, err)
		}
		for _, fact := range st.Take() {
			if h, ok := fact.(bridge.Happened); ok && (!bridge.IsID(h.Entity) || h.Device != mac) {
				t.Errorf("event of %v", h.Ref)
			}
			if _, err := json.Marshal(fact); err != nil {
				t.Errorf("%s: %v", fmt.Sprint(fact), err)
			}
		}
	})
}
