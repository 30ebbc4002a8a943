package cloud_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/cloud"
)

// everywhere dials one server whatever the name: hosts below .localhost need no
// name server then.
func everywhere(base string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, strings.TrimPrefix(base, "http://"))
	}
}

func TestRedirects(t *testing.T) {
	const declared = "http://node7.vms.localhost/x"
	for _, c := range []struct {
		name, method string
		status       int
		location     string
		hops         int // redirects before the 200
		read, act    bridge.Reason
	}{
		{"same host", "GET", 302, "/x", 1, "ok", "no_answer"},
		{"same host, absolute", "GET", 307, "http://relay.vms.localhost/x", 1, "ok", "ok"},
		{"same host, POST", "POST", 302, "/x", 1, "no_answer", "no_answer"},
		{"declared", "GET", 307, declared, 1, "ok", "ok"},
		{"declared, POST", "POST", 307, declared, 1, "ok", "ok"},
		{"declared, permanent", "POST", 308, declared, 1, "ok", "ok"},
		{"declared, but not 307", "GET", 302, declared, 1, "ok", "no_answer"},
		{"five hops", "POST", 307, declared, 5, "ok", "ok"},
		{"six hops", "POST", 307, declared, 6, "rejected", "rejected"},
		{"foreign", "POST", 307, "http://evil.localhost/x", 1, "rejected", "rejected"},
		{"foreign, read by GET", "GET", 302, "https://evil.example/x", 1, "no_answer", "no_answer"},
		{"looks declared", "POST", 307, "http://evilvms.localhost/x", 1, "rejected", "rejected"},
		{"other port", "GET", 302, "http://relay.vms.localhost:81/x", 1, "ok", "no_answer"},
		{"in clear off this machine", "POST", 307, "http://node7.vms.example/x", 1, "rejected", "rejected"},
		{"user info", "POST", 307, "http://a:b@node7.vms.localhost/x", 1, "rejected", "rejected"},
		{"no location", "POST", 307, "", 1, "rejected", "rejected"},
		{"bad location", "POST", 307, "http://[", 1, "rejected", "rejected"},
		{"other scheme", "POST", 307, "ftp://node7.vms.localhost/", 1, "rejected", "rejected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var mu sync.Mutex
			var seen []string
			base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, fmt.Sprintf("%s %s %s %s %s", r.Method, r.Host, r.URL.Path, r.Header.Get("Authorization"), body))
				if len(seen) <= c.hops {
					w.Header().Set("Location", c.location)
					w.WriteHeader(c.status)
				}
			})
			client := open(t, "http://relay.vms.localhost", func(o *cloud.Options) {
				o.Profile.Origins[""] = bridge.Origin{Base: "http://relay.vms.localhost", Redirect: "vms.localhost"}
				o.Dial = everywhere(base)
			})
			for who, ask := range map[string]func() (bridge.Reply, error){
				"read": func() (bridge.Reply, error) {
					return client.Read(t.Context(), bridge.Request{Method: c.method, Path: "/start", JSON: 1})
				},
				"act": func() (bridge.Reply, error) {
					return client.Act(command(t.Context()), bridge.Request{Method: c.method, Path: "/start", JSON: 1})
				},
			} {
				seen = nil
				want := c.read
				if who == "act" {
					want = c.act
				}
				_, err := ask()
				if got := reasonOf(t, err); got != want {
					t.Errorf("%s: %s (%v), want %s", who, got, err, want)
				}
				for i, s := range seen {
					host, path := "relay.vms.localhost", "/start"
					if i > 0 {
						path = "/x"
						if strings.HasPrefix(c.location, "http") {
							host = strings.TrimSuffix(strings.TrimPrefix(c.location, "http://"), "/x")
						}
					}
					if want := fmt.Sprintf("%s %s %s Bearer canary:/1 1", c.method, host, path); s != want {
						t.Errorf("%s, request %d: %s, want %s", who, i+1, s, want)
					}
				}
				if wanted := 1 + min(c.hops, 5); want == bridge.ReasonOK && len(seen) != wanted {
					t.Errorf("%s: %d requests, want %d", who, len(seen), wanted)
				}
			}
		})
	}
}

