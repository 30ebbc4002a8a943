package oauth

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"

	"latchkey/bridge"
)

// Bounds of one token call.
const (
	callDeadline = 15 * time.Second
	replyLimit   = 1 << 20
)

// speaker sends asks. It sends each exactly once: no redirect is followed and no
// transport may repeat it (golang/oauth2 #373: repeats burn single-use tokens).
type speaker struct {
	client  *http.Client
	agent   string
	seen    func(date time.Time, proven bool)
	trusted func() bool
	log     *slog.Logger
}

func newSpeaker(o Options) *speaker {
	transport := o.Transport
	if transport == nil {
		// Fresh HTTP/1 connections only: net/http repeats requests silently on
		// kept-alive ones that die, and HTTP/2 repeats refused streams.
		protocols := new(http.Protocols)
		protocols.SetHTTP1(true)
		transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout:    10 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			DisableKeepAlives:      true,
			Protocols:              protocols,
		}
	}
	return &speaker{
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		agent: "latchkey/" + o.Version, seen: o.Seen, trusted: o.ClockTrusted, log: o.Log,
	}
}

// answer is a reply of the OAuth server. whole is false where the body was cut
// off or is too long.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	whole   bool
	date    time.Time // the server's clock, else ours
	arrived time.Time // with Go's monotonic reading
}

// send makes one request under its own deadline. The error is a *trouble where
// not even a status came back.
func (s *speaker) send(ctx context.Context, d *bridge.Dialect, ask *bridge.Ask, f fill) (answer, *trouble) {
	ctx, cancel := context.WithTimeout(ctx, callDeadline)
	defer cancel()
	var asked, connected bool
	req, err := build(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { asked = true },
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	}), d, ask, f)
	if err != nil {
		return answer{}, fail(classClient, "configuration", err.Error())
	}
	req.Header.Set("User-Agent", s.agent)

	res, err := s.client.Do(req)
	if err != nil {
		// A round tripper that does not trace proves nothing: then it counts as sent.
		return answer{}, unsent(err, connected || !asked, s.trusted())
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header, arrived: time.Now()}
	a.date = a.arrived
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		a.date = date
		s.seen(date, res.TLS != nil || loopback(req.URL.Hostname()))
	}
	a.body, err = io.ReadAll(io.LimitReader(res.Body, replyLimit+1))
	a.whole = err == nil && len(a.body) <= replyLimit
	return a, nil
}

// tokens sends an ask that brings tokens.
func (s *speaker) tokens(ctx context.Context, account string, d *bridge.Dialect, ask *bridge.Ask, f fill) (tokens, time.Time, *trouble) {
	a, t := s.send(ctx, d, ask, f)
	if t != nil {
		return tokens{}, a.arrived, t
	}
	if a.status/100 == 2 {
		if got, ok := readTokens(a.body, a.whole, a.date, d.Reading); ok {
			return got, a.arrived, nil
		}
	}
	if !a.whole {
		return tokens{}, a.arrived, fail(classLost, "", "the connection ended before the vendor's reply was whole")
	}
	t = refused(a.status, a.header, a.body, d, ask)
	s.log.Debug("the vendor's words on a token call", "account", account, "reason", string(t.Reason), "err", sentence(a.body, d, f))
	return tokens{}, a.arrived, t
}

// sentence is what the vendor's error says, for the debug log: shortened, and
// without anything secret that it may echo (CameraManager's descriptions do).
func sentence(body []byte, d *bridge.Dialect, f fill) string {
	object, _ := decode(body).(map[string]any)
	var said []string
	for _, name := range []string{"error", d.Reading.ErrorIn, "error_description", "errorText", "detail"} {
		if text, ok := object[name].(string); ok {
			said = append(said, text)
		}
	}
	text := scrub(strings.Join(said, ": "), f.code, f.refresh, f.access, f.verifier,
		d.Secret.Reveal(), d.Login.Password.Reveal(), d.Login.External.Reveal(), d.Static.Reveal())
	return text[:min(len(text), 200)]
}

// scrub masks secrets in a text, also in their encoded form.
func scrub(text string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
			text = strings.ReplaceAll(text, url.QueryEscape(secret), "***")
		}
	}
	return text
}
