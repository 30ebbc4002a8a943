package testbroker_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"latchkey/bridge/bridgetest"
	"latchkey/bridge/testbroker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o testbroker.Options) *testbroker.Broker {
	t.Helper()
	b, err := testbroker.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// ways in, by name.
var ways = map[string]func(b *testbroker.Broker) (net.Conn, error){
	"socket": func(b *testbroker.Broker) (net.Conn, error) { return net.Dial("tcp", b.Addr()) },
	"pipe":   (*testbroker.Broker).Pipe,
}

func open(t *testing.T, b *testbroker.Broker, way string) net.Conn {
	t.Helper()
	conn, err := ways[way](b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(15 * time.Second))
	return conn
}

// connect says CONNECT and returns the code of CONNACK.
func connect(t *testing.T, conn net.Conn, user, password string) (code byte) {
	t.Helper()
	body := []byte("\x00\x04MQTT\x04\xc2\x00\x3c\x00\x03raw") // 3.1.1, clean session, 60 s
	for _, text := range []string{user, password} {
		body = append(body, 0, byte(len(text)))
		body = append(body, text...)
	}
	if _, err := conn.Write(append([]byte{0x10, byte(len(body))}, body...)); err != nil {
		t.Fatal(err)
	}
	var connack [4]byte
	if _, err := io.ReadFull(conn, connack[:]); err != nil {
		t.Fatalf("no CONNACK: %v", err)
	}
	return connack[3]
}

func TestRetained(t *testing.T) {
	b := start(t, testbroker.Options{})
	client := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
	client.Publish("kept", "x", true)
	client.Publish("cleared", "x", true)
	client.Publish("cleared", "", true)
	want := map[string]string{"kept": "x"}
	b.DropClients()
	if diff := cmp.Diff(want, b.Retained()); diff != "" {
		t.Errorf("retained (-want +got):\n%s", diff)
	}
	b.Wipe()
	client = bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
	if got := client.Retained("#"); len(got) != 0 || len(b.Retained()) != 0 {
		t.Errorf("after Wipe: clients see %v, the broker keeps %v, want nothing", got, b.Retained())
	}
	client.Publish("kept", "x", true)
	if err := b.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := b.Retained(); len(got) != 0 {
		t.Errorf("after a restart: got %v, want nothing", got)
	}
}

func TestLinksAreCut(t *testing.T) {
	for way := range ways {
		t.Run(way, func(t *testing.T) {
			b := start(t, testbroker.Options{})
			// One that has not said CONNECT yet would hold up the library for ever.
			cut := map[string]func(){
				"DropClients": b.DropClients,
				"Restart":     func() { b.Restart() },
				"Close":       b.Close,
			}
			for _, how := range []string{"DropClients", "Restart", "Close"} {
				silent, talking := open(t, b, way), open(t, b, way)
				if code := connect(t, talking, "any", "any"); code != 0 {
					t.Fatalf("CONNACK %d, want 0", code)
				}
				cut[how]()
				for name, conn := range map[string]net.Conn{"silent": silent, "talking": talking} {
					if _, err := io.Copy(io.Discard, conn); errors.Is(err, net.ErrClosed) || isTimeout(err) {
						t.Errorf("%s: the link of a %s client lives on", how, name)
					}
				}
			}
		})
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func TestAddressSurvives(t *testing.T) {
	b := start(t, testbroker.Options{})
	addr := b.Addr()
	if host, _, _ := net.SplitHostPort(addr); host != "127.0.0.1" || b.URL() != "mqtt://"+addr {
		t.Fatalf("listens on %s (%s), want 127.0.0.1", addr, b.URL())
	}
	b.Close()
	b.Close()
	if conn, err := net.Dial("tcp", addr); err == nil {
		conn.Close()
		t.Error("a closed broker still listens")
	}
	if _, err := b.Pipe(); !errors.Is(err, testbroker.ErrStopped) {
		t.Errorf("pipe into a closed broker: got %v, want ErrStopped", err)
	}
	if err := b.Restart(); err != nil || b.Addr() != addr {
		t.Errorf("restarted on %s (%v), want %s", b.Addr(), err, addr)
	}
	bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
}

func TestPassword(t *testing.T) {
	b := start(t, testbroker.Options{Username: "me", Password: "right"})
	for way := range ways {
		for password, want := range map[string]byte{"right": 0, "wrong": 5} {
			if got := connect(t, open(t, b, way), "me", password); got != want {
				t.Errorf("%s, %s password: CONNACK %d, want %d", way, password, got, want)
			}
		}
	}
}

// TestPipeBothWays: on a bare pipe, two sides that write at once stop for ever.
func TestPipeBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, testbroker.Options{NoListener: true})
		client := bridgetest.Dial(t, "mqtt://pipe", bridgetest.ClientOptions{Dial: b.Pipe})
		client.Subscribe("echo")
		many := make([]string, 1000)
		client.Burst("echo", many...)
		for range many {
			client.Await("echo", nil, time.Minute)
		}
	})
}
