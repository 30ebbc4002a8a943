package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"latchkey/bridge"
)

// Store is what the keeper needs of a store. It speaks standard types only, so
// that neither side imports the other.
type Store interface {
	// Load returns an account's record and its generation; 0: there is none.
	Load(ctx context.Context, account string) (record []byte, generation uint64, err error)
	// Save writes a record if the stored generation is still the one that was
	// seen. It is durable on return. ok=false: somebody else wrote.
	Save(ctx context.Context, account string, seen uint64, record []byte) (generation uint64, ok bool, err error)
	// Hold takes or renews the lease of an account. false: another owner has it.
	Hold(ctx context.Context, account, owner string, until time.Time) (bool, error)
}

// Options of a keeper. Only Store is required.
type Options struct {
	Store     Store
	Transport http.RoundTripper // nil: fresh HTTP/1 connections, environment proxies
	// OnHealth is called from [Keeper.Run], one call at a time and never under a
	// lock, when an account's health has changed, and daily while it waits for a
	// person. It must not block.
	OnHealth func(account string, h bridge.Health)
	// Seen hears the clocks of vendors; proven: over TLS or from this machine.
	Seen func(date time.Time, proven bool)
	// ClockTrusted tells whether the wall clock is believed; nil: always. While it
	// is not, a stored token is tried, never judged (T13).
	ClockTrusted func() bool
	// Owner is this installation: it holds leases, and a grant signed in by it is
	// not Moved. "" makes a random one.
	Owner string
	// Unread: the dialects hold stand-ins for their secrets, for a look at the
	// records by a keeper that is never run. What the vendor judged then stands,
	// whether or not the configuration has changed since.
	Unread    bool
	Version   string // of latchkey, for User-Agent
	PerSecond int    // token calls begun by the schedule, at most; 0 means 10
	Parallel  int    // token calls in flight by the schedule, at most; 0 means 16. Callers that wait have as many again
	Log       *slog.Logger
}

// Account is one account to be kept.
type Account struct {
	ID           string
	Dialect      bridge.Dialect
	Keepalive    time.Duration // refresh at least this often; 0: never only for that
	SignInBefore time.Duration // after a sign-in; 0: not known
	LoginURL     string        // "": the page is off
	// Moved: the store was restored beside another installation (T4). A rotating
	// grant that was not signed in by this Owner is then not refreshed until a
	// sign-in, or until the account is added again without Moved.
	Moved bool
}

// Keeper keeps the tokens of all accounts. See the package comment.
type Keeper struct {
	o     Options
	speak *speaker
	wake  chan struct{} // capacity 1; full already says "look again"

	mu       sync.RWMutex
	accounts map[string]*account
	queue    queue      // by time of the next thing to do
	dirty    []*account // whose health is to be told
	signIns  []*signIn  // pending, oldest first
	workers  int        // turns begun by the schedule
	inside   int        // turns held by anybody
	unsaved  int        // accounts whose record is newer than the store's
	pace     time.Time  // of the limit on token calls
	trusted  bool       // the clock, when last looked at
	closing  bool
	work     sync.WaitGroup
}

// New makes a keeper. Nothing happens before [Keeper.Run].
func New(o Options) *Keeper {
	if o.Owner == "" {
		o.Owner = rand.Text()
	}
	if o.PerSecond <= 0 {
		o.PerSecond = 10
	}
	if o.Parallel <= 0 {
		o.Parallel = 16
	}
	if o.ClockTrusted == nil {
		o.ClockTrusted = func() bool { return true }
	}
	if o.Seen == nil {
		o.Seen = func(time.Time, bool) {}
	}
	if o.OnHealth == nil {
		o.OnHealth = func(string, bridge.Health) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{o: o, speak: newSpeaker(o), wake: make(chan struct{}, 1), accounts: map[string]*account{}, trusted: o.ClockTrusted()}
}

// Add takes up an account, or changes one that is kept: a refresh in flight goes
// on and is saved. It reads the stored record and calls no vendor. The error is
// a mistake in the dialect; a record that cannot be read shows in the health.
func (k *Keeper) Add(conf Account) error {
	if err := check(&conf.Dialect); err != nil {
		return fmt.Errorf("account %q: %w", conf.ID, err)
	}
	client := fingerprint(&conf.Dialect)
	k.mu.Lock()
	a := k.accounts[conf.ID]
	if a == nil {
		a = newAccount(conf.ID)
		k.accounts[conf.ID] = a
	}
	changed := a.conf != nil && a.client != client
	a.conf, a.client, a.gone = &conf, client, false
	if changed {
		a.mended()
	}
	k.settle(a)
	load := !a.loaded && k.tryEnter(a) // else whoever is inside does, or the schedule
	k.mu.Unlock()
	if load {
		k.load(context.Background(), a)
		k.leave(a)
	}
	return nil
}

// Remove lets an account go. A refresh in flight goes on and is saved; the
// stored record stays.
func (k *Keeper) Remove(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a := k.accounts[id]; a != nil {
		a.gone = true
		k.release(a)
		k.settle(a)
		k.forget(a)
	}
}

// forget drops a removed account once nothing of it is in flight or unsaved.
func (k *Keeper) forget(a *account) {
	if a.gone && len(a.turn) == 0 && a.held == nil {
		delete(k.accounts, a.id)
	}
}

// find returns a kept account; nil: there is none.
func (k *Keeper) find(id string) *account {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if a := k.accounts[id]; a != nil && !a.gone {
		return a
	}
	return nil
}

// Health is the health of an account's tokens now; zero for an unknown account.
func (k *Keeper) Health(id string) bridge.Health {
	a := k.find(id)
	if a == nil {
		return bridge.Health{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.judge(a, time.Now())
}

// Identity tells whose account it is, as stored with the grant; "" where it is
// not known. It needs no network.
func (k *Keeper) Identity(id string) string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if a := k.accounts[id]; a != nil {
		return a.rec.Identity
	}
	return ""
}

// Busy counts the turns in flight: what a stop waits for.
func (k *Keeper) Busy() int {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.inside
}

// errUnknown answers for an account that is not kept.
var errUnknown = errors.New("there is no such account")

// Refresh renews an account's tokens because a person asked. ctx bounds the
// waiting, not the renewal.
func (k *Keeper) Refresh(ctx context.Context, id string) error {
	a := k.find(id)
	if a == nil {
		return errUnknown
	}
	k.mu.Lock()
	if why := k.mayForce(a, time.Now()); why != nil {
		k.mu.Unlock()
		return why
	}
	tries := a.tries
	a.force = true
	for a.tries == tries {
		if err := k.wait(ctx, a); err != nil {
			k.mu.Unlock()
			return err
		}
	}
	t := a.last
	k.mu.Unlock()
	if t != nil {
		return t
	}
	return nil
}

// Reload reads an account's stored record again, after an older generation was
// brought back. A pair that waits to be saved becomes that one's fallback.
func (k *Keeper) Reload(ctx context.Context, id string) error {
	a := k.find(id)
	if a == nil {
		return errUnknown
	}
	if err := k.enter(ctx, a); err != nil {
		return err
	}
	defer k.leave(a)
	if a.held != nil && !k.saveHeld(ctx, a) {
		return k.refusal(a)
	}
	k.update(a, func() { a.gen = 0 })
	if t := k.load(ctx, a); t != nil {
		return t
	}
	return nil
}
