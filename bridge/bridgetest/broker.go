// Package bridgetest is what tests of several rooms share: brokers and a foreign
// MQTT client. Only _test.go files import it.
package bridgetest

import (
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
