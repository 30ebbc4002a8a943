package cloud

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"latchkey/bridge"
)

const (
	maxHops = 5
	// streamMost is how long a body may take that is given away as it arrives.
	streamMost = 24 * time.Hour
	redialGap  = 250 * time.Millisecond
	// shown is the limit of a refusal's body, which is read for its error code.
	shown = 64 << 10
)

// answer is what one sending came to. Without err it is a reply of any status,
// whole if it is a 2xx.
type answer struct {
	status    int
	header    http.Header
	body      []byte
	connected bool // bytes may have left
	err       error
}

func (a *answer) fine() bool { return a.err == nil && a.status/100 == 2 }

// exchange sends a request and goes where the cloud redirects it, as far as
// [redirect] allows. Without a connection a command is dialled once more, and
// whatever went to a remembered node goes to its origin.
func (c *Client) exchange(ctx context.Context, out *outgoing, b bridge.Bearer) answer {
	life := patience
	if out.into != nil {
		life = streamMost // silence ends it sooner
	}
	ctx, cancel := context.WithTimeout(ctx, life)
	defer cancel()
	here := *out
	here.url = c.nodes.shortcut(out.url)
	again := out.permit != nil || here.url != out.url // one more dial
	for hops := 0; ; {
		a := c.send(ctx, cancel, &here, b)
		unsent := a.err != nil && !a.connected
		switch next := redirect(&here, &a); {
		case unsent && again && inTime(out.permit) && pause(ctx, redialGap):
			if again = false; hops == 0 {
				here.url = out.url
			}
		case next != nil && hops < maxHops && inTime(out.permit):
			here.url = next
			hops++
		default:
			c.nodes.learn(out.url, here.url, a.fine())
			return a
		}
	}
}

// send makes one HTTP request. cancel ends ctx.
func (c *Client) send(ctx context.Context, cancel context.CancelFunc, out *outgoing, b bridge.Bearer) (a answer) {
	start := time.Now()
	defer func() { c.trace(ctx, out, &a, b, time.Since(start)) }()

	transport := c.warm
	var connected atomic.Bool
	connected.Store(!c.traces)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	if out.permit != nil {
		if out.replayable() {
			transport = c.once
		}
		// A command that has no connection when its deadline is over must not go out
		// later (H9).
		defer time.AfterFunc(time.Until(out.permit.Until()), func() {
			if !connected.Load() {
				cancel()
			}
		}).Stop()
	}

	var quiet *time.Timer // for how long nothing may come
	if out.into != nil {
		quiet = time.AfterFunc(patience, cancel)
		defer func() {
			if !quiet.Stop() && a.err != nil {
				a.err = context.DeadlineExceeded
			}
		}()
	}

	r := out.request(ctx, b)
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return answer{err: err, connected: connected.Load()}
	}
	defer resp.Body.Close()
	c.date(r, resp)

	a = answer{status: resp.StatusCode, header: resp.Header, connected: true}
	if a.status/100 != 2 {
		// Only the status counts: a refusal is certain even if its body is cut off.
		// A body of 101 would be the open connection.
		if a.status >= 200 {
			a.body, _ = io.ReadAll(io.LimitReader(resp.Body, shown))
		}
		if len(a.body) == shown {
			a.body = nil // it may end in half a token, which redact would not find
		}
		return a
	}
	if out.into != nil {
		var n int64
		n, a.err = io.Copy(out.into, io.LimitReader(&stream{resp.Body, quiet}, out.limit+1))
		if a.err == nil && n > out.limit {
			a.err = errTooLong
		}
		return a
	}
	// The limit holds for what is unpacked, so a small reply cannot grow without end.
	a.body, a.err = io.ReadAll(io.LimitReader(resp.Body, out.limit+1))
	if a.err == nil && int64(len(a.body)) > out.limit {
		a.err = errTooLong
	}
	return a
}

// stream is a body that must not fall silent.
type stream struct {
	body  io.Reader
	quiet *time.Timer
}

func (s *stream) Read(b []byte) (int, error) {
	s.quiet.Reset(patience)
	return s.body.Read(b)
}

var errTooLong = errors.New("the answer is too long")

// date passes the Date of a reply on, unless a cache on the way may have kept it.
func (c *Client) date(r *http.Request, resp *http.Response) {
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || or(resp.Header.Get("Age"), "0") != "0" {
		return
	}
	c.seen(at, resp.TLS != nil || loopback(r.URL.Hostname()))
}

// reply is a 2xx answer as vendors see it.
func (a *answer) reply() bridge.Reply {
	media, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		media = ""
	}
	return bridge.Reply{Status: a.status, Type: media, Body: a.body}
}

// inTime tells whether a command may still be sent; a read always may.
func inTime(p *bridge.Permit) bool { return p == nil || time.Until(p.Until()) >= bridge.Spare }

// pause waits; false: the context ended first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
