package engine

import (
	"sync/atomic"
	"time"
)

// clockTolerance is how far a cloud's Date may be from the wall clock.
const clockTolerance = 30 * time.Second

// Clock judges whether the wall clock can be trusted (hazard H16): it is not
// before the build, and the newest proven Date of a cloud agrees with it. A
// daemon behind systemd's ProtectClock= cannot ask the kernel. Safe for
// concurrent use.
type Clock struct {
	built        time.Time
	contradicted atomic.Bool
}

// NewClock makes a clock that nobody has contradicted yet. built is the time of
// the build; zero: not known.
func NewClock(built time.Time) *Clock { return &Clock{built: built} }

// Seen takes the Date of a cloud's reply, just received. Only a proven one counts
// (over TLS, or plain from loopback).
func (c *Clock) Seen(date time.Time, proven bool) {
	if proven {
		// date has no monotonic reading, so this compares wall clocks.
		c.contradicted.Store(time.Until(date).Abs() > clockTolerance)
	}
}

// Trusted tells whether the age of a command can be judged.
func (c *Clock) Trusted() bool {
	return !c.contradicted.Load() && !time.Now().Before(c.built)
}
