package dwspectrum

import (
	"net/url"
	"slices"
	"strings"

	"latchkey/bridge"
)

// scope is what the account's grant may do: zero or more parts of the cloud, then
// one system or, for minting, all of them.
type scope struct {
	paths  []string // below the cloud's address; "" is all of it
	system string   // "*" is all
}

// The parts of the cloud that a scope may name.
const (
	everything  = ""
	tokensOnly  = "/cdb/oauth2/token"
	systemsOnly = "/cdb/system"
)

// parseScope reads a configured scope. None is the widest, the vendor's default.
func parseScope(text, base string) (scope, error) {
	const at = "scope"
	if strings.TrimSpace(text) == "" {
		return scope{paths: []string{everything}, system: "*"}, nil
	}
	var c scope
	home, err := url.Parse(base)
	if err != nil {
		return c, nil // the mistake is base_url's
	}
	for _, word := range strings.Fields(text) {
		if id, is := strings.CutPrefix(word, "cloudSystemId="); is && c.system == "" && (id == "*" || isSystem(id)) {
			c.system = id
			continue
		}
		u, err := url.Parse(word)
		if err != nil || u.Host == "" || c.system != "" {
			return c, bridge.At(at, "%q does not fit: a scope is addresses of the cloud, then cloudSystemId=* or cloudSystemId=<a system's id>", word)
		}
		path := strings.TrimSuffix(u.Path, "/")
		switch {
		case u.Scheme != home.Scheme || !strings.EqualFold(u.Host, home.Host):
			return c, bridge.At(at, "%q is another cloud than base_url", word)
		case !slices.Contains([]string{everything, tokensOnly, systemsOnly}, path) || u.RawQuery != "" || u.Fragment != "":
			return c, bridge.At(at, "%q is not known (one of: %s, %s%s, %s%s)", word, base, base, tokensOnly, base, systemsOnly)
		}
		c.paths = append(c.paths, path)
	}
	if c.system == "" {
		return c, bridge.At(at, "has no cloudSystemId= at its end (cloudSystemId=* for all systems)")
	}
	if len(c.paths) == 0 && c.system == "*" {
		return c, bridge.At(at, "names no system: without an address of the cloud it must be cloudSystemId=<a system's id>")
	}
	return c, nil
}

// broad tells that the whole cloud is in scope.
func (c scope) broad() bool { return slices.Contains(c.paths, everything) }

// own tells that the grant is of one system and of nothing else: its token is used
// there as it is.
func (c scope) own() bool { return len(c.paths) == 0 }

// lists tells whether the account's systems can be listed.
func (c scope) lists() bool { return c.broad() || slices.Contains(c.paths, systemsOnly) }

// tokens tells whether the grant may revoke, introspect and mint.
func (c scope) tokens() bool { return c.broad() || slices.Contains(c.paths, tokensOnly) }

// opens tells whether a system can be asked.
func (c scope) opens(id string) bool {
	return (c.own() || c.tokens()) && (c.system == "*" || sameID(c.system, id))
}
