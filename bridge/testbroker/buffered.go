package testbroker

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// lingering bounds how long a closed link waits for its reader.
const lingering = time.Second

// buffered is a connection whose writes never wait, and whose last words are
// still delivered after Close, as a kernel does. It owns one goroutine, which
// ends soon after Close or after a failed write.
type buffered struct {
	net.Conn
	mu     sync.Mutex
	filled sync.Cond
	buffer bytes.Buffer // unbounded: tests and demo only
	closed bool
}

func newBuffered(conn net.Conn) *buffered {
	b := &buffered{Conn: conn}
	b.filled.L = &b.mu
	go b.pump()
	return b
}

func (b *buffered) pump() {
	defer b.Conn.Close()
	for closed := false; !closed; {
		b.mu.Lock()
		for b.buffer.Len() == 0 && !b.closed {
			b.filled.Wait()
		}
		chunk := bytes.Clone(b.buffer.Bytes())
		b.buffer.Reset()
		closed = b.closed
		b.mu.Unlock()
		if len(chunk) == 0 {
			return // even an empty write waits for a reader
		}
		if closed {
			_ = b.Conn.SetWriteDeadline(time.Now().Add(lingering))
		}
		if _, err := b.Conn.Write(chunk); err != nil {
			return
		}
	}
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return 0, net.ErrClosed
	}
	b.buffer.Write(p)
	b.filled.Signal()
	return len(p), nil
}

func (b *buffered) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.filled.Signal()
	return nil
}
