package cloud

import (
	"net"
	"net/url"
	"strings"

	"latchkey/bridge"
)

// place is an origin that was read once, for somebody waits for each request.
type place struct {
	bridge.Origin
	home *url.URL // nil: it depends on the resource, or the bearer must not travel there
	text string   // of home
}

func newPlace(o bridge.Origin) place {
	p := place{Origin: o}
	u, err := url.Parse(strings.TrimSuffix(o.Base, "/"))
	if err == nil && u.Host != "" && secure(u) && !strings.Contains(o.Base, "{narrow}") {
		p.home, p.text = u, u.String()
	}
	return p
}

// at is the place of one resource. What is no label could lead elsewhere.
func (p place) at(narrow string) (_ place, ok bool) {
	if !p.Narrowed && !strings.Contains(p.Base, "{narrow}") {
		return p, true
	}
	if !isLabel(narrow) {
		return p, false
	}
	p.Base = strings.ReplaceAll(p.Base, "{narrow}", narrow)
	return newPlace(p.Origin), true
}

// locate returns where a request goes. What is not below the origin, or would
// carry the bearer in clear, is refused unsent.
func locate(p place, req bridge.Request) (*url.URL, error) {
	p, ok := p.at(req.Narrow)
	if !ok {
		return nil, refuse("the request names no valid resource")
	}
	if p.home == nil {
		return nil, refuse("the base URL is neither https nor plain http on loopback")
	}
	text := req.Path
	if text == "" || text[0] == '/' {
		text = p.text + text
	}
	u, err := url.Parse(text)
	if err != nil || u.User != nil || !sameHost(p.home, u) || hasDots(u.Path) {
		return nil, refuse("the address is not one of this cloud")
	}
	u.Fragment = ""
	if len(req.Query) > 0 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += url.Values(req.Query).Encode()
	}
	return u, nil
}

// redirect returns where an answer leads, or nil where latchkey does not go.
// Commands leave only by 307 or 308 to the declared domain; reads may also stay
// on their host.
func redirect(out *outgoing, a *answer) *url.URL {
	command := out.permit != nil
	switch a.status {
	case 307, 308:
	case 301, 302, 303:
		if command || out.method != "GET" && out.method != "HEAD" {
			return nil
		}
	default:
		return nil
	}
	location := a.header.Get("Location")
	u, err := out.url.Parse(location)
	if err != nil || location == "" || u.User != nil || !secure(u) {
		return nil
	}
	u.Fragment = ""
	declared := below(u.Hostname(), out.origin.Redirect) && (u.Scheme == "https" || out.url.Scheme == "http")
	if declared || !command && sameHost(out.url, u) {
		return u
	}
	return nil
}

// secure tells whether the bearer may travel there: https, or plain http that
// does not leave this machine.
func secure(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname())
}

// loopback tells whether a host name is this machine; names below .localhost are
// by RFC 6761.
func loopback(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}

func sameHost(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// below tells whether host is the domain or one of its sub-domains.
func below(host, domain string) bool {
	host, domain = strings.ToLower(host), strings.ToLower(domain)
	return domain != "" && (host == domain || strings.HasSuffix(host, "."+domain))
}

// hasDots finds segments that a server would resolve to somewhere else, also
// where they came percent-encoded.
func hasDots(path string) bool {
	for _, segment := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// isLabel tells whether s can stand in a host name or path as it is.
func isLabel(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 63
}
