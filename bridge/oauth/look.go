package oauth

import (
	"context"
	"time"

	"latchkey/bridge"
)

// lookEvery is how often the vendor is asked about an access token that is not
// renewed by then: a token that was revoked elsewhere shows before a command needs
// it. A look costs one request, moves nothing and counts for no budget.
const lookEvery = time.Hour

// looking are the requests that show a token, where the vendor has them.
func looking(d *bridge.Dialect) (asks []*bridge.Ask) {
	for _, ask := range []*bridge.Ask{d.TokenInfo, d.Inspect} {
		if ask != nil {
			asks = append(asks, ask)
		}
	}
	return asks
}

// nextLook is when the access token is looked at next; zero: not by itself.
// Keeper.mu is held.
func (a *account) nextLook(now time.Time) time.Time {
	if !a.loaded || a.gone || a.held != nil || !a.serves(now) || len(looking(&a.conf.Dialect)) == 0 {
		return time.Time{}
	}
	return later(a.obtained, a.looked).Add(time.Duration(float64(lookEvery) * (1 + 0.1*a.jitter)))
}

// look asks the vendor about the access token.
func (k *Keeper) look(ctx context.Context, a *account) {
	k.mu.RLock()
	conf, access := a.conf, a.access()
	k.mu.RUnlock()
	v := unknown
	for _, ask := range looking(&conf.Dialect) {
		if v = k.try(ctx, &conf.Dialect, ask, access); v != unknown {
			break
		}
	}
	k.update(a, func() {
		a.looked = time.Now()
		switch {
		case a.access() != access || a.dead:
		case v == works:
			a.shown = hash(access)
		case v == refuses, v == inactive && a.shown == hash(access):
			// `active: false` alone may mean that the token is not the asker's: it tells
			// only of one that was active before.
			k.o.Log.Warn("the vendor says that the access token has ended before its time", "account", a.id)
			a.refused(a.looked)
		}
	})
}
