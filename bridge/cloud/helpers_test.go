package cloud_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/cloud"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keeper is a fake of bridge/oauth: every refused token is replaced by the next,
// "canary:1", "canary:2" and so on (":" and "/" have other spellings in URLs).
type keeper struct {
	mu      sync.Mutex
	n       int
	refused int           // calls of Refused
	slow    time.Duration // before a bearer is there
	err     error
	same    bool // renewing brings nothing new
	long    bool // tokens as long as a JWT
}

func (k *keeper) token() string {
	if k.long {
		return fmt.Sprintf("canary:/%d", k.n+1) + strings.Repeat("canary", 200)
	}
	return fmt.Sprintf("canary:/%d", k.n+1)
}

func (k *keeper) Bearer(ctx context.Context, narrow string) (bridge.Bearer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.slow > 0 {
		select {
		case <-time.After(k.slow):
		case <-ctx.Done():
			return bridge.Bearer{}, &bridge.Failure{Reason: bridge.ReasonDeadline, Message: "no token in time"}
		}
	}
	return bridge.Bearer{Token: bridge.NewSecret(k.token() + narrow), Narrow: narrow}, k.err
}

func (k *keeper) Refused(b bridge.Bearer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refused++
	if !k.same && b.Token.Reveal() == k.token()+b.Narrow {
		k.n++
	}
}

func (k *keeper) refusals() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.refused
}

// open makes a client for one base URL.
func open(t testing.TB, base string, change ...func(*cloud.Options)) *cloud.Client {
	t.Helper()
	o := cloud.Options{
		Account: "gate", Vendor: "toy", Version: "1.2.3", Tokens: &keeper{},
		Profile: bridge.Profile{Origins: map[string]bridge.Origin{"": {Base: base}}},
	}
	for _, f := range change {
		f(&o)
	}
	c := cloud.New(o)
	t.Cleanup(c.Close)
	return c
}

// command is the context of a command with the usual deadline.
func command(ctx context.Context) context.Context {
	return bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(ctx)
}

func reasonOf(t testing.TB, err error) bridge.Reason {
	t.Helper()
	if err == nil {
		return bridge.ReasonOK
	}
	return failure(t, err).Reason
}

func failure(t testing.TB, err error) *bridge.Failure {
	t.Helper()
	f, ok := errors.AsType[*bridge.Failure](err)
	if !ok {
		t.Fatalf("got error %v, want a *Failure", err)
	}
	return f
}

// serve answers with f and counts what arrived.
func serve(t testing.TB, f http.HandlerFunc) (base string, arrived *atomic.Int32) {
	t.Helper()
	arrived = new(atomic.Int32)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		f(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, arrived
}

// rawServer speaks HTTP by hand, so that it can die at any byte. deed gets the
// number of the request over all connections, from 1, once its headers are read;
// false closes the connection.
func rawServer(t testing.TB, deed func(n int32, r *http.Request, conn net.Conn) bool) (base string, arrived *atomic.Int32) {
	t.Helper()
	arrived = new(atomic.Int32)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				reader := bufio.NewReader(conn)
				for {
					r, err := http.ReadRequest(reader)
					if err != nil || !deed(arrived.Add(1), r, conn) {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return "http://" + l.Addr().String(), arrived
}

// say reads the body and writes a reply by hand.
func say(r *http.Request, conn net.Conn, reply string) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(conn, reply)
}

const fine = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// pipes serves HTTP over net.Pipe: real net/http on both sides in virtual time.
type pipes struct {
	conns chan net.Conn
	stop  chan struct{}
}

// bubble starts a server over pipes inside a synctest bubble.
func bubble(t *testing.T, h http.HandlerFunc, change ...func(*cloud.Options)) *cloud.Client {
	p := &pipes{conns: make(chan net.Conn), stop: make(chan struct{})}
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(p) }()
	c := open(t, "http://127.0.0.1", append([]func(*cloud.Options){func(o *cloud.Options) { o.Dial = p.dial }}, change...)...)
	t.Cleanup(func() { c.Close(); _ = s.Close(); <-done })
	return c
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.stop:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.stop); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// wantQuiet fails where text holds any token.
func wantQuiet(t testing.TB, where, text string) {
	t.Helper()
	if strings.Contains(text, "canary") {
		t.Errorf("%s holds a token:\n%s", where, text)
	}
}
