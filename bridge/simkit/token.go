package simkit

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// ServeToken is the token endpoint.
func (i *Issuer) ServeToken(w http.ResponseWriter, r *http.Request) {
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	i.mu.Lock()
	answer := i.token(r)
	i.mu.Unlock()
	answer.Send(w)
}

// From here on the lock is held.

func (i *Issuer) token(r *http.Request) *Answer {
	if r.Method != http.MethodPost {
		return &Answer{Status: http.StatusMethodNotAllowed, Header: http.Header{"Allow": {"POST"}}}
	}
	p, refusal := i.rules.params(r)
	var c Client
	whole := false
	if refusal == nil {
		c, whole, refusal = i.rules.client(r, p)
	}
	var out Issued
	if refusal == nil {
		out, refusal = i.grant(c, whole, p)
	}
	if refusal != nil {
		refusal.Type = p.Get("grant_type")
		return i.rules.refuse(*refusal)
	}
	return JSON(http.StatusOK, i.rules.reply(out))
}

func (i *Issuer) grant(c Client, whole bool, p url.Values) (Issued, *Refusal) {
	grantType := p.Get("grant_type")
	grants := i.rules.Grants
	if len(grants) == 0 {
		grants = []string{"authorization_code", "refresh_token"}
	}
	switch {
	case grantType == "":
		return Issued{}, &Refusal{Code: InvalidRequest, Why: "grant_type is missing"}
	case !slices.Contains(grants, grantType):
		return Issued{}, &Refusal{Code: UnsupportedGrant, Why: "grant_type " + grantType}
	}
	required, allowed := i.rules.needs(grantType)
	for _, name := range required {
		if p.Get(name) == "" {
			return Issued{}, &Refusal{Code: InvalidRequest, Why: name + " is missing"}
		}
	}
	for name := range p {
		if !i.rules.Lenient && !slices.Contains(allowed, name) {
			return Issued{}, &Refusal{Code: InvalidRequest, Why: "unknown parameter " + name}
		}
	}
	switch grantType {
	case "authorization_code":
		return i.exchange(c, whole, p)
	case "refresh_token":
		return i.refresh(c, p)
	case "client_credentials":
		return i.app(c, p.Get("scope"))
	case "password":
		return i.password(c, p)
	}
	return Issued{}, &Refusal{Code: UnsupportedGrant, Why: "grant_type " + grantType}
}

func (i *Issuer) exchange(c Client, whole bool, p url.Values) (Issued, *Refusal) {
	bad := &Refusal{Code: InvalidGrant, Why: "code unknown, used, expired or of another client"}
	k := i.codes[p.Get("code")]
	if k == nil || (c.ID != "" && k.of.Client != c.ID) {
		return Issued{}, bad
	}
	if k.used {
		k.of.ended = k.of.ended || i.rules.CodeReuseKills
		return Issued{}, bad
	}
	switch {
	case !time.Now().Before(k.expires):
		return Issued{}, bad
	case p.Has("redirect_uri") && p.Get("redirect_uri") != k.redirect:
		return Issued{}, &Refusal{Code: InvalidGrant, Why: "redirect_uri differs"}
	case k.challenge != "" && !proves(k.challenge, p.Get("code_verifier")):
		return Issued{}, &Refusal{Code: InvalidGrant, Why: "code_verifier does not fit"}
	}
	if i.rules.Scope != nil {
		scope, ok := i.rules.Scope(p.Get("scope"), k.of.Scope)
		if !ok {
			return Issued{}, &Refusal{Code: InvalidScope, Why: "scope not allowed"}
		}
		k.of.Scope = scope
	}
	k.used = true
	return i.first(k.of, whole), nil
}

func proves(challenge, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	want := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(challenge), []byte(want)) == 1
}

// first issues the tokens of a new grant, or those that an equal one still has.
func (i *Issuer) first(of *family, refresh bool) Issued {
	now := time.Now()
	if i.rules.SameAccess {
		for _, t := range i.tokens {
			same := t.of.Client == of.Client && t.of.User == of.User && t.scope == of.Scope
			if t.use == "access" && same && t.live(now) {
				return i.issued(t, now)
			}
		}
	}
	return i.issue(of, of.Scope, refresh)
}

func (i *Issuer) app(c Client, scope string) (Issued, *Refusal) {
	if refusal := i.badScope(c, User{}, scope); refusal != nil {
		return Issued{}, refusal
	}
	if i.rules.AppOldEnds {
		for _, t := range i.tokens {
			t.ended = t.ended || (t.of.Client == c.ID && t.of.Type == "client_credentials")
		}
	}
	return i.first(i.family(Grant{Type: "client_credentials", Client: c.ID, Scope: scope}), i.rules.AppRefresh), nil
}

func (i *Issuer) password(c Client, p url.Values) (Issued, *Refusal) {
	external := p.Get("external_authentication_token")
	for _, u := range i.rules.Users {
		named := external == "" && u.Name == p.Get("username") && u.Password == p.Get("password")
		if !named && (external == "" || u.External != external) {
			continue
		}
		if refusal := i.badScope(c, u, p.Get("scope")); refusal != nil {
			return Issued{}, refusal
		}
		return i.first(i.family(Grant{Type: "password", Client: c.ID, User: u.Name, Of: u.Of, Scope: p.Get("scope")}), true), nil
	}
	return Issued{}, &Refusal{Code: InvalidGrant, Why: "wrong user or password"}
}

func (i *Issuer) badScope(c Client, u User, scope string) *Refusal {
	ok := i.rules.ScopeOK == nil || i.rules.ScopeOK(scope)
	if !ok || !i.rules.within(scope, c.Scopes) || !i.rules.within(scope, u.Scopes) {
		return &Refusal{Code: InvalidScope, Why: "scope not allowed"}
	}
	return nil
}
