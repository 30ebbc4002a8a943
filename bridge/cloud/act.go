package cloud

import (
	"context"
	"net/http"

	"latchkey/bridge"
)

// Act moves something, at most once: see the package comment. The context must
// carry the guard's permit, whose deadline covers everything up to the sending;
// an answer may then take 15 s. The error is a *Failure.
func (c *Client) Act(ctx context.Context, req bridge.Request) (bridge.Reply, error) {
	permit := bridge.PermitOf(ctx)
	if permit == nil {
		return bridge.Reply{}, bridge.Take(ctx)
	}
	out, err := c.prepare(req, http.MethodPost)
	if err != nil {
		return bridge.Reply{}, err
	}
	out.permit = permit
	b, err := c.bearer(ctx, out)
	if err != nil {
		return bridge.Reply{}, err
	}
	if err := bridge.Take(ctx); err != nil {
		return bridge.Reply{}, err
	}
	defer c.gate.command()()

	for renewed := false; ; renewed = true {
		a := c.exchange(ctx, out, b)
		if a.fine() {
			return a.reply(), nil
		}
		next, again, err := c.renew(ctx, out, &a, b, renewed)
		switch {
		case err != nil:
			return bridge.Reply{}, err
		case !again:
			return bridge.Reply{}, c.failure(out, &a, b)
		case !inTime(permit):
			return bridge.Reply{}, late("renewing the access token took too long")
		}
		b = next
	}
}
