package sensorbergsim

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/bridge/simkit"
)

// Version is a release of Doorkeeper at which its answers changed.
type Version int

// The versions, as three digits. Each stands for all up to the next.
const (
	V440 Version = 440 // and before
	V441 Version = 441
	V500 Version = 500
	V510 Version = 510
	V520 Version = 520
	V540 Version = 540
	V550 Version = 550
	V582 Version = 582
	V591 Version = 591
	V595 Version = 595
	V600 Version = 600 // beta
)

// Versions are all of them.
func Versions() []Version {
	return []Version{V440, V441, V500, V510, V520, V540, V550, V582, V591, V595, V600}
}

// Codes beyond those of simkit.
const (
	unauthorizedClient = "unauthorized_client"
	invalidToken       = "invalid_token"
)

// external is the parameter of a user's token of another system.
const external = "external_authentication_token"

func isScope(scope string) bool {
	words := strings.Fields(scope)
	return len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return w != Me && w != App && w != Basic })
}

func (v Version) tokenType() string {
	if v <= V440 {
		return "bearer"
	}
	return "Bearer"
}

// status of an error of the OAuth server.
func (v Version) status(code string) int {
	switch {
	case v < V510, code == simkit.InvalidClient, code == invalidToken, code == unauthorizedClient && v >= V550 && v < V600:
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}

// wrongScope is the error of a token of the wrong kind.
func (v Version) wrongScope() string {
	if v < V591 {
		return simkit.InvalidScope
	}
	return "insufficient_scope"
}

// reply is the token reply. Blank members are left out.
func (h Habits) reply(i simkit.Issued) any {
	m := map[string]any{"access_token": i.Access, "token_type": h.version().tokenType(), "created_at": i.Created.Add(h.Skew).Unix()}
	if !h.Endless {
		m["expires_in"] = int64(i.Life / time.Second)
	}
	if i.Grant.Scope != "" {
		m["scope"] = h.written(i.Grant.Scope, false)
	}
	if i.Refresh != "" {
		m["refresh_token"] = i.Refresh
	}
	return m
}

// refusal is an error of the OAuth server.
func (h Habits) refusal(f simkit.Refusal) *simkit.Answer {
	return h.failed(h.version().status(f.Code), f.Code, nil)
}

// written is a scope; list tells whether the library writes one there.
func (h Habits) written(scope string, list bool) any {
	if h.Scopes == ScopesList || list && h.Scopes == ScopesMixed {
		return strings.Fields(scope)
	}
	return scope
}

func (h Habits) failed(status int, code string, more map[string]any) *simkit.Answer {
	m := map[string]any{"error": code, "error_description": describe(code)}
	for name, v := range more {
		m[name] = v
	}
	a := simkit.JSON(status, m)
	a.Header.Set("WWW-Authenticate", challenge(code))
	return oauthHeaders(a)
}

func challenge(code string) string {
	return `Bearer realm="Doorkeeper", error="` + code + `", error_description="` + describe(code) + `"`
}

func oauthHeaders(a *simkit.Answer) *simkit.Answer {
	a.Header.Set("Content-Type", "application/json; charset=utf-8")
	a.Header.Set("Cache-Control", "no-store")
	a.Header.Set("Pragma", "no-cache")
	return a
}

func describe(code string) string {
	switch code {
	case simkit.InvalidClient:
		return "Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method."
	case simkit.InvalidGrant:
		return "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client."
	case simkit.InvalidScope, "insufficient_scope":
		return "The requested scope is invalid, unknown, or malformed."
	case simkit.UnsupportedGrant:
		return "The authorization grant type is not supported by the authorization server."
	case unauthorizedClient:
		return "You are not authorized to revoke this token"
	case invalidToken:
		return "The access token is invalid"
	}
	return "The request is missing a required parameter, includes an unsupported parameter value, or is otherwise malformed."
}
