package oauth

import (
	"context"
	"time"
)

// ready loads the record, and saves what waits to be saved. Nothing else is done
// before both are so.
func (k *Keeper) ready(ctx context.Context, a *account) bool {
	if a.held != nil && !k.saveHeld(ctx, a) {
		return false
	}
	return a.loaded || k.load(ctx, a) == nil
}

// load reads the stored record if it is another one than is known here.
func (k *Keeper) load(ctx context.Context, a *account) *trouble {
	var rec record
	stored, gen, err := k.o.Store.Load(ctx, a.id)
	if err == nil && a.loaded && gen == a.gen {
		return nil
	}
	if err == nil {
		if rec, err = decodeRecord(stored); err != nil {
			k.update(a, func() { a.broken, a.gen = true, gen })
		}
	}
	if err != nil {
		k.diskFailed(a, err)
		t := fail(classDisk, "", "the stored credentials cannot be read")
		k.update(a, func() { a.later(time.Minute); a.last = t })
		return t
	}
	k.update(a, func() {
		a.retry, a.retries = time.Time{}, 0
		a.adopt(rec, gen, k.trusted)
		if k.moved(a) && a.conf.Dialect.Acquire != nil {
			a.rec.RefreshDead = true // it is the other's; this one gets a grant of its own
		}
		if rec.Client != "" && rec.Client != a.client && !k.o.Unread {
			a.mended()
		}
	})
	return nil
}

// later plans the next try of loading, saving or asking whose account it is.
func (a *account) later(most time.Duration) {
	a.retries++
	a.retry = time.Now().Add(min(time.Second<<min(a.retries-1, 20), most))
}

// save writes a record that becomes the one in use.
func (k *Keeper) save(ctx context.Context, a *account, rec record, arrived time.Time) *trouble {
	encoded, err := rec.encode()
	var (
		gen uint64
		ok  bool
	)
	if err == nil {
		gen, ok, err = k.o.Store.Save(ctx, a.id, a.gen, encoded)
	}
	if err != nil {
		k.diskFailed(a, err)
		return fail(classDisk, "", "the credentials cannot be saved: is the disk full or read-only?")
	}
	if !ok {
		return fail(classElsewhere, "", "another latchkey has written the credentials of this account")
	}
	k.update(a, func() {
		a.gen = gen
		a.use(rec, arrived)
	})
	return nil
}

// diskFailed says once why the store failed; the health says it as long as it lasts.
func (k *Keeper) diskFailed(a *account, err error) {
	if a.retries == 0 && (a.rec.Trouble == nil || a.rec.Trouble.Class != classDisk) {
		k.o.Log.Warn("the store of credentials failed", "account", a.id, "err", err)
	}
}

// saveHeld saves the record that waits in memory.
func (k *Keeper) saveHeld(ctx context.Context, a *account) bool {
	t := k.save(ctx, a, *a.held, a.heldAt)
	if t != nil && t.Class == classElsewhere {
		t = k.mergeHeld(ctx, a)
	}
	k.update(a, func() {
		if t == nil {
			k.o.Log.Info("credentials that waited are saved", "account", a.id)
			k.hold(a, nil, time.Time{})
			a.retry, a.retries = time.Time{}, 0
			return
		}
		if a.later(time.Minute); k.closing {
			a.retry = time.Now().Add(time.Second) // the last chance
		}
	})
	return t == nil
}

// mergeHeld saves the record that waits although somebody else wrote meanwhile.
// What continues the chain of that other record replaces it. Else the other
// stays in use, and the pair in hand becomes its fallback; a sign-in in hand that
// is not in use yet stands beside either. A token is never lost.
func (k *Keeper) mergeHeld(ctx context.Context, a *account) *trouble {
	mine, before, arrived := *a.held, a.rec.Pair, a.heldAt
	k.update(a, func() { a.gen = 0 })
	if t := k.load(ctx, a); t != nil {
		return t
	}
	other := a.rec
	switch {
	case mine.Pair == before || mine.Pair.Access == other.Pair.Access && mine.Pair.Refresh == other.Pair.Refresh:
		// No new pair, or it was saved and only the news of it was lost.
		if p := mine.Pending; p == nil || other.Pending != nil && other.Pending.Pair.Access == p.Pair.Access && other.Pending.Asked == p.Asked {
			return nil
		}
	case other.Pair.Refresh == mine.Pair.Refresh, other.Pair.Refresh == before.Refresh:
		return k.save(ctx, a, mine, arrived)
	default:
		other.Before, other.BeforeTried = mine.Pair, false
	}
	if mine.Pending != nil {
		other.Pending = mine.Pending
	}
	return k.save(ctx, a, other, time.Time{})
}

// keepSafe saves a record with a pair that the vendor has just given. Where the
// store refuses, the record waits in memory, and its pair is handed to nobody.
func (k *Keeper) keepSafe(ctx context.Context, a *account, rec record, arrived time.Time) *trouble {
	t := k.save(ctx, a, rec, arrived)
	if t == nil {
		return nil
	}
	k.update(a, func() { k.hold(a, &rec, arrived) })
	if t.Class == classElsewhere && k.saveHeld(ctx, a) {
		return nil
	}
	k.update(a, func() { a.later(time.Minute) })
	return t
}

// hold keeps a record that the store did not take; nil: there is none any more.
func (k *Keeper) hold(a *account, rec *record, arrived time.Time) {
	if (a.held == nil) != (rec == nil) {
		if rec != nil {
			k.unsaved++
		} else {
			k.unsaved--
		}
	}
	a.held, a.heldAt = rec, arrived
}
