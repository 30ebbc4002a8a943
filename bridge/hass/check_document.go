package hass

import (
	"bytes"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"latchkey/bridge"
)

// The rules D1 to D7: what makes Home Assistant drop a whole document (hazard
// M16), and what latchkey refuses to send besides.

// size is what rule D7 says of any payload: how long it is, and that it holds no secret.
func (j *judgment) size() {
	switch n := len(j.d.Payload); {
	case n > maxDocument:
		j.add("D7", "", "%d bytes are more than %d", n, maxDocument)
	case n > bigDocument:
		j.add("W", "", "%d bytes: a document of this size is slow", n)
	}
	for _, c := range j.o.Canaries {
		if !c.Empty() && (bytes.Contains(j.d.Payload, []byte(c.Reveal())) || bytes.Contains(j.d.Payload, bytes.Trim(encode(c.Reveal()), `"`))) {
			j.add("D7", "", "the document holds a secret")
		}
	}
}

var discoveryID = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// topic is rule D1.
func (j *judgment) topic() {
	rest, ok := strings.CutPrefix(j.d.Topic, j.o.Prefix+"/")
	levels := strings.Split(rest, "/")
	ok = ok && (len(levels) == 3 || len(levels) == 4) && levels[len(levels)-1] == "config" && topicFault(j.d.Topic, false) == ""
	for _, id := range levels[1:max(1, len(levels)-1)] {
		ok = ok && discoveryID.MatchString(id)
	}
	if ok && j.d.Entity == "" {
		ok = levels[0] == "device"
	}
	if !ok {
		j.add("D1", "", "the topic is not %s/device/<id>/config nor %s/<platform>/<device>/<entity>/config with ids of [A-Za-z0-9_-]", j.o.Prefix, j.o.Prefix)
	}
}

// deviceAndOrigin are rules D3 and D4.
func (j *judgment) deviceAndOrigin(root map[string]any) {
	device, ok := root["device"].(map[string]any)
	if !ok {
		j.add("D2", "", "device is missing or no object")
	}
	j.device = device
	identifiers, _ := device["identifiers"].([]any)
	connections, _ := device["connections"].([]any)
	if ok && len(identifiers)+len(connections) == 0 {
		j.add("D3", "", "device has neither identifiers nor connections")
	}
	for key, v := range device {
		switch {
		case !in(deviceKeys, key):
			j.add("D3", "", "device.%s is not a key that Home Assistant knows", key)
		case key == "identifiers":
			if !isTexts(v, 0) {
				j.add("D3", "", "device.identifiers is no list of texts")
			}
		case key == "connections":
			for _, pair := range connections {
				if !isTexts(pair, 2) {
					j.add("D3", "", "device.connections holds something that is no pair of texts")
				}
			}
			if _, list := v.([]any); !list {
				j.add("D3", "", "device.connections is no list")
			}
		default:
			j.plainText("D3", "device."+key, key, v)
		}
	}
	if name, _ := device["name"].(string); ok && name == "" {
		j.add("W", "", "device.name is missing")
	}

	origin, ok := root["origin"].(map[string]any)
	if !ok {
		j.add("D2", "", "origin is missing or no object")
	} else if name, _ := origin["name"].(string); name == "" {
		j.add("D4", "", "origin.name is missing")
	}
	for key, v := range origin {
		if !in(originKeys, key) {
			j.add("D4", "", "origin.%s is not a key that Home Assistant knows", key)
			continue
		}
		j.plainText("D4", "origin."+key, key, v)
	}
}

