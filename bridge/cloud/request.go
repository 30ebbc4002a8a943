package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"latchkey/bridge"
)

// usual is the limit of a reply's body where the request names none.
const usual = 1 << 20

// outgoing is a checked request, ready to be sent as often as the rules allow.
type outgoing struct {
	method string
	url    *url.URL
	origin bridge.Origin
	narrow string      // resource of the bearer; "" where the origin is not narrowed
	header http.Header // but for the bearer
	body   []byte      // nil: none
	limit  int64
	lane   string
	into   io.Writer      // takes the body of a 2xx; nil: it is kept
	permit *bridge.Permit // of a command; nil: a read
}

// prepare checks a request and completes it. The error is a *Failure: nothing
// was sent.
func (c *Client) prepare(req bridge.Request, method string) (*outgoing, error) {
	place, ok := c.places[req.Origin]
	if !ok {
		return nil, refuse("this cloud has no origin of that name")
	}
	u, err := locate(place, req)
	if err != nil {
		return nil, err
	}
	out := &outgoing{method: method, url: u, origin: place.Origin, limit: req.Limit, into: req.Into, lane: req.Lane, header: make(http.Header, 4)}
	if req.Method != "" {
		out.method = req.Method
	}
	if strings.Trim(out.method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return nil, refuse("the request has no valid method")
	}
	if place.Narrowed {
		out.narrow = req.Narrow
	}
	if out.limit <= 0 {
		out.limit = usual
	}
	if out.body, err = encode(req.JSON); err != nil {
		return nil, &bridge.Failure{Reason: bridge.ReasonMalformed, Message: "not sent: the body cannot be written as JSON"}
	}

	for name, value := range req.Header {
		out.header.Set(name, value)
	}
	out.header.Set("User-Agent", c.agent)
	out.header.Set("Accept", or(req.Accept, "application/json"))
	if out.body != nil {
		out.header.Set("Content-Type", or(req.Media, "application/json"))
	}
	return out, nil
}

func encode(v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []byte:
		return v, nil
	}
	return json.Marshal(v)
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// request builds the HTTP request for one sending. The body of a command has no
// GetBody, without which net/http cannot send it again by itself (hazard H8).
func (out *outgoing) request(ctx context.Context, b bridge.Bearer) *http.Request {
	r := &http.Request{Method: out.method, URL: out.url, Host: out.url.Host, Header: out.header.Clone()}
	r.Header.Set("Authorization", "Bearer "+b.Token.Reveal())
	if len(out.body) > 0 {
		body := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.body)), nil }
		r.Body, _ = body()
		r.ContentLength = int64(len(out.body))
		if out.permit == nil {
			r.GetBody = body
		}
	}
	return r.WithContext(ctx)
}

// replayable tells whether net/http would silently repeat such a command on
// another connection when a kept-alive one dies.
func (out *outgoing) replayable() bool {
	switch out.method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return out.header.Get("Idempotency-Key") != "" || out.header.Get("X-Idempotency-Key") != ""
}
