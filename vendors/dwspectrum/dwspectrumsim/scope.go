package dwspectrumsim

import (
	"net/url"
	"slices"
	"strings"
)

// scope is what a token may do: cloud routes below some paths, and one system, or
// all of them ("*", for minting).
type scope struct {
	paths  []string // "" is the whole cloud
	system string   // "" is none
}

// parseScope reads URLs followed by cloudSystemId. The host of a URL is not looked
// at: the simulator has whatever host it is served on.
func parseScope(text string) (c scope, ok bool) {
	for _, word := range strings.Fields(text) {
		if id, is := strings.CutPrefix(word, "cloudSystemId="); is && c.system == "" && id != "" {
			c.system = id
			continue
		}
		u, err := url.Parse(word)
		if err != nil || u.Host == "" || c.system != "" {
			return scope{}, false
		}
		c.paths = append(c.paths, strings.TrimSuffix(u.Path, "/"))
	}
	return c, c.system != ""
}

// reaches tells whether a cloud route is in scope.
func (c scope) reaches(route string) bool {
	return slices.ContainsFunc(c.paths, func(p string) bool { return strings.HasPrefix(route, p) })
}

// within tells whether c is not wider than the granted scope. A token that can do
// nothing at the token endpoint mints nothing.
func (c scope) within(granted scope) bool {
	for _, p := range c.paths {
		if !granted.reaches(p) {
			return false
		}
	}
	if len(c.paths) == 0 && len(granted.paths) > 0 && !granted.reaches(tokenRoute) {
		return false
	}
	return granted.system == "*" || granted.system == c.system
}

const tokenRoute = "/cdb/oauth2/token"
