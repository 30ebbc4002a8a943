package daemon

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

	"latchkey/bridge"
	"latchkey/bridge/engine"
	"latchkey/bridge/store"
)

// page is a book in memory that can refuse and hang.
type page struct {
	mu      sync.Mutex
	written []store.Opening
	commits int
	fail    error
	hang    chan struct{} // not nil: Append waits for its end
}

func (p *page) Append(batch []store.Opening) error {
	p.mu.Lock()
	hang := p.hang
	p.mu.Unlock()
	if hang != nil {
		<-hang
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	p.commits++
	p.written = append(p.written, batch...)
	return nil
}

func (p *page) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// state returns how many commits and records there are, and for how many
// commands these stand.
func (p *page) state() (commits, records, commands int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range p.written {
		commands += max(o.Times, 1)
	}
	return p.commits, len(p.written), commands
}

func (p *page) want(t *testing.T, commits, records, commands int) {
	t.Helper()
	synctest.Wait()
	if c, r, n := p.state(); c != commits || r != records || n != commands {
		t.Errorf("%d commits, %d records, %d commands; want %d, %d, %d", c, r, n, commits, records, commands)
	}
}

func ended(reason bridge.Reason, entity, id string) engine.Entry {
	check := ""
	if reason.Outcome() == bridge.OutcomeRefused {
		check = "queue"
	}
	return engine.Entry{Source: engine.FromMQTT, Check: check, Result: bridge.Result{ID: id, Account: "gate", Device: "1ccae3a1b2c3", Entity: entity,
		Action: "PRESS", Reason: reason, Message: "a sentence", At: time.Now()}}
}

// writing runs a writer in virtual time until the function returns.
func writing(t *testing.T, b book, log *slog.Logger, fn func(t *testing.T, o *openings)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if log == nil {
			log = slog.New(slog.DiscardHandler)
		}
		o := newOpenings(b, log)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = o.run(ctx) })
		fn(t, o)
		stop()
		running.Wait()
	})
}

func TestOpeningsAreWrittenInTime(t *testing.T) {
	var p page
	writing(t, &p, nil, func(t *testing.T, o *openings) {
		o.add(ended(bridge.ReasonTooSoon, "relay_1", "a"))
		time.Sleep(refusedWait - time.Millisecond)
		p.want(t, 0, 0, 0)
		time.Sleep(time.Millisecond)
		p.want(t, 1, 1, 1)

		time.Sleep(time.Hour)
		p.want(t, 1, 1, 1) // nothing is written while nothing happens
		o.add(ended(bridge.ReasonTooSoon, "relay_1", "b"))
		o.add(ended(bridge.ReasonOK, "relay_1", "c"))
		o.add(ended(bridge.ReasonOK, "relay_1", "d"))
		o.add(ended(bridge.ReasonNoAnswer, "relay_1", "e"))
		time.Sleep(sentWait)
		p.want(t, 2, 5, 5) // what was sent is never merged

		o.add(ended(bridge.ReasonOK, "relay_1", "f"))
		o.flush(t.Context())
		p.want(t, 3, 6, 6)
		o.add(ended(bridge.ReasonOK, "relay_1", "g"))
	})
	if c, _, commands := p.state(); c != 4 || commands != 7 {
		t.Errorf("after the stop: %d commits, %d commands, want 4 and 7", c, commands)
	}
}

