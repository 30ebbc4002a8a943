// Package bridgetest is what tests of several rooms share: brokers and a foreign
// MQTT client. Only _test.go files import it.
package bridgetest

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"latchkey/bridge/testbroker"
)

// Broker is a broker under test. It keeps nothing over a stop.
type Broker interface {
	URL() string // mqtt://127.0.0.1:port, the same after a restart
	Stop()       // cuts all links and stops listening
	Start()      // again
}

// Brokers runs a test over the embedded broker and over a real Mosquitto, which
// is the reference. Where Mosquitto is not installed its half is skipped, and
// with CI=true it fails.
func Brokers(t *testing.T, run func(t *testing.T, b Broker)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) { run(t, StartEmbedded(t)) })
	t.Run("mosquitto", func(t *testing.T) { run(t, StartMosquitto(t, MosquittoOptions{})) })
}

// StartEmbedded starts the embedded broker on a free port; the test's end stops
// it.
func StartEmbedded(t testing.TB) Broker {
	t.Helper()
	broker, err := testbroker.Start(testbroker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	return embedded{t, broker}
}

type embedded struct {
	t testing.TB
	*testbroker.Broker
}

func (e embedded) Stop() { e.Close() }

func (e embedded) Start() {
	e.t.Helper()
	if err := e.Restart(); err != nil {
		e.t.Fatal(err)
	}
}

// Pipes is the embedded broker without a socket: links are pipes in memory, as
// virtual time (testing/synctest) demands. While it is closed, dialling fails.
type Pipes struct {
	*testbroker.Broker
	t     testing.TB
	dials atomic.Int64
}

// StartPipes starts it; the test's end stops it.
func StartPipes(t testing.TB) *Pipes {
	t.Helper()
	broker, err := testbroker.Start(testbroker.Options{NoListener: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	return &Pipes{Broker: broker, t: t}
}

// Dial is what bridge/mqtt takes as its dialler; network and address are not
// looked at.
func (p *Pipes) Dial(context.Context, string, string) (net.Conn, error) {
	p.dials.Add(1)
	return p.Pipe()
}

// Dials is how often Dial was called.
func (p *Pipes) Dials() int { return int(p.dials.Load()) }

// Client connects a foreign client; id "" is one of its own.
func (p *Pipes) Client(id string) *Client {
	p.t.Helper()
	return Dial(p.t, "mqtt://pipe", ClientOptions{ID: id, Dial: p.Pipe})
}
