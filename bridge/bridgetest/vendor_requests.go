package bridgetest

import (
	"net/url"
	"slices"
	"strings"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
)

// isOAuth tells whether a request is the OAuth server's business: it is asked for
// tokens or for leave, not for what the API knows.
func isOAuth(d bridge.Dialect, method, path string) bool {
	asks := append([]bridge.Ask{}, d.Revoke...)
	for _, a := range []*bridge.Ask{d.Exchange, d.Acquire, d.Refresh, d.Narrow} {
		if a != nil {
			asks = append(asks, *a)
		}
	}
	for _, a := range asks {
		if path == pathOf(a.URL) && method == methodOf(a) {
			return true
		}
	}
	return d.Authorize != nil && path == pathOf(d.Authorize.URL)
}

func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Path
}

func methodOf(a bridge.Ask) string {
	if a.Method == "" {
		return "POST"
	}
	return a.Method
}

// renews is the request that renews the access token.
func (h *home) renews() bridge.Ask {
	if a := h.profile.Dialect.Refresh; a != nil && h.v.Person.Name != "" {
		return *a
	}
	return *h.profile.Dialect.Acquire
}

// token is the pattern of that request.
func (h *home) token() string { return methodOf(h.renews()) + " " + pathOf(h.renews().URL) }

// renewals counts them; tokens for one resource, minted at the same address, are none.
func (h *home) renewals() (n int) {
	return len(h.sim.Log.Of(h.token())) - len(h.mints())
}

// mints are the requests for tokens for one resource.
func (h *home) mints() (all []simkit.Seen) {
	a := h.profile.Dialect.Narrow
	if a == nil {
		return nil
	}
	i := slices.IndexFunc(a.Params, func(p bridge.Param) bool { return p.From == bridge.FieldNarrow })
	for _, seen := range h.sim.Log.Of(methodOf(*a) + " " + pathOf(a.URL)) {
		said, granted := string(seen.Body)+seen.Query.Encode(), h.profile.Dialect.Scope
		if strings.Contains(said, a.Params[i].Text) && (granted == "" || !strings.Contains(said, granted)) {
			all = append(all, seen)
		}
	}
	return all
}

// asked are the requests to the API.
func (h *home) asked() (all []simkit.Seen) {
	for _, seen := range h.sim.Log.Of("") {
		if !isOAuth(h.profile.Dialect, seen.Method, seen.Path) {
			all = append(all, seen)
		}
	}
	return all
}

// spoil does something to every answer of the API, not of the OAuth server.
func (h *home) spoil(do simkit.Deed) (end func()) {
	dialect := h.profile.Dialect // a start makes another
	return h.sim.Faults.Add(simkit.Fault{Times: simkit.Always, Do: func(e *simkit.Exchange) {
		if isOAuth(dialect, e.Request.Method, e.Request.URL.Path) {
			e.Pass()
			return
		}
		do(e)
	}})
}
