package cloud_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/cloud"
)

// Both ways of asking after a 401, by what the cloud answers to the first and to
// the second token.
func TestRenew(t *testing.T) {
	for _, c := range []struct {
		name    string
		same    bool
		profile bridge.Profile
		first   func(http.ResponseWriter)
		second  int
		read    bridge.Reason
		act     bridge.Reason
		arrived [2]int32 // read, act
	}{
		{"401, then fine", false, bridge.Profile{}, status(401, ""), 200, "ok", "ok", [2]int32{2, 2}},
		{"401 twice", false, bridge.Profile{}, status(401, ""), 401, "rejected", "rejected", [2]int32{2, 2}},
		{"401, then a fault", false, bridge.Profile{}, status(401, ""), 500, "no_answer", "no_answer", [2]int32{2, 2}},
		{"renewing brings nothing new", true, bridge.Profile{}, status(401, ""), 200, "rejected", "rejected", [2]int32{1, 1}},
		{"text in the body", false, bridge.Profile{Renew: "invalid_token"}, status(401, `{"error":"invalid_token"}`), 200, "ok", "ok", [2]int32{2, 2}},
		{"text in the header", false, bridge.Profile{Renew: "invalid_token"}, func(w http.ResponseWriter) {
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
			w.WriteHeader(401)
		}, 200, "ok", "ok", [2]int32{2, 2}},
		{"other text", false, bridge.Profile{Renew: "invalid_token"}, status(401, "no"), 200, "rejected", "rejected", [2]int32{1, 1}},
		{"403", false, bridge.Profile{}, status(403, ""), 200, "rejected", "rejected", [2]int32{1, 1}},
		{"403 of a cloud that mixes them up", false, bridge.Profile{Renew403: true}, status(403, ""), 200, "ok", "rejected", [2]int32{2, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, arrived := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.Header.Get("Authorization"), "1") {
					c.first(w)
				} else {
					w.WriteHeader(c.second)
				}
			})
			client := func() *cloud.Client {
				return open(t, base, func(o *cloud.Options) {
					o.Tokens = &keeper{same: c.same}
					c.profile.Origins = o.Profile.Origins
					o.Profile = c.profile
				})
			}
			_, err := client().Read(t.Context(), bridge.Request{})
			if got := reasonOf(t, err); got != c.read || arrived.Load() != c.arrived[0] {
				t.Errorf("read: %s, %d arrived, want %s, %d", got, arrived.Load(), c.read, c.arrived[0])
			}
			arrived.Store(0)
			_, err = client().Act(command(t.Context()), bridge.Request{})
			if got := reasonOf(t, err); got != c.act || arrived.Load() != c.arrived[1] {
				t.Errorf("act: %s, %d arrived, want %s, %d", got, arrived.Load(), c.act, c.arrived[1])
			}
		})
	}
}

func status(code int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code); _, _ = io.WriteString(w, body) }
}

// A command is not sent again when its deadline is over: not after a slow
// renewal, not after a slow refusal, not after a slow redirect.
func TestSecondSendingWithinDeadline(t *testing.T) {
	for _, c := range []struct {
		name          string
		status        int
		answer, token time.Duration
		want          bridge.Reason
		arrived       int32
	}{
		{"slow renewal", 401, 0, 4600 * time.Millisecond, bridge.ReasonDeadline, 1},
		{"slow 401", 401, 4600 * time.Millisecond, 0, bridge.ReasonDeadline, 1},
		{"slow redirect", 307, 4600 * time.Millisecond, 0, bridge.ReasonRejected, 1},
		{"401 in time", 401, 4 * time.Second, 0, bridge.ReasonOK, 2},
		{"redirect in time", 307, 4 * time.Second, 0, bridge.ReasonOK, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var arrived atomic.Int32
				k := &keeper{}
				cl := bubble(t, func(w http.ResponseWriter, r *http.Request) {
					if arrived.Add(1) > 1 {
						return
					}
					time.Sleep(c.answer)
					k.mu.Lock()
					k.slow = c.token
					k.mu.Unlock()
					w.Header().Set("Location", "/there")
					w.WriteHeader(c.status)
				}, func(o *cloud.Options) {
					o.Tokens = k
					o.Profile.Origins[""] = bridge.Origin{Base: "http://127.0.0.1", Redirect: "127.0.0.1"}
				})
				_, err := cl.Act(command(t.Context()), bridge.Request{})
				if got := reasonOf(t, err); got != c.want || arrived.Load() != c.arrived {
					t.Errorf("got %s, arrived %d times, want %s, %d", got, arrived.Load(), c.want, c.arrived)
				}
			})
		})
	}
}

