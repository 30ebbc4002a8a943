package oauth

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
)

// T9, T13: the machine sleeps for eight hours, in which monotonic clocks stand
// still, or its clock is set: which of the two, nobody can tell. The next look at
// both clocks moves every time of the run, but a token that has its end in between
// is renewed and tried meanwhile, never judged: with an open journal it is all
// there is, and nothing is sent. A clock that was not trusted moves none.
func TestSuspend(t *testing.T) {
	for name, c := range map[string]struct {
		trusted bool
		gone    time.Duration
		open    bool
		due     time.Duration // from now; 0: not by itself
	}{
		"slept, or set":             {true, 8 * time.Hour, false, leastGap},
		"slept, journal open":       {true, 8 * time.Hour, true, 0},
		"slept shortly":             {true, 10 * time.Minute, false, 45*time.Minute - wallCheck - 10*time.Minute},
		"clock set, not trusted":    {false, 8 * time.Hour, false, 45*time.Minute - wallCheck},
		"clock set back":            {true, -8 * time.Hour, false, 45*time.Minute - wallCheck},
		"a step within the measure": {true, 19 * time.Second, false, 45*time.Minute - wallCheck},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := New(Options{Store: empty{}, ClockTrusted: func() bool { return c.trusted }})
				d := bridge.Dialect{Refresh: &bridge.Ask{URL: "https://vendor.test/token", Params: params("refresh_token", "refresh_token")}}
				if err := k.Add(Account{ID: "gate", Dialect: d}); err != nil {
					t.Fatal(err)
				}
				a := k.find("gate")
				now := time.Now()
				rec := record{Pair: pair{Access: "a", Refresh: "r", Obtained: now, Expires: now.Add(time.Hour)}}
				if c.open {
					rec = rec.committed(kindRefresh, "", "", now)
				}
				k.update(a, func() { a.use(rec, now); a.jitter = 0 })
				last := clocks{wall: now.Round(0), mono: now}
				time.Sleep(wallCheck)
				now = time.Now()
				last.wall = now.Round(0).Add(-wallCheck - c.gone) // the wall clock went so much further
				k.mu.Lock()
				k.compareClocks(last, now)
				k.mu.Unlock()
				if !a.serves(now) {
					t.Error("the access token is not tried")
				}
				if c.due == 0 && !a.due.IsZero() || c.due > 0 && a.due.Sub(now) > c.due || c.due > leastGap && a.due.Sub(now) != c.due {
					t.Errorf("the next refresh is due in %s, want %s", a.due.Sub(now), c.due)
				}
			})
		})
	}
}

// empty is a store without records.
type empty struct{}

func (empty) Load(context.Context, string) ([]byte, uint64, error) { return nil, 0, nil }
func (empty) Save(context.Context, string, uint64, []byte) (uint64, bool, error) {
	return 1, true, nil
}
func (empty) Hold(context.Context, string, string, time.Time) (bool, error) { return true, nil }
