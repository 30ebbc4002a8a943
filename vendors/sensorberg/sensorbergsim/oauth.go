package sensorbergsim

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge/simkit"
)

// authorize is the consent page: GET shows it, POST approves, DELETE refuses. The
// last two are the page's own, which a browser sends.
func (s *Sim) authorize(w http.ResponseWriter, r *http.Request) {
	back, _ := url.Parse(r.URL.Query().Get("redirect_uri"))
	if back != nil && back.Scheme == "http" && !s.Habits().PlainRedirects {
		http.Error(w, "The requested redirect uri is malformed or doesn't match client redirect URI.", http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodDelete {
		r.Method = http.MethodPost
		_ = r.ParseForm()
		r.PostForm.Set("decision", "deny")
	}
	s.Issuer.ServeAuthorize(w, r)
}

// token is the token endpoint. An external token is taken from an application of
// that kind only.
func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	for name, values := range oauthHeaders(&simkit.Answer{Header: http.Header{}}).Header {
		w.Header()[name] = values
	}
	if p, refusal := s.Issuer.Params(r); refusal == nil && p.Get(external) != "" {
		if c, refusal := s.Issuer.Client(r, p); refusal == nil && !slices.Contains(s.external, c.ID) {
			s.Issuer.Refuse(w, simkit.Refusal{Code: simkit.InvalidGrant})
			return
		}
	}
	if s.Habits().Barred {
		s.Issuer.Refuse(w, simkit.Refusal{Code: unauthorizedClient})
		return
	}
	s.Issuer.ServeToken(w, r)
}

// revoke ends a token and the other one of its reply, which are one record. Its
// 200 proves nothing.
func (s *Sim) revoke(w http.ResponseWriter, r *http.Request) {
	h := s.Habits()
	v := h.version()
	p, refusal := s.Issuer.Params(r)
	if refusal == nil && strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		refusal = &simkit.Refusal{Code: simkit.InvalidRequest} // the client is asked, not a token
	}
	if refusal != nil {
		s.Issuer.Refuse(w, *refusal)
		return
	}
	t, known := s.Issuer.Look(p.Get("token"))
	c, stranger := s.Issuer.Client(r, p)
	right := stranger == nil && (!known || t.Grant.Client == c.ID)
	if !right && v >= V520 || !known && v >= V520 && v < V540 {
		h.failed(http.StatusForbidden, unauthorizedClient, nil).Send(w)
		return
	}
	if right && known {
		s.end(t, p.Get("token"), v)
	}
	oauthHeaders(simkit.JSON(http.StatusOK, map[string]any{})).Send(w)
}

// end ends a record that is still accessible: its access token has not expired.
func (s *Sim) end(t simkit.Token, text string, v Version) {
	access := t
	if t.Use == "refresh" {
		access, _ = s.Issuer.Look(t.Mate)
	}
	expired := !access.Expires.IsZero() && !time.Now().Before(access.Expires)
	if expired && (t.Use == "access" || v < V582) {
		return
	}
	s.Issuer.End(text, false)
	s.Issuer.End(t.Mate, false)
}

// introspect shows a token to its application, named by id and secret or by
// another of its tokens.
func (s *Sim) introspect(w http.ResponseWriter, r *http.Request) {
	h := s.Habits()
	if h.Introspection == Off {
		http.NotFound(w, r)
		return
	}
	p, refusal := s.Issuer.Params(r)
	asker := ""
	if refusal == nil {
		asker, refusal = s.asker(r, p)
	}
	if refusal != nil {
		s.Issuer.Refuse(w, *refusal)
		return
	}
	t, _ := s.Issuer.Look(p.Get("token"))
	m := map[string]any{"active": false}
	if t.Live && t.Grant.Client == asker && h.Introspection != Inactive {
		if t.Use == "refresh" {
			mate, _ := s.Issuer.Look(t.Mate)
			t.Expires = mate.Expires
		}
		m = map[string]any{"active": true, "scope": t.Grant.Scope, "client_id": asker, "token_type": h.version().tokenType(), "iat": t.Created.Add(h.Skew).Unix()}
		if !h.Endless {
			m["exp"] = t.Expires.Add(h.Skew).Unix()
		}
	}
	oauthHeaders(simkit.JSON(http.StatusOK, m)).Send(w)
}

func (s *Sim) asker(r *http.Request, p url.Values) (client string, refusal *simkit.Refusal) {
	if _, _, basic := r.BasicAuth(); basic || p.Get("client_id") != "" {
		c, refusal := s.Issuer.Client(r, p)
		return c.ID, refusal
	}
	text, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer {
		return "", &simkit.Refusal{Code: simkit.InvalidRequest}
	}
	g, ok := s.Issuer.Access(text)
	if !ok || text == p.Get("token") {
		return "", &simkit.Refusal{Code: invalidToken}
	}
	return g.Client, nil
}

// tokenInfo shows the token that asks.
func (s *Sim) tokenInfo(w http.ResponseWriter, r *http.Request) {
	h := s.Habits()
	if h.TokenInfo == Off {
		http.NotFound(w, r)
		return
	}
	g, ok := s.Issuer.Bearer(r)
	if !ok || h.TokenInfo == Inactive {
		h.failed(http.StatusUnauthorized, invalidToken, map[string]any{"state": "unauthorized"}).Send(w)
		return
	}
	_, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	t, _ := s.Issuer.Look(text)
	scope, left := "scope", "expires_in"
	if h.version() < V500 {
		scope, left = "scopes", "expires_in_seconds"
	}
	m := map[string]any{"resource_owner_id": nil, scope: h.written(g.Scope, true), left: nil,
		"application": map[string]any{"uid": g.Client}, "created_at": t.Created.Add(h.Skew).Unix()}
	if !h.Endless {
		m[left] = int64(time.Until(t.Expires) / time.Second)
	}
	if id, err := strconv.Atoi(s.owner(g)); err == nil {
		m["resource_owner_id"] = id
	}
	oauthHeaders(simkit.JSON(http.StatusOK, m)).Send(w)
}

// owner is the id of the user that a token is of; "" for an application's.
func (s *Sim) owner(g simkit.Grant) string {
	for _, u := range s.Issuer.Rules().Users {
		if u.Name == g.User {
			return u.Of
		}
	}
	return ""
}
