package hass

import (
	"maps"
	"slices"
	"strings"

	"latchkey/bridge"
)

// Describe makes the documents of the bridge, of each account and of each
// device, in the order in which Home Assistant must get them: a `via_device` that
// is not known yet would make it create an empty one. The order does not depend
// on that of the listings.
func Describe(o Options, listings []bridge.Listing) []Document {
	o = o.withDefaults()
	if o.Mode == ModeOff {
		return nil
	}
	accounts := slices.SortedFunc(slices.Values(listings), func(a, b bridge.Listing) int { return strings.Compare(a.Account, b.Account) })

	documents := o.documents(subject{bridgeID, bridgeID}, o.bridgeDevice(), o.bridgeComponents())
	for _, l := range accounts {
		documents = append(documents, o.documents(subject{l.Account, accountID}, o.accountDevice(l), o.accountComponents(l.Account))...)
	}
	for _, l := range accounts {
		for _, d := range parentsFirst(l.Devices) {
			components, twice := o.deviceComponents(l.Account, d.Device)
			described := o.documents(subject{l.Account, d.ID}, o.device(l, d), components)
			if len(described) > 0 {
				described[0].Twice = twice
			}
			documents = append(documents, described...)
		}
	}
	return documents
}

// documents writes one subject in the form of the mode.
func (o Options) documents(s subject, device map[string]any, components map[string]component) []Document {
	origin := map[string]string{"name": "latchkey"}
	if v := plain(o.Version); v != "" {
		origin["sw_version"] = v
	}
	shared := map[string]any{
		"device": device, "origin": origin, "qos": 1,
		"availability": o.availability(s), "availability_mode": "all",
	}
	if o.Mode == ModeComponents {
		return o.singles(s, shared, components)
	}
	shared["components"] = components
	return []Document{{Topic: o.deviceTopic(s), Account: s.Account, Device: s.Device, Payload: encode(shared)}}
}

// singles writes one document an entity, for consumers that read no device
// documents. Domoticz knows neither templates for commands, nor event and image,
// so commands are plain payloads: their age cannot be checked.
func (o Options) singles(s subject, shared map[string]any, components map[string]component) []Document {
	var documents []Document
	for _, key := range slices.Sorted(maps.Keys(components)) {
		c := components[key]
		platform, _ := c["platform"].(string)
		if platform == string(bridge.Event) || platform == string(bridge.ImageKind) {
			continue
		}
		single := maps.Clone(shared)
		maps.Copy(single, c)
		if c["command_template"] == callTemplate {
			single["payload_press"] = `{"args":{}}` // the plain form of a call
		}
		if name, _ := c["name"].(string); name == "" {
			single["name"] = label(key)
		}
		for _, k := range []string{"platform", "command_template", "message_expiry_interval"} {
			delete(single, k)
		}
		documents = append(documents, Document{
			Topic: o.componentTopic(s, platform, key), Account: s.Account, Device: s.Device, Entity: key, Payload: encode(single),
		})
	}
	return documents
}

// levels are the topics that must all say `online`: three for a device. The
// bridge's and an account's own entities depend on the bridge alone, or token
// trouble would hide itself (hazard M20).
func (o Options) levels(s subject) []string {
	if s.Account == bridgeID || s.Device == accountID {
		return []string{o.Topics.BridgeState()}
	}
	return []string{o.Topics.BridgeState(), o.Topics.AccountState(s.Account), o.Topics.DeviceState(s.Account, s.Device)}
}

// availability writes them as Home Assistant's list.
func (o Options) availability(s subject) []map[string]string {
	var list []map[string]string
	for _, topic := range o.levels(s) {
		list = append(list, map[string]string{"topic": topic})
	}
	return list
}

// device is the device map of a vendor's device.
func (o Options) device(l bridge.Listing, d placed) map[string]any {
	via := subject{l.Account, accountID}
	if d.via != "" {
		via.Device = d.via
	}
	m := map[string]any{"identifiers": []string{o.identifier(subject{l.Account, d.ID})}, "via_device": o.identifier(via)}
	if mac := colons(d.MAC); mac != "" {
		m["connections"] = [][]string{{"mac", mac}}
	}
	name := plain(d.Name)
	if name == "" {
		name = label(d.ID)
	}
	m["name"] = name
	for key, text := range map[string]string{
		"manufacturer": d.Maker, "model": d.Model, "serial_number": d.Serial, "sw_version": d.Version, "suggested_area": l.Area,
	} {
		if text = plain(text); text != "" {
			m[key] = text
		}
	}
	return m
}

// placed is a device and the one it hangs on, "" for the account.
type placed struct {
	bridge.Device
	via string
}

// parentsFirst orders devices by what they hang on. One that hangs on an unknown
// device, or on itself by a round, hangs on the account.
func parentsFirst(devices []bridge.Device) []placed {
	known := map[string]bool{}
	for _, d := range devices {
		known[d.ID] = true
	}
	waiting := slices.SortedFunc(slices.Values(devices), func(a, b bridge.Device) int { return strings.Compare(a.ID, b.ID) })
	out := make([]placed, 0, len(devices))
	done := map[string]bool{}
	for len(waiting) > 0 {
		rest := waiting[:0:0]
		for _, d := range waiting {
			via := d.Via
			if !known[via] {
				via = ""
			}
			if via != "" && !done[via] {
				rest = append(rest, d)
				continue
			}
			out = append(out, placed{d, via})
			done[d.ID] = true
		}
		if len(rest) == len(waiting) {
			rest[0].Via = "" // a round: cut it here
		}
		waiting = rest
	}
	return out
}
