package oauth

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
)

// T9: the machine sleeps for eight hours, in which monotonic clocks stand still.
// The next look at both clocks moves every time of the run; a clock that was
// merely set, while it was not trusted, moves none.
func TestSuspend(t *testing.T) {
	for name, c := range map[string]struct {
		trusted bool
		gone    time.Duration
		serves  bool
	}{
		"slept":                     {true, 8 * time.Hour, false},
		"slept shortly":             {true, 10 * time.Minute, true},
		"clock set, not trusted":    {false, 8 * time.Hour, true},
		"clock set back":            {true, -8 * time.Hour, true},
		"a step within the measure": {true, 19 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := New(Options{Store: empty{}, ClockTrusted: func() bool { return c.trusted }})
				d := bridge.Dialect{Refresh: &bridge.Ask{URL: "https://vendor.test/token"}}
				if err := k.Add(Account{ID: "gate", Dialect: d}); err != nil {
					t.Fatal(err)
				}
				a := k.find("gate")
				now := time.Now()
				k.update(a, func() {
					a.use(record{Pair: pair{Access: "a", Refresh: "r", Obtained: now, Expires: now.Add(time.Hour)}}, now)
				})
				due := a.due
				last := clocks{wall: now.Round(0), mono: now}
				time.Sleep(wallCheck)
				now = time.Now()
				last.wall = now.Round(0).Add(-wallCheck - c.gone) // the wall clock went so much further
				k.mu.Lock()
				k.compareClocks(last, now)
				k.mu.Unlock()
				if got := a.serves(now); got != c.serves {
					t.Errorf("the access token serves: %v, want %v", got, c.serves)
				}
				moved := due.Sub(a.due)
				if c.trusted && c.gone > slept && moved <= 0 || (!c.trusted || c.gone <= slept) && moved != 0 {
					t.Errorf("the next refresh moved by %s", moved)
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
