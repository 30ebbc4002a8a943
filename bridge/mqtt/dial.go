package mqtt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
)

// endpoint is where the broker is and how it is reached.
type endpoint struct {
	url              url.URL // without user and password
	network, address string
	secure, web      bool
	files            TLS
	dial             func(ctx context.Context, network, address string) (net.Conn, error)
}

// schemes are those of the Contract, with the port that a URL may leave out.
var schemes = map[string]struct {
	port        string
	secure, web bool
}{
	"mqtt":  {port: "1883"},
	"mqtts": {port: "8883", secure: true},
	"ws":    {port: "80", web: true},
	"wss":   {port: "443", secure: true, web: true},
	"unix":  {},
}

// newEndpoint checks everything that can be checked before dialling. No error
// prints the URL: it may hold a password.
func newEndpoint(o Options) (*endpoint, error) {
	u, err := url.Parse(o.Broker)
	if err != nil {
		return nil, errors.New("broker: not a URL")
	}
	scheme, known := schemes[u.Scheme]
	switch {
	case !known:
		return nil, fmt.Errorf("broker: scheme %q is none of mqtt, mqtts, ws, wss, unix", u.Scheme)
	case u.User != nil:
		return nil, errors.New("broker: user and password have settings of their own and must not be in the URL")
	case u.Scheme == "unix" && (u.Host != "" || u.Path == ""):
		return nil, errors.New("broker: a unix socket needs an absolute path: unix:///run/mosquitto.sock")
	case u.Scheme != "unix" && u.Hostname() == "":
		return nil, errors.New("broker: no host")
	case !scheme.web && u.Scheme != "unix" && u.Path != "" && u.Path != "/":
		return nil, fmt.Errorf("broker: %s takes no path", u.Scheme)
	case !scheme.secure && o.TLS != TLS{}:
		return nil, fmt.Errorf("tls: not used by %s, only by mqtts and wss", u.Scheme)
	}
	e := &endpoint{url: *u, secure: scheme.secure, web: scheme.web, files: o.TLS, dial: o.Dial}
	if u.Scheme == "unix" {
		e.network, e.address = "unix", u.Path
	} else {
		port := u.Port()
		if port == "" {
			port = scheme.port
		}
		e.network, e.address = "tcp", net.JoinHostPort(u.Hostname(), port)
	}
	if e.web && (u.Path == "" || u.Path == "/") {
		e.url.Path = "/mqtt" // what brokers that look at the path listen on
	}
	if e.dial == nil {
		e.dial = new(net.Dialer).DialContext
	}
	if _, err := e.tlsConfig(); err != nil {
		return nil, err
	}
	return e, nil
}

// open makes one connection, TLS and WebSocket handshakes included; ctx bounds
// all of it.
func (e *endpoint) open(ctx context.Context) (net.Conn, *wire, error) {
	raw, err := e.dial(ctx, e.network, e.address)
	if err != nil {
		return nil, nil, fmt.Errorf("connect: %w", err)
	}
	w := newWire(raw)
	conn, err := e.shake(ctx, w)
	if err != nil {
		_ = raw.Close() // the handshake's error counts
		return nil, nil, err
	}
	return conn, w, nil
}

func (e *endpoint) shake(ctx context.Context, conn net.Conn) (net.Conn, error) {
	if e.secure {
		config, err := e.tlsConfig()
		if err != nil {
			return nil, err
		}
		secured := tls.Client(conn, config)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("tls handshake: %w", err)
		}
		conn = secured
	}
	if e.web {
		return upgrade(ctx, conn, e.url)
	}
	return conn, nil
}

// local tells whether the broker is on this host.
func (e *endpoint) local() bool {
	host := e.url.Hostname()
	return e.network == "unix" || host == "localhost" || net.ParseIP(host).IsLoopback()
}

func (e *endpoint) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{ServerName: e.url.Hostname(), MinVersion: tls.VersionTLS12}
	if e.files.CAFile != "" {
		pem, err := os.ReadFile(e.files.CAFile)
		if err != nil {
			return nil, fmt.Errorf("tls.ca_file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls.ca_file: no certificate in %s", e.files.CAFile)
		}
	}
	if (e.files.CertFile == "") != (e.files.KeyFile == "") {
		return nil, errors.New("tls: cert_file and key_file need each other")
	}
	if e.files.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(e.files.CertFile, e.files.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("tls.cert_file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
