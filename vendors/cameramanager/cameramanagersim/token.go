package cameramanagersim

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"latchkey/bridge/simkit"
)

// rules are the habits of the OAuth server: parameters in the query (or a form),
// a raw Basic header, a scope in every request, the same refresh token for ever.
func (s *Sim) rules(clients []simkit.Client, users []simkit.User) simkit.Rules {
	return simkit.Rules{
		Clients: clients, Users: users,
		ScopeOK: knownScope,
		Grants:  []string{"authorization_code", "refresh_token", "password", "client_credentials"},
		In:      []simkit.Place{simkit.InQuery, simkit.InForm},
		Auth:    []simkit.ClientAuth{simkit.AuthBasic},
		Needs: map[string][]string{
			"":                   {"scope"},
			"authorization_code": {"code", "redirect_uri"},
			"refresh_token":      {"refresh_token"},
			"password":           {"username", "password"},
		},
		Optional:   map[string][]string{},
		AccessLife: 12 * time.Hour,
		Rotation:   simkit.RotateSame,
		NewToken:   newToken,
		Reply:      reply,
		Refuse:     s.refuseToken,
	}
}

// knownScope takes the two words that the vendor's guide shows.
func knownScope(scope string) bool {
	for _, word := range strings.Fields(scope) {
		if word != "read" && word != "write" {
			return false
		}
	}
	return strings.TrimSpace(scope) != ""
}

// newToken makes tokens like the guide's: a UUID, a colon, digits.
func newToken(use string) string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	x := hex.EncodeToString(b[:])
	if use == "code" {
		return x[:12]
	}
	return fmt.Sprintf("%s-%s-%s-%s-%s:10042", x[:8], x[8:12], x[12:16], x[16:20], x[20:])
}

// reply counts what remains of the access token, less one second.
func reply(t simkit.Issued) any {
	m := map[string]any{"access_token": t.Access, "token_type": "bearer", "expires_in": max(int(t.Life/time.Second)-1, 0), "scope": t.Grant.Scope}
	if t.Refresh != "" {
		m["refresh_token"] = t.Refresh
	}
	return m
}

func (s *Sim) refuseToken(f simkit.Refusal) *simkit.Answer {
	body := map[string]any{"error": f.Code, "error_description": f.Why}
	if f.Code != simkit.InvalidClient {
		return simkit.JSON(http.StatusBadRequest, body)
	}
	if body["error"] = s.now().ClientError; body["error"] == "" {
		body["error"] = "unauthorized"
	}
	a := simkit.JSON(http.StatusUnauthorized, body)
	a.Header.Set("WWW-Authenticate", `Basic realm="oauth"`)
	return a
}

// token is the token endpoint. The Accept header is required, and an unknown
// scope is refused although the granted one is that of the authorize step.
func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	if !accepts(r, "application/json") {
		refuse(w, http.StatusNotAcceptable, "not acceptable")
		return
	}
	p, refusal := s.Issuer.Params(r)
	if refusal == nil && p.Get("scope") != "" && !knownScope(p.Get("scope")) {
		refusal = &simkit.Refusal{Code: simkit.InvalidScope, Why: "unknown scope"}
	}
	if refusal != nil {
		s.Issuer.Refuse(w, *refusal)
		return
	}
	s.Issuer.ServeToken(w, r)
}

// logout ends the whole grant that the bearer is of.
func (s *Sim) logout(w http.ResponseWriter, r *http.Request, _ simkit.Grant) {
	s.Issuer.End(accessToken(r), true)
	w.WriteHeader(http.StatusOK)
}

// EchoToken is a fault: the cloud answers as usual, but a refusal's description
// repeats the token that it was sent.
func EchoToken(e *simkit.Exchange) {
	token := accessToken(e.Request) + e.Request.URL.Query().Get("refresh_token")
	simkit.EditJSON(func(m map[string]any) {
		if m["error"] != nil {
			m["error_description"] = "Invalid token: " + token
		}
	})(e)
}
