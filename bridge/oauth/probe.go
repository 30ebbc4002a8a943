package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"latchkey/bridge"
)

// verdict is what one read with an access token says of it.
type verdict int

const (
	unknown verdict = iota // trust its expiry
	works
	refuses
	inactive // as the vendor's introspection says to this asker
)

// probe tries an access token by one read: the question whose account it is, else
// the vendor's token info, and where that says nothing (it may be switched off)
// its introspection or its probe.
func (k *Keeper) probe(ctx context.Context, d *bridge.Dialect, access string) verdict {
	asks := []*bridge.Ask{d.TokenInfo, d.Inspect, d.Probe}
	if d.Identity != nil {
		asks = []*bridge.Ask{asksWhose(d)}
	}
	for _, ask := range asks {
		if ask == nil {
			continue
		}
		if v := k.try(ctx, d, ask, access); v == works || v == refuses {
			return v
		}
	}
	return unknown
}

func (k *Keeper) try(ctx context.Context, d *bridge.Dialect, ask *bridge.Ask, access string) verdict {
	a, t := k.speak.send(ctx, d, ask, fill{access: access})
	switch {
	case t != nil:
	case a.status == http.StatusUnauthorized && ask.Bearer:
		return refuses
	case a.status/100 == 2:
		object, _ := decode(a.body).(map[string]any)
		switch active, said := object["active"]; {
		case said && active == false:
			return inactive
		case ask == d.Probe && !hasData(a.body):
		case ask.Bearer, active == true:
			return works
		}
	}
	return unknown
}

// hasData tells a GraphQL answer with data from a page, and from one with errors.
func hasData(body []byte) bool {
	object, _ := decode(body).(map[string]any)
	return object["data"] != nil && object["errors"] == nil
}

// tryAccess finds out after a refused refresh whether the access token serves.
func (k *Keeper) tryAccess(ctx context.Context, a *account, conf *Account) {
	k.mu.RLock()
	access, serves := a.access(), a.serves(time.Now())
	k.mu.RUnlock()
	if serves && k.probe(ctx, &conf.Dialect, access) == refuses {
		k.update(a, func() { a.dead = true })
	}
}

// trial tries a token of the vendor's portal that the vendor has refused. Where
// there is nothing to try it by, it is put into use again.
func (k *Keeper) trial(ctx context.Context, a *account, conf *Account) *trouble {
	d := &conf.Dialect
	v := k.probe(ctx, d, d.Static.Reveal())
	askable := d.Identity != nil || d.Inspect != nil || d.TokenInfo != nil || d.Probe != nil
	if a.rec.Ended != "" { // it was signed out, and a person wants it back
		rec := a.rec
		rec.Ended = ""
		if t := k.save(ctx, a, rec, time.Time{}); t != nil {
			return t
		}
	}
	var dead bool
	k.update(a, func() {
		dead = v == refuses || v == unknown && askable && a.dead
		if a.dead = dead; dead {
			a.rest(time.Now())
		}
	})
	if dead {
		return fail(classClient, "", "the vendor refuses the token of the configuration")
	}
	return nil
}

// asksWhose is the request that tells whose account a token is of.
func asksWhose(d *bridge.Dialect) *bridge.Ask {
	if d.Identity.URL == "" {
		return d.Inspect
	}
	return &bridge.Ask{Method: http.MethodGet, URL: d.Identity.URL, Bearer: true}
}

// whose asks whose account an access token is of. ok=false: the vendor did not say.
func (k *Keeper) whose(ctx context.Context, d *bridge.Dialect, access string) (identity string, ok bool, t *trouble) {
	if d.Identity == nil {
		return "", false, nil
	}
	a, t := k.speak.send(ctx, d, asksWhose(d), fill{access: access})
	switch {
	case t != nil:
		return "", false, t
	case !a.whole || a.status == http.StatusTooManyRequests || a.status >= 500:
		return "", false, fail(classDown, "", "the vendor did not say whose account it is")
	case a.status/100 != 2:
		return "", false, nil // this token may not ask
	}
	object, _ := decode(a.body).(map[string]any)
	switch v := object[d.Identity.Member].(type) {
	case string:
		identity = v
	case json.Number:
		identity = v.String()
	}
	return identity, identity != "", nil
}

// sameIdentity compares two identities: ids whatever their case, MAC addresses
// however they are written.
func sameIdentity(a, b string) bool {
	if mac := bridge.MAC(a); mac != "" {
		return mac == bridge.MAC(b)
	}
	return strings.EqualFold(a, b)
}

// learn asks whose account it is where that is not known yet.
func (k *Keeper) learn(ctx context.Context, a *account, conf *Account) {
	if a.rec.Identity != "" || a.rec.Pair.Access == "" || a.held != nil {
		return
	}
	if identity, ok, _ := k.whose(ctx, &conf.Dialect, a.rec.Pair.Access); ok {
		rec := a.rec
		rec.Identity = identity
		_ = k.save(ctx, a, rec, time.Time{})
	}
}
