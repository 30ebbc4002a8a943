package hass

import (
	"math"
	"strings"

	"latchkey/bridge"
)

// deviceComponents describes a device's entities and, for each that takes
// commands, the event of what became of them. twice are keys asked for again.
func (o Options) deviceComponents(account string, d bridge.Device) (components map[string]component, twice []string) {
	components = map[string]component{}
	add := func(key string, c component) {
		if components[key] != nil {
			twice = append(twice, key)
			return
		}
		components[key] = c
	}
	s := subject{account, d.ID}
	for _, e := range d.Entities {
		add(e.ID, o.entity(s, e))
	}
	for _, e := range d.Entities {
		if commands(e.Kind) && len(e.Verbs) > 0 {
			c := o.result(s, e.ID, plain(e.Name), o.Topics.Result(account, bridge.Ref{Device: d.ID, Entity: e.ID}))
			if e.OffAtFirst {
				c["enabled_by_default"] = false
			}
			add(e.ID+"_result", c)
		}
	}
	return components, twice
}

// commands tells whether entities of a kind take commands.
func commands(k bridge.Kind) bool {
	switch k {
	case bridge.Button, bridge.Lock, bridge.Switch, bridge.Number, bridge.Select:
		return true
	}
	return false
}

// start is what every component has.
func (o Options) start(s subject, key, platform string, name any) component {
	return component{"platform": platform, "unique_id": o.uniqueID(s, key), "qos": 1, "name": name}
}

// entity describes one entity by its kind.
func (o Options) entity(s subject, e bridge.Entity) component {
	ref := bridge.Ref{Device: s.Device, Entity: e.ID}
	c := o.start(s, e.ID, string(e.Kind), plain(e.Name))
	if c["name"] == "" {
		c["name"] = nil // the device's name alone: its main feature
		if e.Class != "" && classNames(e.Kind) {
			delete(c, "name") // Home Assistant's own, translated name of the class
		}
	}
	set(c, "icon", e.Icon)
	set(c, "device_class", e.Class)
	set(c, "entity_category", category(e))
	if e.OffAtFirst {
		c["enabled_by_default"] = false
	}

	value := o.Topics.Value(s.Account, ref)
	switch e.Kind {
	case bridge.Button:
		if len(e.Verbs) > 0 && e.Verbs[0].Says != "" && e.Verbs[0].Says != "PRESS" {
			c["payload_press"] = e.Verbs[0].Says
		}
	case bridge.ImageKind:
		c["image_topic"] = value
		c["content_type"] = "image/jpeg"
	case bridge.Event:
		c["state_topic"] = value
		c["event_types"] = e.Options
	default:
		c["state_topic"] = value
	}
	switch e.Kind {
	case bridge.Lock:
		if says(e, "OPEN") {
			c["payload_open"] = "OPEN" // present: Home Assistant offers to release the latch
		}
	case bridge.Sensor:
		set(c, "state_class", e.StateClass)
		if len(e.Options) > 0 {
			c["options"] = e.Options
			if e.Class == "" {
				c["device_class"] = "enum" // options without it would be refused
			}
		}
	case bridge.BinarySensor:
		if e.OffDelay > 0 {
			c["off_delay"] = e.OffDelay
		}
	case bridge.Select:
		c["options"] = e.Options
	case bridge.Number:
		bound(c, "min", e.Min)
		bound(c, "max", e.Max)
		bound(c, "step", e.Step)
	}
	set(c, "unit_of_measurement", micro(e.Unit))

	if commands(e.Kind) && len(e.Verbs) > 0 {
		o.commandable(c, o.Topics.Set(s.Account, ref), envelopeTemplate)
	}
	switch {
	case e.OfState: // it must tell of the device's absence, so it cannot depend on the device
		c["state_topic"] = o.Topics.DeviceState(s.Account, s.Device)
		c["payload_on"], c["payload_off"] = "online", "offline"
		c["availability"], c["availability_mode"] = o.availability(subject{bridgeID, bridgeID}), "all"
	case e.Kind != bridge.Button && e.Kind != bridge.Event: // a button has no state, an event carries its own
		c["json_attributes_topic"] = o.Topics.Attributes(s.Account, ref)
	}
	return c
}

// commandable makes a component send commands. A broker drops one that waited
// longer than it may be old, where Home Assistant speaks MQTT 5 (hazard H4).
func (o Options) commandable(c component, topic, template string) {
	c["command_topic"] = topic
	c["command_template"] = template
	c["message_expiry_interval"] = max(1, int(o.MaxAge.Seconds()))
}

// result describes the event of what became of commands on an entity or call.
func (o Options) result(s subject, of, name, topic string) component {
	c := o.start(s, of+"_result", string(bridge.Event), strings.TrimSpace(name+" result"))
	if name == "" {
		c["name"] = "Result"
	}
	c["entity_category"] = "diagnostic"
	c["state_topic"] = topic
	c["value_template"] = resultTemplate
	c["event_types"] = outcomes()
	return c
}

// outcomes are the event types of a result.
func outcomes() []bridge.Outcome {
	return []bridge.Outcome{bridge.OutcomeOK, bridge.OutcomeRefused, bridge.OutcomeFailed, bridge.OutcomeUnknown}
}

// classNames tells whether Home Assistant names entities of a kind after their class.
func classNames(k bridge.Kind) bool {
	return k == bridge.BinarySensor || k == bridge.Button || k == bridge.Number || k == bridge.Sensor
}

func category(e bridge.Entity) string {
	switch {
	case e.Setting:
		return "config"
	case e.Diagnostic:
		return "diagnostic"
	}
	return ""
}

func says(e bridge.Entity, word string) bool {
	for _, v := range e.Verbs {
		if v.Says == word {
			return true
		}
	}
	return false
}

// set puts the text under key unless it is empty.
func set(c component, key, text string) {
	if text = plain(text); text != "" {
		c[key] = text
	}
}

// bound puts a number under key; one that JSON cannot hold becomes a text, which
// the validator refuses by name.
func bound(c component, key string, f *float64) {
	switch {
	case f == nil:
	case math.IsNaN(*f) || math.IsInf(*f, 0):
		c[key] = "not a number"
	default:
		c[key] = *f
	}
}

// micro writes the micro sign as Home Assistant does: U+03BC, not U+00B5.
func micro(unit string) string { return strings.ReplaceAll(unit, "\u00b5", "\u03bc") }
