package doorbird_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird"
	"latchkey/vendors/doorbird/doorbirdsim"
)

func TestLivePicture(t *testing.T) {
	sim := doorbirdsim.New(doorbirdsim.Options{})
	st := onSim(t, sim, doorbirdsim.DemoViewer, options(nil))
	st.MustRun("live")
	st.MustRun("live")
	if got := st.Take(); len(got) != 0 || sim.Log.Count("") != 0 {
		t.Errorf("before the entity is there: %v", got)
	}
	st.MustRun("station")
	if diff := cmp.Diff([]bridge.Fact{bridge.Reach{Device: mac, OK: true}, bridge.Due{Task: "live"}}, st.Take()[1:]); diff != "" {
		t.Errorf("after the device (-want +got):\n%s", diff)
	}
	live := bridge.Ref{Device: mac, Entity: "live"}
	st.MustRun("live")
	p, ok := st.Take()[1].(bridge.Picture)
	if !ok || p.Ref != live || p.Type != "image/jpeg" || p.At.IsZero() || len(p.Bytes) < 100 {
		t.Errorf("picture of %v, %s, %d bytes", p.Ref, p.Type, len(p.Bytes))
	}
	sim.Faults.Add(simkit.Fault{On: "/live/live-image", Do: simkit.Status(204, "", "")})
	st.MustRun("live")
	want := []bridge.Fact{bridge.Reach{Device: mac, OK: true}, bridge.State{Ref: live, Attributes: map[string]any{"may_watch": false}}}
	if diff := cmp.Diff(want, st.Take(), cmp.AllowUnexported(bridge.Value{})); diff != "" {
		t.Errorf("204 (-want +got):\n%s", diff)
	}
}

// withHistory is an account with pushes whose device is known.
func withHistory(t *testing.T, change func(*doorbird.Options)) (*doorbirdsim.Sim, *station) {
	t.Helper()
	sim := doorbirdsim.New(doorbirdsim.Options{})
	st := onSim(t, sim, doorbirdsim.DemoViewer, options(func(o *doorbird.Options) {
		withPush(o)
		if change != nil {
			change(o)
		}
	}))
	st.MustRun("station")
	st.Take()
	return sim, st
}

// A picture of the history is published once.
func TestHistory(t *testing.T) {
	sim, st := withHistory(t, func(o *doorbird.Options) { o.Bells = 2 }) // of which the station knows one: 404
	pictures := func(task string) (got []string) {
		t.Helper()
		st.MustRun(task)
		for _, f := range st.Take() {
			got = append(got, f.(bridge.Picture).Entity)
		}
		return got
	}
	if got := pictures("last_ring"); got != nil {
		t.Errorf("before a ring: %v", got)
	}
	if err := sim.Ring(t.Context(), doorbirdsim.DemoMAC, "1"); err != nil {
		t.Fatal(err)
	}
	if err := sim.Motion(t.Context(), doorbirdsim.DemoMAC); err != nil {
		t.Fatal(err)
	}
	sim.Faults.Add(simkit.Fault{On: "/cloud-recording/*", Do: simkit.HTML(500)})
	if err := st.Run("last_ring"); err == nil || len(st.Take()) != 0 {
		t.Errorf("a picture that fails: %v", err)
	}
	if diff := cmp.Diff([]string{"last_ring"}, pictures("last_ring")); diff != "" { // so it is asked for again
		t.Errorf("after a ring (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"last_motion"}, pictures("last_motion")); diff != "" {
		t.Errorf("after motion (-want +got):\n%s", diff)
	}
	if got := pictures("last_ring"); got != nil {
		t.Errorf("the same again: %v", got)
	}
	sim.Faults.Add(simkit.Fault{On: "/cloud-recording/images/*", Do: simkit.HTML(500)})
	if err := st.Run("last_motion"); err == nil {
		t.Error("a fault of the cloud is no error")
	}
}

// The history lags behind the bell: it is looked at after 5 and after 20 seconds,
// no longer once the picture is there, and not for ever.
func TestHistoryLags(t *testing.T) {
	for lag, want := range map[time.Duration][]time.Duration{
		time.Second:      {5 * time.Second},
		10 * time.Second: {5 * time.Second, 20 * time.Second},
		time.Minute:      {5 * time.Second, 20 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			sim, st := withHistory(t, nil)
			sim.Change(func(h *doorbirdsim.Habits) { h.HistoryLag = lag })
			if err := sim.Ring(t.Context(), doorbirdsim.DemoMAC, "1"); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if _, err := st.Push.Take([]byte(`{"mac":"1CCAE3A1B2C3","event":"doorbell","eventparam":"1"}`), start, st.Report); err != nil {
				t.Fatal(err)
			}
			var looked []time.Duration
			got := false
			for next := true; next; { // what the engine does with a Due
				next = false
				for _, f := range st.Take() {
					if due, ok := f.(bridge.Due); ok && due.Task == "last_ring" {
						time.Sleep(due.In)
						next = true
					}
					if p, ok := f.(bridge.Picture); ok {
						got = p.Entity == "last_ring"
					}
				}
				if next {
					looked = append(looked, time.Since(start))
					st.MustRun("last_ring")
				}
			}
			if diff := cmp.Diff(want, looked); diff != "" || got != (lag < 20*time.Second) {
				t.Errorf("lag %v: picture %v, looked after (-want +got):\n%s", lag, got, diff)
			}
			st.MustRun("last_ring")
			for _, f := range st.Take() {
				if _, ok := f.(bridge.Due); ok {
					t.Errorf("lag %v: still waiting", lag)
				}
			}
		})
	}
}
