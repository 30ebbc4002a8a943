package bridgetest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"

	"latchkey/bridge"
)

// FakeCloud is a [bridge.Cloud] of one function, which writes down what is asked.
// A write takes the permit, as the real one does.
type FakeCloud struct {
	// Answer gets requests whose method is filled in; nil: 200 and nothing.
	Answer func(bridge.Request) (bridge.Reply, error)

	sim *simulated
	mu  sync.Mutex
	log []string
}

// Answers gives the same body to everything.
func Answers(body string) *FakeCloud {
	return &FakeCloud{Answer: func(bridge.Request) (bridge.Reply, error) {
		return bridge.Reply{Status: http.StatusOK, Type: "application/json", Body: []byte(body)}, nil
	}}
}

// ByPath answers known paths, 404 to others.
func ByPath(bodies map[string]string) *FakeCloud {
	return &FakeCloud{Answer: func(r bridge.Request) (bridge.Reply, error) {
		if body, ok := bodies[r.Path]; ok {
			return bridge.Reply{Status: http.StatusOK, Type: "application/json", Body: []byte(body)}, nil
		}
		return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Status: http.StatusNotFound, Message: "the cloud does not know it"}
	}}
}

// Simulated is the cloud of a simulator's handler at an address: one exchange
// without a socket, nothing repeated, the reasons of hazards section 4.1.
func Simulated(h http.Handler, base, token string) *FakeCloud {
	return &FakeCloud{sim: &simulated{h, base, token}}
}

type simulated struct {
	handler     http.Handler
	base, token string
}

// Read implements [bridge.Cloud].
func (f *FakeCloud) Read(ctx context.Context, r bridge.Request) (bridge.Reply, error) {
	return f.do(ctx, "read", http.MethodGet, r)
}

// Act implements [bridge.Cloud].
func (f *FakeCloud) Act(ctx context.Context, r bridge.Request) (bridge.Reply, error) {
	if err := bridge.Take(ctx); err != nil {
		return bridge.Reply{}, err
	}
	return f.do(ctx, "act", http.MethodPost, r)
}

func (f *FakeCloud) do(ctx context.Context, what, method string, r bridge.Request) (bridge.Reply, error) {
	if r.Method == "" {
		r.Method = method
	}
	f.mu.Lock()
	f.log = append(f.log, what+" "+written(r))
	f.mu.Unlock()
	switch {
	case f.sim != nil:
		return f.sim.exchange(ctx, r)
	case f.Answer == nil:
		return bridge.Reply{Status: http.StatusOK}, nil
	}
	return f.Answer(r)
}

// written is a request on one line: what it names, and nothing else.
func written(r bridge.Request) string {
	line := r.Method + " " + r.Path
	if len(r.Query) > 0 {
		line += "?" + url.Values(r.Query).Encode()
	}
	for _, part := range [][2]string{{"origin", r.Origin}, {"narrow", r.Narrow}, {"lane", r.Lane}, {"media", r.Media}, {"accept", r.Accept}} {
		if part[1] != "" {
			line += fmt.Sprintf(" %s=%q", part[0], part[1])
		}
	}
	if r.Limit != 0 {
		line += fmt.Sprint(" limit=", r.Limit)
	}
	if r.JSON != nil {
		line += fmt.Sprintf(" body=%s", r.JSON)
	}
	return line
}

// Asked returns the requests so far, one a line: "read GET /metadata".
func (f *FakeCloud) Asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// Forget forgets the requests so far.
func (f *FakeCloud) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = nil
}

// Acts are the writes among the requests.
func (f *FakeCloud) Acts() []string {
	return slices.DeleteFunc(f.Asked(), func(line string) bool { return !strings.HasPrefix(line, "act") })
}

func (s *simulated) exchange(ctx context.Context, r bridge.Request) (reply bridge.Reply, err error) {
	body, _ := r.JSON.([]byte)
	target := r.Path
	if !strings.Contains(target, "://") {
		target = s.base + target
	}
	if len(r.Query) > 0 {
		target += "?" + url.Values(r.Query).Encode()
	}
	req := httptest.NewRequestWithContext(ctx, r.Method, target, bytes.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+s.token)
	for _, h := range [][3]string{{"Accept", r.Accept, "application/json"}, {"Content-Type", r.Media, "application/json"}} {
		if h[1] == "" {
			h[1] = h[2]
		}
		if body != nil || h[0] == "Accept" {
			req.Header.Set(h[0], h[1])
		}
	}
	w := httptest.NewRecorder()
	defer func() {
		if recover() != nil { // the simulator cut the connection
			err = &bridge.Failure{Reason: bridge.ReasonNoAnswer, Message: "cut"}
		}
	}()
	s.handler.ServeHTTP(w, req)
	media, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	reason := bridge.ReasonNoAnswer
	switch {
	case ctx.Err() != nil:
		return reply, &bridge.Failure{Reason: bridge.ReasonNoAnswer, Message: "cut"}
	case w.Code/100 == 2 && r.Into != nil:
		_, err := r.Into.Write(w.Body.Bytes())
		return bridge.Reply{Status: w.Code, Type: media}, err
	case w.Code/100 == 2:
		return bridge.Reply{Status: w.Code, Type: media, Body: w.Body.Bytes()}, nil
	case w.Code == http.StatusTooManyRequests:
		reason = bridge.ReasonRateLimited
	case w.Code/100 == 4 && w.Code != http.StatusRequestTimeout:
		reason = bridge.ReasonRejected
	}
	return reply, &bridge.Failure{Reason: reason, Status: w.Code, Message: "refused", Detail: w.Body.Bytes()}
}