// H20: 100,000 refusals cost a few commits; every one is counted, and a press
// among them is there within a second.
func TestOpeningsFlood(t *testing.T) {
	const refusals = 100_000
	for _, row := range []struct {
		name             string
		gap              time.Duration
		kinds            int
		commits, records int // at most
	}{
		{"in one moment", 0, 1, 2, 3},
		{"for 100 s", time.Millisecond, 1, 8, 10},
		{"for a day", 864 * time.Millisecond, 1, 1500, 1500},
		{"of many kinds", time.Millisecond, 5000, 8, 8 * (refusedKinds + 2)},
	} {
		t.Run(row.name, func(t *testing.T) {
			s, err := store.Open(store.Options{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			before := s.BytesWritten()
			var counts openingCounts
			writing(t, s, nil, func(t *testing.T, o *openings) {
				for i := range refusals {
					o.add(ended(bridge.ReasonTooSoon, fmt.Sprint("relay_", i%row.kinds), fmt.Sprint("flood ", i)))
					if i == refusals/2 {
						o.add(ended(bridge.ReasonOK, "relay_1", "the press"))
					}
					time.Sleep(row.gap)
				}
				o.flush(t.Context())
				counts = o.count()
			})
			if counts.Logged != refusals+1 || counts.Lost != 0 || counts.Commits > uint64(row.commits) {
				t.Errorf("%+v, want all of %d in %d commits at most", counts, refusals+1, row.commits)
			}
			all, err := s.Openings(0)
			if err != nil || len(all) > row.records {
				t.Errorf("%d records, want %d at most (%v)", len(all), row.records, err)
			}
			commands, pressed := 0, 0
			for _, o := range all {
				commands += max(o.Times, 1)
				if o.ID == "the press" && o.Reason == bridge.ReasonOK {
					pressed++
				}
			}
			if commands != refusals+1 || pressed != 1 {
				t.Errorf("the log stands for %d commands with %d presses, want %d with 1", commands, pressed, refusals+1)
			}
			if proof, err := s.Verify(); err != nil || !proof.OK() {
				t.Errorf("not proven: %q, %v", proof.Faults, err)
			}
			t.Logf("%d commits, %d records, %d bytes", counts.Commits, len(all), s.BytesWritten()-before)
		})
	}
}

// A disk that takes nothing: one line in the log, a bounded memory, nothing lost
// that fits, in order, once it takes things again.
func TestOpeningsDiskAway(t *testing.T) {
	p := page{fail: errors.New("no space left on device")}
	var out bytes.Buffer
	writing(t, &p, slog.New(slog.NewTextHandler(&out, nil)), func(t *testing.T, o *openings) {
		for i := range 100 {
			o.add(ended(bridge.ReasonOK, "relay_1", fmt.Sprint(i)))
			time.Sleep(700 * time.Millisecond)
		}
		p.want(t, 0, 0, 0)
		p.set(func() { p.fail = nil })
		time.Sleep(retryAfter)
		if _, records, commands := p.state(); records != 100 || commands != 100 {
			t.Errorf("%d records for %d commands, want 100", records, commands)
		}
		for i, x := range p.written {
			if x.ID != fmt.Sprint(i) {
				t.Errorf("record %d is %q: out of order", i, x.ID)
			}
		}
		p.set(func() { p.fail = errors.New("no space left on device") })
		for range 10_000 {
			o.add(ended(bridge.ReasonOK, "relay_1", ""))
		}
		time.Sleep(time.Minute)
		if got := o.count().Lost; got != 10_000-sentKept {
			t.Errorf("%d lost, want %d", got, 10_000-sentKept)
		}
	})
	if n := strings.Count(out.String(), "cannot be written"); n != 2 {
		t.Errorf("said %d times that it cannot be written, want once for each time:\n%s", n, out.String())
	}
}

// The engine never waits for a disk.
func TestOpeningsNeverBlock(t *testing.T) {
	var p page
	writing(t, &p, nil, func(t *testing.T, o *openings) {
		hang := make(chan struct{}) // of the bubble
		p.set(func() { p.hang = hang })
		began := time.Now()
		o.add(ended(bridge.ReasonOK, "relay_1", "first"))
		time.Sleep(sentWait)
		synctest.Wait() // it hangs in the store
		for range 5000 {
			o.add(ended(bridge.ReasonOK, "relay_1", ""))
			o.add(ended(bridge.ReasonTooSoon, "relay_1", ""))
		}
		if waited := time.Since(began); waited != sentWait {
			t.Errorf("add waited %s", waited-sentWait)
		}
		p.set(func() { p.hang = nil })
		close(hang)
		time.Sleep(2 * sentWait)
		if _, records, _ := p.state(); records != 1+sentKept+1 {
			t.Errorf("%d records, want the first, %d that fit and one for all refusals", records, sentKept)
		}
	})
}

func TestEarlierCommands(t *testing.T) {
	s, err := store.Open(store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range commandsShown + 5 {
		if err := s.Append([]store.Opening{{At: time.Unix(int64(i), 0), Account: "gate", ID: fmt.Sprint(i), Reason: bridge.ReasonTooSoon, Message: "wait", Times: 3}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := earlier(s)
	if err != nil || len(got) != commandsShown || got[0].ID != fmt.Sprint(commandsShown+4) || got[0].Message != "wait (3 times)" {
		t.Errorf("%d commands, the first %+v, %v", len(got), got[0], err)
	}
}

func TestShort(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"PRESS", "PRESS"},
		{strings.Repeat("x", longestText), strings.Repeat("x", longestText)},
		{strings.Repeat("x", longestText+1), strings.Repeat("x", longestText) + "..."},
		{strings.Repeat("ü", longestText), strings.Repeat("ü", longestText/2) + "..."},
		{"x" + strings.Repeat("ü", longestText), "x" + strings.Repeat("ü", longestText/2-1) + "..."},
	} {
		if got := short(row.text); got != row.want {
			t.Errorf("short(%q): got %q, want %q", row.text, got, row.want)
		}
	}
}
