package oauth_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"
)

// vendor is a token server behind a RoundTripper: rotating, strict, and nasty on
// request. It is written from RFC 6749 and what real servers were measured to
// do, not from the keeper.
type vendor struct {
	mu       sync.Mutex
	serial   int
	refresh  map[string]int // live refresh tokens -> family
	spent    map[string]int // used ones -> family
	access   map[string]int // live access tokens -> family
	identity map[int]string // of a family
	ends     map[string]time.Time
	calls    []call
	inFlight int
	most     int // calls in flight at once, at worst

	life      time.Duration // of access tokens
	rotates   bool
	kills     bool          // reuse of a spent refresh token ends the family
	oldDies   bool          // a refresh ends the old access token
	grace     bool          // a spent refresh token still works (Doorkeeper's column)
	delay     time.Duration // of every answer
	secret    string        // of the client; "" accepts any
	omit      bool          // no refresh token in the reply to a refresh
	noRefresh bool          // none at all
	fault     []faultFunc
	always    faultFunc
}

type call struct {
	what   string // refresh, acquire, exchange, narrow, identity, inspect, revoke
	token  string
	at     time.Time
	header http.Header
}

func newVendor() *vendor {
	return &vendor{refresh: map[string]int{}, spent: map[string]int{}, access: map[string]int{}, identity: map[int]string{},
		ends: map[string]time.Time{}, life: time.Hour, rotates: true, kills: true, oldDies: true}
}

const canary = "CANARY"

// grant makes a pair of a new family, or of family f.
func (v *vendor) grant(f int, identity string) (access, refresh string) {
	v.serial++
	if f == 0 {
		f = v.serial
		v.identity[f] = identity
	}
	access, refresh = fmt.Sprintf("%s-at-%d", canary, v.serial), fmt.Sprintf("%s-rt-%d", canary, v.serial)
	v.access[access], v.refresh[refresh] = f, f
	v.ends[access] = time.Now().Add(v.life)
	return access, refresh
}

func (v *vendor) kill(f int) {
	for _, m := range []map[string]int{v.refresh, v.access} {
		for token, family := range m {
			if family == f {
				delete(m, token)
			}
		}
	}
}

// act sets how the vendor behaves from now on.
func (v *vendor) act(always faultFunc) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.always = always
}

// serves tells whether an access token works at the vendor.
func (v *vendor) serves(token string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.works(token)
}

func (v *vendor) works(token string) bool {
	return v.access[token] != 0 && time.Now().Before(v.ends[token])
}

// count counts calls of one kind; "" counts token calls.
func (v *vendor) count(what string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for _, c := range v.calls {
		if c.what == what || what == "" && c.what != "identity" && c.what != "inspect" && c.what != "revoke" {
			n++
		}
	}
	return n
}

func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(r.Context())
	if trace != nil && trace.GetConn != nil {
		trace.GetConn(r.URL.Host)
	}
	v.mu.Lock()
	v.inFlight++
	v.most = max(v.most, v.inFlight)
	var fault faultFunc
	if fault = v.always; len(v.fault) > 0 {
		fault, v.fault = v.fault[0], v.fault[1:]
	}
	delay := v.delay
	v.mu.Unlock()
	defer func() {
		v.mu.Lock()
		v.inFlight--
		v.mu.Unlock()
	}()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
			connected(r)
			return nil, r.Context().Err()
		}
	}
	body := ""
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
	}
	answer := func() (*http.Response, error) {
		connected(r)
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.answer(r, body), nil
	}
	if fault != nil {
		return fault(v, r, answer)
	}
	return answer()
}

// connected says that a connection was obtained.
func connected(r *http.Request) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
}

// answer is what the server does with a whole request.
func (v *vendor) answer(r *http.Request, body string) *http.Response {
	form, _ := url.ParseQuery(body)
	c := call{at: time.Now(), header: r.Header}
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	defer func() { v.calls = append(v.calls, c) }()
	if r.URL.Path != "/token" {
		c.what, c.token = strings.TrimPrefix(r.URL.Path, "/"), bearer
		switch {
		case c.what == "revoke":
			token := form.Get("token")
			delete(v.access, token)
			delete(v.refresh, token)
			return reply(200, `{}`)
		case !v.works(bearer):
			return reply(401, ``)
		case c.what == "identity":
			return reply(200, fmt.Sprintf(`{"id":%q}`, v.identity[v.access[bearer]]))
		}
		return reply(200, fmt.Sprintf(`{"active":true,"client_id":"c","username":%q,"token":%q,"echo":%q}`, v.identity[v.access[bearer]], bearer, bearer))
	}
	if v.secret != "" && form.Get("client_secret") != v.secret {
		c.what = form.Get("grant_type")
		return reply(401, `{"error":"invalid_client"}`)
	}
	var access, refresh string
	switch form.Get("grant_type") {
	case "refresh_token":
		c.what, c.token = "refresh", form.Get("refresh_token")
		f := v.refresh[c.token]
		if f == 0 && v.grace {
			f = v.spent[c.token]
		}
		if f == 0 {
			if spent := v.spent[c.token]; spent != 0 && v.kills {
				v.kill(spent)
			}
			return reply(400, `{"error":"invalid_grant","error_description":"`+c.token+` is dead"}`)
		}
		if narrow := form.Get("narrow"); narrow != "" {
			c.what = "narrow"
			access, refresh = v.grant(f, "")
			delete(v.refresh, refresh)
			break
		}
		if v.oldDies {
			for token, family := range v.access {
				if family == f {
					delete(v.access, token)
				}
			}
		}
		access, refresh = v.grant(f, "")
		if v.rotates {
			delete(v.refresh, c.token)
			v.spent[c.token] = f
		} else {
			delete(v.refresh, refresh)
			refresh = c.token
		}
		if v.omit {
			refresh = ""
		}
	case "client_credentials", "password":
		c.what = "acquire"
		if form.Get("grant_type") == "password" && form.Get("password") != "right" {
			return reply(400, `{"error":"invalid_grant"}`)
		}
		access, refresh = v.grant(0, "app")
		if v.noRefresh {
			delete(v.refresh, refresh)
			refresh = ""
		}
	case "authorization_code":
		c.what = "exchange"
		identity, ok := strings.CutPrefix(form.Get("code"), "code-of-")
		if !ok {
			return reply(400, `{"error":"invalid_grant"}`)
		}
		access, refresh = v.grant(0, identity)
	}
	text := fmt.Sprintf(`{"access_token":%q,"refresh_token":%q,"expires_in":%d,"scope":"read"}`, access, refresh, int(v.life/time.Second))
	if v.noRefresh || v.omit && c.what == "refresh" {
		text = fmt.Sprintf(`{"access_token":%q,"expires_in":"%d.0"}`, access, int(v.life/time.Second))
	}
	return reply(200, text)
}

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}},
		Body: io.NopCloser(strings.NewReader(body))}
}
