package simkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/bridge/simkit"
)

// cloud is a one-door cloud: POST /open moves, answers {"n":1,"token":"t"}.
func cloud(t *testing.T) (kit *simkit.Kit, moved *atomic.Int32, client *http.Client, url string) {
	t.Helper()
	kit, moved = simkit.New("toy", simkit.Rules{}), &atomic.Int32{}
	s := httptest.NewServer(kit.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		moved.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		simkit.JSON(http.StatusOK, map[string]any{"n": 1, "token": "t"}).Send(w)
	})))
	t.Cleanup(s.Close)
	return kit, moved, s.Client(), s.URL
}

func post(c *http.Client, url, body string) (status int, reply string, err error) {
	resp, err := c.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestDeeds(t *testing.T) {
	released := make(chan struct{})
	close(released)
	const whole = `{"n":1,"token":"t"}`
	for _, tt := range []struct {
		name   string
		do     simkit.Deed
		moved  int32
		status int // 0: the connection is cut before the headers
		reply  string
		cut    bool // within the body
	}{
		{"drop before", simkit.DropBefore, 0, 0, "", false},
		{"drop after", simkit.DropAfter, 1, 0, "", false},
		{"cut after headers", simkit.CutAt(0), 1, 200, "", true},
		{"cut at byte 3", simkit.CutAt(3), 1, 200, `{"n`, true},
		{"status", simkit.Status(429, "text/plain", "slow down"), 0, 429, "slow down", false},
		{"no content", simkit.Status(204, "", ""), 0, 204, "", false},
		{"status after", simkit.StatusAfter(503, "", "sorry"), 1, 503, "sorry", false},
		{"html", simkit.HTML(502), 0, 502, "<html><body><h1>502 Bad Gateway</h1></body></html>", false},
		{"slow", simkit.Slow(time.Millisecond, nil), 1, 200, whole, false},
		{"slow, then drop", simkit.Slow(time.Millisecond, simkit.DropBefore), 0, 0, "", false},
		{"trickle", simkit.Trickle(time.Millisecond), 1, 200, whole, false},
		{"hold", simkit.Hold(released, nil), 1, 200, whole, false},
		{"without", simkit.Without("token"), 1, 200, `{"n":1}`, false},
		{"as text", simkit.AsText("n"), 1, 200, `{"n":"1","token":"t"}`, false},
		{"malformed", simkit.Malformed, 1, 200, whole[:len(whole)/2], false},
		{"huge", simkit.Huge(3), 0, 200, "   ", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			kit, moved, client, url := cloud(t)
			kit.Faults.Add(simkit.Fault{On: "POST /open", Do: tt.do})
			status, reply, err := post(client, url+"/open", "")
			if status != tt.status || strings.TrimSpace(reply) != strings.TrimSpace(tt.reply) || (err != nil) != (tt.cut || tt.status == 0) {
				t.Errorf("got %d %q, %v; want %d %q", status, reply, err, tt.status, tt.reply)
			}
			if moved.Load() != tt.moved || kit.Faults.Left() != 0 {
				t.Errorf("moved %d times with %d faults left, want %d and 0", moved.Load(), kit.Faults.Left(), tt.moved)
			}
			if status, reply, err := post(client, url+"/open", ""); status != 200 || !json.Valid([]byte(reply)) || err != nil {
				t.Errorf("the request after it: %d %q, %v, want no fault", status, reply, err)
			}
		})
	}
}

// Half of a body comes at once, the rest when its time has come.
func TestTrickle(t *testing.T) {
	kit, _, client, url := cloud(t)
	kit.Faults.Add(simkit.Fault{Do: simkit.Trickle(time.Hour)})
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	half := make([]byte, resp.ContentLength/2)
	if _, err := io.ReadFull(resp.Body, half); err != nil || !strings.HasPrefix(string(half), `{"n":1`) {
		t.Errorf("got %q, %v", half, err)
	}
	_ = resp.Body.Close() // the client leaves, and so does the deed: goleak
}

func TestStatusHeaders(t *testing.T) {
	kit, _, client, url := cloud(t)
	kit.Faults.Add(simkit.Fault{Do: simkit.Status(429, "", "", "Retry-After", "7")})
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := resp.Header.Get("Retry-After"); got != "7" {
		t.Errorf("Retry-After %q, want 7", got)
	}
}