// plainText refuses what is no text, and a bad URL under the keys that hold one.
func (j *judgment) plainText(rule, where, key string, v any) {
	s, ok := v.(string)
	if !ok {
		j.add(rule, "", "%s is no text", where)
		return
	}
	if key != "configuration_url" && key != "support_url" {
		return
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "homeassistant" {
		j.add(rule, "", "%s is no http, https or homeassistant URL", where)
	}
}

// document is the root of a device document: rules D2, D5, D6 and D7.
func (j *judgment) document(root map[string]any) {
	for key := range root {
		if !in(rootKeys, key) {
			j.add("D2", "", "%s is not allowed at the root", key)
		}
	}
	components, ok := root["components"].(map[string]any)
	if !ok {
		j.add("D2", "", "components is missing or no object")
	}
	j.shared(root)
	shared := slices.DeleteFunc(strings.Fields(sharedKeys), func(k string) bool { _, has := root[k]; return !has })
	for key, v := range components {
		c, ok := v.(map[string]any)
		platform, _ := c["platform"].(string)
		_, _, known := platformKeys(platform)
		switch {
		case !ok:
			j.add("D5", key, "the component is no object")
			continue
		case !known:
			j.add("D5", key, "platform %q is none that latchkey announces", platform)
			continue
		case len(c) == 1:
			continue // a marker: it removes
		}
		if id, _ := c["unique_id"].(string); id == "" {
			j.add("D5", key, "unique_id is missing")
		}
		j.names(key, c)
		if _, has := c["availability_mode"]; !has && c["availability"] != nil {
			j.add("W", key, "availability is overridden without availability_mode")
		}
		for _, k := range shared {
			if _, has := c[k]; !has {
				c[k] = root[k]
			}
		}
		j.components[key] = c
	}
}

// single is the one component of the single-component form; what Home Assistant
// takes from the topic there is filled in.
func (j *judgment) single(root map[string]any) {
	levels := strings.Split(strings.TrimPrefix(j.d.Topic, j.o.Prefix+"/"), "/")
	if _, _, known := platformKeys(levels[0]); !known {
		j.add("D5", j.d.Entity, "platform %q is none that latchkey announces", levels[0])
	}
	j.shared(root)
	j.names(j.d.Entity, root)
	root["platform"] = levels[0]
	j.components[j.d.Entity] = root
}

// names are the parts of rule D7 that look at keys.
func (j *judgment) names(key string, c map[string]any) {
	if !bridge.IsID(strings.TrimSuffix(key, "_result")) || bridge.IsReservedID(key) {
		j.add("D7", key, "the key is not of [a-z0-9_] or is reserved")
	}
	for k := range c {
		if k == "~" || isAbbreviated(k) {
			j.add("D7", key, "%s is an abbreviation", k)
		}
	}
}

// ours are the parts of rule D7 that look at the subject.
func (j *judgment) ours(root map[string]any) {
	a, d := j.d.Account, j.d.Device
	reserved := bridge.IsReservedID(a) && !(a == bridgeID && d == bridgeID) || bridge.IsReservedID(d) && d != accountID && !(a == bridgeID && d == bridgeID)
	if reserved || !bridge.IsID(a) || !bridge.IsID(d) || !bridge.IsID(j.o.Instance) {
		j.add("D7", "", "instance %q, account %q and device %q must be of [a-z0-9_] and not reserved", j.o.Instance, a, d)
	}
	list, ok := root["availability"].([]any)
	if !ok || len(list) == 0 || root["availability_mode"] != "all" {
		j.add("D7", "", "availability must be a list with availability_mode all")
	}
	for _, entry := range list {
		e, _ := entry.(map[string]any)
		for key := range e {
			if !in("topic payload_available payload_not_available", key) {
				j.add("D7", "", "availability entries take a topic and payloads only, not %s", key)
			}
		}
	}
}

// shared is rule D6: the options that stand at the root for all components.
func (j *judgment) shared(root map[string]any) {
	for _, fault := range sharedFaults(root) {
		j.add("D6", "", "%s", fault)
	}
	if _, both := root["availability_topic"]; both && root["availability"] != nil {
		j.add("D6", "", "availability and availability_topic exclude each other")
	}
	for _, key := range []string{"state_topic", "command_topic"} {
		if v, has := root[key]; has {
			if s, ok := v.(string); !ok || topicFault(s, key == "state_topic") != "" {
				j.add("D6", "", "%s is no valid topic", key)
			}
		}
	}
}

// sharedFaults judges QoS and availability wherever they stand.
func sharedFaults(c map[string]any) (faults []string) {
	if v, has := c["qos"]; has && v != 0.0 && v != 1.0 && v != 2.0 {
		faults = append(faults, "qos is not 0, 1 or 2")
	}
	if v, has := c["availability_mode"]; has && v != "all" && v != "any" && v != "latest" {
		faults = append(faults, "availability_mode is not all, any or latest")
	}
	v, has := c["availability"]
	if !has {
		return faults
	}
	list, ok := v.([]any)
	if !ok {
		return append(faults, "availability is no list")
	}
	for _, entry := range list {
		e, _ := entry.(map[string]any)
		topic, _ := e["topic"].(string)
		if fault := topicFault(topic, true); fault != "" {
			faults = append(faults, "an availability topic "+fault)
		}
		for key := range e {
			if !in(availabilityKeys, key) {
				faults = append(faults, "availability entries have no "+key)
			}
		}
	}
	return faults
}

// isTexts tells whether v is a list of texts, of a certain length if n > 0.
func isTexts(v any, n int) bool {
	list, ok := v.([]any)
	if !ok || n > 0 && len(list) != n {
		return false
	}
	for _, item := range list {
		if _, ok := item.(string); !ok {
			return false
		}
	}
	return true
}
