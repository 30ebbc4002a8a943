package oauth

import (
	"math/rand/v2"
	"time"

	"latchkey/bridge"
)

// The plan (T9, T10, T18).
const (
	defaultLife   = time.Hour        // of a token whose reply and vendor name none
	longestOff    = 15 * time.Minute // of a back-off
	daily         = 24 * time.Hour
	leastPassword = time.Minute     // between two tries of a password
	distrust      = 5 * time.Minute // a clock that stays untrusted longer holds up no refresh
	warnBefore    = 14 * 24 * time.Hour
)

// life is how long the access token in use lives, known or supposed.
func (a *account) life() time.Duration {
	p := a.rec.Pair
	switch {
	case p.Expires.After(p.Obtained):
		return p.Expires.Sub(p.Obtained)
	case a.conf.Dialect.Reading.Life > 0:
		return a.conf.Dialect.Reading.Life
	}
	return defaultLife
}

// regular is when a token that serves is refreshed: at 75 % of its life less up
// to 10 %, at least once a keepalive, and not at once after the last one.
func (a *account) regular(means kind) time.Time {
	early := func(d time.Duration, share float64) time.Time {
		return a.obtained.Add(time.Duration(float64(d) * (share - 0.10*a.jitter)))
	}
	at := early(a.life(), 0.75)
	if means == kindRefresh {
		// A refresh token that is known to die unused is used in half that time.
		for _, most := range []time.Duration{a.conf.Keepalive, a.conf.Dialect.Reading.IdleLimit / 2} {
			if most > 0 && early(most, 1).Before(at) {
				at = early(most, 1)
			}
		}
	}
	return at
}

// gap is the earliest time for another attempt after the last one.
func (a *account) gap() time.Time { return later(a.tried, a.obtained).Add(leastGap) }

// renewal is when the tokens are renewed next; zero: not by themselves.
func (k *Keeper) renewal(a *account, now time.Time) time.Time {
	means, wait := a.rec.renewable(&a.conf.Dialect), later(a.notBefore, a.gap())
	switch ended := a.ended(); {
	case means == kindNone, ended == signedOut, ended == endedGrant, k.moved(a):
		return time.Time{}
	case means == kindTrial:
		if !a.dead {
			return time.Time{}
		}
		return a.notBefore
	case means == kindRefresh && a.rec.open() && a.serves(now):
		return a.until // the tree's (a): send nothing while the access token serves
	case ended == endedClient, ended == endedVague, !a.serves(now):
		return wait
	case a.rec.Failures > 0:
		return wait
	case !a.doubted.IsZero() && !k.trusted:
		return a.doubted.Add(distrust)
	case !a.doubted.IsZero(), a.fresh && means == kindAcquire:
		return a.gap()
	}
	at := a.regular(means)
	if !a.allowed.IsZero() && a.allowed.Before(at) {
		at = a.allowed
	}
	return later(at, wait)
}

// plan says when a token call of the account is due, whatever it is for; zero: never.
func (k *Keeper) plan(a *account, now time.Time) time.Time {
	switch {
	case a.held != nil, !a.loaded && !a.gone:
		return later(a.retry, now)
	case a.gone:
		return time.Time{}
	}
	due := k.renewal(a, now)
	if !due.IsZero() && k.exhausted(a, now) {
		due = later(due, now.Add(untilTomorrow(now)))
	}
	if a.demand || a.force {
		due = sooner(due, a.gap())
	}
	if a.wantsNarrow() {
		due = sooner(due, now)
	}
	if p := a.rec.Pending; p != nil && !p.Asked {
		due = sooner(due, later(a.retry, now))
	}
	return due
}

// attention is the next time at which the account's health changes by itself.
func (a *account) attention(now time.Time, h bridge.Health) time.Time {
	var next time.Time
	see := func(t time.Time) {
		if t.After(now) {
			next = sooner(next, t)
		}
	}
	see(a.until)
	if !h.SignInBefore.IsZero() {
		see(now.Add(h.SignInBefore.Add(-warnBefore).Sub(now.Round(0))))
	}
	if waitsForPerson(h) {
		see(a.reminded.Add(daily))
	}
	return next
}

// backoff is how long to wait after a failure: full jitter from 5 s to 15 min,
// or what the vendor asks for.
func backoff(t *trouble, failures int, d *bridge.Dialect) time.Duration {
	switch t.Class {
	case classClient:
		return daily - rand.N(daily/10)
	case classThrottled:
		return t.wait
	case classElsewhere:
		return leastGap
	}
	top := min(leastGap<<min(failures, 10), longestOff)
	wait := leastGap + rand.N(top-leastGap+1)
	if d.Grant == bridge.GrantPassword {
		wait = max(wait, leastPassword) // locked out by eager retries: T18
	}
	return max(wait, t.wait)
}

// trialWait is how long a refused token of the portal, or a vaguely refused grant,
// rests before it is tried again.
func trialWait(failures int) time.Duration {
	switch failures {
	case 1:
		return time.Minute
	case 2:
		return longestOff
	}
	return daily
}

// exhausted tells whether the account has used up its token calls of this UTC
// day. The count is stored with each journal entry, so a storm of restarts
// shares one budget: twice what the token's life needs, and room for trouble. The
// room is more than the some 190 calls that the back-off makes in a day of outage,
// so that an account heals when that ends and not at midnight.
func (k *Keeper) exhausted(a *account, now time.Time) bool {
	if a.rec.Day != today(now) {
		return false
	}
	room := 288
	if a.conf.Dialect.Grant == bridge.GrantPassword {
		room = 12
	}
	need := int(daily / max(a.life()*65/100, leastGap))
	return a.rec.Used >= room+2*(need+1)*(1+len(a.rec.Narrow))
}

func untilTomorrow(now time.Time) time.Duration {
	return now.UTC().Truncate(daily).Add(daily).Sub(now.Round(0))
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// sooner is the earlier of two times; zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
