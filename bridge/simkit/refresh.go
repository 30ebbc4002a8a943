package simkit

import (
	"net/url"
	"time"
)

// refresh spends a refresh token as the rules say. The lock is held.
func (i *Issuer) refresh(c Client, p url.Values) (Issued, *Refusal) {
	bad := &Refusal{Code: InvalidGrant, Why: "refresh token unknown, spent or of another client"}
	now := time.Now()
	old := i.tokens[p.Get("refresh_token")]
	if old == nil || old.use != "refresh" || (c.ID != "" && old.of.Client != "" && old.of.Client != c.ID) {
		return Issued{}, bad
	}
	if !old.live(now) {
		old.of.ended = old.of.ended || (i.rules.ReuseKills && old.ended)
		return Issued{}, bad
	}
	scope := old.scope
	if asked := p.Get("scope"); asked != "" {
		if i.rules.Mint != nil {
			if narrow, mint := i.rules.Mint(asked, old.scope); mint {
				return i.issue(old.of, narrow, false), nil
			}
		}
		if !i.rules.within(asked, i.rules.words(old.scope)) {
			return Issued{}, &Refusal{Code: InvalidScope, Why: "scope wider than granted"}
		}
		scope = asked
	}
	before := old.mate
	reuse := i.rules.Rotation == RotateSame || i.rules.Rotation == RotateNone
	out := i.issue(old.of, scope, !reuse)
	access := i.tokens[out.Access]
	switch i.rules.Rotation {
	case RotateNew:
		if !old.ended { // a second use in its grace time does not prolong it
			old.ended, old.grace = true, now.Add(i.rules.Grace)
		}
	case RotateSame:
		out.Refresh, old.mate, access.mate = old.text, access, old
	case RotateNone:
		old.mate, access.mate = access, old
	case RotateOnUse:
		access.ends = append(access.ends, old)
	}
	if before != nil {
		switch i.rules.OldAccess {
		case OldAccessEnds:
			before.ended = true
		case OldAccessEndsOnUse:
			access.ends = append(access.ends, before)
		}
	}
	return out, nil
}
