package oauth

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"latchkey/bridge"
)

// account is what is known of one account in this run. Keeper.mu guards it; the
// record is written by whoever is in the turn alone, so that one may read it
// without the lock.
type account struct {
	id   string
	turn chan struct{} // capacity 1: who is in it may call the vendor and write the record
	// serving is the access token that callers get without any lock.
	serving atomic.Pointer[serving]

	conf   *Account
	client string // fingerprint of conf
	gone   bool   // removed; forgotten when the turn ends

	rec    record
	gen    uint64
	loaded bool
	broken bool      // the stored record cannot be read; only a sign-in may replace it
	held   *record   // newer than the store's: saved before anything else is done
	heldAt time.Time // when its pair arrived

	// Times of this run, with Go's monotonic reading.
	obtained  time.Time // when the access token in use arrived; zero: not known
	doubted   time.Time // since when the stored times cannot be compared with the clock; zero: they can
	until     time.Time // when it ends; zero: not known
	notBefore time.Time // no attempt before
	tried     time.Time // end of the last attempt
	retry     time.Time // of loading, saving and asking whose account it is
	retries   int
	allowed   time.Time // a refused young token is renewed not before; zero: it is not refused
	strikes   int       // fresh tokens in a row that the API refused
	trials    int       // of a refused token of the portal
	jitter    float64   // of the plan for this token, 0 to 1

	dead     bool // the vendor refused the access token
	fresh    bool // the configuration changed since the vendor judged it
	demand   bool // a caller waits
	force    bool // a person asked
	renewing bool // an attempt is in flight

	tries uint64   // attempts that have ended
	last  *trouble // of the last one; nil: it worked
	done  chan struct{}

	narrow map[string]*minted

	due, at  time.Time // next token call, next thing to do
	index    int       // in the queue; -1: not in it
	health   bridge.Health
	dirty    bool // in Keeper.dirty
	reminded time.Time
}

// serving is a bearer and its end; zero: not known.
type serving struct {
	bearer bridge.Bearer
	until  time.Time
}

func newAccount(id string) *account {
	return &account{id: id, turn: make(chan struct{}, 1), index: -1, jitter: rand.Float64()}
}

// mended says that the configuration changed: what the vendor refused may work.
func (a *account) mended() {
	a.fresh, a.notBefore = true, time.Time{}
	if !a.conf.Dialect.Static.Empty() {
		a.dead = false
	}
}

// access is the access token in use; "" where there is none.
func (a *account) access() string {
	switch {
	case !a.loaded || a.gone || a.rec.Ended == signedOut && !a.fresh:
		return ""
	case !a.conf.Dialect.Static.Empty():
		return a.conf.Dialect.Static.Reveal()
	}
	return a.rec.Pair.Access
}

// serves tells whether the access token still does, as far as is known.
func (a *account) serves(now time.Time) bool {
	return a.access() != "" && !a.dead && (a.until.IsZero() || now.Before(a.until))
}

// ended is why the account is not refreshed by itself, unless the configuration
// was mended since.
func (a *account) ended() ending {
	if a.fresh {
		return ""
	}
	return a.rec.Ended
}

// moved tells whether the grant may be in use elsewhere.
func (k *Keeper) moved(a *account) bool {
	return a.conf.Moved && a.rec.Home != k.o.Owner && a.rec.renewable(&a.conf.Dialect) == kindRefresh
}

// publish makes the access token in use the one that callers get.
func (a *account) publish(now time.Time) {
	old := a.serving.Load()
	if !a.serves(now) {
		if old != nil {
			a.serving.Store(nil)
		}
		return
	}
	token := a.access()
	if old == nil || old.bearer.Token.Reveal() != token || !old.until.Equal(a.until) {
		a.serving.Store(&serving{bridge.Bearer{Token: bridge.NewSecret(token)}, a.until})
	}
}

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
	if !same {
		a.dead, a.allowed = false, time.Time{}
		a.reckon(trusted)
	}
	for _, n := range rec.Narrow {
		a.keep(n, a.moment(n.Pair.Expires, trusted))
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
		a.obtained, a.until = now.Add(-max(wall.Sub(p.Obtained), 0)), a.moment(p.Expires, true)
	}
	// A wrong clock can make a wait longer than it was meant to be, never gone.
	left := a.rec.Wait
	if trusted {
		left = min(a.rec.NotBefore.Sub(wall), a.rec.Wait)
	}
	a.notBefore = time.Time{}
	if left > 0 {
		a.notBefore = now.Add(left)
	}
}

// moment is a stored wall time in this run; zero: not known.
func (a *account) moment(wall time.Time, trusted bool) time.Time {
	if wall.IsZero() || !trusted {
		return time.Time{}
	}
	now := time.Now()
	return now.Add(wall.Sub(now.Round(0)))
}

// shift moves all times of this run by how long the machine slept: monotonic
// clocks stand still meanwhile (T9).
func (a *account) shift(slept time.Duration) {
	for _, t := range []*time.Time{&a.obtained, &a.until, &a.notBefore, &a.tried, &a.retry, &a.allowed} {
		if !t.IsZero() {
			*t = t.Add(-slept)
		}
	}
	for _, n := range a.narrow {
		n.until = n.until.Add(-slept)
	}
}

// tryEnter takes the turn if it is free. Keeper.mu is held.
func (k *Keeper) tryEnter(a *account) bool {
	select {
	case a.turn <- struct{}{}:
		k.inside++
		return true
	default:
		return false
	}
}

// enter takes the turn of an account for a person's request.
func (k *Keeper) enter(ctx context.Context, a *account) error {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return &bridge.Failure{Reason: bridge.ReasonDeadline, Message: "another request of this account is still in flight"}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closing {
		<-a.turn
		return &bridge.Failure{Reason: bridge.ReasonOffline, Message: "latchkey is stopping"}
	}
	k.inside++
	return nil
}

// leave ends the turn, wakes who waits and plans what comes next.
func (k *Keeper) leave(a *account) {
	k.mu.Lock()
	defer k.mu.Unlock()
	<-a.turn
	k.inside--
	k.release(a)
	k.settle(a)
	if a.gone && k.accounts[a.id] == a && len(a.turn) == 0 && a.held == nil {
		delete(k.accounts, a.id)
	}
}

// release wakes all who wait for an end of the turn.
func (k *Keeper) release(a *account) {
	if a.done != nil {
		close(a.done)
		a.done = nil
	}
}

// update changes an account under the lock and plans anew.
func (k *Keeper) update(a *account, change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
	k.settle(a)
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
