package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/web"
)

// Who may see the page: the machine itself, who gave the password, and who a
// listed proxy names. Nobody else, however the request is dressed up.
func TestWhoMayEnter(t *testing.T) {
	f := &fake{open: true}
	page, _ := serve(t, f)
	for _, c := range []struct {
		name   string
		host   string
		header http.Header
		want   int
	}{
		{"loopback", "", nil, 200},
		{"foreign name for this machine (rebinding)", "evil.example", nil, 421},
		{"loopback peer, other address as Host", "192.0.2.7:8087", nil, 401},
		{"through a proxy on this machine", "", http.Header{"X-Forwarded-For": {"203.0.113.5"}}, 401},
		{"through a proxy that says Forwarded", "", http.Header{"Forwarded": {"for=203.0.113.5"}}, 401},
		{"a name that nobody listed says", "192.0.2.7", http.Header{"X-Remote-User-Id": {"admin"}}, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := &browser{t: t, host: c.host, header: c.header}
			paths := []string{"/", "/api/v1/status"}
			if c.want != 200 {
				paths = append(paths, "/api/v1/events") // else without end
			}
			for _, path := range paths {
				if got, _, _ := b.do("GET", page+path, nil); got != c.want {
					t.Errorf("GET %s = %d, want %d", path, got, c.want)
				}
			}
			want := c.want
			if want == 200 {
				want = 303
			}
			if got, _, _ := b.do("POST", page+"/accounts/gate/refresh", url.Values{}); got != want {
				t.Errorf("POST refresh = %d, want %d", got, want)
			}
		})
	}
	if len(f.asked) != 1 {
		t.Errorf("%d calls were made, want the one from loopback", len(f.asked))
	}
}

func TestTrustedProxyNamesTheUser(t *testing.T) {
	page, _ := serve(t, &fake{}, func(o *web.Options) { o.TrustedProxies = loopbackPrefixes() })
	b := &browser{t: t, header: http.Header{"X-Forwarded-For": {"203.0.113.5"}}}
	if got, _, _ := b.do("GET", page+"/", nil); got != 401 {
		t.Errorf("a listed proxy without a user: %d, want 401", got)
	}
	b.header.Set("X-Remote-User-Id", "alice")
	if got, _, _ := b.do("GET", page+"/", nil); got != 200 {
		t.Errorf("a listed proxy with a user: %d, want 200", got)
	}
}

func TestPassword(t *testing.T) {
	page, _ := serve(t, &fake{})
	b := &browser{t: t, host: "192.0.2.7"}
	if got, body, _ := b.do("GET", page+"/", nil); got != 401 || !strings.Contains(body, `type="password"`) {
		t.Errorf("locked page: %d\n%s", got, body)
	}
	if got, _, _ := b.do("POST", page+"/session", url.Values{"password": {"wrong"}}); got != 401 {
		t.Errorf("wrong password: %d, want 401", got)
	}
	if got, _, _ := b.do("POST", page+"/session", url.Values{"password": {password}}); got != 303 {
		t.Errorf("right password: %d, want 303", got)
	}
	if got, body, _ := b.do("GET", page+"/", nil); got != 200 || !strings.Contains(body, "Front &lt;gate&gt;") {
		t.Errorf("opened page: %d\n%s", got, body)
	}
	b.do("POST", page+"/session/end", url.Values{})
	b.cookies = map[string]string{"latchkey_page": b.cookies["latchkey_page"]}
	if got, _, _ := b.do("GET", page+"/", nil); got != 401 {
		t.Errorf("after leaving: %d, want 401", got)
	}
	for range 12 {
		b.do("POST", page+"/session", url.Values{"password": {"wrong"}})
	}
	if got, _, _ := b.do("POST", page+"/session", url.Values{"password": {password}}); got != 429 {
		t.Errorf("after many wrong passwords: %d, want 429", got)
	}
}

func TestNoPasswordNeverOpens(t *testing.T) {
	page, _ := serve(t, &fake{}, func(o *web.Options) { o.Password = bridge.Secret{} })
	b := &browser{t: t, host: "192.0.2.7"}
	if got, _, _ := b.do("POST", page+"/session", url.Values{"password": {""}}); got != 401 {
		t.Errorf("empty password on a page without one: %d, want 401", got)
	}
}

