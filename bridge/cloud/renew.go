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
	if !c.refused(out, a) {
		return b, false, nil
	}
	if renewed {
		c.fresh.refuse(b)
	}
	if renewed || c.fresh.refused(b) {
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
	if a.status == http.StatusForbidden && out.permit == nil && c.profile.Renew403 {
		return true
	}
	text := c.profile.Renew
	return a.status == http.StatusUnauthorized &&
		(text == "" || strings.Contains(a.header.Get("WWW-Authenticate"), text) || bytes.Contains(a.body, []byte(text)))
}

// fresh remembers tokens that were refused although they had just been renewed:
// the refusal is about something else, and renewing at every poll would only use
// up the patience of the vendor's token endpoint (T18).
type fresh struct {
	mu   sync.Mutex
	dead map[string]dead // by Bearer.Narrow; as many as the account has resources
}

type dead struct {
	token bridge.Secret
	until time.Time
}

func (f *fresh) refuse(b bridge.Bearer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead == nil {
		f.dead = map[string]dead{}
	}
	f.dead[b.Narrow] = dead{b.Token, time.Now().Add(10 * time.Minute)}
}

func (f *fresh) refused(b bridge.Bearer) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, ok := f.dead[b.Narrow]
	return ok && d.token.Equal(b.Token) && time.Now().Before(d.until)
}
