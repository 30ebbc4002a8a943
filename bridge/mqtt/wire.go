package mqtt

import (
	"bufio"
	"net"
	"sync/atomic"
	"time"
)

// writeTimeout bounds every single write, also PINGREQ, which paho sends without
// a deadline: a stuck socket would defeat the keep-alive (paho #723).
const writeTimeout = 10 * time.Second

// wire is the raw socket, below TLS and WebSocket. Every write has a deadline of
// its own, and after every read the kernel is told again to acknowledge at once.
type wire struct {
	net.Conn
	in    *bufio.Reader // paho reads a packet in pieces of one byte; this saves the system calls
	cause atomic.Pointer[error]
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn}
	w.in = bufio.NewReader(socketReader{conn, quickAck(conn)})
	return w
}

// socketReader re-arms the quick acknowledgement, which the kernel forgets.
type socketReader struct {
	conn net.Conn
	arm  func()
}

func (r socketReader) Read(p []byte) (int, error) {
	n, err := r.conn.Read(p)
	r.arm()
	return n, err
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	if err != nil {
		if cause := w.cause.Load(); cause != nil {
			err = *cause
		}
	}
	return n, err
}

func (w *wire) Write(p []byte) (int, error) {
	if err := w.Conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return w.Conn.Write(p)
}

// SetDeadline bounds reads only; paho, tls and gorilla would take our write
// deadline away while a write waits.
func (w *wire) SetDeadline(t time.Time) error { return w.SetReadDeadline(t) }

// SetWriteDeadline does nothing: see SetDeadline.
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// cut breaks the link so that paho notices: it takes no heed of a socket that
// was closed on this side.
func (w *wire) cut(cause error) {
	w.cause.CompareAndSwap(nil, &cause)
	_ = w.Conn.Close() // the link is given up
}
