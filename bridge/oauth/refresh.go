package oauth

import (
	"context"
	"time"

	"latchkey/bridge"
)

// lease is for how long an account is held: longer than a turn can take.
const lease = time.Minute

// run is one turn begun by the schedule: whatever the account needs now.
func (k *Keeper) run(a *account) {
	defer k.leave(a)
	// Detached from every caller and from the stop, which waits (T24).
	ctx := context.Background()
	if !k.ready(ctx, a) {
		return
	}
	if p := a.rec.Pending; p != nil && !p.Asked {
		_ = k.arrive(ctx, a)
	}
	k.mu.RLock()
	peek := a.nextLook(time.Now())
	k.mu.RUnlock()
	if !peek.IsZero() && !time.Now().Before(peek) {
		k.look(ctx, a)
	}
	k.mu.Lock()
	now := time.Now()
	due := k.renewal(a, now)
	renew := a.demand || a.force || !due.IsZero() && !now.Before(due) && !k.exhausted(a, now)
	a.renewing = renew
	k.mu.Unlock()
	if renew {
		k.renew(ctx, a)
	}
	k.mintWanted(ctx, a)
}

// renew is the one way to refresh, hazards section 5. It may take three calls:
// the refresh token, the one before it, and acquiring anew.
func (k *Keeper) renew(ctx context.Context, a *account) {
	k.mu.Lock()
	conf, client := a.conf, a.client
	k.mu.Unlock()
	var t *trouble
	next := kindNone
	for range 3 {
		if next, t = k.attempt(ctx, a, conf, client, next); next == kindNone {
			break
		}
	}
	k.update(a, func() {
		a.tries++
		a.last, a.tried = t, time.Now()
		a.demand, a.force, a.renewing = false, false, false
		k.release(a)
	})
	if t == nil {
		k.learn(ctx, a, conf)
	}
}

// attempt makes one call: of the kind that follows a refusal, or of the kind
// that the tree chooses. again is the kind that follows.
func (k *Keeper) attempt(ctx context.Context, a *account, conf *Account, client string, means kind) (again kind, t *trouble) {
	d := &conf.Dialect
	if means == kindNone {
		// Step 1: read the stored token again; renewed meanwhile: use it.
		if t := k.load(ctx, a); t != nil {
			return kindNone, k.missed(a, d, t)
		}
		k.mu.Lock()
		now := time.Now()
		due := k.renewal(a, now)
		needless := !a.force && a.serves(now) && (due.IsZero() || now.Before(due))
		means = a.rec.next(d, a.serves(now))
		k.mu.Unlock()
		if needless || means == kindNone {
			return kindNone, nil
		}
		if t := k.claim(ctx, a); t != nil {
			return kindNone, k.missed(a, d, t)
		}
	}
	if means == kindTrial {
		return kindNone, k.trial(ctx, a, conf)
	}

	// Step 2: no commit, no vendor call. The commit is the lock and the probe for
	// a full disk (T15).
	if t := k.save(ctx, a, a.rec.committed(means, k.o.Owner, client, time.Now()), time.Time{}); t != nil {
		if t.Class == classElsewhere && k.load(ctx, a) == nil && k.serves(a) {
			return kindNone, nil // somebody else was faster: use theirs
		}
		return kindNone, k.missed(a, d, t)
	}

	// Steps 3 and 4.
	ask := d.Refresh
	if means == kindAcquire {
		ask = d.Acquire
	}
	got, arrived, t := k.speak.tokens(ctx, a.id, d, ask, fill{refresh: a.rec.token(means), access: a.rec.Pair.Access})
	if t != nil {
		return k.refuse(ctx, a, conf, means, t)
	}

	// Steps 5 and 6.
	had := a.rec.Trouble
	k.update(a, func() { a.fresh, a.notBefore = false, time.Time{} })
	rec := a.rec.renewed(k.pair(got, arrived), means)
	if means == kindAcquire {
		rec.Home = k.o.Owner
	}
	if t := k.keepSafe(ctx, a, rec, arrived); t != nil {
		return kindNone, t
	}
	k.compareScope(a, d, got.scope)
	if had != nil {
		k.o.Log.Info("tokens are refreshed again", "account", a.id)
	} else {
		k.o.Log.Debug("tokens refreshed", "account", a.id)
	}
	return kindNone, nil
}

// claim takes the lease of an account: without it, a call of another latchkey
// may be in flight.
func (k *Keeper) claim(ctx context.Context, a *account) *trouble {
	held, err := k.o.Store.Hold(ctx, a.id, k.o.Owner, time.Now().Add(lease))
	if err != nil {
		k.diskFailed(a, err)
		return fail(classDisk, "", "the account cannot be held in the store")
	}
	if !held {
		return fail(classElsewhere, "", "another latchkey holds this account")
	}
	return nil
}

// pair makes what is kept of a reply.
func (k *Keeper) pair(got tokens, arrived time.Time) pair {
	p := pair{Access: got.access, Refresh: got.refresh, Scope: got.scope, Obtained: arrived.UTC().Round(0), Doubt: !k.o.ClockTrusted()}
	if got.life > 0 {
		p.Expires = p.Obtained.Add(got.life)
	}
	return p
}

// refuse takes in a call that brought no tokens.
func (k *Keeper) refuse(ctx context.Context, a *account, conf *Account, sent kind, t *trouble) (again kind, _ *trouble) {
	d, now := &conf.Dialect, time.Now()
	rec := a.rec
	lost := rec.Intent.Lost || sent == kindPrevious
	if t.Class != classGrant {
		wait := backoff(t, rec.Failures+1, d)
		rec = rec.closed(t, wait, now)
		if t.Class == classClient {
			rec.Ended = endedClient
		}
	} else if rec, again = rec.afterRefusal(d, sent, lost); again == kindNone {
		if lost {
			t.Reason, t.Code = bridge.HealthLostInFlight, string(bridge.HealthLostInFlight)
		}
		rec.Failures++
		rec.Trouble, rec.Wait, rec.NotBefore = t, 0, time.Time{}
		if t.vague {
			rec = rec.vaguely(a.rec, now)
		}
	}
	if again != kindNone {
		// Not saved: the next commit, which follows at once, says the same.
		k.update(a, func() { a.rec = rec })
		return again, t
	}
	had := a.rec.Trouble
	if k.save(ctx, a, rec, time.Time{}) != nil {
		// The store still has the journal open, which is the safer mistake.
		k.update(a, func() { a.rec = rec })
	}
	k.update(a, func() {
		a.notBefore = now.Add(rec.Wait)
		if rec.Ended != "" {
			a.fresh = false
		}
	})
	if rec.Ended != "" {
		k.tryAccess(ctx, a, conf)
	}
	if had == nil || had.Class != t.Class {
		k.o.Log.Warn("token refresh failed", "account", a.id, "reason", string(t.Reason), "err", t, "attempt", rec.Failures, "next", rec.NotBefore)
	}
	return kindNone, t
}

// missed takes in an attempt that sent nothing, because of the store or another
// latchkey. It is not written: there is nothing to tell the next reader.
func (k *Keeper) missed(a *account, d *bridge.Dialect, t *trouble) *trouble {
	k.update(a, func() {
		rec := a.rec
		if rec.Failures++; rec.Ended == "" {
			rec.Trouble = t
		}
		a.rec = rec
		a.notBefore = time.Now().Add(backoff(t, rec.Failures, d))
	})
	return t
}