// A node is asked directly while it answers; commands never go out twice for it.
func TestNodeIsRemembered(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	answer := 200
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Method+" "+r.Host)
		if r.Host == "relay.vms.localhost" {
			w.Header().Set("Location", "http://node7.vms.localhost"+r.RequestURI)
			w.WriteHeader(307)
			return
		}
		w.WriteHeader(answer)
	})
	node := true
	dial := everywhere(base)
	c := open(t, "http://relay.vms.localhost", func(o *cloud.Options) {
		o.Profile.Origins[""] = bridge.Origin{Base: "http://relay.vms.localhost", Redirect: "vms.localhost"}
		o.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if !node && strings.HasPrefix(addr, "node7") {
				return nil, io.EOF
			}
			return dial(ctx, network, addr)
		}
	})
	step := func(name string, want bridge.Reason, requests ...string) {
		t.Helper()
		seen = nil
		_, err := c.Act(command(t.Context()), bridge.Request{Path: "/io?x=1"})
		if got := reasonOf(t, err); got != want {
			t.Errorf("%s: %s (%v), want %s", name, got, err, want)
		}
		if diff := cmp.Diff(requests, seen); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	const relay, there = "POST relay.vms.localhost", "POST node7.vms.localhost"
	step("first", bridge.ReasonOK, relay, there)
	step("remembered", bridge.ReasonOK, there)
	answer = 503
	step("the node fails", bridge.ReasonNoAnswer, there)
	answer = 200
	step("forgotten", bridge.ReasonOK, relay, there)
	c.Close()
	node = false
	step("the node is gone, the relay too knows no better", bridge.ReasonNotSent, relay)
	node = true
	step("back", bridge.ReasonOK, relay, there)
}

// Without a declared domain no host but the origin's ever sees the bearer.
func TestRedirectUndeclared(t *testing.T) {
	foreign, visits := serve(t, func(http.ResponseWriter, *http.Request) {})
	base, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, foreign+"/", http.StatusTemporaryRedirect)
	})
	c := open(t, base)
	if _, err := c.Read(t.Context(), bridge.Request{}); reasonOf(t, err) != bridge.ReasonRejected {
		t.Errorf("read: %v, want rejected", err)
	}
	if _, err := c.Act(command(t.Context()), bridge.Request{}); reasonOf(t, err) != bridge.ReasonRejected {
		t.Errorf("act: %v, want rejected", err)
	}
	if visits.Load() != 0 {
		t.Errorf("the foreign host was asked %d times", visits.Load())
	}
}

// An https origin is never left for plain http, not even on this machine.
func TestRedirectKeepsTLS(t *testing.T) {
	plain, visits := serve(t, func(http.ResponseWriter, *http.Request) {})
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(plain, "127.0.0.1", "localhost", 1), http.StatusTemporaryRedirect)
	}))
	defer s.Close()
	c := open(t, s.URL, func(o *cloud.Options) {
		o.Transport = s.Client().Transport
		o.Profile.Origins[""] = bridge.Origin{Base: s.URL, Redirect: "localhost"}
	})
	if _, err := c.Act(command(t.Context()), bridge.Request{}); reasonOf(t, err) != bridge.ReasonRejected || visits.Load() != 0 {
		t.Errorf("got %v, %d visits, want rejected, none", err, visits.Load())
	}
}

func TestRefusedUnsent(t *testing.T) {
	base, arrived := serve(t, func(http.ResponseWriter, *http.Request) {})
	port := base[strings.LastIndex(base, ":"):]
	for name, req := range map[string]bridge.Request{
		"foreign host":       {Path: "https://evil.example/"},
		"foreign name":       {Path: "http://localhost" + port + "/"},
		"other port":         {Path: "http://127.0.0.1:1/"},
		"other scheme":       {Path: strings.Replace(base, "http", "https", 1) + "/"},
		"user info":          {Path: strings.Replace(base, "//", "//a@", 1) + "/"},
		"no slash":           {Path: "v1"},
		"host glued on":      {Path: "@evil.example/"},
		"port glued on":      {Path: ":1/"},
		"suffix glued on":    {Path: ".evil.example/"},
		"dots":               {Path: "/a/../../b"},
		"escaped dots":       {Path: "/%2e%2E/b"},
		"escaped slash dots": {Path: "/a%2f..%2fb"},
		"backslash dots":     {Path: `/a\..\b`},
		"bad escape":         {Path: "/%zz"},
		"control character":  {Path: "/a\nb"},
		"unknown origin":     {Origin: "other"},
		"method":             {Method: "GET /x", Path: "/"},
		"lower-case method":  {Method: "get", Path: "/"},
		"body":               {Method: "POST", JSON: func() {}},
	} {
		c := open(t, base)
		want := bridge.ReasonDenied
		if name == "body" {
			want = bridge.ReasonMalformed
		}
		if _, err := c.Read(t.Context(), req); reasonOf(t, err) != want {
			t.Errorf("%s: read got %v, want %s", name, err, want)
		}
		ctx := command(t.Context())
		if _, err := c.Act(ctx, req); reasonOf(t, err) != want || bridge.PermitOf(ctx).Taken() {
			t.Errorf("%s: act got %v, want %s and the permit left", name, err, want)
		}
	}
	for _, bad := range []string{"http://cloud.example", "ftp://cloud.example", "cloud.example", "", "http://127.0.0.1.evil.example", "http://[", "http://localhost.evil.example"} {
		if _, err := open(t, bad).Read(t.Context(), bridge.Request{Path: "/"}); reasonOf(t, err) != bridge.ReasonDenied {
			t.Errorf("base %q: %v, want denied", bad, err)
		}
	}
	if arrived.Load() != 0 {
		t.Errorf("%d requests were sent", arrived.Load())
	}
}
