package simkit

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// keptRequests bounds the log; the oldest requests go first.
const keptRequests = 4096

// Seen is one request as it arrived. Status is 0 until it is answered, and stays
// 0 where the connection was cut before an answer.
type Seen struct {
	At     time.Time
	Method string
	Target string // path and query as they were sent
	Path   string // unescaped
	Query  url.Values
	Header http.Header
	Body   []byte
	Status int
}

// Form reads the body as a form.
func (s Seen) Form() url.Values {
	v, _ := url.ParseQuery(string(s.Body))
	return v
}

// Log holds the newest 4096 requests. On says which: "POST /auth/token", a
// method and a path.Match pattern; "/auth/token" is any method, "" any request.
type Log struct {
	mu    sync.Mutex
	all   []*Seen
	grown chan struct{} // closed and replaced when a request arrives
}

func newLog() *Log { return &Log{grown: make(chan struct{})} }

func (l *Log) add(r *http.Request, body []byte) (done func(status int)) {
	s := &Seen{At: time.Now(), Method: r.Method, Target: r.RequestURI, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header.Clone(), Body: body}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.all) == keptRequests {
		l.all = slices.Delete(l.all, 0, keptRequests/4)
	}
	l.all = append(l.all, s)
	close(l.grown)
	l.grown = make(chan struct{})
	return func(status int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		s.Status = status
	}
}

// Of returns the requests that match, oldest first.
func (l *Log) Of(on string) []Seen {
	seen, _ := l.of(on)
	return seen
}

// Count is the number of requests that match.
func (l *Log) Count(on string) int { return len(l.Of(on)) }

// Last is the newest request that matches, the zero Seen if there is none.
func (l *Log) Last(on string) Seen {
	seen := l.Of(on)
	if len(seen) == 0 {
		return Seen{}
	}
	return seen[len(seen)-1]
}

// Wait returns once n requests that match have arrived, answered or not.
func (l *Log) Wait(ctx context.Context, on string, n int) error {
	for {
		seen, grown := l.of(on)
		if len(seen) >= n {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d requests %q arrived: %w", len(seen), n, on, context.Cause(ctx))
		}
	}
}

// Reset forgets all requests.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = nil
}

func (l *Log) of(on string) ([]Seen, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Seen
	for _, s := range l.all {
		if matches(on, s.Method, s.Path) {
			out = append(out, *s)
		}
	}
	return out, l.grown
}

// matches panics on a malformed pattern: it is written in a test or simulator.
func matches(on, method, urlPath string) bool {
	if on == "" {
		return true
	}
	m, pattern, found := strings.Cut(on, " ")
	if !found {
		m, pattern = "", on
	}
	ok, err := path.Match(pattern, urlPath)
	if err != nil {
		panic(fmt.Sprintf("simkit: pattern %q: %v", on, err))
	}
	return ok && (m == "" || m == method)
}
