package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a daemon with one account whose vendor does not echo state.
type fake struct {
	mu       sync.Mutex
	asked    []web.CallAsk
	pushed   []string
	returned []string
	binds    []string // given to Begin
	other    bool     // the sign-in is of another station
	open     bool     // the broker link
}

func (f *fake) Status() web.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return web.Status{Version: "1.2.3", Instance: "home", MQTT: web.LinkStatus{Broker: "mqtt://127.0.0.1:1883", Open: f.open}, Accounts: []web.AccountStatus{{ID: "gate", Name: `Front <gate>`, Vendor: "doorbird", Online: true,
		Token:   bridge.Health{State: bridge.Valid, UserAction: bridge.ActionNone, ExpiresAt: time.Unix(1795212924, 0)},
		Devices: []web.DeviceStatus{{ID: "1ccae3a1b2c3", Name: "Station", Online: true, Entities: []web.EntityStatus{{ID: "label", Name: "Label", Kind: bridge.Sensor, Value: "x"}}}}}},
		Commands: []bridge.Result{{Account: "gate", Action: "relay", Reason: bridge.ReasonOK, Message: "opened"}}}
}

func (f *fake) Call(_ context.Context, source string, ask web.CallAsk) bridge.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, ask)
	if ask.Account != "gate" {
		return bridge.Result{Account: ask.Account, Action: ask.Name, Reason: bridge.ReasonUnknownTarget, Message: "no such account"}
	}
	return bridge.Result{Account: ask.Account, Action: ask.Name, Reason: bridge.ReasonOK, Message: source, Data: []byte(`["x"]`)}
}

func (f *fake) Logout(_ context.Context, account string) (web.Farewell, error) {
	if account != "gate" {
		return web.Farewell{}, errors.New("no account is called " + account)
	}
	return web.Farewell{Revoked: true, Message: "revoked and forgotten"}, nil
}

func (f *fake) Begin(account, bind string) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if account != "gate" {
		return "", errors.New("no account is called " + account)
	}
	f.binds = append(f.binds, bind)
	return "https://vendor.example/authorize?state=s1", nil
}

func (f *fake) Finish(_ context.Context, account, back, bind string) (web.SignedIn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.returned = append(f.returned, back)
	if !strings.Contains(back, "code=good") || account == "" && (len(f.binds) == 0 || bind != f.binds[len(f.binds)-1]) {
		return web.SignedIn{Account: "gate"}, errors.New("this sign-in is unknown or over: begin again")
	}
	return web.SignedIn{Account: "gate", Other: f.other, Message: "Front gate is signed in"}, nil
}

func (f *fake) Confirm(context.Context, string) error { return nil }

func (f *fake) Push(vendor, account, authorization string, body []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if authorization != "key=right" {
		return web.ErrPushKey
	}
	if vendor != "doorbird" {
		return errors.New("no such account")
	}
	f.pushed = append(f.pushed, string(body))
	return nil
}

func (f *fake) Hook(_, _, secret string, _ url.Values, _ []byte) error {
	if secret != "sesame" {
		return errors.New("unknown")
	}
	return nil
}

const password = "CANARY-page-password"

// serve runs a web.Server over the fake and returns the page's URL and a client
// of the socket.
func serve(t *testing.T, f *fake, change ...func(*web.Options)) (page string, socket *web.Client) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "lk") // short: the path of a unix socket holds 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	unix, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	o := web.Options{Listener: tcp, Socket: unix, PublicURL: "http://" + tcp.Addr().String(), Password: bridge.NewSecret(password), Version: "1.2.3",
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Daemon: f, SignIn: f, Push: f, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Samples: func() []web.Metric {
			return []web.Metric{{Name: "latchkey_commands_total", Help: "Commands.", Counter: true, Labels: []web.Label{{Name: "reason", Value: "ok"}}, Value: 3}}
		}}
	for _, c := range change {
		c(&o)
	}
	s, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		_ = os.RemoveAll(dir)
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
	return "http://" + tcp.Addr().String(), web.NewClient(path)
}

// browser keeps cookies and does not follow redirects.
type browser struct {
	t       *testing.T
	cookies map[string]string
	header  http.Header
	host    string
}

func (b *browser) do(method, target string, form url.Values) (status int, body string, header http.Header) {
	b.t.Helper()
	var in io.Reader
	if form != nil {
		in = strings.NewReader(form.Encode())
	}
	req := httptest.NewRequest(method, target, in)
	req.RequestURI = ""
	req.Host = b.host
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range b.header {
		req.Header[k] = v
	}
	for k, v := range b.cookies {
		req.AddCookie(&http.Cookie{Name: k, Value: v})
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		if b.cookies == nil {
			b.cookies = map[string]string{}
		}
		b.cookies[c.Name] = c.Value
	}
	if strings.Contains(string(text), "CANARY") {
		b.t.Errorf("%s %s shows a secret", method, target)
	}
	return resp.StatusCode, string(text), resp.Header
}
