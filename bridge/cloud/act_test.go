package cloud_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/cloud"
)

// commands are the shapes of a command that net/http treats differently when a
// connection dies.
var commands = map[string]bridge.Request{
	"POST with a body":           {Path: "/open", JSON: map[string]int{"relay": 1}},
	"POST without a body":        {Path: "/open"},
	"DELETE":                     {Method: "DELETE", Path: "/open"},
	"GET":                        {Method: "GET", Path: "/open"},
	"POST with Idempotency-Key":  {Path: "/open", Header: map[string]string{"Idempotency-Key": "1"}},
	"PATCH with Idempotency-Key": {Method: "PATCH", Path: "/open", JSON: 1, Header: map[string]string{"X-Idempotency-Key": "1"}},
}

// H8: whatever dies, a command arrives at most once and the reason is right.
func TestActAtMostOnce(t *testing.T) {
	cut := func(reply string) func(int32, *http.Request, net.Conn) bool {
		return func(_ int32, r *http.Request, conn net.Conn) bool { say(r, conn, reply); return false }
	}
	status := func(line string) func(int32, *http.Request, net.Conn) bool {
		return cut("HTTP/1.1 " + line + "\r\nContent-Length: 0\r\n\r\n")
	}
	for _, c := range []struct {
		name   string
		deed   func(int32, *http.Request, net.Conn) bool
		reason bridge.Reason
		status int
	}{
		{"200", cut(fine), bridge.ReasonOK, 0},
		{"204", cut("HTTP/1.1 204 No Content\r\n\r\n"), bridge.ReasonOK, 0},
		{"cut after the headers arrived", func(int32, *http.Request, net.Conn) bool { return false }, bridge.ReasonNoAnswer, 0},
		{"cut after the body arrived", cut(""), bridge.ReasonNoAnswer, 0},
		{"cut in the status line", cut("HTTP/1.1 2"), bridge.ReasonNoAnswer, 0},
		{"cut in the reply's headers", cut("HTTP/1.1 200 OK\r\nContent-Le"), bridge.ReasonNoAnswer, 0},
		{"cut in the reply's body", cut("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), bridge.ReasonNoAnswer, 0},
		{"no HTTP", cut("hello\r\n\r\n"), bridge.ReasonNoAnswer, 0},
		{"too long", cut("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n" + strings.Repeat("x", 1<<20+1)), bridge.ReasonNoAnswer, 0},
		{"101", cut("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"), bridge.ReasonNoAnswer, 101},
		{"301", status("301 Moved\r\nLocation: /open2"), bridge.ReasonRejected, 301},
		{"302", status("302 Found\r\nLocation: /done"), bridge.ReasonNoAnswer, 302},
		{"303", status("303 See Other\r\nLocation: /done"), bridge.ReasonNoAnswer, 303},
		{"307 on the same host", status("307 Temporary\r\nLocation: /open2"), bridge.ReasonRejected, 307},
		{"308 elsewhere", status("308 Permanent\r\nLocation: https://localhost/open"), bridge.ReasonRejected, 308},
		{"400", status("400 Bad"), bridge.ReasonRejected, 400},
		{"400, body cut", cut("HTTP/1.1 400 Bad\r\nContent-Length: 9\r\n\r\nhalf"), bridge.ReasonRejected, 400},
		{"403", status("403 Forbidden"), bridge.ReasonRejected, 403},
		{"404", status("404 Not Found"), bridge.ReasonRejected, 404},
		{"408", status("408 Timeout"), bridge.ReasonNoAnswer, 408},
		{"429", status("429 Slow"), bridge.ReasonRateLimited, 429},
		{"500", status("500 Oops"), bridge.ReasonNoAnswer, 500},
		{"502", status("502 Gateway"), bridge.ReasonNoAnswer, 502},
		{"503 with Retry-After", status("503 Busy\r\nRetry-After: 1"), bridge.ReasonNoAnswer, 503},
	} {
		for shape, req := range commands {
			t.Run(c.name+"/"+shape, func(t *testing.T) {
				base, arrived := rawServer(t, c.deed)
				_, err := open(t, base).Act(command(t.Context()), req)
				if got := reasonOf(t, err); got != c.reason {
					t.Errorf("got %s (%v), want %s", got, err, c.reason)
				}
				if err != nil {
					f := failure(t, err)
					if f.Status != c.status {
						t.Errorf("got status %d, want %d", f.Status, c.status)
					}
					if want := c.reason == bridge.ReasonNoAnswer; strings.Contains(f.Message, "look at the door") != want {
						t.Errorf("message %q, want a word about the door: %v", f.Message, want)
					}
				}
				if n := arrived.Load(); n != 1 {
					t.Errorf("arrived %d times, want once", n)
				}
			})
		}
	}
}

// H8, measured: net/http sends a GET, and anything with an Idempotency-Key, again
// by itself when a kept-alive connection dies. No command is.
func TestActOnDyingKeptAliveConnection(t *testing.T) {
	for shape, req := range commands {
		t.Run(shape, func(t *testing.T) {
			base, arrived := rawServer(t, func(n int32, r *http.Request, conn net.Conn) bool {
				if n != 2 {
					say(r, conn, fine)
				}
				return n != 2
			})
			c := open(t, base)
			if _, err := c.Read(t.Context(), bridge.Request{Path: "/warm"}); err != nil {
				t.Fatal(err)
			}
			_, err := c.Act(command(t.Context()), req)
			if got := reasonOf(t, err); got != bridge.ReasonNoAnswer {
				t.Errorf("got %s (%v), want no_answer", got, err)
			}
			if n := arrived.Load() - 1; n != 1 {
				t.Errorf("the command arrived %d times, want once", n)
			}
		})
	}
	t.Run("a read is repeated, so the server above does show it", func(t *testing.T) {
		base, arrived := rawServer(t, func(n int32, r *http.Request, conn net.Conn) bool {
			if n != 2 {
				say(r, conn, fine)
			}
			return n != 2
		})
		c := open(t, base)
		for range 2 {
			if _, err := c.Read(t.Context(), bridge.Request{Path: "/"}); err != nil {
				t.Fatal(err)
			}
		}
		if n := arrived.Load(); n != 3 {
			t.Errorf("%d requests arrived, want 3", n)
		}
	})
}

func TestActWithoutConnection(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	l.Close()

	t.Run("dials once more, then not_sent", func(t *testing.T) {
		var dials atomic.Int32
		c := open(t, base, func(o *cloud.Options) {
			o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				dials.Add(1)
				return (&net.Dialer{}).DialContext(ctx, network, addr)
			}
		})
		_, err := c.Act(command(t.Context()), bridge.Request{Path: "/open"})
		if f := failure(t, err); f.Reason != bridge.ReasonNotSent || !strings.Contains(f.Message, "connection refused") {
			t.Errorf("got %s %q, want not_sent, connection refused", f.Reason, f.Message)
		}
		if dials.Load() != 2 {
			t.Errorf("dialled %d times, want 2", dials.Load())
		}
	})
	t.Run("the second dial serves", func(t *testing.T) {
		live, arrived := serve(t, func(http.ResponseWriter, *http.Request) {})
		var dials atomic.Int32
		c := open(t, live, func(o *cloud.Options) {
			o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
				if dials.Add(1) == 1 {
					return nil, &net.DNSError{Name: addr}
				}
				return (&net.Dialer{}).DialContext(ctx, network, addr)
			}
		})
		if _, err := c.Act(command(t.Context()), bridge.Request{Path: "/open"}); err != nil {
			t.Error(err)
		}
		if arrived.Load() != 1 {
			t.Errorf("arrived %d times, want once", arrived.Load())
		}
	})
	t.Run("a dial that hangs ends with the deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := open(t, "http://127.0.0.1", func(o *cloud.Options) {
				o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
			})
			start := time.Now()
			_, err := c.Act(command(t.Context()), bridge.Request{Path: "/open"})
			if got := reasonOf(t, err); got != bridge.ReasonNotSent || time.Since(start) != 5*time.Second {
				t.Errorf("got %s after %s, want not_sent after 5s", got, time.Since(start))
			}
			synctest.Wait()
		})
	})
	t.Run("a transport of unknown kind is taken to have sent", func(t *testing.T) {
		trips := new(atomic.Int32)
		c := open(t, base, func(o *cloud.Options) {
			o.Transport = tripper(func(*http.Request) (*http.Response, error) { trips.Add(1); return nil, io.EOF })
		})
		_, err := c.Act(command(t.Context()), bridge.Request{Path: "/open"})
		if got := reasonOf(t, err); got != bridge.ReasonNoAnswer || trips.Load() != 1 {
			t.Errorf("got %s after %d trips, want no_answer after 1", got, trips.Load())
		}
	})
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestActHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var arrived atomic.Int32
		c := bubble(t, func(_ http.ResponseWriter, r *http.Request) {
			arrived.Add(1)
			_, _ = io.Copy(io.Discard, r.Body) // only then net/http notices that the client has left
			<-r.Context().Done()
		})
		start := time.Now()
		_, err := c.Act(command(t.Context()), bridge.Request{Path: "/open", JSON: 1})
		if got := reasonOf(t, err); got != bridge.ReasonNoAnswer || time.Since(start) != 15*time.Second || arrived.Load() != 1 {
			t.Errorf("got %s after %s, arrived %d times, want no_answer after 15s, once", got, time.Since(start), arrived.Load())
		}
	})
}

