package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"latchkey/bridge"
)

// Farewell says what became of a logout.
type Farewell struct {
	Revoked bool   // the vendor has confirmed every request to revoke, as far as its word is worth something
	Message string // what happened, in words for a person
}

// Logout revokes at the vendor, as far as that works, then forgets. The error is
// that it could not be forgotten, or was not begun.
func (k *Keeper) Logout(ctx context.Context, account string) (Farewell, error) {
	a := k.find(account)
	if a == nil {
		return Farewell{}, errUnknown
	}
	if err := k.enter(ctx, a); err != nil {
		return Farewell{}, err
	}
	defer k.leave(a)
	ctx = context.WithoutCancel(ctx)
	if !k.ready(ctx, a) {
		return Farewell{}, errors.New("not signed out: the store cannot be read or written; see `latchkey doctor`")
	}
	bye := k.revoke(ctx, a)
	rec := a.rec
	rec.Pair, rec.Before, rec.BeforeTried, rec.RefreshDead = pair{}, pair{}, false, false
	rec.Intent, rec.Pending, rec.Narrow, rec.Trouble = nil, nil, nil, nil
	rec.Failures, rec.NotBefore, rec.Wait, rec.Ended = 0, time.Time{}, 0, signedOut
	k.mu.RLock()
	rec.Client = a.client
	k.mu.RUnlock()
	t := k.keepSafe(ctx, a, rec, time.Time{})
	k.update(a, func() {
		a.narrow, a.fresh = nil, false
		if t != nil {
			a.rec = rec // what is revoked is not used any more, saved or not
		}
	})
	if t != nil {
		return bye, errors.New(bye.Message + "; but it could not be forgotten here yet: " + t.Message)
	}
	k.o.Log.Info("signed out", "account", a.id)
	return bye, nil
}

// revoke sends the vendor's requests to revoke, in its order.
func (k *Keeper) revoke(ctx context.Context, a *account) Farewell {
	k.mu.RLock()
	conf := a.conf
	access, serves, foreign, open := a.access(), a.serves(time.Now()), k.foreign(a), a.rec.open()
	k.mu.RUnlock()
	d := &conf.Dialect
	switch {
	case len(d.Revoke) == 0:
		return Farewell{Message: "forgotten here; this vendor has no way to revoke, so end the access on its own page"}
	case access == "" && a.rec.Pair.Refresh == "":
		return Farewell{Message: "there was nothing to revoke"}
	case foreign:
		return Farewell{Message: "forgotten here, not revoked: the grant may be in use on another installation"}
	}
	if !serves && !open && a.rec.renewable(d) == kindRefresh {
		// An expired access token cannot be revoked, and often may not revoke (DoorBird, Doorkeeper).
		k.renew(ctx, a)
		k.mu.RLock()
		access, serves = a.access(), a.serves(time.Now())
		k.mu.RUnlock()
	}
	worked, failed := 0, 0
	for i := range d.Revoke {
		reply, t := k.speak.send(ctx, d, &d.Revoke[i], fill{access: access, refresh: a.rec.Pair.Refresh})
		switch {
		case d.Revoke[i].Optional:
		case t == nil && reply.status/100 == 2 && !saysNo(reply.body):
			worked++
		default:
			failed++
		}
	}
	after := unknown
	if failed == 0 && access != "" {
		after = k.probe(ctx, d, access)
	}
	switch {
	case after == works:
		// Doorkeepers before 5.2 answer 200 without effect to a wrong client.
		return Farewell{Message: "forgotten here; the vendor said that it is revoked, but the access token still works, so look at its own page"}
	case failed == 0 && d.RevokeUnproven && (after != refuses || !serves):
		return Farewell{Message: "forgotten here; the vendor took the request to revoke, which is not proven to have had an effect, so look at its own page"}
	case failed == 0:
		return Farewell{Revoked: true, Message: "revoked at the vendor, and forgotten here"}
	case worked == 0:
		return Farewell{Message: "forgotten here; the vendor did not confirm that it is revoked, so look at its own page"}
	}
	return Farewell{Message: "forgotten here; the vendor confirmed only a part of the revoking, so look at its own page"}
}