func TestFaultsChoose(t *testing.T) {
	kit, _, client, url := cloud(t)
	remove := kit.Faults.Add(simkit.Fault{On: "POST /token", Holds: "grant_type=refresh_token", Skip: 1, Times: 2, Do: simkit.Status(500, "", "")})
	kit.Faults.Add(simkit.Fault{On: "/live/*", Times: simkit.Always, Do: simkit.Status(504, "", "")})
	kit.Faults.Add(simkit.Fault{On: "POST /query", Holds: "narrow=1", Do: simkit.Status(418, "", "")})
	for i, step := range []struct {
		path, body string
		want       int
	}{
		{"/token", "grant_type=authorization_code", 200},
		{"/token", "grant_type=refresh_token", 200}, // skipped
		{"/token", "grant_type=refresh_token", 500},
		{"/token", "grant_type=refresh_token", 500},
		{"/token", "grant_type=refresh_token", 200}, // used up
		{"/live/image", "", 504},
		{"/live/image", "", 504},
		{"/live/image/more", "", 200}, // * stops at a slash
		{"/query?narrow=1", "", 418},  // in the query too
	} {
		if got, _, err := post(client, url+step.path, step.body); got != step.want || err != nil {
			t.Errorf("step %d, %s %s: %d, %v, want %d", i, step.path, step.body, got, err, step.want)
		}
	}
	remove() // used up already: no harm
	if got := kit.Faults.Left(); got != 1 {
		t.Errorf("%d faults left, want the lasting one", got)
	}
	kit.Faults.Clear()
	if got, _, _ := post(client, url+"/live/image", ""); got != 200 {
		t.Errorf("after Clear: %d, want 200", got)
	}
}

func TestHoldUntilTheClientLeaves(t *testing.T) {
	kit, moved, client, url := cloud(t)
	kit.Faults.Add(simkit.Fault{Do: simkit.Hold(make(chan struct{}), nil)})
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, url+"/open", nil)
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		left <- err
	}()
	if err := kit.Log.Wait(t.Context(), "POST /open", 1); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-left; err == nil {
		t.Error("the held request was answered")
	}
	if moved.Load() != 0 {
		t.Errorf("moved %d times after the client left, want 0", moved.Load())
	}
}

func TestLog(t *testing.T) {
	kit, _, client, url := cloud(t)
	kit.Faults.Add(simkit.Fault{On: "POST /cut", Do: simkit.DropBefore})
	_, _, _ = post(client, url+"/a?x=1", "k=v")
	_, _, _ = post(client, url+"/cut", "")
	_, _, _ = post(client, url+"/a", "k=w")
	got := kit.Log.Of("POST /a")
	if len(got) != 2 || got[0].Query.Get("x") != "1" || got[0].Form().Get("k") != "v" || got[0].Status != 200 {
		t.Errorf("log of /a: %+v", got)
	}
	if last := kit.Log.Last("/a"); !bytes.Equal(last.Body, []byte("k=w")) {
		t.Errorf("last body %q, want k=w", last.Body)
	}
	if cut := kit.Log.Last("/cut"); cut.Status != 0 || cut.At.IsZero() {
		t.Errorf("cut request logged as %+v, want status 0", cut)
	}
	if kit.Log.Count("GET /a") != 0 || kit.Log.Count("") != 3 {
		t.Errorf("counted %d GETs and %d in all, want 0 and 3", kit.Log.Count("GET /a"), kit.Log.Count(""))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := kit.Log.Wait(ctx, "/a", 3); err == nil || !strings.Contains(err.Error(), "2 of 3") {
		t.Errorf("waiting in vain: %v, want 2 of 3", err)
	}
	kit.Log.Reset()
	if kit.Log.Count("") != 0 {
		t.Error("requests left after Reset")
	}
}

func TestBodyLimit(t *testing.T) {
	_, moved, client, url := cloud(t)
	if status, _, err := post(client, url+"/open", strings.Repeat("x", 1<<20+1)); status != 413 || err != nil || moved.Load() != 0 {
		t.Errorf("got %d, %v, moved %d times, want 413 and 0", status, err, moved.Load())
	}
}

// A handler that takes the connection over (a WebSocket) and one that streams
// work through the log.
func TestWrapHijackAndFlush(t *testing.T) {
	kit := simkit.New("toy", simkit.Rules{})
	s := httptest.NewServer(kit.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			_, _ = io.WriteString(w, "one")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 299 Taken over\r\nContent-Length: 0\r\n\r\n")
		_ = conn.Close()
	})))
	defer s.Close()
	resp, err := s.Client().Get(s.URL + "/ws")
	if err != nil || resp.StatusCode != 299 {
		t.Fatalf("got %v, %v, want 299", resp, err)
	}
	_ = resp.Body.Close()
	resp, err = s.Client().Get(s.URL + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 3)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "one" {
		t.Errorf("streamed %q, %v, want one", first, err)
	}
	_ = resp.Body.Close()
}