// A stopped daemon gives up waiting, but does not say that nothing was sent.
func TestActCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := bubble(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Act(command(ctx), bridge.Request{Path: "/open"})
		if got := reasonOf(t, err); got != bridge.ReasonNoAnswer {
			t.Errorf("got %s, want no_answer", got)
		}
	})
}

func TestActPermit(t *testing.T) {
	base, arrived := serve(t, func(http.ResponseWriter, *http.Request) {})
	c := open(t, base)
	if _, err := c.Act(t.Context(), bridge.Request{Path: "/open"}); reasonOf(t, err) != bridge.ReasonDenied {
		t.Errorf("without a permit: %v, want denied", err)
	}
	ctx := command(t.Context())
	if _, err := c.Act(ctx, bridge.Request{Path: "/open"}); err != nil {
		t.Error(err)
	}
	if _, err := c.Act(ctx, bridge.Request{Path: "/open"}); reasonOf(t, err) != bridge.ReasonDenied {
		t.Errorf("the second write of one permit: %v, want denied", err)
	}
	if arrived.Load() != 1 {
		t.Errorf("arrived %d times, want once", arrived.Load())
	}
}

// H9: a command that waited for its token too long is not sent, and not later.
func TestActWaitsForTokenWithinDeadline(t *testing.T) {
	for _, c := range []struct {
		slow   time.Duration
		reason bridge.Reason
	}{{4 * time.Second, bridge.ReasonOK}, {4501 * time.Millisecond, bridge.ReasonDeadline}, {6 * time.Second, bridge.ReasonDeadline}} {
		synctest.Test(t, func(t *testing.T) {
			var arrived atomic.Int32
			cl := bubble(t, func(http.ResponseWriter, *http.Request) { arrived.Add(1) }, func(o *cloud.Options) { o.Tokens = &keeper{slow: c.slow} })
			ctx, began := command(t.Context()), time.Now()
			_, err := cl.Act(ctx, bridge.Request{Path: "/open"})
			if took := time.Since(began); took > 4500*time.Millisecond {
				t.Errorf("token after %s: told after %s, want no later than it could be sent", c.slow, took)
			}
			time.Sleep(time.Minute)
			sent := c.reason == bridge.ReasonOK
			if got := reasonOf(t, err); got != c.reason || (arrived.Load() == 1) != sent || bridge.PermitOf(ctx).Taken() != sent {
				t.Errorf("token after %s: %s, arrived %d times, want %s", c.slow, got, arrived.Load(), c.reason)
			}
		})
	}
}

func TestActTokenErrors(t *testing.T) {
	base, arrived := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, c := range []struct {
		err  error
		want bridge.Reason
	}{
		{&bridge.Failure{Reason: bridge.ReasonLoginNeeded, Message: "sign in"}, bridge.ReasonLoginNeeded},
		{&bridge.Failure{Reason: bridge.ReasonOffline, Message: "down"}, bridge.ReasonOffline},
		{context.DeadlineExceeded, bridge.ReasonDeadline},
	} {
		cl := open(t, base, func(o *cloud.Options) { o.Tokens = &keeper{err: c.err} })
		ctx := command(t.Context())
		_, err := cl.Act(ctx, bridge.Request{Path: "/open"})
		if got := reasonOf(t, err); got != c.want || bridge.PermitOf(ctx).Taken() {
			t.Errorf("got %s, permit taken %v, want %s, not taken", got, bridge.PermitOf(ctx).Taken(), c.want)
		}
		if _, err := cl.Read(t.Context(), bridge.Request{}); reasonOf(t, err) != c.want {
			t.Errorf("a read got %v, want %s", err, c.want)
		}
	}
	if arrived.Load() != 0 {
		t.Errorf("%d requests arrived without a token", arrived.Load())
	}
}
