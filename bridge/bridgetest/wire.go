package bridgetest

import (
	"fmt"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Wire is a stretch of network between one program and a server: what goes over
// it can be held back, cut or kept out, while others reach the server directly.
type Wire struct {
	t       testing.TB
	target  string // host:port
	address string
	tasks   sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener
	links    map[*stretch]struct{}
	dialled  int
	kicks    bool
}

// stretch is one connection over the wire.
type stretch struct {
	near, far net.Conn
	mu        sync.Mutex
	moves     *sync.Cond
	held      bool
	ended     bool
}

// StartWire lays a wire to a URL's host. The test's end takes it away.
func StartWire(t testing.TB, target string) *Wire {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{t: t, target: u.Host, address: fmt.Sprintf("127.0.0.1:%d", FreePort(t)), links: map[*stretch]struct{}{}}
	w.Start()
	t.Cleanup(func() { w.Stop(); w.tasks.Wait() })
	return w
}

// Address is the near end, host:port; the same after a Stop.
func (w *Wire) Address() string { return w.address }

// Start takes connections (again).
func (w *Wire) Start() {
	w.t.Helper()
	listener, err := net.Listen("tcp", w.address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	w.listener = listener
	w.mu.Unlock()
	w.tasks.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return // Stop
			}
			w.tasks.Go(func() { w.connect(near) })
		}
	})
}

// Stop cuts all connections and lets nobody in: dialling is refused.
func (w *Wire) Stop() {
	w.mu.Lock()
	_ = w.listener.Close() // twice does no harm
	w.mu.Unlock()
	w.Cut()
}

// Cut ends all connections.
func (w *Wire) Cut() {
	for _, s := range w.all() {
		s.end()
	}
}

// Hold keeps everything back that is on its way over the present connections,
// both ways: a half-open line. Release lets it through.
func (w *Wire) Hold() {
	for _, s := range w.all() {
		s.hold(true)
	}
}

// Release ends Hold.
func (w *Wire) Release() {
	for _, s := range w.all() {
		s.hold(false)
	}
}

// Kick ends every connection as soon as the server has said its first words, from
// now on and until it is called with false.
func (w *Wire) Kick(on bool) {
	w.mu.Lock()
	w.kicks = on
	w.mu.Unlock()
	if on {
		w.Cut()
	}
}

// Dialled is how many connections there have been.
func (w *Wire) Dialled() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dialled
}

func (w *Wire) all() (all []*stretch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.links {
		all = append(all, s)
	}
	return all
}

func (w *Wire) connect(near net.Conn) {
	far, err := net.Dial("tcp", w.target)
	if err != nil {
		_ = near.Close()
		return
	}
	s := &stretch{near: near, far: far}
	s.moves = sync.NewCond(&s.mu)
	w.mu.Lock()
	w.links[s] = struct{}{}
	w.dialled++
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.links, s)
		w.mu.Unlock()
	}()
	var back sync.WaitGroup
	back.Go(func() { s.carry(near, far, func() bool { return false }) })
	s.carry(far, near, func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.kicks })
	back.Wait()
}

// carry moves bytes one way until either side ends; last tells after each piece
// whether it was the last.
func (s *stretch) carry(from, to net.Conn, last func() bool) {
	defer s.end()
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		s.mu.Lock()
		for s.held && !s.ended {
			s.moves.Wait()
		}
		s.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(piece[:n]); err != nil {
				return
			}
		}
		if err != nil || last() {
			return
		}
	}
}

func (s *stretch) hold(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = on
	s.moves.Broadcast()
}

func (s *stretch) end() {
	s.mu.Lock()
	s.ended = true
	s.moves.Broadcast()
	s.mu.Unlock()
	_ = s.near.Close()
	_ = s.far.Close()
}
