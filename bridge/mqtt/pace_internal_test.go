package mqtt

import (
	"testing"
	"time"
)

func TestPause(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	cases := []struct {
		name        string
		pace        pace
		least, most time.Duration
	}{
		{"first attempt", pace{}, 0, 0},
		{"a stable link was lost", pace{last: ago(time.Hour)}, 0, time.Second},
		{"one failed just now", pace{tries: 1, last: now}, time.Second, 2 * time.Second},
		{"one failed after ten seconds of dialling", pace{tries: 1, last: ago(10 * time.Second)}, 0, time.Second},
		{"four failed", pace{tries: 4, last: now}, 8 * time.Second, 9 * time.Second},
		{"a thousand failed", pace{tries: 1000, last: now}, 30 * time.Second, 33 * time.Second},
		{"two kicks", pace{tries: 2, kicks: 2, last: ago(time.Minute)}, 0, time.Second},
		{"three kicks", pace{tries: 1, kicks: 3, last: now}, 30 * time.Second, 33 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			low, high := time.Hour, time.Duration(0)
			for range 1000 {
				got := c.pace.pause(now)
				low, high = min(low, got), max(high, got)
			}
			if low < c.least || high > c.most {
				t.Errorf("pauses from %v to %v, want within %v to %v", low, high, c.least, c.most)
			}
			if c.most > c.least && low == high {
				t.Errorf("every pause is %v: no jitter (M4)", low)
			}
		})
	}
}

func TestKicks(t *testing.T) {
	type step struct {
		failed, stable, byBroker bool
		warn                     bool
	}
	kick := step{byBroker: true}
	cases := []struct {
		name  string
		steps []step
	}{
		{"three in a row", []step{kick, kick, {byBroker: true, warn: true}, kick}},
		{"failed attempts between are a broker's restart", []step{kick, kick, {failed: true}, kick, kick}},
		{"a timeout is nobody's kick", []step{kick, kick, {}, kick, kick}},
		{"a link that lasted is no kick", []step{kick, kick, {byBroker: true, stable: true}, kick, kick, {byBroker: true, warn: true}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var p pace
			for i, s := range c.steps {
				if s.failed {
					p.failed()
					continue
				}
				if s.stable {
					p.stable() // the session says so while the link is up
				}
				if got := p.lost(s.stable, s.byBroker); got != s.warn {
					t.Errorf("step %d: warned %t, want %t", i, got, s.warn)
				}
			}
		})
	}
}