// Another site's page cannot press our buttons.
func TestCrossOriginPostIsRefused(t *testing.T) {
	f := &fake{}
	page, _ := serve(t, f)
	b := &browser{t: t, header: http.Header{"Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://evil.example"}}}
	for _, path := range []string{"/accounts/gate/refresh", "/accounts/gate/logout", "/session"} {
		if got, _, _ := b.do("POST", page+path, url.Values{}); got != 403 {
			t.Errorf("POST %s from another site: %d, want 403", path, got)
		}
	}
	if len(f.asked) != 0 {
		t.Error("a call was made")
	}
}

func TestEveryAnswerIsSecured(t *testing.T) {
	page, _ := serve(t, &fake{})
	for _, path := range []string{"/", "/oauth/callback", "/style.css", "/icon.svg", "/nothing", "/healthz"} {
		_, _, h := (&browser{t: t}).do("GET", page+path, nil)
		if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("GET %s: headers %v", path, h)
		}
	}
}

func TestHealthAndMetrics(t *testing.T) {
	f := &fake{}
	page, _ := serve(t, f)
	b := &browser{t: t}
	if got, _, _ := b.do("GET", page+"/healthz", nil); got != 200 {
		t.Errorf("healthz without a broker: %d, want 200: it is liveness alone", got)
	}
	if got, _, _ := b.do("GET", page+"/readyz", nil); got != 503 {
		t.Errorf("readyz without a broker: %d, want 503", got)
	}
	f.mu.Lock()
	f.open = true
	f.mu.Unlock()
	if got, _, _ := b.do("GET", page+"/readyz", nil); got != 200 {
		t.Errorf("readyz with a broker: %d, want 200", got)
	}
	got, body, _ := b.do("GET", page+"/metrics", nil)
	if got != 200 || !strings.Contains(body, `latchkey_commands_total{reason="ok"} 3`) || !strings.Contains(body, "go_goroutines") {
		t.Errorf("metrics: %d\n%s", got, body)
	}
}

// web.metrics: who may scrape, beside the machine itself.
func TestWhoMayScrape(t *testing.T) {
	for _, c := range []struct {
		mode            string
		loopback, guest int
		signedIn        int
	}{
		{"", 200, 401, 401},
		{"loopback", 200, 401, 401},
		{"signed_in", 200, 401, 200},
		{"open", 200, 200, 200},
	} {
		t.Run(c.mode, func(t *testing.T) {
			page, _ := serve(t, &fake{}, func(o *web.Options) { o.Metrics = c.mode })
			guest, person := &browser{t: t, host: "192.0.2.7"}, &browser{t: t, host: "192.0.2.7"}
			person.do("POST", page+"/session", url.Values{"password": {password}})
			for b, want := range map[*browser]int{{t: t}: c.loopback, guest: c.guest, person: c.signedIn} {
				if got, _, _ := b.do("GET", page+"/metrics", nil); got != want {
					t.Errorf("as %+v: %d, want %d", b, got, want)
				}
			}
			if got, _, _ := guest.do("GET", page+"/healthz", nil); got != 200 {
				t.Errorf("healthz from elsewhere: %d, want 200", got)
			}
		})
	}
}

func TestPushes(t *testing.T) {
	f := &fake{}
	page, _ := serve(t, f)
	// A vendor comes from outside: foreign Host, no cookie, a key.
	b := &browser{t: t, host: "hooks.example", header: http.Header{"Authorization": {"key=wrong"}}}
	if got, body, _ := b.do("POST", page+"/hooks/doorbird/gate", url.Values{"a": {"b"}}); got != 401 || body != "" {
		t.Errorf("wrong key: %d %q, want 401 and nothing else", got, body)
	}
	b.header.Set("Authorization", "key=right")
	if got, _, _ := b.do("POST", page+"/hooks/doorbird/gate", url.Values{"a": {"b"}}); got != 200 || len(f.pushed) != 1 || f.pushed[0] != "a=b" {
		t.Errorf("right key: %d, pushed %q", got, f.pushed)
	}
	if got, _, _ := b.do("POST", page+"/hooks/other/gate", url.Values{}); got != 404 {
		t.Errorf("unknown vendor: %d, want 404", got)
	}
	if got, _, _ := b.do("POST", page+"/hooks/doorbird/gate", url.Values{"a": {strings.Repeat("x", 70<<10)}}); got != 413 {
		t.Errorf("huge push: %d, want 413", got)
	}
	for secret, want := range map[string]int{"sesame": 200, "guess": 404} {
		for _, method := range []string{"GET", "POST"} {
			if got, _, _ := b.do(method, page+"/hooks/doorbird/gate/"+secret, nil); got != want {
				t.Errorf("%s hook %s: %d, want %d", method, secret, got, want)
			}
		}
	}
}
