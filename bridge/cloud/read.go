package cloud

import (
	"context"
	"errors"
	"net/http"

	"latchkey/bridge"
)

// Read asks for something, in its turn of the lane. It goes out again after a
// 401, once and with another bearer, and after making way for a command. The
// context bounds the waiting; an answer may take 15 s. The error is a *Failure.
func (c *Client) Read(ctx context.Context, req bridge.Request) (bridge.Reply, error) {
	out, err := c.prepare(req, http.MethodGet)
	if err != nil {
		return bridge.Reply{}, err
	}
	lane, ok := c.lanes[req.Lane]
	if !ok {
		return bridge.Reply{}, refuse("this cloud has no lane of that name")
	}
	if out.into != nil && lane.yields {
		return bridge.Reply{}, refuse("what makes way for commands would be written twice")
	}
	if err := c.hold.check(); err != nil {
		return bridge.Reply{}, err
	}
	leave, err := lane.enter(ctx)
	if err != nil {
		return bridge.Reply{}, err
	}
	defer leave()

	var b bridge.Bearer
	for renewed := false; ; {
		if err := lane.pace(ctx); err != nil {
			return bridge.Reply{}, err
		}
		if err := c.hold.check(); err != nil {
			return bridge.Reply{}, err
		}
		if !renewed { // at last, for waiting may have outlived a token
			if b, err = c.bearer(ctx, out); err != nil {
				return bridge.Reply{}, err
			}
		}
		a, err := c.ask(ctx, lane, out, b)
		switch {
		case errors.Is(err, errYielded):
			continue
		case err != nil:
			return bridge.Reply{}, err
		case a.fine() && !c.refusesReads(&a):
			return a.reply(), nil
		}
		next, again, err := c.renew(ctx, out, &a, b, renewed)
		switch {
		case err != nil:
			return bridge.Reply{}, err
		case !again && a.fine(): // it was about something else: the vendor's code judges it
			return a.reply(), nil
		case !again:
			return bridge.Reply{}, c.failure(out, &a, b)
		}
		b, renewed = next, true
	}
}

// ask makes one exchange of a read. errYielded: it made way for a command.
func (c *Client) ask(ctx context.Context, l *lane, out *outgoing, b bridge.Bearer) (answer, error) {
	if !l.yields {
		return c.exchange(ctx, out, b), nil
	}
	ctx, done, err := c.gate.read(ctx)
	if err != nil {
		return answer{}, err
	}
	defer done()
	a := c.exchange(ctx, out, b)
	if a.err != nil && errors.Is(context.Cause(ctx), errYielded) {
		return answer{}, errYielded
	}
	return a, nil
}
