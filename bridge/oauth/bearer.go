package oauth

import (
	"context"
	"time"

	"latchkey/bridge"
)

// Tokens is the view that callers of an account get. It stays good while the
// account is removed and added again.
func (k *Keeper) Tokens(id string) bridge.Tokens { return handle{k, id} }

type handle struct {
	k  *Keeper
	id string
}

// Bearer returns an access token that serves; see [bridge.Tokens].
func (h handle) Bearer(ctx context.Context, narrow string) (bridge.Bearer, error) {
	a := h.k.find(h.id)
	if a == nil {
		return bridge.Bearer{}, &bridge.Failure{Reason: bridge.ReasonOffline, Message: "the account is not kept"}
	}
	if narrow != "" {
		return h.k.awaitNarrow(ctx, a, narrow)
	}
	if s := a.serving.Load(); s != nil && (s.until.IsZero() || time.Now().Before(s.until)) {
		return s.bearer, nil
	}
	return h.k.await(ctx, a)
}

// Refused hears of a 401; see [bridge.Tokens]. Tokens are compared: the store's
// generation moves with the journal, and would make a refused token look fresh.
func (h handle) Refused(b bridge.Bearer) {
	a := h.k.find(h.id)
	if a == nil {
		return
	}
	h.k.update(a, func() {
		if b.Narrow != "" {
			a.dropNarrow(b)
		} else if a.access() == b.Token.Reveal() && !a.dead {
			a.refused(time.Now())
		}
	})
}

// Refused young tokens: the first waits this long after it arrived, each further
// one in a row twice as long as the one before.
const (
	leastGap    = 5 * time.Second
	longestGap  = 15 * time.Minute
	provenAfter = time.Hour // a token that lived so long was a good one
)

// refused marks the access token as dead. One that is hardly older than its
// predecessor's refusal goes on serving until renewing it is due: an API that
// answers 401 for want of a right must neither take the account down nor spend
// its budget.
func (a *account) refused(now time.Time) {
	if now.Sub(a.obtained) > provenAfter {
		a.strikes = 0
	}
	if a.allowed.IsZero() {
		a.allowed = a.obtained.Add(min(leastGap<<min(a.strikes, 10), longestGap))
		a.strikes++
	}
	renews := a.rec.renewable(&a.conf.Dialect)
	if (renews == kindRefresh || renews == kindAcquire) && !a.rec.open() && now.Before(a.allowed) {
		return
	}
	a.dead = true
	if renews == kindTrial {
		a.rest(now)
	}
}

// rest puts a refused token of the portal aside until it is tried again.
func (a *account) rest(now time.Time) {
	if a.trials++; now.Sub(a.notBefore) > daily+provenAfter {
		a.trials = 1
	}
	a.notBefore = now.Add(trialWait(a.trials))
}

// await renews the access token, or waits for the renewal in flight.
func (k *Keeper) await(ctx context.Context, a *account) (bridge.Bearer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	tries := a.tries
	for {
		now := time.Now()
		if a.serves(now) {
			a.publish(now)
			return a.serving.Load().bearer, nil
		}
		if a.tries != tries {
			return bridge.Bearer{}, k.refusal(a)
		}
		if !a.renewing {
			if !k.mayTry(a, now, bridge.PermitOf(ctx) != nil) {
				return bridge.Bearer{}, k.refusal(a)
			}
			a.demand = true
		}
		if err := k.wait(ctx, a); err != nil {
			return bridge.Bearer{}, err
		}
	}
}

// wait waits until a turn of the account has ended. Keeper.mu is held before and
// after, and let go meanwhile (T25).
func (k *Keeper) wait(ctx context.Context, a *account) error {
	if k.closing || a.gone {
		return &bridge.Failure{Reason: bridge.ReasonOffline, Message: "latchkey is stopping or has let the account go"}
	}
	if a.done == nil {
		a.done = make(chan struct{})
	}
	done := a.done
	k.settle(a)
	k.mu.Unlock()
	defer k.mu.Lock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return &bridge.Failure{Reason: bridge.ReasonDeadline, Message: "the access token was not renewed in time"}
	}
}

// mayTry tells whether a caller may have the token renewed now. A command may
// cut a back-off short (a press tries once), but not a password's; a poll may not.
func (k *Keeper) mayTry(a *account, now time.Time, command bool) bool {
	d := &a.conf.Dialect
	means := a.rec.renewable(d)
	switch {
	case !a.loaded, a.held != nil, k.moved(a), a.ended() != "", means == kindNone, means == kindTrial, k.exhausted(a, now):
		return false
	case !now.Before(a.notBefore):
		return true
	}
	return command && !a.throttled(now) && d.Grant != bridge.GrantPassword
}

// throttled tells whether the vendor has asked for fewer token calls: nobody cuts
// that short.
func (a *account) throttled(now time.Time) bool {
	t := a.rec.Trouble
	return t != nil && t.Class == classThrottled && now.Before(a.notBefore)
}

const askedForFewer = "the vendor asks for fewer token calls: latchkey tries again by itself"

// mayForce tells why a person's wish to refresh cannot be met; nil: it can.
func (k *Keeper) mayForce(a *account, now time.Time) error {
	no := func(message string) error {
		return &bridge.Failure{Reason: bridge.ReasonDenied, Message: message}
	}
	means := a.rec.renewable(&a.conf.Dialect)
	switch {
	case !a.loaded, a.held != nil, k.closing:
		return k.refusal(a)
	case k.moved(a):
		return no("the grant was restored beside another installation and may be in use there: sign in again, or take it over with `latchkey restore --take-over`")
	case means == kindNone:
		return no("nothing can be renewed: sign in")
	case a.rec.Ended == signedOut && means == kindRefresh:
		return no("the account is signed out: sign in")
	case means == kindRefresh && a.rec.open() && a.serves(now):
		return no("the reply to a renewal was lost, and asking again may end the access token that still serves: it is renewed when that ends")
	case a.throttled(now):
		return no(askedForFewer)
	case k.exhausted(a, now):
		return no("today's token calls of this account are used up")
	}
	return nil
}

// refusal is why there is no access token.
func (k *Keeper) refusal(a *account) error {
	h := k.judge(a, time.Now())
	reason := bridge.ReasonOffline
	switch h.State {
	case bridge.SignedOut, bridge.LoginNeeded, bridge.Misconfigured:
		reason = bridge.ReasonLoginNeeded
	}
	message := "there is no access token: the account is " + string(h.State)
	if h.LastError != nil {
		message += ": " + h.LastError.Message
	}
	return &bridge.Failure{Reason: reason, Message: message}
}
