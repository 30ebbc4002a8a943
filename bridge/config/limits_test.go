package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"latchkey/bridge/config"
)

// An error is published: it has an end.
func TestManyMistakes(t *testing.T) {
	var text strings.Builder
	for i := range 250 {
		fmt.Fprintf(&text, "nonsense_%d: 1\n", i)
	}
	_, err := config.Load(archive("-- config.yaml --\n" + text.String()))
	got := problems(t, err)
	if last := got[len(got)-1].String(); len(got) != 101 || last != "/etc/latchkey/config.yaml:101:1: from here on 150 more mistakes" {
		t.Errorf("got %d, the last: %s", len(got), last)
	}
}

// A small file cannot grow beyond measure through aliases.
func TestAliasBomb(t *testing.T) {
	text := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for name := 'b'; name < 'k'; name++ {
		text += fmt.Sprintf("%[1]c: &%[1]c [*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c]\n", name, name-1)
	}
	_, err := config.Load(archive("-- config.yaml --\n" + text))
	if got := fmt.Sprint(err); !strings.Contains(got, "beyond all measure") {
		t.Errorf("got %s", got)
	}
}

// What is no plain file of a sensible size is refused and holds nothing up.
func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	huge, err := os.Create(filepath.Join(dir, "huge"))
	must(t, err)
	must(t, huge.Truncate(1<<40))
	must(t, huge.Close())
	for _, c := range []struct{ file, want string }{
		{"pipe", "not a regular file"}, {".", "not a regular file"}, {"/dev/zero", "not a regular file"}, {"huge", "larger than 16 MiB"},
		{"gone", "does not exist"}, {"gone/deeper", "does not exist"},
	} {
		t.Run(c.file, func(t *testing.T) {
			path := filepath.Join(dir, "config.yaml")
			put(t, path, "mqtt: {username: u, password_file: '"+c.file+"'}\n")
			if _, err := config.Load(config.Options{Path: path}); err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if filepath.IsAbs(c.file) {
				return
			}
			if _, err := config.Load(config.Options{Path: filepath.Join(dir, c.file)}); err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("as the configuration itself: got %v, want %s", err, c.want)
			}
		})
	}
}

// A certificate that is renewed in its file needs a new connection.
func TestCertificates(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	put(t, path, "mqtt: {broker: 'mqtts://broker.example', tls: {ca_file: ca.pem, cert_file: cert.pem, key_file: key.pem}}\n")
	issue := func() *config.Config {
		t.Helper()
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(t, err)
		template := &x509.Certificate{SerialNumber: big.NewInt(1)}
		cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		must(t, err)
		der, err := x509.MarshalPKCS8PrivateKey(key)
		must(t, err)
		text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
		put(t, filepath.Join(dir, "ca.pem"), text)
		put(t, filepath.Join(dir, "cert.pem"), text)
		put(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
		c, err := config.Load(config.Options{Path: path})
		must(t, err)
		if c.MQTT.TLS.CAFile != filepath.Join(dir, "ca.pem") {
			t.Errorf("got %q, want an absolute path", c.MQTT.TLS.CAFile)
		}
		return c
	}
	first, second := issue(), issue()
	if got := fmt.Sprint(second.Changed(first).Sections); got != "[mqtt]" {
		t.Errorf("got %s, want [mqtt]", got)
	}
}
