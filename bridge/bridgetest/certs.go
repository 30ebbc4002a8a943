package bridgetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Certs are PEM files: an authority, a server on 127.0.0.1 and localhost, and a
// client.
type Certs struct {
	CA, Server, ServerKey, Client, ClientKey string
}

// NewCerts makes certificates that live as long as the test.
func NewCerts(t testing.TB) Certs {
	t.Helper()
	folder := t.TempDir()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caKey := newKey(t)
	issue := func(name string, serial int64, template *x509.Certificate) (certFile, keyFile string) {
		key := caKey
		if template != ca {
			key = newKey(t)
			template.SerialNumber, template.Subject = big.NewInt(serial), pkix.Name{CommonName: name}
			template.NotBefore, template.NotAfter = ca.NotBefore, ca.NotAfter
		}
		der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write := func(file, kind string, der []byte) string {
			path := filepath.Join(folder, file)
			if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		return write(name+".crt", "CERTIFICATE", der), write(name+".key", "PRIVATE KEY", secret)
	}
	var c Certs
	c.CA, _ = issue("ca", 1, ca)
	c.Server, c.ServerKey = issue("server", 2, &x509.Certificate{
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	c.Client, c.ClientKey = issue("client", 3, &x509.Certificate{
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return c
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
