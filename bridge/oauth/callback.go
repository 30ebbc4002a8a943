package oauth

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"latchkey/bridge"
)

// Bounds of pending sign-ins. The oldest makes room.
const (
	signInLife  = 10 * time.Minute
	perAccount  = 4
	allTogether = 64
)

// Begun is a sign-in that waits for the vendor's redirect.
type Begun struct {
	URL     string // the vendor's consent page
	State   string
	Expires time.Time
}

// Callback is what the vendor's redirect brought.
type Callback struct {
	// Account is set where it is known whose return this is: one that was pasted.
	Account string
	// Bind is the value that Begin was given, from the cookie; "": there is none.
	Bind        string
	State, Code string
	Error       string // the vendor's code: access_denied and the like
}

// signIn is a pending sign-in.
type signIn struct {
	account, bind, state, redirect, verifier string
	echo                                     bool
	expires                                  time.Time
}

// Begin starts a sign-in. redirect is where the vendor sends the browser back
// to. bind is a random value that a cookie of that browser holds, for vendors
// that do not give `state` back; "" where the return will be pasted.
func (k *Keeper) Begin(account, redirect, bind string) (Begun, error) {
	a := k.find(account)
	if a == nil {
		return Begun{}, errUnknown
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	d := &a.conf.Dialect
	if d.Authorize == nil {
		return Begun{}, errors.New("this account has no consent page: it signs in by itself from the configuration")
	}
	s := &signIn{account: account, bind: bind, state: newState(), redirect: redirect, echo: d.Authorize.Echo || d.Authorize.StateInURL,
		expires: time.Now().Add(signInLife)}
	if d.Authorize.PKCE {
		s.verifier = oauth2.GenerateVerifier()
	}
	if d.Authorize.StateInURL {
		back, err := url.Parse(redirect)
		if err != nil {
			return Begun{}, errors.New("the address to come back to is no URL")
		}
		query := back.Query()
		query.Set("state", s.state)
		back.RawQuery = query.Encode()
		s.redirect = back.String()
	}
	k.makeRoom(s)
	k.signIns = append(k.signIns, s)
	return Begun{URL: consent(d, s), State: s.state, Expires: s.expires}, nil
}

// newState is 256 random bits.
func newState() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// consent is the vendor's authorize URL.
func consent(d *bridge.Dialect, s *signIn) string {
	c := oauth2.Config{ClientID: d.ClientID, Endpoint: oauth2.Endpoint{AuthURL: d.Authorize.URL}}
	if text := scope(d); text != "" && !d.Authorize.NoScope {
		c.Scopes = []string{text}
	}
	var options []oauth2.AuthCodeOption
	name := d.Authorize.Return
	if name == "" {
		name = "redirect_uri"
	}
	options = append(options, oauth2.SetAuthURLParam(name, s.redirect))
	params := pairs(d, fill{redirect: s.redirect}, d.Authorize.Params)
	for name := range params {
		options = append(options, oauth2.SetAuthURLParam(name, params.Get(name)))
	}
	if s.verifier != "" {
		options = append(options, oauth2.S256ChallengeOption(s.verifier))
	}
	state := s.state
	if d.Authorize.StateInURL {
		state = ""
	}
	return c.AuthCodeURL(state, options...)
}

// makeRoom drops pending sign-ins that are over, and the oldest above the
// bounds. Where the vendor gives no state back, a new one replaces the account's
// last: the two could not be told apart.
func (k *Keeper) makeRoom(s *signIn) {
	k.dropSignIns(func(old *signIn) bool { return old.account == s.account && !s.echo })
	same := 0
	for _, old := range k.signIns {
		if old.account == s.account {
			same++
		}
	}
	drop := func(match func(*signIn) bool) {
		for i, old := range k.signIns {
			if match(old) {
				k.signIns = append(k.signIns[:i], k.signIns[i+1:]...)
				return
			}
		}
	}
	if same >= perAccount {
		drop(func(old *signIn) bool { return old.account == s.account })
	}
	if len(k.signIns) >= allTogether {
		drop(func(*signIn) bool { return true })
	}
}

// dropSignIns forgets those that match, and those that are over.
func (k *Keeper) dropSignIns(match func(*signIn) bool) {
	now := time.Now()
	kept := k.signIns[:0]
	for _, s := range k.signIns {
		if !match(s) && now.Before(s.expires) {
			kept = append(kept, s)
		}
	}
	clear(k.signIns[len(kept):])
	k.signIns = kept
}

// Why a return is not taken.
var (
	errState   = errors.New("this sign-in is not known: it was used already, is older than 10 minutes, or was begun elsewhere; begin again")
	errNoState = errors.New("the vendor sent no `state` back, so it cannot be told which sign-in this is; begin again")
	errPasted  = errors.New("this is not the address that the browser ended on; it holds `code=`")
	errTwo     = errors.New("two sign-ins are open and the vendor does not say which one this is; begin again, one at a time")
)

// takeSignIn finds the sign-in that a return belongs to and uses it up.
func (k *Keeper) takeSignIn(cb Callback) (*signIn, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dropSignIns(func(*signIn) bool { return false })
	var fit []*signIn
	bound := false
	for _, s := range k.signIns {
		if s.takes(cb) {
			fit = append(fit, s)
			bound = bound || cb.State != "" || cb.Account != "" || cb.Bind != "" && s.bind == cb.Bind
		}
	}
	switch {
	case !bound && cb.State != "":
		return nil, errState
	case !bound:
		return nil, errNoState
	}
	// Used up, all of them: where two fit, each could be the other's code.
	k.dropSignIns(func(s *signIn) bool { return slices.Contains(fit, s) })
	if len(fit) > 1 {
		return nil, errTwo
	}
	return fit[0], nil
}

// takes tells whether a return could belong to the sign-in. One without state
// could belong to any whose vendor is not known to echo it; which browser it is
// of, the cookie says. What a person pasted belongs to the account that it was
// asked for.
func (s *signIn) takes(cb Callback) bool {
	switch {
	case cb.Account != "" && cb.Account != s.account:
		return false
	case cb.State != "":
		return s.state == cb.State
	case cb.Account != "":
		return s.bind == ""
	}
	return !s.echo
}

// ReadCallback reads the query of the vendor's redirect, parameters in any order.
// DW Spectrum may bring `state` twice, from our own URL and by itself: equal
// ones are one, others are refused.
func ReadCallback(query url.Values) (Callback, error) {
	for _, state := range query["state"] {
		if state != query.Get("state") {
			return Callback{}, errState
		}
	}
	cb := Callback{State: query.Get("state"), Code: query.Get("code"), Error: query.Get("error")}
	if cb.Code == "" && cb.Error == "" {
		return Callback{}, errors.New("the vendor's return holds neither a code nor an error")
	}
	return cb, nil
}

// ReadPasted reads what a person pasted: the address that the browser ended on,
// its query, or the bare code that a page showed.
func ReadPasted(account, text string) (Callback, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "code=") && !strings.Contains(text, "error=") {
		if text == "" || strings.ContainsAny(text, " ?&") || strings.Contains(text, "://") {
			return Callback{}, errPasted
		}
		return Callback{Account: account, Code: text}, nil
	}
	if i := strings.IndexByte(text, '?'); i >= 0 {
		text = text[i+1:]
	}
	text, _, _ = strings.Cut(text, "#")
	query, err := url.ParseQuery(text)
	if err != nil {
		return Callback{}, errPasted
	}
	cb, err := ReadCallback(query)
	cb.Account = account
	return cb, err
}
