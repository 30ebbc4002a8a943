package oauth

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/bridge"
)

// server answers raw TCP connections; requests counts those that arrived whole.
func server(t *testing.T, answer func(c net.Conn, r *http.Request)) (url string, requests *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	requests = new(atomic.Int64)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			r, err := http.ReadRequest(bufio.NewReader(c))
			if err == nil {
				_, _ = io.ReadAll(r.Body)
				requests.Add(1)
				answer(c, r)
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "http://" + l.Addr().String(), requests
}

func speakerOf(seen func(time.Time, bool)) *speaker {
	if seen == nil {
		seen = func(time.Time, bool) {}
	}
	return newSpeaker(Options{Version: "1", Seen: seen, ClockTrusted: func() bool { return true }, Log: slog.New(slog.DiscardHandler)})
}

// On a real transport each ask is sent exactly once, whatever becomes of it, and
// no redirect is followed.
func TestSentOnce(t *testing.T) {
	text := func(s string) func(net.Conn, *http.Request) {
		return func(c net.Conn, _ *http.Request) { _, _ = io.WriteString(c, s) }
	}
	for name, c := range map[string]struct {
		answer func(net.Conn, *http.Request)
		want   class
	}{
		"closed without a word":   {text(""), classLost},
		"cut inside the headers":  {text("HTTP/1.1 200 OK\r\nContent-Le"), classLost},
		"cut inside the body":     {text("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"access_tok"), classLost},
		"no HTTP":                 {text("SSH-2.0-x\r\n"), classLost},
		"302":                     {text("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"), classStrange},
		"307":                     {text("HTTP/1.1 307 Temporary Redirect\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"), classStrange},
		"503 and a kept-alive":    {text("HTTP/1.1 503 Busy\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n"), classDown},
		"a body of 2 MB":          {text("HTTP/1.1 200 OK\r\n\r\n{\"a\":\"" + strings.Repeat("x", 2<<20)), classLost},
		"a 100 first, then a 400": {text("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad\r\nContent-Length: 25\r\n\r\n{\"error\":\"invalid_grant\"}"), classGrant},
	} {
		t.Run(name, func(t *testing.T) {
			url, requests := server(t, c.answer)
			d := bridge.Dialect{Secret: bridge.NewSecret("CANARY-s"), Refresh: &bridge.Ask{URL: url + "/token", In: bridge.InQuery, Client: bridge.ClientParams,
				Params: []bridge.Param{{Name: "refresh_token", From: bridge.FieldRefreshToken}}}}
			s := speakerOf(nil)
			for range 3 {
				_, _, trouble := s.tokens(context.Background(), "gate", &d, d.Refresh, fill{refresh: "CANARY-r"})
				if trouble == nil || trouble.Class != c.want || strings.Contains(fmt.Sprintf("%+v", trouble), "CANARY") {
					t.Errorf("got %+v, want %s without a secret", trouble, c.want)
				}
			}
			if n := requests.Load(); n != 3 {
				t.Errorf("%d requests arrived for 3 asks", n)
			}
		})
	}
}

// Each ask has its own connection: one that is kept alive may be dead already,
// and nobody can tell then what arrived.
func TestOwnConnection(t *testing.T) {
	var again atomic.Int64
	url, requests := server(t, func(c net.Conn, r *http.Request) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		if !r.Close {
			again.Add(1)
		}
	})
	s := speakerOf(nil)
	for range 3 {
		if _, trouble := s.send(context.Background(), &bridge.Dialect{}, &bridge.Ask{URL: url}, fill{}); trouble != nil {
			t.Error(trouble)
		}
	}
	if requests.Load() != 3 || again.Load() != 0 {
		t.Errorf("%d requests, %d of them on connections to be kept", requests.Load(), again.Load())
	}
}

// Nothing sent is told from something sent.
func TestNotSent(t *testing.T) {
	d := bridge.Dialect{}
	ask := func(url string, s *speaker) *trouble {
		_, trouble := s.send(context.Background(), &d, &bridge.Ask{URL: url + "?secret=CANARY"}, fill{})
		return trouble
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	if got := ask("http://"+closed, speakerOf(nil)); got == nil || got.Class != classNotSent || strings.Contains(got.Message, "CANARY") {
		t.Errorf("a closed port: %+v", got)
	}
	url, requests := server(t, func(net.Conn, *http.Request) {})
	if got := ask("https"+strings.TrimPrefix(url, "http"), speakerOf(nil)); got == nil || got.Class != classNotSent {
		t.Errorf("no TLS there: %+v", got)
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	for name, c := range map[string]struct {
		err       error
		connected bool
		trusted   bool
		want      class
		says      string
	}{
		"name":                      {&net.DNSError{Name: "api.test", IsNotFound: true}, false, true, classNotSent, "the name api.test is not found"},
		"dial timeout":              {context.DeadlineExceeded, false, true, classNotSent, "no answer in time"},
		"unknown authority":         {&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, false, true, classNotSent, "certificate is not accepted"},
		"certificate, good clock":   {&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, false, true, classNotSent, "certificate"},
		"certificate, doubtful one": {&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, false, false, classClock, "not trusted yet"},
		"after a connection":        {errors.New("CANARY"), true, true, classLost, "before the vendor's reply was whole"},
	} {
		got := unsent(c.err, c.connected, c.trusted)
		if got.Class != c.want || !strings.Contains(got.Message, c.says) || strings.Contains(got.Message, "CANARY") {
			t.Errorf("%s: %+v, want %s, %q", name, got, c.want, c.says)
		}
	}
}

// A round tripper that does not trace proves nothing: its errors count as sent.
func TestUntracedTransport(t *testing.T) {
	s := newSpeaker(Options{Transport: untraced{}, Seen: func(time.Time, bool) {}, ClockTrusted: func() bool { return true }})
	_, trouble := s.send(context.Background(), &bridge.Dialect{}, &bridge.Ask{URL: "https://a.test"}, fill{})
	if trouble == nil || trouble.Class != classLost {
		t.Errorf("got %+v, want %s", trouble, classLost)
	}
}

type untraced struct{}

func (untraced) RoundTrip(*http.Request) (*http.Response, error) { return nil, io.EOF }

// The vendor's clock is passed on; over http from this machine it is proven.
func TestSeenDate(t *testing.T) {
	url, _ := server(t, func(c net.Conn, r *http.Request) {
		if got := r.Header.Get("User-Agent"); got != "latchkey/1" {
			t.Errorf("User-Agent is %q", got)
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nDate: Wed, 21 Oct 2026 07:28:00 GMT\r\nContent-Length: 0\r\n\r\n")
	})
	var at time.Time
	var proven bool
	s := speakerOf(func(date time.Time, is bool) { at, proven = date, is })
	_, _ = s.send(context.Background(), &bridge.Dialect{}, &bridge.Ask{URL: url}, fill{})
	if want := time.Date(2026, 10, 21, 7, 28, 0, 0, time.UTC); !at.Equal(want) || !proven {
		t.Errorf("saw %s, proven %v", at, proven)
	}
}
