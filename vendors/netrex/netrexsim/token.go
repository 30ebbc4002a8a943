package netrexsim

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge/simkit"
)

// Rights are the scope words, in the order in which the vendor lists them.
func Rights() []string {
	return []string{"read", "write", "liveview", "audiotransmit", "liveview_ptz", "liveview_light", "liveview_audioclip", "recordings", "recordings_delete", "events"}
}

// rules are the habits of the OAuth server: parameters in the query, scopes joined
// by commas, a secret that may be left out at the price of the refresh token.
// Rotation is unknown; one may choose another of simkit's.
func (s *Sim) rules(clients []simkit.Client, users []simkit.User) simkit.Rules {
	return simkit.Rules{
		Clients: clients, Users: users,
		Separator:  ",",
		ScopeOK:    knownScope,
		In:         []simkit.Place{simkit.InQuery},
		Secretless: true,
		Optional:   map[string][]string{},
		CodeLife:   time.Minute,
		AccessLife: time.Hour,
		Reply:      s.reply,
		Refuse:     s.refuse,
	}
}

func knownScope(scope string) bool {
	for _, word := range strings.Split(scope, ",") {
		if !slices.Contains(Rights(), word) {
			return false
		}
	}
	return true
}

// reply has neither token_type nor scope, and no refresh_token without the secret.
func (s *Sim) reply(t simkit.Issued) any {
	set := s.now()
	m := map[string]any{"access_token": t.Access}
	seconds := int64(t.Life / time.Second)
	switch {
	case set.NoLife:
	case set.TextLife:
		m["expires_in"] = strconv.FormatInt(seconds, 10)
	default:
		m["expires_in"] = seconds
	}
	if t.Refresh != "" {
		m["refresh_token"] = t.Refresh
	}
	if set.TokenType {
		m["token_type"] = "bearer"
	}
	return m
}

// sentences are human ones: the vendor's error is not a code.
var sentences = map[string]string{
	simkit.InvalidClient: "The client application does not exist or its secret is wrong.", simkit.InvalidGrant: "The authorization is not valid any more.",
	simkit.InvalidRequest: "The request is not complete.", simkit.InvalidScope: "The scope is not allowed.", simkit.UnsupportedGrant: "Unknown grant type.",
}

func (s *Sim) refuse(f simkit.Refusal) *simkit.Answer {
	status := s.now().OAuthStatus
	if status == 0 {
		status = http.StatusOK
	}
	return simkit.JSON(status, map[string]string{"error": cmp.Or(s.now().Sentence, sentences[f.Code])})
}

// authorize is the sign-in and consent page, with and without the slash.
func (s *Sim) authorize(w http.ResponseWriter, r *http.Request) {
	if s.now().OtherNames {
		r.URL.RawQuery = rename(r.URL.Query(), "redirect_url", "redirect_uri").Encode()
	}
	s.Issuer.ServeAuthorize(w, r)
}

// token takes parameters in the query alone, unless a setting allows more.
func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	set := s.now()
	s.Issuer.Change(func(rules *simkit.Rules) {
		rules.In = []simkit.Place{simkit.InQuery}
		if set.FormBody {
			rules.In = append(rules.In, simkit.InForm)
		}
	})
	p := r.URL.Query()
	if set.OtherNames {
		rename(p, "redirect_url", "redirect_uri")
		if p.Get("grant_type") == "auth_code" {
			p.Set("grant_type", "authorization_code")
		}
	}
	if set.RefreshName != "" {
		if p.Has("refresh_token") {
			s.Issuer.Refuse(w, simkit.Refusal{Code: simkit.InvalidRequest})
			return
		}
		rename(p, set.RefreshName, "refresh_token")
	}
	r.URL.RawQuery = p.Encode()
	if p.Get("grant_type") == "refresh_token" && p.Get("client_secret") == "" && !set.FormBody {
		s.Issuer.Refuse(w, simkit.Refusal{Code: simkit.InvalidClient}) // refreshing is for those with the secret
		return
	}
	s.Issuer.ServeToken(w, r)
}

func rename(p url.Values, from, to string) url.Values {
	if p.Has(from) && !p.Has(to) {
		p[to] = p[from]
		delete(p, from)
	}
	return p
}

// revoke ends an access token and its refresh token. It is not RFC 7009.
func (s *Sim) revoke(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	p := r.URL.Query()
	if s.now().RevokeClient {
		if _, refusal := s.Issuer.Client(r, p); refusal != nil || p.Get("client_secret") == "" {
			s.Issuer.Refuse(w, simkit.Refusal{Code: simkit.InvalidClient})
			return
		}
	}
	token := p.Get("access_token")
	look, known := s.Issuer.Look(token)
	ended := s.DeletePortalToken(token)
	if known && look.Use == "access" && look.Live {
		ended = s.Issuer.End(token, true)
	}
	message := "The access token has been deleted."
	if !ended {
		message = "The access token does not exist."
	}
	simkit.JSON(http.StatusOK, map[string]any{"success": ended, "message": message}).Send(w)
}

// PortalToken makes a token as a user does in the portal, with chosen rights
// separated by commas. It does not end by itself.
func (s *Sim) PortalToken(user, rights string) string {
	view := ""
	for _, u := range s.Issuer.Rules().Users {
		if u.Name == user {
			view = u.Of
		}
	}
	text := "portal-" + strings.ToLower(rand.Text())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.portal[text] = simkit.Grant{User: user, Of: view, Scope: rights}
	return text
}

// DeletePortalToken deletes a token in the portal; false: there was none.
func (s *Sim) DeletePortalToken(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.portal[text]
	delete(s.portal, text)
	return known
}

// bearer finds whose token a request carries.
func (s *Sim) bearer(r *http.Request) (simkit.Grant, bool) {
	if g, ok := s.Issuer.Bearer(r); ok {
		return g, true
	}
	_, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	g, ok := s.portal[text]
	return g, ok
}

func may(g simkit.Grant, right string) bool {
	return slices.Contains(strings.Split(g.Scope, ","), right)
}
