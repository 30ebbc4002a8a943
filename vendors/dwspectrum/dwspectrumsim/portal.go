package dwspectrumsim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge/simkit"
)

// portal serves the cloud itself. The documented paths end in a slash; without it
// a POST is sent to the slash as a GET, and its body is lost.
func (s *Sim) portal() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", s.Issuer.ServeAuthorize)
	for path, serve := range map[string]http.HandlerFunc{
		"/oauth/token/":      s.token,
		"/oauth/revoke/":     s.only(http.MethodPost, s.revoke),
		"/oauth/introspect/": s.only(http.MethodGet, s.introspect),
		"/api/systems/":      s.only(http.MethodGet, s.listSystems),
	} {
		mux.HandleFunc(path+"{$}", serve)
		mux.HandleFunc(strings.TrimSuffix(path, "/"), func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, path, http.StatusMovedPermanently)
		})
	}
	mux.HandleFunc("/cdb/oauth2/token", s.token)
	mux.HandleFunc("GET /cdb/systems", s.cdbSystems)
	mux.HandleFunc("GET /api/utils/settings", func(w http.ResponseWriter, _ *http.Request) {
		simkit.JSON(http.StatusOK, map[string]any{"cloudName": "DW Cloud", "trafficRelayHost": or(s.now().RelayHost, "{systemId}.relay.vmsproxy.com"), "featureFlags": map[string]any{}}).Send(w)
	})
	mux.HandleFunc("GET /api/ping", func(w http.ResponseWriter, _ *http.Request) { simkit.JSON(http.StatusOK, map[string]any{}).Send(w) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { s.refuse(w, http.StatusNotFound, "notFound") })
	return mux
}

func (s *Sim) only(method string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method {
			w.Header().Set("Allow", method)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		next(w, r)
	}
}

// bearer lets a live token through whose scope reaches one of the routes.
func (s *Sim) bearer(w http.ResponseWriter, r *http.Request, routes ...string) bool {
	g, ok := s.Issuer.Bearer(r)
	if !ok {
		s.refuse(w, http.StatusUnauthorized, "notAuthorized")
		return false
	}
	c, _ := parseScope(g.Scope)
	for _, route := range routes {
		if c.reaches(route) {
			return true
		}
	}
	s.refuse(w, or(s.now().ScopeStatus, http.StatusForbidden), "forbidden")
	return false
}

// revoke ends one token. The access token is the bearer, so the refresh token has
// to go first.
func (s *Sim) revoke(w http.ResponseWriter, r *http.Request) {
	if !s.bearer(w, r, tokenRoute) {
		return
	}
	var body struct {
		Token string `json:"token"`
	}
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.Token == "" {
		s.refuse(w, http.StatusBadRequest, "invalidFormat")
		return
	}
	s.Issuer.End(body.Token, false)
	if status := s.now().RevokeStatus; status != 0 && status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	simkit.JSON(http.StatusOK, map[string]any{}).Send(w)
}

func (s *Sim) introspect(w http.ResponseWriter, r *http.Request) {
	if !s.bearer(w, r, tokenRoute) {
		return
	}
	t, known := s.Issuer.Look(r.URL.Query().Get("token"))
	reply := map[string]any{"active": known && t.Live}
	if known && t.Live && !s.now().BareInfo {
		reply["client_id"], reply["username"], reply["scope"] = t.Grant.Client, t.Grant.User, t.Grant.Scope
		reply["token_type"], reply["time_since_password"] = "bearer", strconv.Itoa(60)
		if !t.Expires.IsZero() {
			reply["exp"] = t.Expires.Unix()
			reply["expires_in"] = int64(time.Until(t.Expires) / time.Second)
		}
	}
	simkit.JSON(http.StatusOK, reply).Send(w)
}

func (s *Sim) listSystems(w http.ResponseWriter, r *http.Request) {
	routes := []string{"/api/systems", "/cdb/system"}
	if s.now().SystemsByCDB {
		routes = routes[:1]
	}
	if s.bearer(w, r, routes...) {
		simkit.JSON(http.StatusOK, s.systemsJSON("")).Send(w)
	}
}

func (s *Sim) cdbSystems(w http.ResponseWriter, r *http.Request) {
	if s.bearer(w, r, "/cdb/systems") {
		simkit.JSON(http.StatusOK, map[string]any{"systems": s.systemsJSON(r.URL.Query().Get("systemId"))}).Send(w)
	}
}

// systemsJSON is the listing, with the secrets that the cloud puts into it.
func (s *Sim) systemsJSON(only string) []any {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []any{} // an empty list is [], not null
	for _, one := range s.systems {
		if only != "" && only != one.ID {
			continue
		}
		m := map[string]any{
			"id": one.ID, "name": one.Name, "stateOfHealth": one.Health, "status": "activated", "accessRole": one.Role,
			"ownerAccountEmail": "owner@example.com", "ownerFullName": "O. Wner", "authKey": authKey, "authKeyHash": authKey,
			"system2faEnabled": one.TwoFactor, "registrationTime": "1700000000000", "lastLoginTime": "1710000000000", "capabilities": []string{},
		}
		if one.Version != "" {
			m["version"] = one.Version
		}
		all = append(all, m)
	}
	return all
}
