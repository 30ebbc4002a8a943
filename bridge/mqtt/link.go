package mqtt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

const (
	connectTimeout = 10 * time.Second // dialling and every handshake
	keepAlive      = 30 * time.Second
	pingTimeout    = 10 * time.Second
	// handOverTimeout is how long Publish and Subscribe wait for paho's writer to
	// take a packet. They also wait that long for one that has just ended with its
	// link, and a new link must not wait with them: so it is short, and handOver
	// tries again for as long as a write may take.
	handOverTimeout = time.Second
)

// link is one connection: a paho client that is used once.
type link struct {
	paho paho.Client
	wire *wire
	down chan error // says once why the link broke
}

// connect makes one attempt. What it starts ends with the link, or at once when
// it fails.
func (c *Client) connect(ctx context.Context) (*link, error) {
	c.counters.attempts.Add(1)
	l := &link{down: make(chan error, 1)}
	o := c.settings()
	release := func() bool { return true }
	o.SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) {
		limited, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		conn, wire, err := c.endpoint.open(limited)
		if err != nil {
			return nil, err
		}
		l.wire = wire
		release = context.AfterFunc(ctx, func() { wire.cut(ctx.Err()) }) // paho waits for CONNACK without ctx
		return conn, nil
	})
	o.SetConnectionLostHandler(func(_ paho.Client, err error) { l.down <- err })
	l.paho = paho.NewClient(o)
	attempt := l.paho.Connect()
	<-attempt.Done()
	release()
	if attempt.Error() != nil {
		return nil, attemptError(attempt.Error())
	}
	return l, nil
}

func (c *Client) settings() *paho.ClientOptions {
	o := paho.NewClientOptions()
	o.Servers = []*url.URL{{Scheme: "tcp", Host: c.endpoint.address}} // never dialled: see CustomOpenConnectionFn
	o.SetProtocolVersion(4)                                           // or a refused log-in is tried again as MQTT 3.1 (M14)
	o.SetClientID(c.options.ClientID)
	o.SetUsername(c.options.Username)
	o.SetPassword(c.options.Password.Reveal())
	o.SetCleanSession(true) // no session, so no command waits for us at the broker (H2)
	o.SetResumeSubs(false)
	o.SetOrderMatters(true) // LOCK and UNLOCK must not swap (M9)
	if !c.options.Guest {
		o.SetBinaryWill(c.options.Will.Topic, c.options.Will.Payload, 1, true)
	}
	o.SetAutoReconnect(false) // Run does both: see the package comment
	o.SetConnectRetry(false)
	o.SetConnectTimeout(connectTimeout)
	o.SetKeepAlive(keepAlive)
	o.SetPingTimeout(pingTimeout)
	o.SetWriteTimeout(handOverTimeout) // on the socket wire's own limit counts
	o.SetDefaultPublishHandler(c.take) // of every message: no routes are added
	return o
}

// attemptError finds the cause in paho's words.
func attemptError(err error) error {
	if !errors.Is(err, packets.ErrorNetworkError) {
		return fmt.Errorf("the broker refused the connection: %w", err)
	}
	if both, is := err.(interface{ Unwrap() []error }); is { // "network error" and what really happened
		causes := both.Unwrap()
		err = causes[len(causes)-1]
	}
	if errors.Is(err, io.EOF) {
		return errors.New("the broker hung up during the MQTT handshake")
	}
	return err
}

// byBroker tells whether the other side ended the link, as far as that shows.
func byBroker(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
