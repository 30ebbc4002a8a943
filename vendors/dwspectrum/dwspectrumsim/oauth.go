package dwspectrumsim

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge/simkit"
)

// rules are the habits of the OAuth server: JSON alone, no client authentication,
// scopes that only shrink.
func (s *Sim) rules(users []simkit.User) simkit.Rules {
	return simkit.Rules{
		Users:          users,
		Return:         []string{"redirect_url"},
		NoResponseType: true,
		Grants:         []string{"authorization_code", "refresh_token", "password"},
		In:             []simkit.Place{simkit.InJSON},
		Auth:           []simkit.ClientAuth{simkit.AuthNone},
		Needs: map[string][]string{
			"":                   {"response_type"},
			"authorization_code": {"code"},
			"refresh_token":      {"refresh_token"},
			"password":           {"username", "password"},
		},
		Optional:   map[string][]string{"": {"scope"}, "password": {"mfaCode"}},
		AccessLife: 24 * time.Hour,
		Scope: func(asked, _ string) (string, bool) {
			return or(asked, DefaultScope), true // a code is good for any
		},
		Mint: func(asked, granted string) (string, bool) {
			a, ok := parseScope(asked)
			g, _ := parseScope(granted)
			return asked, ok && asked != granted && a.within(g)
		},
		NewToken: newToken,
		Reply:    s.reply,
		Refuse:   s.refuseToken,
	}
}

// token takes a token request apart before the issuer sees it: the client's name
// need not match, and a scope never widens.
func (s *Sim) token(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var members map[string]string
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &members)
	}
	switch {
	case media != "application/json" || err != nil:
		s.refuse(w, http.StatusBadRequest, "invalidFormat")
		return
	case members["response_type"] != "token":
		s.refuse(w, http.StatusBadRequest, "badRequest")
		return
	}
	delete(members, "client_id")
	if members["grant_type"] == "password" {
		members["scope"] = or(members["scope"], DefaultScope)
	}
	if !s.narrow(w, members) {
		return
	}
	body, _ = json.Marshal(members) // texts
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.Issuer.ServeToken(w, r)
}

// narrow judges the scope that is asked for. One that cannot be read is ignored.
func (s *Sim) narrow(w http.ResponseWriter, members map[string]string) bool {
	asked, ok := parseScope(members["scope"])
	if !ok {
		delete(members, "scope")
	}
	old, known := s.Issuer.Look(members["refresh_token"])
	if !ok || !known {
		return true
	}
	granted, _ := parseScope(old.Grant.Scope)
	switch {
	case asked.within(granted) && granted.within(asked):
		members["scope"] = old.Grant.Scope
	case asked.within(granted):
		members["scope"] = strings.Join(strings.Fields(members["scope"]), " ")
	case s.now().WiderRefused:
		s.refuse(w, http.StatusForbidden, "forbidden")
		return false
	default:
		delete(members, "scope")
	}
	return true
}

// reply is the article's, with its three times as text.
func (s *Sim) reply(t simkit.Issued) any {
	set := s.now()
	life := int64(t.Life / time.Second)
	m := map[string]any{
		"access_token": t.Access, "token_type": "bearer", "scope": t.Grant.Scope,
		"expires_in": strconv.FormatInt(life, 10), "expires_at": strconv.FormatInt(t.Created.Add(t.Life).UnixMilli(), 10),
		"user_session_note": "unknown members are normal",
	}
	if set.NumberTimes {
		m["expires_in"], m["expires_at"] = life, t.Created.Add(t.Life).UnixMilli()
	}
	if !set.NoProlongation {
		m["prolongation_period"] = "600"
	}
	c, _ := parseScope(t.Grant.Scope)
	switch {
	case t.Refresh != "":
		m["refresh_token"] = t.Refresh
	case len(c.paths) == 0 && !set.NoMintRefresh:
		m["refresh_token"] = newToken("narrow") // of the narrow set: storing it over the broad one loses the grant
	}
	return m
}

// refuseToken puts the issuer's refusals into the cloud database's words.
func (s *Sim) refuseToken(f simkit.Refusal) *simkit.Answer {
	set := s.now()
	switch {
	case f.Code == simkit.InvalidScope:
		return set.refusal(http.StatusForbidden, "forbidden")
	case f.Code != simkit.InvalidGrant:
		return set.refusal(http.StatusBadRequest, "badRequest")
	case f.Type == "refresh_token":
		return set.refusal(http.StatusUnauthorized, or(set.DeadCode, "notAuthorized"))
	case f.Type == "password":
		return set.refusal(http.StatusUnauthorized, "badUsername")
	}
	return set.refusal(or(set.CodeStatus, http.StatusUnauthorized), "notAuthorized")
}

// refuse answers in the cloud's error shape.
func (s *Sim) refuse(w http.ResponseWriter, status int, code string) {
	s.now().refusal(status, code).Send(w)
}

func (t Settings) refusal(status int, code string) *simkit.Answer {
	switch t.PortalErrors {
	case "error":
		return simkit.JSON(status, map[string]any{"error": code, "error_description": "refused"})
	case "detail":
		return simkit.JSON(status, map[string]any{"detail": "refused"})
	case "html":
		return &simkit.Answer{Status: status, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html><body>refused</body></html>")}
	}
	return simkit.JSON(status, map[string]any{"resultCode": code, "errorClass": "logicError", "errorDetail": 0, "errorText": "refused"})
}

// Busy is a fault: the cloud asks to come back later.
func Busy(e *simkit.Exchange) {
	e.Send(simkit.JSON(http.StatusServiceUnavailable, map[string]any{"resultCode": "retryLater", "errorText": "busy"}))
}

// NotOK is a fault: a 200 whose resultCode is not ok.
func NotOK(e *simkit.Exchange) {
	e.Send(simkit.JSON(http.StatusOK, map[string]any{"resultCode": "retryLater", "errorText": "busy"}))
}
