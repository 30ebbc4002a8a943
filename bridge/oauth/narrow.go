package oauth

import (
	"context"
	"slices"
	"time"

	"latchkey/bridge"
)

// maxNarrow bounds the tokens for single resources that an account keeps; the
// one that ends first makes room.
const maxNarrow = 256

// minted is a token for one resource (a DW Spectrum system) in this run.
type minted struct {
	bearer    bridge.Bearer
	until     time.Time // zero: not known, or no token yet
	notBefore time.Time
	failures  int
	want      bool // a caller waits
	tries     uint64
	last      *trouble
}

func (n *minted) serves(now time.Time) bool {
	return !n.bearer.Token.Empty() && (n.until.IsZero() || now.Before(n.until))
}

// keep takes a minted token into use.
func (a *account) keep(n narrowed, until time.Time) {
	m := a.minted(n.Name)
	m.bearer, m.until = bridge.Bearer{Token: bridge.NewSecret(n.Pair.Access), Narrow: n.Name}, until
}

// minted returns the entry of a resource, made if need be.
func (a *account) minted(name string) *minted {
	if m := a.narrow[name]; m != nil {
		return m
	}
	if a.narrow == nil {
		a.narrow = map[string]*minted{}
	}
	if len(a.narrow) >= maxNarrow {
		first := ""
		for other, m := range a.narrow {
			if !m.want && (first == "" || m.until.Before(a.narrow[first].until)) {
				first = other
			}
		}
		delete(a.narrow, first)
	}
	a.narrow[name] = &minted{}
	return a.narrow[name]
}

// dropNarrow forgets a minted token that the vendor refused. Nothing is lost by
// it: it cannot be refreshed, only minted anew.
func (a *account) dropNarrow(b bridge.Bearer) {
	if m := a.narrow[b.Narrow]; m != nil && m.bearer.Token.Equal(b.Token) {
		m.bearer = bridge.Bearer{}
	}
}

func (a *account) wantsNarrow() bool {
	for _, m := range a.narrow {
		if m.want {
			return true
		}
	}
	return false
}

// awaitNarrow returns the token for one resource, minting it if need be.
func (k *Keeper) awaitNarrow(ctx context.Context, a *account, name string) (bridge.Bearer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var tries uint64
	for first := true; ; first = false {
		now := time.Now()
		m := a.narrow[name]
		if m != nil && m.serves(now) {
			return m.bearer, nil
		}
		if why := k.mayMint(a, m, now); why != nil {
			return bridge.Bearer{}, why
		}
		m = a.minted(name)
		if first {
			tries = m.tries
		} else if m.tries != tries {
			return bridge.Bearer{}, &bridge.Failure{Reason: bridge.ReasonOffline, Message: "no token for " + name + ": " + m.last.Message}
		}
		m.want = true
		if err := k.wait(ctx, a); err != nil {
			return bridge.Bearer{}, err
		}
	}
}

// mayMint tells why no token can be minted now. Minting sends the refresh token
// that renewing sends, so what forbids the one forbids the other.
func (k *Keeper) mayMint(a *account, m *minted, now time.Time) error {
	no := func(message string) error {
		return &bridge.Failure{Reason: bridge.ReasonOffline, Message: message}
	}
	switch {
	case a.conf.Dialect.Narrow == nil:
		return no("this cloud has no tokens for single resources")
	case !a.loaded, a.held != nil, k.moved(a), a.ended() != "", a.rec.renewable(&a.conf.Dialect) != kindRefresh:
		return k.refusal(a)
	case a.rec.open():
		return no("no token is minted while the outcome of a renewal is not known")
	case a.throttled(now):
		return no(askedForFewer)
	case k.exhausted(a, now):
		return no("today's token calls of this account are used up")
	case m != nil && now.Before(m.notBefore):
		return no("no token for this resource: " + m.last.Message)
	}
	return nil
}

// mintWanted mints the tokens that callers wait for. It is in the account's
// turn, because it sends the refresh token.
func (k *Keeper) mintWanted(ctx context.Context, a *account) {
	k.mu.Lock()
	var wanted []string
	for name, m := range a.narrow {
		if m.want {
			wanted = append(wanted, name)
		}
	}
	k.mu.Unlock()
	slices.Sort(wanted)
	for _, name := range wanted {
		k.mint(ctx, a, name)
	}
}

func (k *Keeper) mint(ctx context.Context, a *account, name string) {
	k.mu.Lock()
	conf := a.conf
	why := k.mayMint(a, nil, time.Now())
	k.mu.Unlock()
	var (
		got     tokens
		arrived time.Time
		t       *trouble
	)
	if why != nil {
		t = fail(classElsewhere, "", why.Error())
	} else if t = k.claim(ctx, a); t == nil {
		got, arrived, t = k.speak.tokens(ctx, a.id, &conf.Dialect, conf.Dialect.Narrow,
			fill{refresh: a.rec.Pair.Refresh, access: a.rec.Pair.Access, narrow: name})
	}
	switch {
	case t == nil:
		// The reply's refresh token is the narrow set's: it must never replace the
		// broad one, and is dropped here.
		got.refresh = ""
		n := narrowed{name, k.pair(got, arrived)}
		k.update(a, func() { a.keep(n, thisRun(n.Pair.Expires, true)) })
		k.saveNarrow(ctx, a, n)
	case why == nil && t.sent():
		k.missedMint(ctx, a, t)
	}
	k.update(a, func() {
		m := a.minted(name)
		m.want, m.last = false, t
		m.tries++
		m.failures++
		if t == nil {
			m.failures, m.notBefore = 0, time.Time{}
			return
		}
		m.notBefore = time.Now().Add(backoff(t, m.failures, &conf.Dialect))
	})
}

// saveNarrow keeps a minted token for the next start, and counts the call. If it
// cannot be saved nothing is lost but another mint.
func (k *Keeper) saveNarrow(ctx context.Context, a *account, n narrowed) {
	now := time.Now()
	rec := a.rec.counted(now)
	rec.Narrow = slices.DeleteFunc(slices.Clone(rec.Narrow), func(old narrowed) bool {
		return old.Name == n.Name || !old.Pair.Expires.IsZero() && old.Pair.Expires.Before(now)
	})
	rec.Narrow = append(rec.Narrow, n)
	rec.Narrow = rec.Narrow[max(len(rec.Narrow)-maxNarrow, 0):]
	_ = k.save(ctx, a, rec, time.Time{})
}

// missedMint counts a mint that brought nothing (T18). Where the vendor asks for
// fewer calls, that holds for all token calls of the account, also after a restart.
func (k *Keeper) missedMint(ctx context.Context, a *account, t *trouble) {
	now := time.Now()
	rec := a.rec.counted(now)
	if t.Class == classThrottled {
		rec.Trouble, rec.Wait, rec.NotBefore = t, t.wait, now.Add(t.wait).UTC().Round(0)
		k.update(a, func() { a.notBefore = now.Add(t.wait) })
	}
	if k.save(ctx, a, rec, time.Time{}) != nil {
		k.update(a, func() { a.rec = rec })
	}
}
