package dwspectrumsim

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"latchkey/bridge/simkit"
)

const (
	relayDomain = ".relay.vmsproxy.com"
	nodeDomain  = ".relay-eu.vmsproxy.com"
	pathPrefix  = "/relay/"
)

// relayed tells which system a request is for, what is asked of it, and whether
// it came to the regional node.
func relayed(r *http.Request) (id string, rest *url.URL, node, ok bool) {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	u := *r.URL
	if id, ok = strings.CutSuffix(host, relayDomain); ok {
		return id, &u, false, true
	}
	if id, ok = strings.CutSuffix(host, nodeDomain); ok {
		return id, &u, true, true
	}
	path, ok := strings.CutPrefix(u.EscapedPath(), pathPrefix)
	if !ok {
		return "", nil, false, false
	}
	id, path, _ = strings.Cut(path, "/")
	u.RawPath = "/" + path
	u.Path, _ = url.PathUnescape(u.RawPath)
	return id, &u, host == "localhost", true
}

type onSystem struct{}

// relay sends everything to the node, which asks for a bearer of that one system.
func (s *Sim) relay(w http.ResponseWriter, r *http.Request, vms http.Handler, id string, rest *url.URL, node bool) {
	set := s.now()
	known, offline, twoFactor := s.state(id)
	loop := offline && set.Offline == "loop"
	switch {
	case offline && set.Offline == "404":
		vmsError(w, http.StatusNotFound, "9", "notFound")
	case offline && !loop:
		vmsError(w, http.StatusServiceUnavailable, "11", "serviceUnavailable")
	case loop || !node && !set.NoRedirect:
		w.Header().Set("Location", nodeURL(r, id, node && loop))
		w.WriteHeader(http.StatusTemporaryRedirect)
	case set.Auth != "":
		w.Header().Set("X-Auth-Result", set.Auth)
		vmsError(w, http.StatusServiceUnavailable, "11", "serviceUnavailable")
	case r.Header.Get("Authorization") == "":
		vmsError(w, http.StatusUnauthorized, "12", or(set.NoBearer, "unauthorized"))
	case !known || !s.ofSystem(r, id):
		w.Header().Set("X-Auth-Result", "Auth_WrongSessionToken")
		vmsError(w, http.StatusUnauthorized, "12", "unauthorized")
	case twoFactor && set.TwoFactor == "errorId":
		vmsError(w, http.StatusForbidden, "4", "secondFactorRequired")
	case twoFactor:
		simkit.JSON(http.StatusForbidden, map[string]any{"resultCode": "secondFactorRequired", "errorText": "refused"}).Send(w)
	default:
		inner := r.WithContext(context.WithValue(r.Context(), onSystem{}, id))
		inner.URL = rest
		vms.ServeHTTP(w, inner)
	}
}

func (s *Sim) state(id string) (known, offline, twoFactor bool) {
	known = s.Set(id, func(y *System) { offline, twoFactor = y.Health == "offline" || y.rest() == 0, y.TwoFactor })
	return known, offline || !known, twoFactor
}

// ofSystem tells whether the bearer is this system's own: a broad one is not.
func (s *Sim) ofSystem(r *http.Request, id string) bool {
	g, ok := s.Issuer.Bearer(r)
	c, _ := parseScope(g.Scope)
	return ok && len(c.paths) == 0 && c.system == id
}

// nodeURL is where the relay sends a request: another host, so that a client that
// drops the bearer there is found out. back leads to the relay again.
func nodeURL(r *http.Request, id string, back bool) string {
	base, err := url.Parse(simkit.Base(r))
	if err != nil {
		return ""
	}
	port := ""
	if p := base.Port(); p != "" {
		port = ":" + p
	}
	switch {
	case strings.HasPrefix(r.URL.Path, pathPrefix) && back:
		base.Host = "127.0.0.1" + port
	case strings.HasPrefix(r.URL.Path, pathPrefix):
		base.Host = "localhost" + port
	case back:
		base.Host = id + relayDomain + port
	default:
		base.Host = id + nodeDomain + port
	}
	return base.String() + r.URL.RequestURI()
}

// vmsError is the error shape of a VMS.
func vmsError(w http.ResponseWriter, status int, number, id string) {
	simkit.JSON(status, map[string]any{"error": number, "errorId": id, "errorString": "refused"}).Send(w)
}
