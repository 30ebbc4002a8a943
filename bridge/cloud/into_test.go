package cloud_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/cloud"
)

// A large body goes where the request says, once, and nothing but a 2xx's.
func TestReadInto(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 1<<17)
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") == "Bearer canary:/1":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "a refusal")
		case r.URL.Path == "/missing":
			http.NotFound(w, r)
		case r.URL.Path == "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "half")
		default:
			w.Header().Set("Content-Type", "video/mp4")
			_, _ = io.WriteString(w, big)
		}
	})
	for _, c := range []struct {
		path  string
		limit int64
		want  bridge.Reason
		got   int
	}{
		{"/file", 4 << 20, bridge.ReasonOK, len(big)}, {"/file", int64(len(big)), bridge.ReasonOK, len(big)}, {"/file", int64(len(big)) - 1, bridge.ReasonNoAnswer, len(big)},
		{"/missing", 0, bridge.ReasonRejected, 0}, {"/cut", 0, bridge.ReasonNoAnswer, 4}, {"https://elsewhere.example/file", 0, bridge.ReasonDenied, 0},
	} {
		var into bytes.Buffer
		reply, err := open(t, base).Read(t.Context(), bridge.Request{Path: c.path, Into: &into, Limit: c.limit})
		if got := reasonOf(t, err); got != c.want || into.Len() != c.got || len(reply.Body) != 0 || err == nil && reply.Type != "video/mp4" {
			t.Errorf("%s: %s, %d bytes, reply %+v; want %s and %d", c.path, got, into.Len(), reply, c.want, c.got)
		}
	}
	yields := open(t, base, func(o *cloud.Options) { o.Profile.Pace = map[string]bridge.Pace{"": {Yields: true}} })
	if _, err := yields.Read(t.Context(), bridge.Request{Path: "/file", Into: io.Discard}); reasonOf(t, err) != bridge.ReasonDenied {
		t.Errorf("on a lane that yields: %v", err)
	}
}

// slowBody gives a byte a time, and falls silent at the end of them.
type slowBody struct {
	request *http.Request
	left    int
	every   time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	wait := b.every
	if b.left == 0 {
		wait = time.Hour
	}
	select {
	case <-time.After(wait):
		b.left--
		p[0] = 'x'
		return 1, nil
	case <-b.request.Context().Done():
		return 0, b.request.Context().Err()
	}
}

func (b *slowBody) Close() error { return nil }

type slowly func(*http.Request) (*http.Response, error)

func (f slowly) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// It may take long, and never falls silent for longer than any answer may take.
func TestReadIntoSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, "https://cloud.example", func(o *cloud.Options) {
			o.Transport = slowly(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &slowBody{r, 60, 10 * time.Second}}, nil
			})
		})
		began := time.Now()
		var into bytes.Buffer
		_, err := c.Read(t.Context(), bridge.Request{Path: "/file", Into: &into})
		if f := failure(t, err); f.Reason != bridge.ReasonNoAnswer || !strings.Contains(f.Message, "took too long") || into.Len() != 60 {
			t.Errorf("%v after %d bytes", f, into.Len())
		}
		if took := time.Since(began); took != 10*time.Minute+15*time.Second {
			t.Errorf("gave up after %v", took)
		}
	})
}
