package oauth

import (
	"math/rand/v2"
	"time"
)

// use takes over a record whose pair, if it is another one, arrived just now.
func (a *account) use(rec record, arrived time.Time) {
	if rec.Pair.Access != a.rec.Pair.Access || !rec.Pair.Obtained.Equal(a.rec.Pair.Obtained) {
		a.until = time.Time{}
		if !rec.Pair.Expires.IsZero() {
			a.until = arrived.Add(rec.Pair.Expires.Sub(rec.Pair.Obtained))
		}
		a.obtained, a.doubted, a.dead, a.allowed, a.jitter = arrived, time.Time{}, false, time.Time{}, rand.Float64()
	}
	a.rec = rec
}

// adopt takes over a record from the store and turns its wall times into times
// of this run.
func (a *account) adopt(rec record, gen uint64, trusted bool) {
	same := a.loaded && rec.Pair.Access == a.rec.Pair.Access && rec.Pair.Obtained.Equal(a.rec.Pair.Obtained)
	a.rec, a.gen, a.loaded, a.broken = rec, gen, true, false
	if same {
		a.waits(trusted)
		return
	}
	a.dead, a.allowed = false, time.Time{}
	a.looked = time.Now() // a start is no reason to ask
	a.reckon(trusted)
	for _, n := range rec.Narrow {
		a.keep(n, thisRun(n.Pair.Expires, trusted && !n.Pair.Doubt))
	}
}

// reckon turns the stored wall times into times of this run. A token whose times
// cannot be compared with the clock is tried, never judged (T13).
func (a *account) reckon(trusted bool) {
	now, p := time.Now(), a.rec.Pair
	wall := now.Round(0)
	a.obtained, a.until, a.doubted = time.Time{}, time.Time{}, time.Time{}
	switch {
	case p.Access == "":
	case !trusted, p.Doubt, wall.Before(p.Obtained.Add(-2 * time.Minute)):
		a.doubted = now
	default:
		a.obtained, a.until = now.Add(-max(wall.Sub(p.Obtained), 0)), thisRun(p.Expires, true)
	}
	a.waits(trusted)
}

// waits takes over what the record waits for.
func (a *account) waits(trusted bool) {
	now := time.Now()
	// A wrong clock can make a wait longer than it was meant to be, never gone.
	left := a.rec.Wait
	if trusted {
		left = min(a.rec.NotBefore.Sub(now.Round(0)), a.rec.Wait)
	}
	a.notBefore = time.Time{}
	if left > 0 {
		a.notBefore = now.Add(left)
	}
}

// thisRun is a stored wall time in the time of this run; zero: not known.
func thisRun(wall time.Time, trusted bool) time.Time {
	if wall.IsZero() || !trusted {
		return time.Time{}
	}
	now := time.Now()
	return now.Add(wall.Sub(now.Round(0)))
}

// shift moves all times of this run by how long the machine slept: monotonic
// clocks stand still meanwhile (T9). Its clock may have been set instead, so a
// token that has its end in between is renewed, and tried until then (T13).
func (a *account) shift(slept time.Duration) {
	now := time.Now()
	served := a.serves(now)
	for _, t := range []*time.Time{&a.obtained, &a.until, &a.notBefore, &a.tried, &a.retry, &a.allowed, &a.looked} {
		if !t.IsZero() {
			*t = t.Add(-slept)
		}
	}
	if served && !a.serves(now) {
		a.until, a.doubted = time.Time{}, now
	}
	for _, n := range a.narrow {
		if !n.until.IsZero() {
			n.until = n.until.Add(-slept)
		}
	}
}
