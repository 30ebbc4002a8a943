package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
)

// answers is a transport that gives one answer.
type answers struct {
	status int
	body   string
}

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

// What one read says of an access token.
func TestProbe(t *testing.T) {
	identity := bridge.Dialect{Identity: &bridge.Identity{URL: "https://a.test", Member: "id"}}
	info := bridge.Dialect{Inspect: &bridge.Ask{Method: "GET", URL: "https://a.test", Bearer: true}}
	named := bridge.Dialect{Inspect: info.Inspect, Identity: &bridge.Identity{Member: "username"}}
	introspect := bridge.Dialect{Inspect: &bridge.Ask{URL: "https://a.test", Client: bridge.ClientParams}}
	for _, c := range []struct {
		name string
		d    bridge.Dialect
		a    answers
		want verdict
	}{
		{"identity", identity, answers{200, `{"id":1}`}, works},
		{"identity, dead", identity, answers{401, ""}, refuses},
		{"identity, no right to ask", identity, answers{403, ""}, unknown},
		{"identity, vendor down", identity, answers{503, ""}, unknown},
		{"token info, dead", info, answers{401, ""}, refuses},
		{"introspection that names whose it is", named, answers{200, `{"active":true,"username":"a"}`}, works},
		{"the same, dead", named, answers{401, ""}, refuses},
		{"introspection: active", introspect, answers{200, `{"active":true}`}, works},
		{"introspection: not active may mean not yours", introspect, answers{200, `{"active":false}`}, unknown},
		{"introspection: 401 is about the client", introspect, answers{401, ""}, unknown},
		{"nothing to ask", bridge.Dialect{}, answers{401, ""}, unknown},
	} {
		k := New(Options{Transport: c.a, Log: slog.New(slog.DiscardHandler)})
		if got := k.probe(context.Background(), &c.d, "t"); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// Whose account it is: text or number; nothing else is an identity.
func TestWhose(t *testing.T) {
	d := bridge.Dialect{Identity: &bridge.Identity{URL: "https://a.test", Member: "id"}}
	for _, c := range []struct {
		a     answers
		want  string
		known bool
		fails bool
	}{
		{answers{200, `{"id":"1C:CA:E3:00:00:01"}`}, "1C:CA:E3:00:00:01", true, false},
		{answers{200, `{"id":12345678901234567890}`}, "12345678901234567890", true, false},
		{answers{200, `{"id":{}}`}, "", false, false},
		{answers{200, `[1]`}, "", false, false},
		{answers{403, ``}, "", false, false},
		{answers{502, `<html>`}, "", false, true},
		{answers{429, ``}, "", false, true},
	} {
		k := New(Options{Transport: c.a})
		got, known, trouble := k.whose(context.Background(), &d, "t")
		if got != c.want || known != c.known || (trouble != nil) != c.fails {
			t.Errorf("%+v: %q, %v, %v", c.a, got, known, trouble)
		}
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"1C:CA:E3:00:00:01", "1ccae3000001", true}, {"1C:CA:E3:00:00:01", "1ccae3000002", false}, {"Anna", "anna", true}, {"anna", "berta", false},
	} {
		if got := sameIdentity(c.a, c.b); got != c.want {
			t.Errorf("sameIdentity(%q, %q) = %v", c.a, c.b, got)
		}
	}
}

// Nothing secret is left of what a vendor says of a token.
func TestClean(t *testing.T) {
	said := decode([]byte(`{"active":true,"access_token":"x","refreshToken":"y","token_type":"bearer","code":"z","client_secret":"s",
		"user":{"password":"p","name":"anna","note":"it is CANARY indeed"},"scope":["read","CANARY"],"list":[{"token":1}],"exp":5}`))
	clean(said, "CANARY")
	got, err := json.Marshal(said)
	const want = `{"active":true,"exp":5,"list":[{}],"scope":["read","***"],"token_type":"bearer","user":{"name":"anna"}}`
	if err != nil || string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A record is never printed, however it is put into a log.
func TestRecordNeverPrints(t *testing.T) {
	p := pair{Access: "CANARY", Refresh: "CANARY"}
	r := record{Pair: p, Before: p, Pending: &arrival{Pair: p}, Narrow: []narrowed{{"n", p}}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, v := range []any{p, &p, r, &r, r.Pending, r.Narrow} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, "CANARY") || strings.Contains(text, fmt.Sprintf("%x", "CANARY")) {
				t.Errorf("%s prints a token: %s", verb, text)
			}
		}
	}
}

// Minted tokens are bounded: what ends first makes room.
func TestNarrowIsBounded(t *testing.T) {
	a, now := newAccount("gate"), time.Now()
	for i := range maxNarrow {
		a.keep(narrowed{Name: fmt.Sprint(i), Pair: pair{Access: "t"}}, now.Add(time.Hour+time.Duration(i)))
	}
	a.narrow["7"].until = now
	a.keep(narrowed{Name: "one more", Pair: pair{Access: "t"}}, now.Add(time.Hour))
	if _, there := a.narrow["7"]; there || len(a.narrow) != maxNarrow {
		t.Errorf("%d minted tokens, the one that ends first is there: %v", len(a.narrow), there)
	}
}
