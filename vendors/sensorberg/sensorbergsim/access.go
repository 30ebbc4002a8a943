package sensorbergsim

import (
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"latchkey/bridge/simkit"
)

// media is that of JSON:API.
const media = "application/vnd.api+json"

// handler answers with the simulator's lock held.
type handler func(r *http.Request, g simkit.Grant) *simkit.Answer

// problem is an error of the API.
type problem struct {
	status              int
	code, title, detail string
}

// answer is the problem as JSON:API writes it.
func (p problem) answer() *simkit.Answer {
	return document(p.status, map[string]any{"errors": []any{
		map[string]any{"status": strconv.Itoa(p.status), "code": p.code, "title": p.title, "detail": p.detail}}})
}

// document is an answer of JSON:API.
func document(status int, v any) *simkit.Answer {
	a := simkit.JSON(status, v)
	a.Header.Set("Content-Type", media)
	return a
}

// api asks for a live token with one of the scopes; none: that of the units.
func (s *Sim) api(scopes []string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		habits := s.Habits()
		g, ok := s.Issuer.Bearer(r)
		if !ok {
			habits.refuse(http.StatusUnauthorized, invalidToken).Send(w)
			return
		}
		if allowed := habits.scopes(scopes); !slices.ContainsFunc(allowed, func(scope string) bool { return may(g, scope) }) {
			habits.refuse(http.StatusForbidden, habits.version().wrongScope()).Send(w)
			return
		}
		s.mu.Lock()
		answer := h(r, g)
		s.mu.Unlock()
		answer.Send(w)
	})
}

func (h Habits) scopes(of []string) []string {
	switch {
	case of != nil:
		return of
	case h.Scope == "":
		return []string{App}
	}
	return []string{h.Scope}
}

// may tells whether a token is of the kind that a scope means.
func may(g simkit.Grant, scope string) bool {
	return slices.Contains(strings.Fields(g.Scope), scope) && (scope == Me) == (g.User != "")
}

// refuse is a refusal of the API for the token's sake. The code stands in the
// header, and in the body where there is one.
func (h Habits) refuse(status int, code string) *simkit.Answer {
	a := &simkit.Answer{Status: status, Header: http.Header{}}
	switch h.Refused {
	case RefusedOAuth:
		return h.failed(status, code, nil)
	case RefusedJSONAPI:
		a = problem{status, code, http.StatusText(status), describe(code)}.answer()
	}
	a.Header.Set("WWW-Authenticate", challenge(code))
	return a
}

// negotiated asks for JSON:API's media type: without parameters in what is sent,
// and somewhere in what is accepted.
func negotiated(h handler) handler {
	return func(r *http.Request, g simkit.Grant) *simkit.Answer {
		if r.Method != http.MethodGet && r.Header.Get("Content-Type") != media {
			return problem{http.StatusUnsupportedMediaType, "unsupported_media_type", "Unsupported media type", "Want " + media + " without parameters"}.answer()
		}
		if !acceptable(r.Header.Get("Accept")) {
			return problem{http.StatusNotAcceptable, "not_acceptable", "Not acceptable", "Only " + media + " is served"}.answer()
		}
		return h(r, g)
	}
}

func acceptable(accept string) bool {
	if accept == "" {
		return true
	}
	for one := range strings.SplitSeq(accept, ",") {
		kind, params, err := mime.ParseMediaType(one)
		delete(params, "q")
		if err == nil && (kind == media && len(params) == 0 || kind == "*/*" || kind == "application/*") {
			return true
		}
	}
	return false
}
