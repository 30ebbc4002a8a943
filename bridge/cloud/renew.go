package cloud

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"latchkey/bridge"
)

// bearer asks the keeper for an access token. A command waits for it as long as
// its deadline leaves time to send, a read as long as for an answer.
func (c *Client) bearer(ctx context.Context, out *outgoing) (bridge.Bearer, error) {
	until := time.Now().Add(patience)
	if out.permit != nil {
		until = out.permit.Until().Add(-bridge.Spare)
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	b, err := c.tokens.Bearer(ctx, out.narrow)
	if err != nil && !is[*bridge.Failure](err) {
		return b, late("there was no access token in time")
	}
	return b, err
}

// renew asks for another bearer after the cloud has refused this one, and tells
// whether the request goes out again: once, and only with another token.
func (c *Client) renew(ctx context.Context, out *outgoing, a *answer, b bridge.Bearer, renewed bool) (next bridge.Bearer, again bool, err error) {
	switch {
	case !c.refused(out, a):
		return b, false, nil
	case renewed:
		c.vain.add(a.status, b)
		return b, false, nil
	case out.permit == nil && c.vain.is(a.status, b):
		return b, false, nil
	}
	c.tokens.Refused(b)
	next, err = c.bearer(ctx, out)
	return next, err == nil && !next.Token.Equal(b.Token), err
}

// refused tells whether the answer says that the access token is dead.
func (c *Client) refused(out *outgoing, a *answer) bool {
	if a.err != nil {
		return false
	}
	if out.permit == nil && c.refusesReads(a) {
		return true
	}
	text := c.profile.Renew
	return a.status == http.StatusUnauthorized &&
		(text == "" || strings.Contains(a.header.Get("WWW-Authenticate"), text) || bytes.Contains(a.body, []byte(text)))
}

// refusesReads finds what is no clear refusal, but renews the token for a read.
func (c *Client) refusesReads(a *answer) bool {
	p := &c.profile
	switch {
	case a.status == http.StatusForbidden && p.Renew403:
		return true
	case !a.fine():
		return false
	}
	page := bytes.HasPrefix(bytes.TrimSpace(a.body[:min(len(a.body), 256)]), []byte("<"))
	return p.RenewPage && page || p.RenewText != "" && bytes.Contains(a.body, []byte(p.RenewText))
}

// vain remembers tokens that were refused although they had just been renewed:
// the refusal is about something else, and renewing at every poll would only use
// up the patience of the vendor's token endpoint (T18). Commands do not ask it:
// they are few, and somebody waits. The zero value remembers none.
type vain struct {
	mu  sync.Mutex
	ups map[refusal]giveUp // at most two for each resource of the account
}

type refusal struct {
	status int
	narrow string
}

type giveUp struct {
	token bridge.Secret
	until time.Time
}

func (v *vain) add(status int, b bridge.Bearer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ups == nil {
		v.ups = map[refusal]giveUp{}
	}
	v.ups[refusal{status, b.Narrow}] = giveUp{b.Token, time.Now().Add(10 * time.Minute)}
}

func (v *vain) is(status int, b bridge.Bearer) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	g, ok := v.ups[refusal{status, b.Narrow}]
	return ok && g.token.Equal(b.Token) && time.Now().Before(g.until)
}
