package mqtt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// socket makes a WebSocket look like the stream that it carries. paho's own does
// its own dialling: no quick acknowledgement, no deadline on writes.
type socket struct {
	*websocket.Conn
	message io.Reader // the one that is being read
	writing sync.Mutex
}

// upgrade speaks the WebSocket handshake over conn, whose TLS is already done.
func upgrade(ctx context.Context, conn net.Conn, u url.URL) (net.Conn, error) {
	ready := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	dialer := websocket.Dialer{
		NetDialContext: ready, NetDialTLSContext: ready,
		Subprotocols: []string{"mqtt"},
	}
	ws, reply, err := dialer.DialContext(ctx, u.String(), nil)
	switch {
	case err != nil && reply != nil:
		return nil, fmt.Errorf("websocket handshake: broker answered %s", reply.Status)
	case err != nil:
		return nil, fmt.Errorf("websocket handshake: %w", err)
	}
	return &socket{Conn: ws}, nil
}

func (s *socket) Read(p []byte) (n int, err error) {
	for n == 0 && err == nil {
		if s.message == nil {
			if _, s.message, err = s.NextReader(); err != nil {
				break
			}
		}
		if n, err = s.message.Read(p); err == io.EOF {
			s.message, err = nil, nil // that was the end of a message only
		}
	}
	if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) {
		err = io.EOF // the broker hung up, with or without a word
	}
	return n, err
}

// Write is called by paho's sender and by its keep-alive.
func (s *socket) Write(p []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *socket) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }
