package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"latchkey/bridge"
)

// fill holds the values of one request that do not stand in the dialect. They
// are plain text because they go straight onto the wire.
type fill struct{ code, redirect, refresh, access, verifier, narrow string }

// field is the value of a dialect's field.
func field(d *bridge.Dialect, f fill, name bridge.Field) string {
	switch name {
	case bridge.FieldClientID:
		return d.ClientID
	case bridge.FieldCode:
		return f.code
	case bridge.FieldRedirect:
		return f.redirect
	case bridge.FieldRefreshToken:
		return f.refresh
	case bridge.FieldAccessToken:
		return f.access
	case bridge.FieldScope:
		return scope(d)
	case bridge.FieldUsername:
		return d.Login.Username
	case bridge.FieldPassword:
		return d.Login.Password.Reveal()
	case bridge.FieldExternal:
		return d.Login.External.Reveal()
	case bridge.FieldVerifier:
		return f.verifier
	case bridge.FieldNarrow:
		return f.narrow
	}
	return ""
}

// scope is the configured scope as it stands on the wire (NetRex: commas).
func scope(d *bridge.Dialect) string {
	separator := d.Separator
	if separator == "" {
		separator = " "
	}
	return strings.Join(strings.Fields(d.Scope), separator)
}

// pairs expands parameters; one whose field is empty is left out.
func pairs(d *bridge.Dialect, f fill, params []bridge.Param) url.Values {
	v := url.Values{}
	for _, p := range params {
		text := p.Text
		if p.From != bridge.FieldNone {
			value := field(d, f, p.From)
			if value == "" {
				continue
			}
			text += value
		}
		v.Set(p.Name, text)
	}
	return v
}

// build makes the HTTP request of one ask. GetBody stays nil, so that no
// transport can send a token request a second time.
func build(ctx context.Context, d *bridge.Dialect, ask *bridge.Ask, f fill) (*http.Request, error) {
	target, err := endpoint(ask.URL)
	if err != nil {
		return nil, err
	}
	params := pairs(d, f, ask.Params)
	if ask.Client == bridge.ClientParams {
		setMissing(params, "client_id", d.ClientID)
		setMissing(params, "client_secret", d.Secret.Reveal())
	}
	method := ask.Method
	if method == "" {
		method = http.MethodPost
	}

	var body []byte
	media := ""
	switch {
	case len(params) == 0:
	case ask.In == bridge.InQuery || method == http.MethodGet:
		query := target.Query()
		for name := range params {
			query.Set(name, params.Get(name))
		}
		target.RawQuery = query.Encode()
	case ask.In == bridge.InJSON:
		object := make(map[string]string, len(params))
		for name := range params {
			object[name] = params.Get(name)
		}
		if body, err = json.Marshal(object); err != nil {
			return nil, errors.New("the token request cannot be encoded")
		}
		media = "application/json"
	default:
		body, media = []byte(params.Encode()), "application/x-www-form-urlencoded"
	}

	req, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("the method %q of the token request is none", method)
	}
	if body != nil {
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		req.Header.Set("Content-Type", media)
	}
	req.Header.Set("Accept", "application/json")
	if ask.Accept != "" {
		req.Header.Set("Accept", ask.Accept)
	}
	switch {
	case ask.Bearer:
		req.Header.Set("Authorization", "Bearer "+f.access)
	case ask.Client == bridge.ClientBasic:
		req.SetBasicAuth(d.ClientID, d.Secret.Reveal())
	case ask.Client == bridge.ClientBasicEncoded:
		req.SetBasicAuth(url.QueryEscape(d.ClientID), url.QueryEscape(d.Secret.Reveal()))
	}
	return req, nil
}

func setMissing(v url.Values, name, value string) {
	if !v.Has(name) && value != "" {
		v.Set(name, value)
	}
}

// endpoint parses a URL that secrets are sent to: https, or http to loopback
// (simulators). The error never holds the URL's query.
func endpoint(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return nil, errors.New("a URL of the OAuth server is not absolute")
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return u, nil
	}
	return nil, fmt.Errorf("the OAuth server %s://%s must be https (plain http only to this machine)", u.Scheme, u.Host)
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
