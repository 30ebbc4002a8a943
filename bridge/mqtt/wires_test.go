package mqtt_test

import (
	"context"
	"log/slog"
	"net"
	"sync"
)

// wires are the sockets that a client under test opened.
type wires struct {
	mu   sync.Mutex
	open []net.Conn
}

func (w *wires) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.open = append(w.open, conn)
	}
	return conn, err
}

// cut breaks all of them, as a network does: the client hears of it by a reset.
func (w *wires) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, conn := range w.open {
		conn.(*net.TCPConn).CloseWrite() // the broker's answer to that is its own close
	}
	w.open = nil
}

// toAddress dials one address whatever it is asked for.
func toAddress(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
}

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// failures is a log that says when an attempt has failed.
type failures struct {
	slog.Handler
	told chan<- struct{}
}

func logTo(told chan<- struct{}) *slog.Logger {
	return slog.New(failures{slog.DiscardHandler, told})
}

func (f failures) Enabled(context.Context, slog.Level) bool { return true }

func (f failures) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "no connection to the broker" {
		select {
		case f.told <- struct{}{}:
		default:
		}
	}
	return nil
}
