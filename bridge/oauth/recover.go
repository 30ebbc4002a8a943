package oauth

import (
	"time"

	"latchkey/bridge"
)

// kind is which token call an attempt makes.
type kind string

const (
	kindNone     kind = ""         // nothing may be sent
	kindRefresh  kind = "refresh"  // the refresh token in use
	kindPrevious kind = "previous" // the one before it, once
	kindAcquire  kind = "acquire"  // client credentials or a password
	kindTrial    kind = "trial"    // a token of the vendor's portal is tried again
)

// open tells whether the journal is open: the refresh token may have been spent
// by an attempt whose reply never came.
func (r record) open() bool { return r.Intent != nil && r.Intent.Kind != kindAcquire }

// renewable tells how an account can be renewed at all.
func (r record) renewable(d *bridge.Dialect) kind {
	switch {
	case !d.Static.Empty():
		return kindTrial
	case r.Pair.Refresh != "" && d.Refresh != nil && !r.RefreshDead && d.Grant != bridge.GrantClient:
		return kindRefresh
	case d.Acquire != nil:
		// Client credentials are always asked for anew: Doorkeeper shows a refresh
		// token for them and has none.
		return kindAcquire
	}
	return kindNone
}

// next decides what an attempt sends; serves tells whether the access token
// does. It is the tree of the package comment.
func (r record) next(d *bridge.Dialect, serves bool) kind {
	k := r.renewable(d)
	if k == kindRefresh && r.open() && serves {
		return kindNone // (a)
	}
	return k // (b), or the journal is closed
}

// afterRefusal decides what follows when the vendor refused the token that was
// sent: another call, or the end.
func (r record) afterRefusal(d *bridge.Dialect, sent kind, lost bool) (then record, again kind) {
	switch {
	case sent == kindRefresh && lost && !r.BeforeTried && r.Before.Refresh != "" && r.Before.Refresh != r.Pair.Refresh:
		return r, kindPrevious // (c)
	case sent != kindAcquire && d.Acquire != nil:
		r.RefreshDead, r.Intent = true, nil
		return r, kindAcquire
	}
	r.Ended, r.Intent = endedGrant, nil // (d)
	return r, kindNone
}

// vaguely is the record after a refusal that may have meant something passing: it
// is tried again after a minute, a quarter of an hour, and then once a day.
func (r record) vaguely(before record, now time.Time) record {
	times := 1
	switch {
	case before.Ended != endedVague:
	case before.Wait <= trialWait(1):
		times = 2
	default:
		times = 3
	}
	r.Ended, r.Wait = endedVague, trialWait(times)
	r.NotBefore = now.Add(r.Wait).UTC().Round(0)
	return r
}

// committed is the record with the journal opened for one attempt. The next
// reader takes an open journal for a reply that was lost.
func (r record) committed(k kind, owner, client string, now time.Time) record {
	in := &intent{Kind: k, Attempt: 1, Hash: hash(r.token(k)), Started: now.UTC().Round(0), Owner: owner}
	if was := r.Intent; was != nil {
		in.Attempt, in.Lost = was.Attempt+1, was.Kind != kindAcquire
	}
	r.Intent, r.Client = in, client
	if k == kindPrevious {
		r.BeforeTried = true
	}
	return r.counted(now)
}

// counted is the record with one more token call on the day's account.
func (r record) counted(now time.Time) record {
	if day := today(now); r.Day != day {
		r.Day, r.Used = day, 0
	}
	r.Used++
	return r
}

// closed is the record after an attempt that failed. The journal stays open if
// this attempt or an earlier one may have spent the refresh token.
func (r record) closed(t *trouble, wait time.Duration, now time.Time) record {
	in := *r.Intent
	switch {
	case t.Class == classLost && in.Kind != kindAcquire:
		in.Lost = true
	case in.Kind == kindPrevious:
		r.BeforeTried = false // no definite answer: the shot is not spent
	}
	r.Intent = &in
	if !in.Lost {
		r.Intent = nil
	}
	if !t.sent() {
		r.Used-- // the vendor saw nothing
	}
	r.Failures++
	r.Trouble, r.Wait, r.NotBefore = t, wait, now.Add(wait).UTC().Round(0)
	return r
}

func (r record) token(k kind) string {
	switch k {
	case kindRefresh:
		return r.Pair.Refresh
	case kindPrevious:
		return r.Before.Refresh
	}
	return ""
}

func today(now time.Time) string { return now.UTC().Format(time.DateOnly) }
