package simkit

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// keptTokens bounds the memory of tokens: above it the dead ones are forgotten.
const keptTokens = 10000

// Issuer is a simulated OAuth server: it signs people in, issues and rotates
// tokens, and tells the API whom a token is of. Safe for concurrent use.
type Issuer struct {
	mu     sync.Mutex
	rules  Rules
	codes  map[string]*consent
	tokens map[string]*token
	grants int
}

// family is what a sign-in's tokens have in common.
type family struct {
	Grant
	ended bool
}

type consent struct {
	redirect, challenge string
	expires             time.Time
	used                bool
	of                  *family
}

type token struct {
	text, use string // access | refresh
	scope     string
	of        *family
	created   time.Time
	expires   time.Time // zero: never
	ended     bool      // spent, revoked or replaced
	grace     time.Time // a spent one is taken until then
	mate      *token    // an access token's refresh token and the other way round
	ends      []*token  // what ends when this one is first used
}

func (t *token) live(now time.Time) bool {
	return !t.of.ended && (t.expires.IsZero() || now.Before(t.expires)) && (!t.ended || now.Before(t.grace))
}

func (t *token) grant() Grant {
	g := t.of.Grant
	g.Scope = t.scope
	return g
}

// NewIssuer makes an issuer without grants.
func NewIssuer(rules Rules) *Issuer {
	return &Issuer{rules: rules, codes: map[string]*consent{}, tokens: map[string]*token{}}
}

// Rules returns the rules as they are now.
func (i *Issuer) Rules() Rules {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.rules
}

// Change changes the rules for what comes.
func (i *Issuer) Change(change func(*Rules)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(&i.rules)
}

// Issue makes a grant without anybody signing in. The user may be unknown.
func (i *Issuer) Issue(client, user, scope string) Issued {
	i.mu.Lock()
	defer i.mu.Unlock()
	u, _ := i.user(user)
	return i.issue(i.family(Grant{Type: "authorization_code", Client: client, User: user, Of: u.Of, Scope: scope}), scope, true)
}

// Access tells whose access token this is; ok is false where it serves no more.
// It counts as a use of the token.
func (i *Issuer) Access(text string) (g Grant, ok bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	t := i.tokens[text]
	if t == nil || t.use != "access" || !t.live(time.Now()) {
		return Grant{}, false
	}
	for _, old := range t.ends {
		old.ended = true
	}
	t.ends = nil
	return t.grant(), true
}

// Bearer is Access for the token of the request's Authorization header.
func (i *Issuer) Bearer(r *http.Request) (Grant, bool) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Grant{}, false
	}
	return i.Access(text)
}

// Token is what introspection shows.
type Token struct {
	Use     string // access | refresh
	Grant   Grant
	Created time.Time
	Expires time.Time // zero: never
	Live    bool
	Mate    string // the other token of the same reply; "": none
}

// Look finds a token, also a dead one. It is not a use of it.
func (i *Issuer) Look(text string) (Token, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	t := i.tokens[text]
	if t == nil {
		return Token{}, false
	}
	mate := ""
	if t.mate != nil {
		mate = t.mate.text
	}
	return Token{t.use, t.grant(), t.created, t.expires, t.live(time.Now()), mate}, true
}

// End ends a token, or the whole grant that it is of; it tells whether the token
// served until then.
func (i *Issuer) End(text string, whole bool) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	t := i.tokens[text]
	if t == nil {
		return false
	}
	was := t.live(time.Now())
	t.ended, t.grace = true, time.Time{}
	t.of.ended = t.of.ended || whole
	return was
}

// EndAccess ends every access token before its time; grants live on.
func (i *Issuer) EndAccess() { i.endAll(func(t *token) bool { return t.use == "access" }) }

// EndUser ends every token of a user, as if signed out elsewhere.
func (i *Issuer) EndUser(name string) { i.endAll(func(t *token) bool { return t.of.User == name }) }

func (i *Issuer) endAll(which func(*token) bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, t := range i.tokens {
		if which(t) {
			t.ended, t.grace = true, time.Time{}
		}
	}
}

// Secrets are all texts that must appear nowhere else: client secrets,
// passwords, codes and tokens.
func (i *Issuer) Secrets() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	all := slices.AppendSeq(slices.Collect(maps.Keys(i.tokens)), maps.Keys(i.codes))
	for _, c := range i.rules.Clients {
		all = append(all, c.Secret)
	}
	for _, u := range i.rules.Users {
		all = append(all, u.Password, u.External)
	}
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// The rest is called with the lock held.

func (i *Issuer) user(name string) (User, bool) {
	for _, u := range i.rules.Users {
		if u.Name == name {
			return u, true
		}
	}
	return User{}, false
}

func (i *Issuer) family(g Grant) *family {
	i.grants++
	g.ID = i.grants
	return &family{Grant: g}
}

// issue makes an access token, and a refresh token if one is wanted.
func (i *Issuer) issue(of *family, scope string, refresh bool) Issued {
	now := time.Now()
	if len(i.tokens) > keptTokens {
		maps.DeleteFunc(i.tokens, func(_ string, t *token) bool { return !t.live(now) })
	}
	access := i.add("access", of, scope, now, or(i.rules.AccessLife, time.Hour))
	if refresh {
		access.mate = i.add("refresh", of, scope, now, i.rules.RefreshLife)
		access.mate.mate = access
	}
	return i.issued(access, now)
}

func (i *Issuer) issued(access *token, now time.Time) Issued {
	out := Issued{Access: access.text, Life: access.expires.Sub(now), Created: access.created, Grant: access.grant()}
	if access.mate != nil {
		out.Refresh = access.mate.text
	}
	return out
}

func (i *Issuer) add(use string, of *family, scope string, now time.Time, life time.Duration) *token {
	t := &token{text: i.newText(use), use: use, of: of, scope: scope, created: now}
	if life > 0 {
		t.expires = now.Add(life)
	}
	i.tokens[t.text] = t
	return t
}

func (i *Issuer) newText(use string) string {
	if i.rules.NewToken != nil {
		return i.rules.NewToken(use)
	}
	return strings.ToLower(rand.Text())
}

func or(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return d
}
