package cameramanager

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// shown is the vendor's data as the result of a call, without the tokens that an
// address may carry: whoever has one has the whole grant.
func shown(raw json.RawMessage, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, oddAnswer("the request")
	}
	return withoutTokens(v), nil
}

func withoutTokens(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = withoutTokens(v[key])
		}
	case []any:
		for i := range v {
			v[i] = withoutTokens(v[i])
		}
	case string:
		return withoutToken(v)
	}
	return v
}

// withoutToken leaves texts that are no address, and addresses without a token,
// as they are.
func withoutToken(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	query := u.Query()
	if u.User == nil && !query.Has("access_token") {
		return text
	}
	query.Del("access_token")
	u.User, u.RawQuery = nil, query.Encode()
	return u.String()
}
