package hass

import (
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"latchkey/bridge"
)

// The reserved ids under which the bridge and the accounts stand where a device
// has its account and device.
const (
	bridgeID  = "bridge"
	accountID = "account"
)

// maxText bounds every text that comes from a vendor, in characters: names make
// up Home Assistant's entity ids, which end at 255.
const maxText = 100

// subject is what a document describes: the bridge (bridge, bridge), an account
// (its id, account) or a device (account, device).
type subject struct{ Account, Device string }

func (s subject) String() string { return s.Account + "/" + s.Device }

// identifier is the device identifier in Home Assistant. Ids hold `_` themselves,
// so two subjects can share one: the validator looks (rule D7).
func (o Options) identifier(s subject) string {
	id := "latchkey_" + o.Instance
	switch {
	case s.Account == bridgeID:
		return id
	case s.Device == accountID:
		return id + "_" + s.Account
	}
	return id + "_" + s.Account + "_" + s.Device
}

// uniqueID keeps four parts for the bridge and accounts too.
func (o Options) uniqueID(s subject, key string) string {
	return strings.Join([]string{"latchkey", o.Instance, s.Account, s.Device, key}, "_")
}

// deviceTopic is where a device document goes.
func (o Options) deviceTopic(s subject) string {
	return o.Prefix + "/device/" + o.identifier(s) + "/config"
}

// componentTopic is where a single entity's document goes.
func (o Options) componentTopic(s subject, platform, key string) string {
	return o.Prefix + "/" + platform + "/" + o.identifier(s) + "/" + key + "/config"
}

// prefixOf is the discovery prefix of a topic of either form.
func prefixOf(topic string) string {
	levels := strings.Split(topic, "/")
	form := 4 // <platform>/<device>/<entity>/config
	if n := len(levels); n > 3 && levels[n-3] == "device" {
		form = 3 // device/<device>/config
	}
	return strings.Join(levels[:max(0, len(levels)-form)], "/")
}

// pageURL is configuration_url: the page, where a browser elsewhere could open it.
func (o Options) pageURL() string {
	u, err := url.Parse(o.PublicURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && addr.IsLoopback() || strings.EqualFold(u.Hostname(), "localhost") {
		return ""
	}
	return strings.TrimSuffix(o.PublicURL, "/") + "/"
}

// plain makes one line of a vendor's text: no control characters, at most maxText characters.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > maxText {
		s = strings.TrimSpace(string(r[:maxText]))
	}
	return s
}

// label makes a readable name of an id: relay_1 gives Relay 1.
func label(id string) string {
	s := strings.TrimSpace(strings.ReplaceAll(id, "_", " "))
	if s == "" {
		return id
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// colons writes a MAC address as Home Assistant keeps it, "" where mac is none.
func colons(mac string) string {
	mac = bridge.MAC(mac)
	if mac == "" {
		return ""
	}
	return strings.Join([]string{mac[0:2], mac[2:4], mac[4:6], mac[6:8], mac[8:10], mac[10:12]}, ":")
}
