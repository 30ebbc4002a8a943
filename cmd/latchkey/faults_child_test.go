package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
	"latchkey/bridge/store"
)

// envPart makes this test binary a child: a keeper over a store, as the daemon
// wires them, that plays one scene and meets one fault.
const envPart = "LATCHKEY_TEST_PART"

// part is what a child does.
type part struct {
	Scene    string // a key of scenes
	Dir, URL string
	Fault    string // kill, fail or twice; "": none
	Step     int    // at which the fault happens, from 1
}

// scenes are what a child can play. refresh: a caller waits because the access
// token has ended; early: it still serves; first: a sign-in; again: a sign-in
// over a grant.
var scenes = []string{"refresh", "early", "first", "again"}

// chunk is how many bytes of a reply are one step.
const chunk = 128

var errFault = &net.OpError{Op: "fault", Net: "tcp", Err: syscall.EIO}

// child numbers the steps of its keeper and prints each before it is taken.
type child struct {
	part
	keeper *oauth.Keeper
	again  func() // one more caller of the same

	mu     sync.Mutex
	n      int
	call   string // the path of the request in flight
	others sync.WaitGroup
}

// playPart is the child's main.
func playPart(text string) error {
	c := &child{}
	if err := json.Unmarshal([]byte(text), &c.part); err != nil {
		return err
	}
	var (
		s      *store.Store
		err    error
		thread = newThread()
	)
	defer thread.end()
	thread.do(func() { s, err = store.Open(store.Options{Dir: c.Dir, Key: faultKey, Keep: oauth.Keep}) })
	if err != nil {
		return err
	}
	defer s.Close()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	c.prepare(ctx)
	transport := &http.Transport{DisableKeepAlives: true, DialContext: c.dial}
	c.keeper = oauth.New(oauth.Options{Store: steppedStore{c, s, thread}, Transport: steppedTransport{c, transport}, Owner: "here"})
	done := make(chan error, 1)
	go func() { done <- c.keeper.Run(ctx) }()
	if err := c.keeper.Add(oauth.Account{ID: faultAccount, Dialect: faultDialect(c.URL)}); err != nil {
		return err
	}
	fmt.Println("result", c.play(ctx))
	if err := c.step("publish"); err == nil {
		if b, err := c.keeper.Tokens(faultAccount).Bearer(ctx, ""); err == nil {
			fmt.Println("handed", b.Token.Reveal())
		}
	}
	c.others.Wait()
	stop()
	fmt.Println("stopped", <-done)
	return nil
}

// prepare says what one more caller does.
func (c *child) prepare(ctx context.Context) {
	c.again = func() {
		permit := bridge.NewPermit(time.Now().Add(20*time.Second), 1).With(ctx)
		_, err := c.keeper.Tokens(faultAccount).Bearer(permit, "")
		fmt.Println("other", err)
	}
}

func (c *child) play(ctx context.Context) error {
	permit := bridge.NewPermit(time.Now().Add(20*time.Second), 1).With(ctx)
	switch c.Scene {
	case "refresh":
		_, err := c.keeper.Tokens(faultAccount).Bearer(permit, "")
		return err
	case "early":
		return c.keeper.Refresh(ctx, faultAccount)
	}
	cb, err := signInAt(ctx, c.keeper)
	if err != nil {
		return err
	}
	finish := func() error { _, err := c.keeper.Finish(ctx, cb); return err }
	c.mu.Lock()
	c.again = func() { fmt.Println("other", finish()) }
	c.mu.Unlock()
	return finish()
}

// step takes the next step, or has the fault of the part.
func (c *child) step(name string) error {
	c.mu.Lock()
	c.n++
	n, again := c.n, c.again
	fmt.Println("step", name)
	c.mu.Unlock()
	if n != c.Step {
		return nil
	}
	switch c.Fault {
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "fail":
		return errFault
	case "twice":
		for range 4 {
			c.others.Go(again)
		}
		runtime.Gosched()
	}
	return nil
}

// steppedStore has two steps in each of its methods.
type steppedStore struct {
	c      *child
	s      *store.Store
	thread thread
}

func (s steppedStore) Load(ctx context.Context, account string) (record []byte, generation uint64, err error) {
	if err := s.c.step("load"); err != nil {
		return nil, 0, err
	}
	record, generation, err = s.s.Load(ctx, account)
	return record, generation, errors.Join(err, s.c.step("loaded"))
}

func (s steppedStore) Save(ctx context.Context, account string, seen uint64, record []byte) (generation uint64, ok bool, err error) {
	kind := kindOf(record)
	if err := s.c.step("save " + kind); err != nil {
		return 0, false, err
	}
	s.thread.do(func() { generation, ok, err = s.s.Save(ctx, account, seen, record) })
	if err != nil {
		fmt.Println("disk", kind, err)
	}
	return generation, ok, errors.Join(err, s.c.step("saved "+kind))
}

func (s steppedStore) Hold(ctx context.Context, account, owner string, until time.Time) (held bool, err error) {
	if err := s.c.step("hold"); err != nil {
		return false, err
	}
	held, err = s.s.Hold(ctx, account, owner, until)
	return held, errors.Join(err, s.c.step("held"))
}

// thread does work on one thread of the system: strace counts calls by thread.
type thread chan func()

func newThread() thread {
	work := make(thread)
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
}

func (t thread) do(f func()) {
	done := make(chan struct{})
	t <- func() { defer close(done); f() }
	<-done
}

func (t thread) end() { close(t) }

// steppedTransport names the steps of a connection after its request.
type steppedTransport struct {
	c    *child
	next http.RoundTripper
}

func (t steppedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.c.call = r.URL.Path[1:]
	return t.next.RoundTrip(r)
}

func (c *child) dial(ctx context.Context, network, address string) (net.Conn, error) {
	call := c.call
	if err := c.step(call + " dial"); err != nil {
		return nil, err
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if err := c.step(call + " dialled"); err != nil {
		_ = conn.Close()
		return nil, err
	}
	wrote := make(chan struct{})
	return steppedConn{conn, c, call, wrote, sync.OnceFunc(func() { close(wrote) })}, nil
}

// steppedConn has two steps in each write and read. A read is of 128 bytes at
// most, so that a reply is cut at several places, and begins after the request,
// so that the steps have one order.
type steppedConn struct {
	net.Conn
	c      *child
	call   string
	wrote  chan struct{}
	opened func() // closes wrote
}

func (s steppedConn) Close() error {
	s.opened()
	return s.Conn.Close()
}

func (s steppedConn) Write(b []byte) (int, error) {
	defer s.opened()
	if err := s.c.step(s.call + " send"); err != nil {
		return 0, err
	}
	n, err := s.Conn.Write(b)
	if err != nil {
		return n, err
	}
	return n, s.c.step(s.call + " sent")
}

func (s steppedConn) Read(b []byte) (int, error) {
	<-s.wrote
	if err := s.c.step(s.call + " read"); err != nil {
		return 0, err
	}
	n, err := s.Conn.Read(b[:min(len(b), chunk)])
	if err != nil {
		return n, err
	}
	return n, s.c.step(s.call + " got")
}
