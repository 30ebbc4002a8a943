package oauth

import (
	"time"

	"latchkey/bridge"
)

// judge says how an account's tokens are, as the Contract words it. Keeper.mu is held.
func (k *Keeper) judge(a *account, now time.Time) bridge.Health {
	r := a.rec
	serves, means := a.serves(now), r.renewable(&a.conf.Dialect)
	h := bridge.Health{
		UserAction: bridge.ActionNone,
		LoginURL:   a.conf.LoginURL,
		Failures:   r.Failures,
		Scope:      r.Pair.Scope,
	}
	if r.Pair.Access != "" {
		if h.Scope == "" { // RFC 6749 section 5.1: as asked
			h.Scope = a.conf.Dialect.Scope
		}
		h.ExpiresAt, h.RefreshedAt = bridge.Second(r.Pair.Expires), bridge.Second(r.Pair.Obtained)
	}
	if a.due.After(now) {
		h.NextRefreshAt = bridge.Second(a.due)
	}
	if a.conf.SignInBefore > 0 && !r.SignedIn.IsZero() {
		h.SignInBefore = bridge.Second(r.SignedIn.Add(a.conf.SignInBefore))
	}
	say := func(t *trouble) {
		h.Reason = t.Reason
		h.LastError = &bridge.HealthError{Code: t.Code, Message: t.Message + advice(a.id, t, means), At: bridge.Second(t.At)}
	}
	because := func(reason bridge.HealthReason, message string, since time.Time) {
		say(&trouble{Reason: reason, Code: string(reason), Message: message, At: since})
	}
	either := func(otherwise bridge.TokenState) {
		if h.State = otherwise; serves {
			h.State = bridge.Retrying
		}
	}

	switch ended := a.ended(); {
	case !a.loaded:
		either(bridge.Expired)
		if a.last != nil {
			h.UserAction = bridge.ActionCheckDisk
			say(a.last)
		}
	case ended == signedOut:
		h.State = bridge.SignedOut
	case means == kindTrial && a.dead:
		h.State, h.UserAction = bridge.Misconfigured, bridge.ActionCheckClient
		because(bridge.HealthClientRefused, "the vendor refuses the token of the configuration", a.notBefore)
	case a.access() == "" && means == kindNone && ended == "":
		h.State, h.UserAction = bridge.SignedOut, bridge.ActionLogin
	case a.held != nil:
		either(bridge.Expired)
		h.UserAction = bridge.ActionCheckDisk
		because(bridge.HealthNotSaved, "the renewed credentials cannot be saved", a.heldAt)
	case k.moved(a):
		either(bridge.LoginNeeded)
		h.UserAction = bridge.ActionLogin
		because(bridge.HealthMoved, "the credentials were restored beside another installation, which may use them", r.Pair.Obtained)
	case ended == endedGrant, ended == endedVague:
		either(bridge.LoginNeeded)
		h.UserAction = bridge.ActionLogin
		say(r.Trouble)
	case ended == endedClient:
		either(bridge.Misconfigured)
		h.UserAction = bridge.ActionCheckClient
		say(r.Trouble)
	case means == kindNone && !serves:
		h.State, h.Reason = bridge.SignedOut, bridge.HealthAccessEnded
	case r.Trouble != nil && r.Failures > 0:
		either(bridge.Expired)
		switch r.Trouble.Class {
		case classClock:
			h.UserAction = bridge.ActionCheckClock
		case classDisk:
			h.UserAction = bridge.ActionCheckDisk
		}
		say(r.Trouble)
	case r.open() && (r.Intent.Lost || !a.renewing):
		either(bridge.Expired)
		because(bridge.HealthLostInFlight, "latchkey stopped in the middle of a renewal, whose outcome is not known", r.Intent.Started)
	case k.exhausted(a, now) && !a.due.Before(now.Add(untilTomorrow(now))):
		either(bridge.Expired)
		because(bridge.HealthRateLimited, "today's token calls of this account are used up", now.Truncate(daily))
	case serves, a.health.State == bridge.Valid:
		// A token that has just ended is renewed in a moment: the account does not go
		// offline for that. If the renewal fails, one of the cases above holds.
		h.State = bridge.Valid
		if !h.SignInBefore.IsZero() && !now.Before(h.SignInBefore.Add(-warnBefore)) {
			h.UserAction = bridge.ActionLogin
		}
	default:
		h.State = bridge.Expired
	}
	return h
}

// advice is what a person is told to do about a trouble, and what to type (T22).
func advice(account string, t *trouble, means kind) string {
	switch t.Reason {
	case bridge.HealthRevoked, bridge.HealthLostInFlight:
		switch {
		case t.Class != classGrant:
		case means == kindAcquire:
			return ": correct user name, password or token of the account in the configuration"
		default:
			return ": sign in again with `latchkey login " + account + "`"
		}
	case bridge.HealthMoved:
		return ": sign in again with `latchkey login " + account + "`, or take them over with `latchkey restore --take-over`"
	case bridge.HealthClientRefused:
		return ": correct the account in the configuration, then see `latchkey status`"
	case bridge.HealthNotSaved, bridge.HealthClock:
		return "; see `latchkey doctor`"
	}
	return "; latchkey tries again by itself"
}

// waitsForPerson tells whether nothing happens before a person acts.
func waitsForPerson(h bridge.Health) bool {
	return h.UserAction == bridge.ActionLogin || h.UserAction == bridge.ActionCheckClient
}

// sameHealth compares two healths as they stand on MQTT.
func sameHealth(a, b bridge.Health) bool {
	x, y := a.LastError, b.LastError
	a.LastError, b.LastError = nil, nil
	return a == b && (x == nil) == (y == nil) && (x == nil || *x == *y)
}
