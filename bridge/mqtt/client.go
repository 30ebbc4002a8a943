package mqtt

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// Client is the link to the broker. Its methods may be called from any
// goroutine.
type Client struct {
	options  Options
	endpoint *endpoint
	log      *slog.Logger
	counters counters
	board    board
	pace     pace      // Run's goroutine alone
	suspects *suspects // Run's goroutine alone

	ownState    atomic.Pointer[[]byte] // what was last sent on the will's topic
	usurped     chan struct{}          // somebody else wrote there; 1, more are merged
	resend      chan struct{}          // 1, more are merged
	resubscribe chan string            // one slot a filter; what does not fit was asked already
}

// New checks the options, and that certificate files can be read. It opens
// nothing.
func New(o Options) (*Client, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	e, err := newEndpoint(o)
	if err != nil {
		return nil, err
	}
	c := &Client{
		options: o, endpoint: e, log: o.Log, suspects: newSuspects(),
		board:       board{problems: make(map[problemKey]Problem), onChange: o.OnProblems},
		usurped:     make(chan struct{}, 1),
		resend:      make(chan struct{}, 1),
		resubscribe: make(chan string, len(o.Routes)+1),
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Run keeps the link until ctx ends, then says goodbye, for at most two seconds,
// and returns nil. A broker that is away is no error. Call it once.
func (c *Client) Run(ctx context.Context) error {
	c.warnOfOpenBroker()
	for c.pace.wait(ctx) {
		l, err := c.connect(ctx)
		switch {
		case err == nil:
			c.serve(ctx, l)
		case ctx.Err() == nil:
			c.attemptFailed(err)
		}
	}
	return nil
}

// serve uses a link until it breaks or ctx ends.
func (c *Client) serve(ctx context.Context, l *link) {
	c.counters.connects.Add(1)
	c.board.opened()
	c.log.Info("connected to the broker")

	// After a stop, a stuck socket is not waited for.
	late := time.AfterFunc(time.Hour, func() { l.wire.cut(errUnanswered) })
	late.Stop()
	defer late.Stop()
	defer context.AfterFunc(ctx, func() { late.Reset(farewell) })()

	s := &session{Client: c, link: l, since: time.Now()}
	err := s.run(ctx)
	if ctx.Err() != nil {
		s.sayGoodbye()
		c.board.closed(nil)
		return
	}
	c.counters.losses.Add(1)
	c.board.closed(err)
	c.log.Warn("lost the broker", "err", err)
	tooBig := c.suspects.cut(s.window) // explains why the broker hung up
	if c.pace.lost(s.stable, byBroker(err) && !tooBig) &&
		c.board.raise(ProblemIDInUse, "", "the broker closes every connection soon: another client uses the id "+c.options.ClientID) {
		c.log.Warn("the broker closes every connection soon: another client uses this id", "id", c.options.ClientID)
	}
	if c.options.Link != nil {
		c.options.Link.Lost(err)
	}
}

// warnOfOpenBroker names what makes a door easy to open for others (H14).
func (c *Client) warnOfOpenBroker() {
	if c.options.Username == "" && c.options.TLS.CertFile == "" {
		c.log.Warn("the broker is used without user name or certificate: whoever reaches it may open doors")
	}
	if !c.endpoint.secure && !c.endpoint.local() {
		c.log.Warn("the way to the broker is not encrypted: whoever listens can read and send commands")
	}
}

// attemptFailed tells the same failure once.
func (c *Client) attemptFailed(err error) {
	c.pace.failed()
	level := slog.LevelDebug
	if c.board.closed(err) {
		level = slog.LevelWarn
	}
	c.log.Log(context.Background(), level, "no connection to the broker", "err", err)
}

// Resend sends the whole table again, as after a connect: for Home Assistant's
// birth. It returns at once; requests that meet are merged, and a new link makes
// one needless.
func (c *Client) Resend() { signal(c.resend) }

// Resubscribe asks the broker once more for a route's filter, which brings
// retained messages again, flagged as such: the retain audit (H6). It returns at
// once; Link hears nothing of it. Without a link it does nothing.
func (c *Client) Resubscribe(filter string) {
	select {
	case c.resubscribe <- filter:
	default:
	}
}

// forgetRequests drops what a new link makes needless.
func (c *Client) forgetRequests() {
	for {
		select {
		case <-c.resend:
		case <-c.resubscribe:
		case <-c.usurped:
		default:
			return
		}
	}
}

// State tells how the link stands.
func (c *Client) State() State { return c.board.read() }

// Stats returns the counters.
func (c *Client) Stats() Stats { return c.counters.read() }
