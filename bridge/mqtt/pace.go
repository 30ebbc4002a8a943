package mqtt

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	longestPause = 30 * time.Second // between two attempts, plus a tenth of jitter
	stableAfter  = 60 * time.Second // a link that lasted so long starts the pauses anew
	kicksForWarn = 3                // links in a row that the broker closed before they were stable
)

// pace decides when the next attempt may be made (M4).
type pace struct {
	tries int       // attempts since the last stable link
	last  time.Time // start of the last attempt
	kicks int       // in a row
}

// wait returns true when the next attempt is due, and counts it; false when ctx
// has ended.
func (p *pace) wait(ctx context.Context) bool {
	timer := time.NewTimer(p.pause(time.Now()))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	}
	p.tries++
	p.last = time.Now()
	return ctx.Err() == nil
}

// pause is how long to wait from now: nothing at the start, up to a second after
// a stable link, then from attempt to attempt 1, 2, 4 ... 30 s and the jitter.
func (p *pace) pause(now time.Time) time.Duration {
	if p.last.IsZero() {
		return 0
	}
	var least time.Duration
	switch {
	case p.kicks >= kicksForWarn:
		least = longestPause
	case p.tries > 0:
		least = min(longestPause, time.Second<<min(p.tries-1, 10))
	}
	jitter := rand.N(max(time.Second, least/10))
	return max(0, p.last.Add(least).Sub(now)) + jitter
}

// failed: an attempt brought no link, so nobody took it away either.
func (p *pace) failed() { p.kicks = 0 }

// stable: the link has lasted.
func (p *pace) stable() { p.tries, p.kicks = 0, 0 }

// lost counts a link that was not stable yet. It returns true when it looks as
// if another client used our id: the broker hung up on the last links, each soon
// after it came up at once (H10; MQTT 3.1.1 gives no reason).
func (p *pace) lost(stable, byBroker bool) bool {
	switch {
	case stable:
	case byBroker:
		p.kicks++
	default:
		p.kicks = 0
	}
	return p.kicks == kicksForWarn
}
