package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/engine"
)

// diary notes what tasks do and when, in seconds since the start.
type diary struct {
	mu    sync.Mutex
	began time.Time
	lines []string
}

func newDiary() *diary { return &diary{began: time.Now()} }

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%.0f ", time.Since(d.began).Seconds())+fmt.Sprintf(format, args...))
}

func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

// times are the seconds of the lines.
func (d *diary) times() (list []float64) {
	for _, line := range d.take() {
		var s float64
		_, _ = fmt.Sscan(line, &s)
		list = append(list, s)
	}
	return list
}

func withTasks(tasks ...bridge.Task) func(*engine.Options, *engine.Account) {
	return func(_ *engine.Options, a *engine.Account) { a.Bridge.Tasks = tasks }
}

func TestTasks(t *testing.T) {
	bubble(t, "first one after the other, then each on its own plan", func(t *testing.T) {
		d := newDiary()
		task := func(name string, every, takes time.Duration) bridge.Task {
			return bridge.Task{Name: name, Every: every, Do: func(context.Context, bridge.Report) error {
				d.note("%s", name)
				time.Sleep(takes)
				return nil
			}}
		}
		quietly(t, withTasks(task("list", 100*time.Second, 3*time.Second), task("state", 10*time.Second, 0), task("slow", time.Hour, time.Minute), task("last", time.Hour, 0)))
		time.Sleep(35 * time.Second)
		got := d.take()
		if want := []string{"0 list", "3 state", "3 slow"}; !cmp.Equal(want, got[:3]) && !cmp.Equal([]string{"0 list", "3 slow", "3 state"}, got[:3]) {
			t.Errorf("began with %q, want %q", got[:3], want)
		}
		if last := got[len(got)-1]; !strings.Contains(strings.Join(got, ","), "30 last") {
			t.Errorf("%q: a task waits for the one before it, but not longer than 30 s", last)
		}
		time.Sleep(265 * time.Second)
		counts := map[string]int{}
		for _, line := range d.take() {
			counts[strings.Fields(line)[1]]++
		}
		// 265 s at 10 s with up to 5 % of jitter.
		if n := counts["state"]; n < 25 || n > 27 || counts["list"] != 2 {
			t.Errorf("runs %v, want about 26 of state and 2 of list", counts)
		}
	})
	bubble(t, "only while the tokens serve", func(t *testing.T) {
		d := newDiary()
		h := quietly(t, withTasks(bridge.Task{Name: "listen", Do: func(ctx context.Context, _ bridge.Report) error {
			d.note("on")
			<-ctx.Done()
			d.note("off")
			return ctx.Err()
		}}))
		for _, s := range []bridge.TokenState{bridge.Retrying, bridge.Expired, bridge.LoginNeeded, bridge.Valid} {
			time.Sleep(10 * time.Second)
			h.Health("gate", bridge.Health{State: s})
			synctest.Wait()
		}
		h.Remove("gate", false)
		if diff := cmp.Diff([]string{"0 on", "20 off", "40 on", "40 off"}, d.take()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	bubble(t, "a listener is started again", func(t *testing.T) {
		d := newDiary()
		var takes time.Duration
		h := quietly(t, withTasks(bridge.Task{Name: "listen", Do: func(ctx context.Context, _ bridge.Report) error {
			d.note("on")
			select {
			case <-time.After(takes):
			case <-ctx.Done():
			}
			return nil
		}}))
		time.Sleep(time.Hour)
		if n := len(d.take()); n < 12 || n > 80 { // each ended at once
			t.Errorf("%d starts in an hour", n)
		}
		h.Health("gate", bridge.Health{State: bridge.Expired})
		synctest.Wait()
		takes = 10 * time.Minute
		h.Health("gate", bridge.Health{State: bridge.Valid})
		time.Sleep(time.Hour)
		at := d.times()
		for i := 1; i < len(at); i++ {
			if gap := at[i] - at[i-1]; gap < 604 || gap > 611 {
				t.Errorf("a gap of %.0f s, want 10 min and 5 to 10 s", gap)
			}
		}
		if len(at) != 6 {
			t.Errorf("%d starts, want 6", len(at))
		}
	})
	bubble(t, "back-off, said once when lost and once when back", func(t *testing.T) {
		d, log := newDiary(), &bytes.Buffer{}
		var mu sync.Mutex
		fails := true
		quietly(t, func(o *engine.Options, a *engine.Account) {
			o.Log = slog.New(slog.NewTextHandler(log, nil))
			a.Bridge.Tasks = []bridge.Task{{Name: "poll", Every: time.Minute, Do: func(context.Context, bridge.Report) error {
				mu.Lock()
				defer mu.Unlock()
				d.note("poll")
				if fails {
					return &bridge.Failure{Reason: bridge.ReasonNoAnswer, Message: "no answer"}
				}
				return nil
			}}}
		})
		time.Sleep(time.Hour)
		at := d.times()
		for i := 1; i < len(at); i++ {
			if gap := at[i] - at[i-1]; gap < 4 || gap > 301 {
				t.Errorf("a gap of %.0f s, want 5 s to 5 min", gap)
			}
		}
		if len(at) < 12 || len(at) > 80 {
			t.Errorf("%d tries in an hour", len(at))
		}
		mu.Lock()
		fails = false
		mu.Unlock()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if lost, back := strings.Count(log.String(), "task fails"), strings.Count(log.String(), "task works again"); lost != 1 || back != 1 {
			t.Errorf("said %d times when lost and %d times when back, want once each:\n%s", lost, back, log)
		}
	})
	bubble(t, "slower when the vendor says that it is too much", func(t *testing.T) {
		d := newDiary()
		quietly(t, withTasks(bridge.Task{Name: "poll", Every: time.Second, Do: func(_ context.Context, report bridge.Report) error {
			d.note("poll")
			report(bridge.Due{Task: "poll"}) // does not shorten a back-off
			return &bridge.Failure{Reason: bridge.ReasonRateLimited}
		}}))
		time.Sleep(2 * time.Hour)
		at := d.times()
		for i := 1; i < len(at); i++ {
			if gap := at[i] - at[i-1]; gap < 59 || gap > 901 {
				t.Errorf("a gap of %.0f s, want 1 to 15 min", gap)
			}
		}
	})
	bubble(t, "a panic touches no other account", func(t *testing.T) {
		d := newDiary()
		h := quietly(t, withTasks(bridge.Task{Name: "poll", Every: time.Minute, Do: func(context.Context, bridge.Report) error { panic("broken") }}))
		if err := h.Add(engine.Account{ID: "other", Bridge: bridge.Account{Tasks: []bridge.Task{{Name: "poll", Every: time.Minute,
			Do: func(context.Context, bridge.Report) error { d.note("poll"); return nil }}}}}); err != nil {
			t.Fatal(err)
		}
		h.Health("other", bridge.Health{State: bridge.Valid})
		time.Sleep(10 * time.Minute)
		if n := len(d.take()); n < 9 {
			t.Errorf("the other account polled %d times in 10 minutes", n)
		}
	})
	bubble(t, "due", func(t *testing.T) {
		d := newDiary()
		h, report := reporting(t, withTasks(bridge.Task{Name: "history", Every: time.Hour, Do: func(context.Context, bridge.Report) error { d.note("x"); return nil }}))
		report(bridge.Due{Task: "history", In: 5 * time.Second}, bridge.Due{Task: "history", In: 3 * time.Second}, bridge.Due{Task: "history", In: time.Minute})
		time.Sleep(10 * time.Second)
		report(bridge.Due{Task: "history", In: -time.Second})
		time.Sleep(10 * time.Second)
		if diff := cmp.Diff([]string{"0 x", "9 x", "17 x"}, d.take()); diff != "" {
			t.Errorf("the soonest wins, and none is sooner than a second (-want +got):\n%s", diff)
		}
		time.Sleep(65 * time.Minute)
		if n := len(d.take()); n != 1 {
			t.Errorf("%d runs in the hour after, want the planned one", n)
		}
		if s := h.Status().Accounts[0].Tasks; len(s) != 1 || s[0].Failures != 0 || s[0].Next.Before(time.Now()) {
			t.Errorf("status of the task %+v", s)
		}
	})
	bubble(t, "two failures are no outage", func(t *testing.T) {
		var tries int
		h := settled(t, func(_ *engine.Options, a *engine.Account) {
			list := a.Bridge.Tasks[0].Do
			a.Bridge.Tasks[0].Do = func(ctx context.Context, r bridge.Report) error {
				if tries++; tries == 2 || tries == 3 {
					return errors.New("down")
				}
				return list(ctx, r)
			}
		})
		time.Sleep(time.Hour)
		h.wantOn("latchkey/device/gate/d1/state", "online")
	})
	bubble(t, "an outage shows the devices as offline", func(t *testing.T) {
		var mu sync.Mutex
		var err error
		set := func(e error) { mu.Lock(); err = e; mu.Unlock() }
		h := settled(t, func(_ *engine.Options, a *engine.Account) {
			a.Bridge.Tasks = append(a.Bridge.Tasks, bridge.Task{Name: "poll", Every: 10 * time.Second, Do: func(context.Context, bridge.Report) error { return nil }})
			for i := range a.Bridge.Tasks {
				do := a.Bridge.Tasks[i].Do
				a.Bridge.Tasks[i].Do = func(ctx context.Context, r bridge.Report) error {
					mu.Lock()
					defer mu.Unlock()
					return errors.Join(err, do(ctx, r))
				}
			}
		})
		const d1 = "latchkey/device/gate/d1/state"
		set(&bridge.Failure{Reason: bridge.ReasonLoginNeeded}) // the account's health tells that
		time.Sleep(30 * time.Minute)
		h.wantOn(d1, "online")
		set(nil)
		time.Sleep(11 * time.Minute)
		set(errors.New("down"))
		time.Sleep(4 * time.Second) // not three times yet
		h.wantOn(d1, "online")
		time.Sleep(9 * time.Minute) // the other task has not run since
		h.wantOn(d1, "online", "offline")
		h.wantOn("latchkey/account/gate/state", "online")
		set(nil)
		time.Sleep(6 * time.Minute)
		h.wantOn(d1, "online", "offline", "online")
	})
}

// A task that fails by itself, for want of a right say, is no outage.
func TestOneTaskFailingIsNoOutage(t *testing.T) {
	for _, every := range []time.Duration{time.Second, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			h := settled(t, func(_ *engine.Options, a *engine.Account) {
				a.Bridge.Tasks = append(a.Bridge.Tasks, bridge.Task{Name: "poll", Every: 10 * time.Second, Do: func(context.Context, bridge.Report) error { return nil }},
					bridge.Task{Name: "alone", Every: max(every, 11*time.Second), Do: func(context.Context, bridge.Report) error { return errors.New("forbidden") }})
			})
			time.Sleep(2 * time.Hour)
			h.wantOn("latchkey/device/gate/d1/state", "online")
		})
	}
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := settled(t, nil)
		h.Health("gate", bridge.Health{State: bridge.Retrying, Failures: 1})
		h.Health("gate", bridge.Health{State: bridge.Expired, Failures: 2})
		synctest.Wait()
		h.wantOn("latchkey/account/gate/state", "online", "offline")
		if got := h.broker.kept("latchkey/account/gate/token"); !strings.Contains(got, `"state":"expired"`) {
			t.Errorf("token %s", got)
		}
		h.press(relay1, "PRESS") // one refresh is tried inside the deadline
		h.expect(relay1, 1, "ok")
		h.Health("unknown", bridge.Health{State: bridge.Valid}) // before its Add
		if err := h.Add(engine.Account{ID: "unknown"}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		h.wantOn("latchkey/account/unknown/state", "online")
	})
}

func TestAddRefuses(t *testing.T) {
	e := engine.New(engine.Options{Topics: topics})
	do := func(context.Context, bridge.Order) (any, error) { return nil, nil }
	task := func(context.Context, bridge.Report) error { return nil }
	for name, a := range map[string]engine.Account{
		"id":           {ID: "Gate"},
		"reserved id":  {ID: "bridge"},
		"no id":        {},
		"call name":    {ID: "a", Bridge: bridge.Account{Calls: []bridge.Call{{Name: "A", Do: do}}}},
		"call twice":   {ID: "a", Bridge: bridge.Account{Calls: []bridge.Call{{Name: "a", Do: do}, {Name: "a", Do: do}}}},
		"call's Do":    {ID: "a", Bridge: bridge.Account{Calls: []bridge.Call{{Name: "a"}}}},
		"task twice":   {ID: "a", Bridge: bridge.Account{Tasks: []bridge.Task{{Name: "a", Do: task}, {Name: "a", Do: task}}}},
		"task's Do":    {ID: "a", Bridge: bridge.Account{Tasks: []bridge.Task{{Name: "a"}}}},
		"id too long":  {ID: strings.Repeat("a", 65)},
		"id of a call": {ID: "call"},
	} {
		if err := e.Add(a); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
