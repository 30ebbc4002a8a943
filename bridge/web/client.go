package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"latchkey/bridge"
)

// ErrNoDaemon says that no daemon answers on the socket.
var ErrNoDaemon = errors.New("no running latchkey answers")

// Client is the other commands' side of the control socket.
type Client struct{ http *http.Client }

// NewClient speaks to the daemon whose socket is at path. Nothing is dialled yet.
func NewClient(path string) *Client {
	return newClient(func(ctx context.Context) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err != nil {
			return nil, fmt.Errorf("%w on %s: %v", ErrNoDaemon, path, err)
		}
		return conn, nil
	})
}

func newClient(dial func(context.Context) (net.Conn, error)) *Client {
	connect := func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }
	return &Client{&http.Client{Transport: &http.Transport{DialContext: connect, DisableKeepAlives: true}}}
}

// Status asks for everything at a glance.
func (c *Client) Status(ctx context.Context) (Status, error) {
	return ask[Status](ctx, c, http.MethodGet, "/status", nil)
}

// Health asks whether the daemon is alive.
func (c *Client) Health(ctx context.Context) error {
	body, err := c.send(ctx, http.MethodGet, "/health", nil)
	if err != nil {
		return err
	}
	return body.Close()
}

// Call carries out a named call and returns its result as the JSON of the
// Contract; ok tells whether its outcome is ok.
func (c *Client) Call(ctx context.Context, what CallAsk) (result json.RawMessage, ok bool, err error) {
	result, err = ask[json.RawMessage](ctx, c, http.MethodPost, "/call", what)
	var seen struct{ Outcome bridge.Outcome }
	if err == nil {
		err = json.Unmarshal(result, &seen)
	}
	return result, seen.Outcome == bridge.OutcomeOK, err
}

// Log asks for the opening log, or for its proof.
func (c *Client) Log(ctx context.Context, verify bool) (json.RawMessage, error) {
	path := "/log"
	if verify {
		path += "?verify"
	}
	return ask[json.RawMessage](ctx, c, http.MethodGet, path, nil)
}

// Login begins a sign-in, hands the URL to show, and waits for its end.
func (c *Client) Login(ctx context.Context, account string, show func(url string)) (SignedIn, error) {
	body, err := c.send(ctx, http.MethodPost, "/login", loginAsk{Account: account})
	if err != nil {
		return SignedIn{}, err
	}
	defer body.Close()
	for lines := json.NewDecoder(body); ; {
		var line loginLine
		if err := lines.Decode(&line); err != nil {
			return SignedIn{}, fmt.Errorf("wait for the sign-in: the daemon has gone: %v", err)
		}
		if line.URL == "" {
			return line.end()
		}
		show(line.URL)
	}
}

// PasteURL begins a sign-in whose end a person brings back by hand.
func (c *Client) PasteURL(ctx context.Context, account string) (string, error) {
	line, err := ask[loginLine](ctx, c, http.MethodPost, "/paste", loginAsk{Account: account})
	if err == nil && line.URL == "" {
		_, err = line.end()
	}
	return line.URL, err
}

// Paste ends a sign-in with the URL that the browser ended on.
func (c *Client) Paste(ctx context.Context, account, ended string) (SignedIn, error) {
	line, err := ask[loginLine](ctx, c, http.MethodPost, "/paste", loginAsk{Account: account, Return: ended})
	if err != nil {
		return SignedIn{}, err
	}
	return line.end()
}

// Confirm accepts a sign-in that is of another station or user than before.
func (c *Client) Confirm(ctx context.Context, account string) (SignedIn, error) {
	line, err := ask[loginLine](ctx, c, http.MethodPost, "/confirm", loginAsk{Account: account})
	if err != nil {
		return SignedIn{}, err
	}
	return line.end()
}

// Logout revokes at the vendor, then forgets.
func (c *Client) Logout(ctx context.Context, account string) (Farewell, error) {
	return ask[Farewell](ctx, c, http.MethodPost, "/logout", loginAsk{Account: account})
}

func (l loginLine) end() (SignedIn, error) {
	if l.Done == nil {
		return SignedIn{}, errors.New(l.Error)
	}
	return *l.Done, nil
}

func ask[T any](ctx context.Context, c *Client, method, path string, v any) (T, error) {
	var answer T
	body, err := c.send(ctx, method, path, v)
	if err != nil {
		return answer, err
	}
	defer body.Close()
	if err := json.NewDecoder(body).Decode(&answer); err != nil {
		return answer, fmt.Errorf("read the daemon's answer to %s: %v", path, err)
	}
	return answer, nil
}

// send returns the body of a 200; what the daemon says otherwise is the error. v
// is sent as JSON, or as it is where it is a reader.
func (c *Client) send(ctx context.Context, method, path string, v any) (io.ReadCloser, error) {
	out, plain := v.(io.Reader)
	if v != nil && !plain {
		body, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		out = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://latchkey"+path, out)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	return nil, errors.New(strings.TrimSpace(string(text)))
}
