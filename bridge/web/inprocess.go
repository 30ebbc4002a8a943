package web

import (
	"context"
	"net"
	"sync"
)

// InProcess makes a client and the listener that it reaches, for a program that
// serves its own commands: an [Options].Socket without a file.
func InProcess() (net.Listener, *Client) {
	w := &wire{conns: make(chan net.Conn), closed: make(chan struct{})}
	return w, newClient(w.dial)
}

type wire struct {
	conns  chan net.Conn // capacity 0: a dial waits until it is accepted
	closed chan struct{}
	close  sync.Once
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case conn := <-w.conns:
		return conn, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.close.Do(func() { close(w.closed) })
	return nil
}

func (w *wire) Addr() net.Addr { return &net.UnixAddr{Name: "in process", Net: "unix"} }

func (w *wire) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case w.conns <- far:
		return near, nil
	case <-w.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
