package cameramanagersim

import (
	"net/http"
	"slices"
	"strings"

	"latchkey/bridge/simkit"
)

// refuse answers in the API's error shape. The numeric codes are invented: the
// vendor publishes none.
func refuse(w http.ResponseWriter, status int, title string) {
	simkit.JSON(status, map[string]any{"code": status * 10, "title": title}).Send(w)
}

// accessToken is taken from the header or from the query.
func accessToken(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return token
	}
	return r.URL.Query().Get("access_token")
}

// signedIn lets requests with a live access token through.
func (s *Sim) signedIn(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter, *http.Request, simkit.Grant)) {
	g, ok := s.Issuer.Access(accessToken(r))
	if !ok {
		simkit.JSON(http.StatusUnauthorized, map[string]any{"error": "invalid_token", "error_description": "no, wrong or expired access token"}).Send(w)
		return
	}
	serve(w, r, g)
}

// wantsJSON refuses requests that do not say so, and unknown parameters.
func wantsJSON(w http.ResponseWriter, r *http.Request, params ...string) bool {
	if !accepts(r, "application/json") {
		refuse(w, http.StatusNotAcceptable, "not acceptable")
		return false
	}
	return knows(w, r, params...)
}

// knows refuses query parameters that the vendor's texts do not name.
func knows(w http.ResponseWriter, r *http.Request, params ...string) bool {
	for name := range r.URL.Query() {
		if name != "access_token" && !slices.Contains(params, name) {
			refuse(w, http.StatusBadRequest, "unknown parameter "+name)
			return false
		}
	}
	return true
}

func accepts(r *http.Request, media string) bool {
	return strings.Contains(r.Header.Get("Accept"), media)
}
