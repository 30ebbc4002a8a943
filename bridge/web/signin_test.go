package web_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/bridge/web"
)

func loopbackPrefixes() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// The way of a person: page, vendor, callback. The return counts only in the
// browser that began.
func TestSignInInTheBrowser(t *testing.T) {
	f := &fake{}
	page, _ := serve(t, f)
	b := &browser{t: t}
	got, _, h := b.do("GET", page+"/accounts/gate/login", nil)
	if got != 302 || h.Get("Location") != "https://vendor.example/authorize?state=s1" {
		t.Fatalf("login: %d to %q", got, h.Get("Location"))
	}
	cookie := h.Get("Set-Cookie")
	if !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") || !strings.Contains(cookie, "Path=/oauth/") {
		t.Errorf("cookie: %s", cookie)
	}
	if got, body, _ := (&browser{t: t}).do("GET", page+"/oauth/callback?code=good", nil); got != 400 || !strings.Contains(body, "begin again") {
		t.Errorf("return in another browser: %d\n%s", got, body)
	}
	if got, body, _ := b.do("GET", page+"/oauth/callback?code=good&state=s1", nil); got != 200 || !strings.Contains(body, "Front gate is signed in") {
		t.Errorf("return: %d\n%s", got, body)
	}
	if last := f.returned[len(f.returned)-1]; !strings.Contains(last, "state=s1") {
		t.Errorf("the keeper got %v", last)
	}
	if got, _, _ := b.do("GET", page+"/accounts/nobody/login", nil); got != 404 {
		t.Errorf("unknown account: %d, want 404", got)
	}
}

func TestLoginMovesToThePublicHostFirst(t *testing.T) {
	f := &fake{}
	page, _ := serve(t, f, func(o *web.Options) { o.PublicURL = "https://latchkey.example" })
	got, _, h := (&browser{t: t}).do("GET", page+"/accounts/gate/login?ticket=abc", nil)
	if got != 302 || h.Get("Location") != "https://latchkey.example/accounts/gate/login?ticket=abc" || len(f.binds) != 0 {
		t.Errorf("%d to %q, begun %d", got, h.Get("Location"), len(f.binds))
	}
}

// `latchkey login`: a ticket opens the sign-in once, from anywhere, and the
// command learns how it ended.
func TestLoginByTicket(t *testing.T) {
	for _, c := range []struct{ name, code, want string }{
		{"signed in", "good", "Front gate is signed in"},
		{"refused", "bad", "begin again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{}
			page, socket := serve(t, f, func(o *web.Options) { o.PublicURL = "http://latchkey.example" })
			done, err := socket.Login(t.Context(), "gate", func(shown string) {
				at, err := url.Parse(shown)
				if err != nil || at.Host != "latchkey.example" {
					t.Errorf("shown %q", shown)
				}
				b := &browser{t: t, host: "latchkey.example"}
				if got, _, _ := b.do("GET", page+"/accounts/gate/login", nil); got != 401 {
					t.Errorf("without the ticket: %d, want 401", got)
				}
				if got, _, _ := b.do("GET", page+"/accounts/other/login?"+at.RawQuery, nil); got != 401 {
					t.Errorf("the ticket on another account: %d, want 401", got)
				}
				if got, _, _ := b.do("GET", page+at.RequestURI(), nil); got != 302 {
					t.Fatalf("with the ticket: %d, want 302", got)
				}
				if got, _, _ := b.do("GET", page+at.RequestURI(), nil); got != 401 {
					t.Errorf("the ticket once more: %d, want 401", got)
				}
				b.do("GET", page+"/oauth/callback?code="+c.code, nil)
			})
			got := done.Message
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("latchkey login says %q, want %q", got, c.want)
			}
		})
	}
}

func TestPasteAndLogoutAndCall(t *testing.T) {
	f := &fake{}
	_, socket := serve(t, f)
	ctx := t.Context()
	if at, err := socket.PasteURL(ctx, "gate"); err != nil || !strings.HasPrefix(at, "https://vendor.example/") {
		t.Errorf("PasteURL = %q, %v", at, err)
	}
	if done, err := socket.Paste(ctx, "gate", "https://unreachable.example/cb?state=s1&code=good"); err != nil || done.Account != "gate" {
		t.Errorf("Paste = %+v, %v", done, err)
	}
	if _, err := socket.Paste(ctx, "gate", "https://unreachable.example/"); err == nil || !strings.Contains(err.Error(), "begin again") {
		t.Errorf("Paste of what is no return: %v", err)
	}
	if _, err := socket.PasteURL(ctx, "nobody"); err == nil {
		t.Error("PasteURL of an unknown account: no error")
	}
	if bye, err := socket.Logout(ctx, "gate"); err != nil || !bye.Revoked {
		t.Errorf("Logout = %+v, %v", bye, err)
	}
	if result, ok, err := socket.Call(ctx, web.CallAsk{Account: "gate", Name: "cameras"}); err != nil || !ok || !strings.Contains(string(result), `"result":["x"]`) {
		t.Errorf("Call = %s, %v, %v", result, ok, err)
	}
	if _, ok, err := socket.Call(ctx, web.CallAsk{Account: "nobody", Name: "cameras"}); err != nil || ok {
		t.Errorf("Call of an unknown account: ok %v, %v", ok, err)
	}
	if s, err := socket.Status(ctx); err != nil || s.Accounts[0].Token.State != "valid" || s.Accounts[0].Token.ExpiresAt.Unix() != 1795212924 {
		t.Errorf("Status = %+v, %v", s, err)
	}
	if err := socket.Health(ctx); err != nil {
		t.Errorf("Health: %v", err)
	}
}

func TestNoDaemon(t *testing.T) {
	err := web.NewClient(filepath.Join(t.TempDir(), "s")).Health(context.Background())
	if !errors.Is(err, web.ErrNoDaemon) {
		t.Errorf("Health without a daemon: %v, want ErrNoDaemon", err)
	}
}

// A program that serves its own commands has the same client, without a file.
func TestInProcess(t *testing.T) {
	listener, client := web.InProcess()
	page, _ := serve(t, &fake{}, func(o *web.Options) { _ = o.Socket.Close(); o.Socket = listener })
	done, err := client.Login(t.Context(), "gate", func(url string) {
		b := &browser{t: t}
		b.do("GET", url, nil)
		b.do("GET", page+"/oauth/callback?code=good", nil)
	})
	if err != nil || done.Account != "gate" {
		t.Errorf("Login = %+v, %v", done, err)
	}
	listener, client = web.InProcess()
	_ = listener.Close()
	if err := client.Health(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Health after the end: %v, want net.ErrClosed", err)
	}
}

func TestEventsFollowTheStatus(t *testing.T) {
	f := &fake{}
	page, _ := serve(t, f)
	req, err := http.NewRequestWithContext(t.Context(), "GET", page+"/api/v1/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return ""
	}
	if first := next(); !strings.Contains(first, `"open":false`) {
		t.Errorf("first event: %s", first)
	}
	f.mu.Lock()
	f.open = true
	f.mu.Unlock()
	if second := next(); !strings.Contains(second, `"open":true`) {
		t.Errorf("second event: %s", second)
	}
}
