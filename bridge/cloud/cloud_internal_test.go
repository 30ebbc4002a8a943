package cloud

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
)

// Whatever a vendor passes, a request stays on its origin's scheme and host and
// below its path.
func FuzzLocate(f *testing.F) {
	for _, path := range []string{"/v1", "", "https://api.example/x", "//evil.example", "@evil.example", "/a/../..", "/%2e%2e/", `/\..`, "/x?y#z", "https://api.example:443/", "https://API.example/v2"} {
		f.Add(path, "n")
	}
	f.Fuzz(func(t *testing.T, path, narrow string) {
		for base, host := range map[string]string{
			"https://api.example/v2":          "api.example",
			"https://{narrow}.api.example/v2": narrow + ".api.example",
		} {
			u, err := locate(newPlace(bridge.Origin{Base: base}), bridge.Request{Path: path, Narrow: narrow})
			if err != nil {
				continue
			}
			sent, err := url.Parse(u.String())
			if err != nil || sent.Scheme != "https" || sent.User != nil || !strings.EqualFold(sent.Hostname(), host) || port(sent) != "443" || hasDots(sent.Path) {
				t.Errorf("%q leads to %s (%v), off %s", path, sent, err, base)
			}
		}
	})
}

// A proxy never sees a bearer in clear: it is not asked for hosts on this machine.
func TestProxy(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://proxy.example:3128")
	t.Setenv("HTTPS_PROXY", "http://proxy.example:3128")
	t.Setenv("NO_PROXY", "")
	for target, want := range map[string]bool{
		"https://cloud.example/": true, "http://127.0.0.1:80/": false, "http://[::1]/": false, "http://localhost/": false, "http://a.localhost/": false,
	} {
		r, err := http.NewRequest("GET", target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if u, err := proxy(r); err != nil || (u != nil) != want {
			t.Errorf("%s: proxy %v (%v), want one: %v", target, u, err, want)
		}
	}
}

// Without GetBody net/http cannot send a command's body again.
func TestBodyCannotBeRewound(t *testing.T) {
	for _, permit := range []*bridge.Permit{nil, bridge.NewPermit(time.Now(), 1)} {
		out := &outgoing{method: "POST", url: &url.URL{Host: "h"}, header: http.Header{}, body: []byte("x"), permit: permit}
		r := out.request(t.Context(), bridge.Bearer{})
		if got, want := r.GetBody != nil, permit == nil; got != want {
			t.Errorf("command %v: GetBody is there: %v, want %v", permit != nil, got, want)
		}
	}
}
