package cloud_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/cloud"
)

func TestReadRequestAndReply(t *testing.T) {
	var got string
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = fmt.Sprintf("%s %s %s|%s|%s|%s|%s|%s", r.Method, r.RequestURI, body,
			r.Header.Get("Authorization"), r.Header.Get("Accept"), r.Header.Get("Content-Type"), r.Header.Get("User-Agent"), r.Header.Get("X-Own"))
		w.Header().Set("Content-Type", "Application/JSON; charset=utf-8")
		w.Header().Add("Set-Cookie", "session=1")
		w.WriteHeader(201)
		_, _ = io.WriteString(w, `{"a":1}`)
	})
	for _, c := range []struct {
		name string
		req  bridge.Request
		want string
	}{
		{"plain", bridge.Request{Path: "/v1/cameras"}, "GET /api/v1/cameras |Bearer canary:/1|application/json||latchkey/1.2.3|"},
		{"no path", bridge.Request{}, "GET /api |Bearer canary:/1|application/json||latchkey/1.2.3|"},
		{"query", bridge.Request{Path: "/x?a=1", Query: map[string][]string{"t": {"1+0"}, "u": {"a", "b"}}}, "GET /api/x?a=1&t=1%2B0&u=a&u=b |Bearer canary:/1|application/json||latchkey/1.2.3|"},
		{"escaped", bridge.Request{Path: "/a%2Fb/%20"}, "GET /api/a%2Fb/%20 |Bearer canary:/1|application/json||latchkey/1.2.3|"},
		{"JSON", bridge.Request{Method: "POST", Path: "/q", JSON: map[string]string{"q": "1"}}, `POST /api/q {"q":"1"}|Bearer canary:/1|application/json|application/json|latchkey/1.2.3|`},
		{"bytes, media, accept", bridge.Request{Method: "PUT", Path: "/q", JSON: []byte("<x/>"), Media: "text/xml", Accept: "image/jpeg"}, `PUT /api/q <x/>|Bearer canary:/1|image/jpeg|text/xml|latchkey/1.2.3|`},
		{"own header, none of ours", bridge.Request{Path: "/q", Header: map[string]string{"x-own": "y", "authorization": "Basic eDp5", "user-agent": "z"}}, `GET /api/q |Bearer canary:/1|application/json||latchkey/1.2.3|y`},
		{"absolute", bridge.Request{Path: base + "/elsewhere?k=v"}, "GET /elsewhere?k=v |Bearer canary:/1|application/json||latchkey/1.2.3|"},
	} {
		t.Run(c.name, func(t *testing.T) {
			reply, err := open(t, base+"/api/").Read(t.Context(), c.req)
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("sent\n%s, want\n%s", got, c.want)
			}
			if diff := cmp.Diff(bridge.Reply{Status: 201, Type: "application/json", Body: []byte(`{"a":1}`)}, reply); diff != "" {
				t.Errorf("reply (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadFailures(t *testing.T) {
	for status, want := range map[int]bridge.Reason{302: bridge.ReasonNoAnswer, 404: bridge.ReasonRejected, 408: bridge.ReasonNoAnswer, 429: bridge.ReasonRateLimited, 500: bridge.ReasonNoAnswer} {
		base, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, `{"code":7,"title":"no"}`)
		})
		_, err := open(t, base).Read(t.Context(), bridge.Request{})
		f := failure(t, err)
		if f.Reason != want || f.Status != status || string(f.Detail) != `{"code":7,"title":"no"}` || strings.Contains(f.Message, "door") {
			t.Errorf("HTTP %d: %+v, want %s with the body", status, f, want)
		}
	}
}

func TestReadLimit(t *testing.T) {
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bomb" {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 100<<20))
			_ = z.Close()
			return
		}
		_, _ = w.Write(bytes.Repeat([]byte("x"), 3<<20))
	})
	c := open(t, base)
	for _, req := range []bridge.Request{{Path: "/"}, {Path: "/", Limit: 3<<20 - 1}, {Path: "/bomb"}} {
		_, err := c.Read(t.Context(), req)
		if f := failure(t, err); f.Reason != bridge.ReasonNoAnswer || !strings.Contains(f.Message, "longer than allowed") {
			t.Errorf("limit %d: %s %q, want no_answer, longer than allowed", req.Limit, f.Reason, f.Message)
		}
	}
	if reply, err := c.Read(t.Context(), bridge.Request{Path: "/", Limit: 3 << 20}); err != nil || len(reply.Body) != 3<<20 {
		t.Errorf("at the limit: %d bytes, %v", len(reply.Body), err)
	}
}

