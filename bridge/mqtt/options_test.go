package mqtt_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/mqtt"
)

func good() mqtt.Options {
	return mqtt.Options{
		Broker: "mqtt://127.0.0.1", ClientID: "latchkey_home", Source: newTable(),
		Will: bridge.Message{Topic: own, Payload: []byte("offline")},
	}
}

func TestBadOptions(t *testing.T) {
	certs := bridgetest.NewCerts(t)
	noise := filepath.Join(t.TempDir(), "noise.pem")
	if err := os.WriteFile(noise, []byte("noise"), 0o600); err != nil {
		t.Fatal(err)
	}
	take := func(bridge.Incoming) {}
	cases := []struct {
		name string
		bad  func(*mqtt.Options)
		want string // "": accepted
	}{
		{"good", func(*mqtt.Options) {}, ""},
		{"no broker", func(o *mqtt.Options) { o.Broker = "" }, `scheme ""`},
		{"not a URL", func(o *mqtt.Options) { o.Broker = "mqtt://canary\x00" }, "not a URL"},
		{"paho's scheme", func(o *mqtt.Options) { o.Broker = "tcp://127.0.0.1" }, `scheme "tcp"`},
		{"no scheme", func(o *mqtt.Options) { o.Broker = "127.0.0.1:1883" }, "not a URL"},
		{"no host", func(o *mqtt.Options) { o.Broker = "mqtt://:1883" }, "no host"},
		{"password in the URL", func(o *mqtt.Options) { o.Broker = "mqtt://me:canary@host" }, "must not be in the URL"},
		{"path", func(o *mqtt.Options) { o.Broker = "mqtt://host/mqtt" }, "takes no path"},
		{"relative socket", func(o *mqtt.Options) { o.Broker = "unix://run/sock" }, "absolute path"},
		{"socket", func(o *mqtt.Options) { o.Broker = "unix:///run/sock" }, ""},
		{"IPv6", func(o *mqtt.Options) { o.Broker = "mqtts://[::1]:8884" }, ""},
		{"certificate without TLS", func(o *mqtt.Options) { o.TLS.CAFile = certs.CA }, "only by mqtts and wss"},
		{"missing CA file", func(o *mqtt.Options) { o.Broker, o.TLS.CAFile = "mqtts://h", "/nowhere.pem" }, "tls.ca_file: open /nowhere.pem"},
		{"CA file of noise", func(o *mqtt.Options) { o.Broker, o.TLS.CAFile = "mqtts://h", noise }, "no certificate in"},
		{"certificate without key", func(o *mqtt.Options) { o.Broker, o.TLS.CertFile = "wss://h", certs.Client }, "need each other"},
		{"key of another", func(o *mqtt.Options) {
			o.Broker, o.TLS.CertFile, o.TLS.KeyFile = "wss://h", certs.Client, certs.ServerKey
		}, "tls.cert_file"},
		{"no client id", func(o *mqtt.Options) { o.ClientID = "" }, "client id"},
		{"wildcard in the client id", func(o *mqtt.Options) { o.ClientID = "a#" }, "client id"},
		{"password without user", func(o *mqtt.Options) { o.Password = bridge.NewSecret("canary") }, "needs a username"},
		{"no will", func(o *mqtt.Options) { o.Will.Topic = "" }, "will topic"},
		{"no source", func(o *mqtt.Options) { o.Source = nil }, "no source"},
		{"one filter twice", func(o *mqtt.Options) {
			o.Routes = []mqtt.Route{{Filter: "a", Take: take}, {Filter: "a", Take: take}}
		}, "two routes"},
		{"route on the will's topic", func(o *mqtt.Options) { o.Routes = []mqtt.Route{{Filter: own, Take: take}} }, "two routes"},
		{"no taker", func(o *mqtt.Options) { o.Routes = []mqtt.Route{{Filter: "a"}} }, "no taker"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := good()
			c.bad(&o)
			_, err := mqtt.New(o)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("got error %v, want none", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got error %v, want one with %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), "canary"):
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
	t.Run("all at once", func(t *testing.T) {
		_, err := mqtt.New(mqtt.Options{})
		for _, want := range []string{"client id", "will topic", "no source"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got error %v, want one with %q", err, want)
			}
		}
	})
}

func TestUserAndPassword(t *testing.T) {
	broker := bridgetest.StartMosquitto(t, bridgetest.MosquittoOptions{Users: map[string]string{"latchkey": "right"}})
	o := mqtt.Options{Broker: broker.URL(), Username: "latchkey", Password: bridge.NewSecret("right")}
	start(t, o).link.await("subscribed")

	failed := make(chan struct{}, 10)
	o.Password, o.ClientID, o.Log = bridge.NewSecret("wrong"), "other", logTo(failed)
	client := start(t, o)
	receive(t, failed)
	if err := client.State().Err; err == nil || !strings.Contains(err.Error(), "refused the connection") {
		t.Errorf("state: got error %v, want the broker's refusal", err)
	}
}

// TestLog: an outage is told once when it begins and once when it ends, and an
// open broker is warned of (H14).
func TestLog(t *testing.T) {
	cases := []struct{ name, broker, user, want string }{
		{"anonymous on this host", "mqtt://127.0.0.1", "", "whoever reaches it"},
		{"plain text to another", "mqtt://192.0.2.1", "me", "not encrypted"},
		{"neither", "mqtts://192.0.2.1", "me", ""},
		{"socket", "unix:///run/sock", "me", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var text bytes.Buffer
				client := start(t, mqtt.Options{Broker: c.broker, Username: c.user,
					Log: slog.New(slog.NewTextHandler(&text, nil)),
					Dial: func(context.Context, string, string) (net.Conn, error) {
						return nil, &net.OpError{Op: "dial", Err: errors.New("no route"), Net: time.Now().String()}
					}})
				time.Sleep(time.Hour)
				client.stop()
				lines := strings.Split(strings.TrimSpace(text.String()), "\n")
				if got := strings.Count(text.String(), "no connection to the broker"); got != 1 {
					t.Errorf("an hour without a broker is told %d times, want once:\n%s", got, text.String())
				}
				if c.want != "" && !strings.Contains(lines[0], c.want) {
					t.Errorf("first line: got %q, want one with %q", lines[0], c.want)
				}
				if c.want == "" && len(lines) != 1 {
					t.Errorf("got a warning, want none:\n%s", text.String())
				}
			})
		})
	}
}