// T18: a cloud that answers 401 or 403 whatever the token does not make the keeper
// renew at every poll. A command still tries, and the one status does not hide the
// other.
func TestRenewGivesUpOnFreshTokens(t *testing.T) {
	for _, status := range []int{401, 403} {
		synctest.Test(t, func(t *testing.T) {
			k := &keeper{}
			other := 401 + 403 - status
			c := bubble(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/other" {
					w.WriteHeader(other)
					return
				}
				w.WriteHeader(status)
			}, func(o *cloud.Options) { o.Tokens, o.Profile.Renew403 = k, true })
			want := 0
			expect := func(what string, more int) {
				t.Helper()
				if want += more; k.refusals() != want {
					t.Errorf("HTTP %d, %s: renewed %d times, want %d", status, what, k.refusals(), want)
				}
			}
			poll := func(minutes int, path string) {
				for range minutes {
					if _, err := c.Read(t.Context(), bridge.Request{Path: path}); reasonOf(t, err) != bridge.ReasonRejected {
						t.Fatalf("got %v, want rejected", err)
					}
					time.Sleep(time.Minute)
				}
			}
			poll(10, "/")
			expect("ten minutes", 1)
			poll(1, "/")
			expect("eleven minutes", 1)
			poll(1, "/other")
			expect("the other status", 1)
			if status == 401 {
				poll(1, "/")
				expect("a poll with the next token", 1)
				_, _ = c.Act(command(t.Context()), bridge.Request{})
				expect("a command", 1)
			}
		})
	}
}

func TestNarrowedBearer(t *testing.T) {
	var got atomic.Value
	base, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { got.Store(r.Host + " " + r.Header.Get("Authorization")) })
	port := base[strings.LastIndex(base, ":"):]
	c := open(t, base, func(o *cloud.Options) {
		o.Profile.Origins["vms"] = bridge.Origin{Base: "http://{narrow}.relay.localhost" + port, Narrowed: true}
		o.Dial = everywhere(base)
	})
	for _, r := range []struct {
		req  bridge.Request
		want string
	}{
		{bridge.Request{Origin: "vms", Narrow: "sys-1"}, "sys-1.relay.localhost" + port + " Bearer canary:/1sys-1"},
		{bridge.Request{Narrow: "sys-1"}, base[len("http://"):] + " Bearer canary:/1"},
	} {
		if _, err := c.Read(t.Context(), r.req); err != nil || got.Load() != r.want {
			t.Errorf("sent %v (%v), want %s", got.Load(), err, r.want)
		}
	}
	for _, narrow := range []string{"", "a.b", "evil.example/", "x@y", "a:1", "{", strings.Repeat("x", 64)} {
		if _, err := c.Read(t.Context(), bridge.Request{Origin: "vms", Narrow: narrow}); reasonOf(t, err) != bridge.ReasonDenied {
			t.Errorf("narrow %q: %v, want denied", narrow, err)
		}
	}
}

// A cloud that says a dead token by a page, or by a text in a 2xx, is asked once
// more with another one; what it then says is the vendor's to judge. A command is
// never sent again for it.
func TestRenewsOnPageAndText(t *testing.T) {
	for name, c := range map[string]struct {
		profile func(*bridge.Profile)
		dead    string
		renews  int
	}{
		"a page":           {func(p *bridge.Profile) { p.RenewPage = true }, "\n<!doctype html>", 1},
		"a text":           {func(p *bridge.Profile) { p.RenewText = "not valid" }, `{"errors":[{"message":"not valid"}]}`, 1},
		"neither declared": {func(*bridge.Profile) {}, "<!doctype html>", 0},
		"another text":     {func(p *bridge.Profile) { p.RenewPage, p.RenewText = true, "not valid" }, `{"errors":["<"]}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k, sent := &keeper{}, 0
				client := bubble(t, func(w http.ResponseWriter, _ *http.Request) {
					sent++
					_, _ = w.Write([]byte(c.dead))
				}, func(o *cloud.Options) { o.Tokens = k; c.profile(&o.Profile) })
				reply, err := client.Read(t.Context(), bridge.Request{})
				if err != nil || string(reply.Body) != c.dead {
					t.Fatalf("got %q, %v, want the cloud's words", reply.Body, err)
				}
				if k.refusals() != c.renews || sent != 1+c.renews {
					t.Errorf("renewed %d times, sent %d times, want %d renewals", k.refusals(), sent, c.renews)
				}
				if _, err := client.Act(command(t.Context()), bridge.Request{}); err != nil || sent != 2+c.renews {
					t.Errorf("a command: %v, sent %d times in all, want %d", err, sent, 2+c.renews)
				}
			})
		})
	}
}
