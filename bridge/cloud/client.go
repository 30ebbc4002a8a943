package cloud

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"latchkey/bridge"
)

// Options are what a client is made from.
type Options struct {
	Account string // its id, for log lines
	Vendor  string
	Version string // of latchkey, for User-Agent; may be empty
	Profile bridge.Profile
	Tokens  bridge.Tokens
	// Transport sends one request and follows nothing. nil: an own one, with
	// proxies from the environment and Dial. Any that is no *http.Transport is
	// taken to have sent whatever it was given.
	Transport http.RoundTripper
	// Dial opens connections of the own transport; nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Seen is told the Date of every reply that does not come from a cache.
	// proven: over verified TLS, or from loopback. nil: nobody asks.
	Seen func(date time.Time, proven bool)
	Log  *slog.Logger // nil: none
}

// Client is the HTTP client of one account, safe for concurrent use.
type Client struct {
	profile bridge.Profile
	tokens  bridge.Tokens
	agent   string
	seen    func(time.Time, bool)
	log     *slog.Logger

	warm   http.RoundTripper // keeps connections
	once   http.RoundTripper // a connection a request: for commands that net/http would repeat
	traces bool              // both tell by httptrace when they got a connection

	places map[string]place // the profile's origins
	lanes  map[string]*lane
	gate   gate
	hold   hold
	nodes  nodes
	vain   vain
}

var _ bridge.Cloud = (*Client)(nil)

const (
	// patience is how long an answer may take, redirects included. A context that
	// ends sooner wins.
	patience = 15 * time.Second
	// idle is below the 60 s after which common load balancers drop a silent
	// connection: a command must not meet one that is just being closed.
	idle = 50 * time.Second
)

// New makes the client of one account. It opens no connection.
func New(o Options) *Client {
	c := &Client{
		profile: o.Profile, tokens: o.Tokens, agent: "latchkey", seen: o.Seen, log: o.Log,
		lanes: map[string]*lane{"": newLane(bridge.Pace{})}, places: map[string]place{},
	}
	if o.Version != "" {
		c.agent += "/" + o.Version
	}
	if c.seen == nil {
		c.seen = func(time.Time, bool) {}
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.log = c.log.With("vendor", o.Vendor, "account", o.Account)
	for name, origin := range o.Profile.Origins {
		c.places[name] = newPlace(origin)
	}
	for name, pace := range o.Profile.Pace {
		c.lanes[name] = newLane(pace)
	}
	c.warm = o.Transport
	if c.warm == nil {
		c.warm = newTransport(o.Dial)
	}
	c.once = c.warm
	if t, ok := c.warm.(*http.Transport); ok {
		t = t.Clone()
		t.DisableKeepAlives = true
		c.once, c.traces = t, true
	}
	return c
}

// Close drops the connections that are kept warm; requests in flight go on.
func (c *Client) Close() {
	if t, ok := c.warm.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

func newTransport(dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
	if dial == nil {
		// A kept-alive connection that died without a word is noticed in half a minute.
		alive := net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}
		dial = (&net.Dialer{Timeout: 10 * time.Second, KeepAliveConfig: alive}).DialContext
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:         dial,
		Proxy:               proxy,
		Protocols:           protocols,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		// As many as a burst of commands to different devices may leave: dialled again
		// they would be a fifth of its work. They end with idle.
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        idle,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// proxy honours the environment, but never for loopback: there the bearer may
// travel in clear, and a proxy would see it.
func proxy(r *http.Request) (*url.URL, error) {
	if loopback(r.URL.Hostname()) {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}