// saysNo reads a 2xx that is none: NetRex's {"success":false}, Keycloak's error.
func saysNo(body []byte) bool {
	object, _ := decode(body).(map[string]any)
	return object["success"] == false || object["error"] != nil && object["error"] != ""
}

// Inspect returns what the vendor's introspection says of the account's access
// token, without anything secret. The error is a *bridge.Failure.
func (k *Keeper) Inspect(ctx context.Context, account string) (json.RawMessage, error) {
	return k.shown(ctx, account, func(d *bridge.Dialect) *bridge.Ask { return d.Inspect })
}

// TokenInfo is Inspect for the vendor's token info.
func (k *Keeper) TokenInfo(ctx context.Context, account string) (json.RawMessage, error) {
	return k.shown(ctx, account, func(d *bridge.Dialect) *bridge.Ask { return d.TokenInfo })
}

func (k *Keeper) shown(ctx context.Context, account string, by func(*bridge.Dialect) *bridge.Ask) (json.RawMessage, error) {
	a := k.find(account)
	if a == nil {
		return nil, &bridge.Failure{Reason: bridge.ReasonUnknownTarget, Message: errUnknown.Error()}
	}
	b, err := k.Tokens(account).Bearer(ctx, "")
	if err != nil {
		return nil, err
	}
	k.mu.RLock()
	conf := a.conf
	k.mu.RUnlock()
	d := &conf.Dialect
	ask := by(d)
	if ask == nil {
		return nil, &bridge.Failure{Reason: bridge.ReasonUnknownTarget, Message: "this vendor does not show a token"}
	}
	reply, t := k.speak.send(ctx, d, ask, fill{access: b.Token.Reveal()})
	switch {
	case t != nil && t.Class == classNotSent:
		return nil, &bridge.Failure{Reason: bridge.ReasonNotSent, Message: t.Message}
	case t != nil || !reply.whole:
		return nil, &bridge.Failure{Reason: bridge.ReasonNoAnswer, Message: "the vendor's answer did not arrive"}
	case reply.status == http.StatusTooManyRequests:
		return nil, &bridge.Failure{Reason: bridge.ReasonRateLimited, Status: reply.status, Message: "the vendor asks for fewer calls"}
	case reply.status/100 != 2:
		if reply.status == http.StatusUnauthorized && ask.Bearer {
			k.Tokens(account).Refused(b)
		}
		return nil, &bridge.Failure{Reason: bridge.ReasonRejected, Status: reply.status, Message: "the vendor refused to show the token"}
	}
	said := decode(reply.body)
	clean(said, b.Token.Reveal(), d.Secret.Reveal())
	encoded, err := json.Marshal(said)
	if err != nil || said == nil {
		return nil, &bridge.Failure{Reason: bridge.ReasonNoAnswer, Status: reply.status, Message: "the vendor's answer cannot be read"}
	}
	return encoded, nil
}

// clean removes members that are secret by name or value.
func clean(v any, secrets ...string) {
	switch v := v.(type) {
	case map[string]any:
		for name, child := range v {
			text, isText := child.(string)
			if secretName(name) || isText && scrub(text, secrets...) != text {
				delete(v, name)
				continue
			}
			clean(child, secrets...)
		}
	case []any:
		for i, child := range v {
			if text, isText := child.(string); isText {
				v[i] = scrub(text, secrets...)
			}
			clean(child, secrets...)
		}
	}
}

func secretName(name string) bool {
	switch name = plain(name); name {
	case "tokentype", "tokentypehint":
		return false
	}
	return strings.Contains(name, "token") || strings.Contains(name, "secret") || strings.Contains(name, "password") || name == "code"
}
