package mqtt_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/mqtt"
)

// front lets clients in by another door and carries bytes to a broker's TCP port.
func front(t *testing.T, listener net.Listener, broker string) {
	t.Helper()
	var links sync.WaitGroup
	links.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			links.Go(func() { carry(conn, broker) })
		}
	})
	t.Cleanup(func() { listener.Close(); links.Wait() })
}

func carry(conn io.ReadWriteCloser, broker string) {
	far, err := net.Dial("tcp", strings.TrimPrefix(broker, "mqtt://"))
	if err != nil {
		conn.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { io.Copy(far, conn); far.Close() })
	both.Go(func() { io.Copy(conn, far); conn.Close() })
	both.Wait()
}

// webFront does the same behind a WebSocket.
func webFront(t *testing.T, listener net.Listener, broker string) {
	t.Helper()
	upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt"}}
	var links sync.WaitGroup
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/mqtt" {
			http.NotFound(w, r)
			return
		}
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil || ws.Subprotocol() != "mqtt" {
			return
		}
		links.Add(1)
		defer links.Done()
		carry(&webStream{Conn: ws}, broker)
	})}
	links.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() { server.Close(); links.Wait() })
}

// webStream cuts packets at odd places, as a WebSocket may.
type webStream struct {
	*websocket.Conn
	rest []byte
}

func (s *webStream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		_, message, err := s.ReadMessage()
		if err != nil {
			return 0, err
		}
		s.rest = message
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *webStream) Write(p []byte) (int, error) {
	for i := 0; i < len(p); i += 3 {
		if err := s.WriteMessage(websocket.BinaryMessage, p[i:min(i+3, len(p))]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// serverTLS demands a client certificate.
func serverTLS(t *testing.T, certs bridgetest.Certs) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certs.Server, certs.ServerKey)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(certs.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
}

func TestTransports(t *testing.T) {
	t.Parallel()
	certs := bridgetest.NewCerts(t)
	files := mqtt.TLS{CAFile: certs.CA, CertFile: certs.Client, KeyFile: certs.ClientKey}
	cases := []struct {
		name string
		open func(t *testing.T, broker string) (url string)
		tls  mqtt.TLS
	}{
		{"mqtt", func(_ *testing.T, broker string) string { return broker }, mqtt.TLS{}},
		{"mqtts with client certificate", func(t *testing.T, broker string) string {
			l := tls.NewListener(listen(t, "tcp", "127.0.0.1:0"), serverTLS(t, certs))
			front(t, l, broker)
			return "mqtts://" + l.Addr().String()
		}, files},
		{"ws", func(t *testing.T, broker string) string {
			l := listen(t, "tcp", "127.0.0.1:0")
			webFront(t, l, broker)
			return "ws://" + l.Addr().String()
		}, mqtt.TLS{}},
		{"wss with client certificate", func(t *testing.T, broker string) string {
			l := tls.NewListener(listen(t, "tcp", "127.0.0.1:0"), serverTLS(t, certs))
			webFront(t, l, broker)
			return "wss://" + l.Addr().String() + "/mqtt"
		}, files},
		{"unix", func(t *testing.T, broker string) string {
			l := listen(t, "unix", filepath.Join(t.TempDir(), "s"))
			front(t, l, broker)
			return "unix://" + l.Addr().String()
		}, mqtt.TLS{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			broker := bridgetest.StartEmbedded(t)
			roundTrip(t, broker, mqtt.Options{Broker: c.open(t, broker.URL()), TLS: c.tls})
		})
	}
}

func TestTransportsOfMosquitto(t *testing.T) {
	t.Parallel()
	certs := bridgetest.NewCerts(t)
	broker := bridgetest.StartMosquitto(t, bridgetest.MosquittoOptions{Certs: &certs, ClientCerts: true, Unix: true})
	files := mqtt.TLS{CAFile: certs.CA, CertFile: certs.Client, KeyFile: certs.ClientKey}
	t.Run("mqtts", func(t *testing.T) { roundTrip(t, broker, mqtt.Options{Broker: broker.TLSURL(), TLS: files}) })
	t.Run("unix", func(t *testing.T) { roundTrip(t, broker, mqtt.Options{Broker: broker.UnixURL()}) })
}

// roundTrip sends a command that is answered, both big enough for several frames.
func roundTrip(t *testing.T, broker bridgetest.Broker, o mqtt.Options) {
	t.Helper()
	source := newTable()
	o.Source = source
	o.Routes = []mqtt.Route{{Filter: setFilter, Take: func(in bridge.Incoming) {
		source.put(event("latchkey/echo", string(in.Payload)))
	}}}
	client := start(t, o)
	client.link.await("subscribed")
	foreign := bridgetest.Dial(t, broker.URL(), bridgetest.ClientOptions{})
	foreign.Subscribe("latchkey/echo")
	payload := strings.Repeat("0123456789", 2000)
	foreign.Publish(setTopic, payload, false)
	if got := foreign.Await("latchkey/echo", nil, 0); got.Payload != payload {
		t.Errorf("echo of %d bytes came as %d bytes", len(payload), len(got.Payload))
	}
	client.stop()
	if got := foreign.Retained(own)[own]; got != "offline" {
		t.Errorf("after a clean stop %s is %q, want offline", own, got)
	}
}

func TestRefusedTransports(t *testing.T) {
	certs, others := bridgetest.NewCerts(t), bridgetest.NewCerts(t)
	secure := tls.NewListener(listen(t, "tcp", "127.0.0.1:0"), serverTLS(t, certs))
	front(t, secure, bridgetest.StartEmbedded(t).URL())
	web := listen(t, "tcp", "127.0.0.1:0")
	webFront(t, web, "")
	files := mqtt.TLS{CAFile: certs.CA, CertFile: certs.Client, KeyFile: certs.ClientKey}
	cases := []struct {
		name, broker string
		tls          mqtt.TLS
		want         string
	}{
		{"another authority", "mqtts://" + secure.Addr().String(),
			mqtt.TLS{CAFile: others.CA, CertFile: certs.Client, KeyFile: certs.ClientKey}, "unknown authority"},
		{"another host", "mqtts://127.0.0.2:" + port(secure), files, "127.0.0.2"},
		{"no client certificate", "mqtts://" + secure.Addr().String(), mqtt.TLS{CAFile: certs.CA}, "certificate required"},
		{"another path", "ws://" + web.Addr().String() + "/other", mqtt.TLS{}, "404"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			failed := make(chan struct{}, 10)
			o := mqtt.Options{Broker: c.broker, TLS: c.tls, Log: logTo(failed)}
			if c.name == "another host" {
				o.Dial = toAddress(secure.Addr().String())
			}
			client := start(t, o)
			receive(t, failed)
			if err := client.State().Err; err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("state: got error %v, want one with %q", err, c.want)
			}
		})
	}
}
