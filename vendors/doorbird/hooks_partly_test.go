package doorbird_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
)

// Whatever write is lost, with or without effect: another install goes on, and a
// removal restores.
func TestHooksPartly(t *testing.T) {
	for name, deed := range map[string]simkit.Deed{"lost": simkit.DropBefore, "answer lost": simkit.DropAfter, "refused": simkit.Status(507, "", "")} {
		for n := range 8 {
			h := newHookHouse(t)
			before := h.setup(t)
			replace := bridge.Args{"replace": true}
			cut := func(path string) func() { return h.sim.Faults.Add(simkit.Fault{On: path, Skip: n / 2, Do: deed}) }
			broken := cut([]string{"POST /favorite/http", "POST /schedules"}[n%2])
			_, err := h.Call("hooks_install", replace)
			if f := bridgetest.Failed(t, err); (f.Reason == bridge.ReasonRejected) != (name == "refused") || (name == "refused") != strings.Contains(f.Message, "is full") ||
				strings.Contains(f.Message, "call hooks_install again") != (n > 0) {
				t.Errorf("%s, write %d: %+v", name, n, f)
			}
			broken()
			if n%3 == 0 { // else go on
				h.reopen(t, hookURL)
			} else {
				h.MustCall("hooks_install", replace)
				if got := does(t, h.MustCall("hooks_plan", replace)); strings.Count(strings.Join(got, " "), "keep") != 4 {
					t.Errorf("%s, write %d: %v", name, n, got)
				}
			}
			broken = cut([]string{"DELETE /favorite/http/*", "POST /schedules"}[n%2])
			_, err = h.Call("hooks_remove", nil)
			broken()
			if err != nil {
				h.MustCall("hooks_remove", nil)
			}
			if diff := cmp.Diff(before, h.setup(t)); diff != "" {
				t.Errorf("%s, write %d: not as before (-want +got):\n%s", name, n, diff)
			}
		}
	}
	t.Run("no permit", func(t *testing.T) {
		h := newHookHouse(t)
		h.MustCall("hooks_install", nil)
		installed := h.setup(t)
		_, err := h.Named("hooks_remove").Do(t.Context(), bridge.Order{Report: h.Report})
		if bridgetest.Failed(t, err).Reason != bridge.ReasonDenied || h.setup(t) != installed {
			t.Errorf("without a permit: %v", err)
		}
	})
	t.Run("too late in between", func(t *testing.T) {
		for steps, done := range []string{"", "0 of 4", "2 of 4", "2 of 4"} { // the second hook is left to another system
			h := newHookHouse(t)
			permit := bridge.NewPermit(time.Now().Add(time.Minute), steps)
			if steps == 0 {
				permit = bridge.NewPermit(time.Now(), 1)
			}
			_, err := h.Named("hooks_install").Do(permit.With(t.Context()), bridge.Order{Report: h.Report})
			if f := bridgetest.Failed(t, err); (f.Reason == bridge.ReasonNoAnswer) != (steps > 0) || !strings.Contains(f.Message, done) {
				t.Errorf("after %d writes: %+v, want no_answer, but refused where nothing was done", steps, f)
			}
		}
	})
}

// However slow the cloud is, asking again goes on where the time was over, and the
// undo is what it was before the first time.
func TestHooksOfASlowCloud(t *testing.T) {
	for each, most := range map[time.Duration]int{3 * time.Second: 1, 5 * time.Second: 2, 14 * time.Second: 8} {
		t.Run(each.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHookHouse(t)
				before, set := h.setup(t), h.writes()
				heal := h.sim.Faults.Add(simkit.Fault{Times: simkit.Always, Do: func(e *simkit.Exchange) { time.Sleep(each); e.Pass() }})
				asked, replace := 0, bridge.Args{"replace": true}
				for err := error(&bridge.Failure{}); err != nil && asked <= most; asked++ {
					permit := bridge.NewPermit(time.Now().Add(30*time.Second), 120) // as the engine gives
					if _, err = h.Named("hooks_install").Do(permit.With(t.Context()), bridge.Order{Args: replace, Report: h.Report}); err != nil {
						if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonNoAnswer || !strings.Contains(f.Message, "again to go on") {
							t.Errorf("time %d: %+v", asked+1, f)
						}
					}
					if asked%2 == 1 {
						h.reopen(t, hookURL)
					}
				}
				if asked != most || h.writes()-set != 8 {
					t.Errorf("asked %d times with %d writes, want %d with 8", asked, h.writes()-set, most)
				}
				heal()
				h.MustRun("station")
				if got := strings.Join(ids(device(t, h.Take())), "|"); !strings.Contains(got, "ring Doorbell|") || !strings.Contains(got, "motion Motion|") || !strings.Contains(got, "opened Opened") {
					t.Errorf("entities %s", got)
				}
				if h.MustCall("hooks_remove", nil); h.setup(t) != before {
					t.Errorf("not as before:\n%s", h.setup(t))
				}
			})
		})
	}
}