func TestReadPace(t *testing.T) {
	pace := func(o *cloud.Options) {
		o.Profile.Pace = map[string]bridge.Pace{"slow": {Every: 2 * time.Second, InFlight: 1}, "wide": {InFlight: 3}}
	}
	t.Run("starts keep their distance", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			var mu sync.Mutex
			var at []time.Duration
			c := bubble(t, func(http.ResponseWriter, *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				at = append(at, time.Since(start))
				time.Sleep(500 * time.Millisecond)
			}, pace)
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if _, err := c.Read(t.Context(), bridge.Request{Lane: "slow"}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if diff := cmp.Diff([]time.Duration{0, 2 * time.Second, 4 * time.Second, 6 * time.Second}, at); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("lanes do not wait for each other, commands for none", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var now, most atomic.Int32
			c := bubble(t, func(_ http.ResponseWriter, r *http.Request) {
				n := now.Add(1)
				defer now.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				if r.Method == "GET" {
					time.Sleep(10 * time.Second)
				}
			}, pace)
			var wg sync.WaitGroup
			for range 6 {
				wg.Go(func() { _, _ = c.Read(t.Context(), bridge.Request{Lane: "wide"}) })
			}
			wg.Go(func() { _, _ = c.Read(t.Context(), bridge.Request{Lane: "slow"}) })
			time.Sleep(time.Second)
			start := time.Now()
			if _, err := c.Act(command(t.Context()), bridge.Request{}); err != nil || time.Since(start) > 0 {
				t.Errorf("the command took %s: %v", time.Since(start), err)
			}
			wg.Wait()
			if most.Load() != 5 { // three of wide, one of slow, the command
				t.Errorf("at most %d requests at once, want 5", most.Load())
			}
		})
	})
	t.Run("waiting ends with the context", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := bubble(t, func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) }, pace)
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = c.Read(t.Context(), bridge.Request{Lane: "slow"}) })
			synctest.Wait()
			for _, d := range []time.Duration{500 * time.Millisecond, 1100 * time.Millisecond} { // for the slot, for the pace
				ctx, cancel := context.WithTimeout(t.Context(), d)
				defer cancel()
				if _, err := c.Read(ctx, bridge.Request{Lane: "slow"}); reasonOf(t, err) != bridge.ReasonDeadline {
					t.Errorf("got %v, want deadline", err)
				}
			}
			wg.Wait()
		})
	})
	t.Run("an unknown lane is refused", func(t *testing.T) {
		if _, err := open(t, "https://cloud.example").Read(t.Context(), bridge.Request{Lane: "other"}); reasonOf(t, err) != bridge.ReasonDenied {
			t.Errorf("got %v, want denied", err)
		}
	})
}

// A command cancels the reads of a yielding lane; they come again after it.
func TestReadYields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var log []string
		note := func(s string) {
			mu.Lock()
			defer mu.Unlock()
			log = append(log, fmt.Sprint(time.Since(start), " ", s))
		}
		c := bubble(t, func(_ http.ResponseWriter, r *http.Request) {
			note(r.Method + " " + r.URL.Path)
			select {
			case <-time.After(3 * time.Second):
				note(r.URL.Path + " done")
			case <-r.Context().Done():
				note(r.URL.Path + " left")
			}
		}, func(o *cloud.Options) {
			o.Profile.Pace = map[string]bridge.Pace{"": {Yields: true}, "stays": {}}
		})
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := c.Read(t.Context(), bridge.Request{Path: "/poll"}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			time.Sleep(2 * time.Second) // while the command is on its way
			if _, err := c.Read(t.Context(), bridge.Request{Path: "/late"}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			time.Sleep(1500 * time.Millisecond)
			if _, err := c.Read(t.Context(), bridge.Request{Lane: "stays", Path: "/stays"}); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second)
		if _, err := c.Act(command(t.Context()), bridge.Request{Path: "/open"}); err != nil {
			t.Error(err)
		}
		wg.Wait()
		mu.Lock()
		defer mu.Unlock()
		want := []string{"0s GET /poll", "1s /poll left", "1s POST /open", "1.5s GET /stays", "4s /open done"}
		if diff := cmp.Diff(want, sorted(log[:5])); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if rest := strings.Join(log[5:], ","); !strings.Contains(rest, "4s GET /poll") || !strings.Contains(rest, "4s GET /late") || strings.Contains(rest, "left") {
			t.Errorf("after the command: %s, want both reads", rest)
		}
	})
}

// sorted puts what happens at the same instant into a fixed order.
func sorted(log []string) []string {
	if len(log) > 2 && log[1] > log[2] {
		log[1], log[2] = log[2], log[1]
	}
	return log
}

func TestReadHeldAfter429(t *testing.T) {
	for _, c := range []struct {
		name   string
		header map[string]string
		status int
		held   time.Duration
	}{
		{"seconds", map[string]string{"Retry-After": "120"}, 429, 120 * time.Second},
		{"date against the reply's own date", map[string]string{"Retry-After": "Fri, 01 Jan 2027 00:01:30 GMT", "Date": "Fri, 01 Jan 2027 00:00:00 GMT"}, 429, 90 * time.Second},
		{"nothing said", nil, 429, 30 * time.Second},
		{"nonsense", map[string]string{"Retry-After": "soon"}, 429, 30 * time.Second},
		{"too long", map[string]string{"Retry-After": "2000000000"}, 429, time.Hour},
		{"503 that says when", map[string]string{"Retry-After": "7"}, 503, 7 * time.Second},
		{"503", nil, 503, 0},
		{"500 with Retry-After", map[string]string{"Retry-After": "7"}, 500, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var arrived atomic.Int32
				cl := bubble(t, func(w http.ResponseWriter, r *http.Request) {
					arrived.Add(1)
					if arrived.Load() == 1 {
						for k, v := range c.header {
							w.Header().Set(k, v)
						}
						w.WriteHeader(c.status)
					}
				})
				if _, err := cl.Read(t.Context(), bridge.Request{}); err == nil {
					t.Fatal("the first read succeeded")
				}
				if c.held > 0 {
					time.Sleep(c.held - time.Millisecond)
					_, err := cl.Read(t.Context(), bridge.Request{})
					if f := failure(t, err); f.Reason != bridge.ReasonRateLimited || f.Status != 0 || arrived.Load() != 1 {
						t.Errorf("just before: %+v, %d arrived, want rate_limited, 1", f, arrived.Load())
					}
					if _, err := cl.Act(command(t.Context()), bridge.Request{}); err != nil {
						t.Errorf("a command is held: %v", err)
					}
					time.Sleep(time.Millisecond)
				}
				if _, err := cl.Read(t.Context(), bridge.Request{}); err != nil {
					t.Errorf("after %s: %v", c.held, err)
				}
			})
		})
	}
}
