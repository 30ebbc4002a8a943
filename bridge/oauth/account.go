package oauth

import (
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

	looked time.Time // when the vendor was last asked about the access token
	shown  string    // hash of the one that it showed as active

	dead       bool // the vendor refused the access token
	fresh      bool // the configuration changed since the vendor judged it
	demand     bool // a caller waits
	force      bool // a person asked
	renewing   bool // an attempt is in flight
	otherScope bool // the vendor granted another one, which was told

	tries uint64   // attempts that have ended
	last  *trouble // of the last one; nil: it worked
	done  chan struct{}

	narrow map[string]*minted

	due, at  time.Time // next token call, next thing to do
	peek     time.Time // next look at the access token; zero: none
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
	a.fresh = true
	if a.rec.Ended != "" { // else the wait is for something that is not in the configuration
		a.notBefore = time.Time{}
	}
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

// foreign tells whether the grant was not made by this installation, and may be in
// use elsewhere (T4).
func (k *Keeper) foreign(a *account) bool { return a.conf.Moved && a.rec.Home != k.o.Owner }

// moved tells whether the account waits for a yes because of that.
func (k *Keeper) moved(a *account) bool {
	return k.foreign(a) && a.rec.renewable(&a.conf.Dialect) == kindRefresh
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
