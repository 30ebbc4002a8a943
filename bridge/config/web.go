package config

import (
	"net"
	"strconv"
	"strings"

	"latchkey/bridge"
)

// checkWeb also derives the public URL where it is left out: the address of
// Listen as a browser on this machine reaches it.
func checkWeb(w *Web) error {
	if len(w.TrustedProxies) == 0 {
		w.TrustedProxies = nil // `[]` is no change
	}
	if err := oneOf("web.metrics", w.Metrics, "loopback", "signed_in", "open"); err != nil {
		return err
	}
	host, port, err := splitListen(w.Listen)
	if err != nil {
		return err
	}
	if w.PublicURL == "" {
		if !loopback(host) {
			host = "127.0.0.1"
		}
		w.PublicURL = "http://" + net.JoinHostPort(host, port)
		return nil
	}
	u, err := parseURL("web.public_url", w.PublicURL, "http", "https")
	if err != nil {
		return err
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return bridge.At("web.public_url", "may have no query and no fragment")
	}
	w.PublicURL = strings.TrimRight(w.PublicURL, "/")
	return nil
}

// splitListen reads host:port; "" is the default port of a listener that is off.
func splitListen(listen string) (host, port string, err error) {
	if listen == "" {
		return "127.0.0.1", "8087", nil
	}
	host, port, err = net.SplitHostPort(listen)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", "", bridge.At("web.listen", `%q is no address and port (such as 127.0.0.1:8087, or "" for no page)`, listen)
	}
	return host, port, nil
}

// guardWeb refuses a page that other machines reach and nothing protects. In a
// container, where only such a page can be reached at all, a password is made.
func (l *loader) guardWeb(w *Web) error {
	host, _, err := splitListen(w.Listen)
	if err != nil || w.Listen == "" || loopback(host) || !w.Password.Empty() || len(w.TrustedProxies) > 0 {
		return nil
	}
	w.MakePassword = l.container
	return wrongIf(!l.container, "web.listen", "other machines can reach %s: set web.password_file or web.trusted_proxies, or listen on 127.0.0.1", w.Listen)
}

func warnWeb(w Web, derived bool) error {
	host, _, err := splitListen(w.Listen)
	exposed := err == nil && w.Listen != "" && !loopback(host)
	return wrongIf(exposed && derived, "web.listen", "web.public_url is not set: signing in works only in a browser on this machine (%s)", w.PublicURL)
}
