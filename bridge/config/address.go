package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/bridge"
)

// parseURL reads an absolute URL of one of the schemes. Its errors do not quote
// the URL: it may hold a password.
func parseURL(path, text string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || !printable(text):
		return nil, bridge.At(path, "is no URL")
	case !slices.Contains(schemes, u.Scheme):
		return nil, bridge.At(path, "must start with %s://", strings.Join(schemes, ":// or "))
	case u.User != nil:
		return nil, bridge.At(path, "may hold no user name and no password (they have settings of their own)")
	case u.Hostname() == "" && u.Scheme != "unix":
		return nil, bridge.At(path, "names no host")
	}
	if port := u.Port(); port != "" {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return nil, bridge.At(path, "has a port above 65535")
		}
	}
	return u, nil
}

// loopback tells whether a host, without port, can only be this machine.
func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.Unmap().IsLoopback()
}
