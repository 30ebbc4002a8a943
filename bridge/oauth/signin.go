package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// OtherIdentity says that a sign-in landed on another account than before (T21).
// The old grant stays in use until [Keeper.Confirm].
type OtherIdentity struct{ Account, Had, Got string }

func (e *OtherIdentity) Error() string {
	return fmt.Sprintf("this sign-in is of %s, but account %q was %s so far: confirm it, or sign in as before", e.Got, e.Account, e.Had)
}

var errNoStore = errors.New("the store does not take new credentials: see `latchkey doctor`")

// Finish ends a sign-in: it exchanges the code once, makes the pair durable, asks
// whose account it is, and only then takes it into use. It returns the account.
// The error is safe to show; it is an *OtherIdentity where a person must confirm.
func (k *Keeper) Finish(ctx context.Context, cb Callback) (account string, err error) {
	s, err := k.takeSignIn(cb)
	if err != nil {
		return "", err
	}
	if cb.Code == "" {
		return s.account, errors.New("the vendor did not allow the sign-in" + inBrackets(plainCode(cb.Error)))
	}
	a := k.find(s.account)
	if a == nil {
		return s.account, errUnknown
	}
	if err := k.enter(ctx, a); err != nil {
		return s.account, err
	}
	defer k.leave(a)
	// The code is single use: a browser that goes away must not cut this in half.
	ctx = context.WithoutCancel(ctx)
	if !k.ready(ctx, a) && !a.broken {
		return s.account, errNoStore
	}
	return s.account, k.exchange(ctx, a, s, cb.Code)
}

func (k *Keeper) exchange(ctx context.Context, a *account, s *signIn, code string) error {
	k.mu.RLock()
	d := &a.conf.Dialect
	k.mu.RUnlock()
	got, arrived, t := k.speak.tokens(ctx, a.id, d, d.Exchange, fill{code: code, redirect: s.redirect, verifier: s.verifier})
	if t != nil {
		switch t.Class {
		case classGrant:
			return errors.New(t.Message + ": the code was not accepted; begin again, and compare the redirect URL that the vendor knows")
		case classClient:
			return errors.New(t.Message + ": correct client id and secret in the configuration")
		}
		return errors.New(t.Message + "; begin again")
	}
	if !a.loaded {
		// Nothing can be read of the old record; the store keeps it as a generation.
		k.update(a, func() { a.adopt(record{}, a.gen, k.trusted) })
	}
	rec := a.rec
	rec.Pending = &arrival{Pair: k.pair(got, arrived), At: arrived.UTC().Round(0)}
	if t := k.keepSafe(ctx, a, rec, arrived); t != nil {
		return errors.New("signed in, but " + t.Message + "; latchkey tries to save it again")
	}
	k.compareScope(a, d, got.scope)
	return k.arrive(ctx, a)
}

// arrive asks whose account a pending sign-in is of, and takes it into use if it
// is the same as before, or the first.
func (k *Keeper) arrive(ctx context.Context, a *account) error {
	k.mu.RLock()
	d := &a.conf.Dialect
	k.mu.RUnlock()
	had, p := a.rec.Identity, *a.rec.Pending
	got, known, t := k.whose(ctx, d, p.Pair.Access)
	switch {
	case had == "" || known && sameIdentity(had, got) || t == nil && d.Identity == nil:
		if !known {
			got = had
		}
		return k.commitSignIn(ctx, a, got)
	case t != nil:
		k.update(a, func() { a.later(longestGap); a.last = t })
		return fmt.Errorf("signed in, but %s: latchkey asks again, and uses the sign-in when the answer is the same as before", t.Message)
	case !known:
		got = "an account that the vendor does not name"
	}
	p.Asked = true
	if known {
		p.Identity = got
	}
	rec := a.rec
	rec.Pending = &p
	if t := k.keepSafe(ctx, a, rec, time.Time{}); t != nil {
		return t
	}
	return &OtherIdentity{Account: a.id, Had: had, Got: got}
}

// commitSignIn takes a pending sign-in into use.
func (k *Keeper) commitSignIn(ctx context.Context, a *account, identity string) error {
	p := *a.rec.Pending
	rec := a.rec.signedIn(p, identity, k.o.Owner)
	k.mu.RLock()
	rec.Client = a.client
	k.mu.RUnlock()
	if t := k.keepSafe(ctx, a, rec, time.Now()); t != nil {
		return t
	}
	k.update(a, func() {
		a.reckon(k.trusted) // the pair may be of an earlier run
		a.narrow, a.fresh, a.strikes = nil, false, 0
		a.tried, a.retry, a.retries = time.Time{}, time.Time{}, 0
	})
	k.o.Log.Info("signed in", "account", a.id)
	return nil
}

// Confirm takes a sign-in into use that landed on another account than before.
func (k *Keeper) Confirm(ctx context.Context, account string) error {
	a := k.find(account)
	if a == nil {
		return errUnknown
	}
	if err := k.enter(ctx, a); err != nil {
		return err
	}
	defer k.leave(a)
	ctx = context.WithoutCancel(ctx)
	if !k.ready(ctx, a) {
		return errNoStore
	}
	p := a.rec.Pending
	if p == nil || !p.Asked {
		return errors.New("no sign-in waits to be confirmed")
	}
	return k.commitSignIn(ctx, a, p.Identity)
}

// plainCode is an error code that is safe to show: a word, nothing else.
func plainCode(code string) string {
	for _, c := range code {
		if (c < 'a' || c > 'z') && c != '_' {
			return ""
		}
	}
	return code[:min(len(code), 40)]
}
