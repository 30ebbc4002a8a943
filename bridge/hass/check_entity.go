package hass

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"latchkey/bridge"
)

// The rules E1 to E8: what makes Home Assistant drop one entity, and what
// latchkey refuses to announce besides. c is the component with the shared keys
// of its document merged in.

func (j *judgment) entity(key string, c map[string]any) {
	platform, _ := c["platform"].(string)
	if c["availability"] != nil && c["availability_topic"] != nil {
		j.add("E1", key, "availability and availability_topic exclude each other")
	}
	j.required(key, platform, c)
	j.shapes(key, platform, c)
	for _, fault := range sharedFaults(c) {
		j.add("E3", key, "%s", fault)
	}
	j.topics(key, c)
	j.category(key, platform, c)
	j.class(key, platform, c)
	j.templates(key, c)
	j.identity(key, c)
	j.command(key, c)
	j.readable(key, platform, c)
}

// required is rule E2.
func (j *judgment) required(key, platform string, c map[string]any) {
	required, _, _ := platformKeys(platform)
	for _, k := range strings.Fields(required) {
		if c[k] == nil {
			j.add("E2", key, "%s needs %s", platform, k)
		}
	}
	switch platform {
	case "image":
		if (c["image_topic"] == nil) == (c["url_topic"] == nil) {
			j.add("E2", key, "image needs either image_topic or url_topic")
		}
		if c["content_type"] != nil && c["url_topic"] != nil {
			j.add("E2", key, "content_type does not go with url_topic")
		}
	case "number":
		lowest, highest := valueOr(c["min"], 1), valueOr(c["max"], 100)
		if lowest >= highest {
			j.add("E2", key, "min %v is not below max %v", lowest, highest)
		}
		if step := valueOr(c["step"], 1); step < 0.001 {
			j.add("E2", key, "step %v is below 0.001", step)
		}
	}
	for _, k := range []string{"options", "event_types"} {
		if list, ok := c[k].([]any); ok && len(list) == 0 {
			j.add("E2", key, "%s is empty", k)
		}
	}
}

// valueOr gives a number, or Home Assistant's default where there is none.
func valueOr(v any, otherwise float64) float64 {
	if f, ok := v.(float64); ok {
		return f
	}
	return otherwise
}

// shapes refuses values of the wrong kind (rule E2) and warns of keys that Home
// Assistant drops without a word.
func (j *judgment) shapes(key, platform string, c map[string]any) {
	required, others, _ := platformKeys(platform)
	for k, v := range c {
		if !in(commonKeys, k) && !in(required, k) && !in(others, k) && !in(sharedKeys, k) {
			j.add("W", key, "%s does not know %s", platform, k)
			continue
		}
		ok := true
		switch f, isNumber := v.(float64); shapeOf(k) {
		case text, textOrNull:
			_, isText := v.(string)
			ok = isText || shapeOf(k) == textOrNull && v == nil
		case flag:
			_, ok = v.(bool)
		case whole:
			ok = isNumber && f >= 0 && f == float64(int64(f))
		case number:
			ok = isNumber
		case texts:
			ok = isTexts(v, 0)
		}
		if !ok {
			j.add("E2", key, "%s has a value of the wrong kind", k)
		}
	}
}

// topics is rule E3, and the part of E8 that ties topics to the Contract.
func (j *judgment) topics(key string, c map[string]any) {
	reads, writes := j.o.topicsOf(j.d.subject(), key)
	for _, k := range []string{"state_topic", "image_topic", "url_topic", "json_attributes_topic", "command_topic", "availability_topic"} {
		topic, ok := c[k].(string)
		if !ok {
			continue
		}
		if fault := topicFault(topic, k != "command_topic"); fault != "" {
			j.add("E3", key, "%s %s", k, fault)
			continue
		}
		allowed := reads
		if k == "command_topic" {
			allowed = writes
		}
		if !slices.Contains(allowed, topic) {
			j.add("E8", key, "%s %s is none of this entity's", k, topic)
		}
	}
	list, _ := c["availability"].([]any)
	levels := j.o.levels(j.d.subject())
	for _, entry := range list {
		e, _ := entry.(map[string]any)
		if topic, _ := e["topic"].(string); !slices.Contains(levels, topic) {
			j.add("E8", key, "availability topic %s is none of this entity's", topic)
		}
	}
}

// topicsOf are the topics that an entity may read, and may send commands to.
func (o Options) topicsOf(s subject, key string) (reads, writes []string) {
	of, isResult := strings.CutSuffix(key, "_result")
	switch {
	case s.Account == bridgeID:
		reads = []string{o.Topics.BridgeInfo(), o.Topics.BridgeState()}
		writes = []string{o.Topics.CommandTopic(bridge.Target{Call: key})}
		if isResult {
			reads = append(reads, o.Topics.BridgeResult(of))
		}
	case s.Device == accountID:
		reads = []string{o.Topics.Token(s.Account), o.Topics.AccountState(s.Account)}
		writes = []string{o.Topics.AccountCall(s.Account, key)}
		if isResult {
			reads = append(reads, o.Topics.AccountResult(s.Account, of))
		}
	default:
		ref := bridge.Ref{Device: s.Device, Entity: key}
		reads = []string{o.Topics.Value(s.Account, ref), o.Topics.Attributes(s.Account, ref), o.Topics.DeviceState(s.Account, s.Device)}
		writes = []string{o.Topics.Set(s.Account, ref)}
		if isResult {
			reads = append(reads, o.Topics.Result(s.Account, bridge.Ref{Device: s.Device, Entity: of}))
		}
	}
	return reads, writes
}

// category is rule E4.
func (j *judgment) category(key, platform string, c map[string]any) {
	category, _ := c["entity_category"].(string)
	switch {
	case category != "" && category != "config" && category != "diagnostic":
		j.add("E4", key, "entity_category %q is not config or diagnostic", category)
	case category == "config" && (platform == "sensor" || platform == "binary_sensor"):
		j.add("E4", key, "a %s cannot be of category config", platform)
	case category != "diagnostic" && c["device_class"] == "identify":
		j.add("E4", key, "a button of class identify must be of category diagnostic")
	}
}

// class is rule E5, and the doorbell part of E8.
func (j *judgment) class(key, platform string, c map[string]any) {
	class, _ := c["device_class"].(string)
	unit, _ := c["unit_of_measurement"].(string)
	state, _ := c["state_class"].(string)
	if class != "" && !hasClass(platform, class) {
		if _, others, _ := platformKeys(platform); in(others, "device_class") { // else Home Assistant drops the key
			j.add("E5", key, "device_class %q is none of a %s", class, platform)
		}
		return
	}
	if in(newerThanFloor, class) {
		j.add("W", key, "device_class %q is newer than Home Assistant 2024.12", class)
	}
	if platform == "event" && class == "doorbell" {
		if list, _ := c["event_types"].([]any); !slices.Contains(list, any("ring")) {
			j.add("E8", key, "a doorbell must list the event type ring")
		}
	}
	if platform != "sensor" {
		if platform == "number" && class != "" && !fits(class, unit) {
			j.add("W", key, "unit %q is none of class %s", unit, class)
		}
		return
	}
	_, hasOptions := c["options"]
	switch {
	case state != "" && !in(stateClasses, state):
		j.add("E5", key, "state_class %q is unknown", state)
	case hasOptions && class != "enum":
		j.add("E5", key, "options go with device_class enum only")
	case class == "enum" && !hasOptions:
		j.add("E5", key, "device_class enum needs options")
	case class != "" && !isNumeric(class) && (unit != "" || state != ""):
		j.add("E5", key, "device_class %s takes neither unit nor state_class", class)
	case class != "" && unit != "" && !fits(class, unit):
		j.add("E5", key, "unit %q is none of class %s", unit, class)
	case state == "measurement_angle" && unit != "°":
		j.add("E5", key, "state_class measurement_angle needs the unit °")
	case class != "" && unit == "" && isNumeric(class) && !fits(class, unit):
		j.add("W", key, "class %s wants a unit", class)
	}
}

// templates is rule E6.
func (j *judgment) templates(key string, c map[string]any) {
	for k, v := range c {
		if s, _ := v.(string); strings.HasSuffix(k, "_template") && !isOurs(k, s) {
			j.add("E6", key, "%s is not one of latchkey's own", k)
		}
	}
	if s, ok := c["code_format"].(string); ok {
		if _, err := regexp.Compile(s); err != nil {
			j.add("E6", key, "code_format is no regular expression")
		}
	}
	if s, ok := c["icon"].(string); ok && !strings.Contains(s, ":") {
		j.add("E6", key, "icon %q has no prefix like mdi:", s)
	}
	if _, has := c["entity_picture"]; has {
		j.add("E6", key, "entity_picture is never sent: everybody on the broker could read the URL")
	}
}

// identity is rule E7 for one document; Check compares documents.
func (j *judgment) identity(key string, c map[string]any) {
	if id, want := c["unique_id"], j.o.uniqueID(j.d.subject(), key); id != want {
		j.add("E7", key, "unique_id is %q, not %q", id, want)
	}
}

// command is the part of rule E8 that guards doors.
func (j *judgment) command(key string, c map[string]any) {
	if c["retain"] == true {
		j.add("E8", key, "retain would repeat commands")
	}
	if c["optimistic"] == true {
		j.add("E8", key, "optimistic would invent states")
	}
	if _, commands := c["command_topic"]; !commands || j.d.Entity != "" {
		return
	}
	want := envelopeTemplate
	if j.d.Account == bridgeID || j.d.Device == accountID {
		want = callTemplate
	}
	if c["command_template"] != want {
		j.add("E8", key, "a command needs latchkey's envelope")
	}
}

// readable warns of names that people stumble over.
func (j *judgment) readable(key, platform string, c map[string]any) {
	device, _ := j.device["name"].(string)
	name, _ := c["name"].(string)
	if device != "" && strings.Contains(strings.ToLower(name), strings.ToLower(device)) {
		j.add("W", key, "name %q repeats the device's", name)
	}
	if id, ok := c["default_entity_id"].(string); ok && !strings.HasPrefix(id, platform+".") {
		j.add("W", key, "default_entity_id %q is not of %s", id, platform)
	}
}

// topicFault tells what is wrong with a topic, "" for nothing. A filter may hold
// wildcards, each a whole level.
func topicFault(topic string, filter bool) string {
	if len(topic) == 0 || len(topic) > 65535 || !utf8.ValidString(topic) {
		return "is not 1 to 65535 bytes of text"
	}
	for _, r := range topic {
		if r < 0x20 || r >= 0x7f && r <= 0x9f || r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe {
			return "holds a control character"
		}
	}
	if !strings.ContainsAny(topic, "+#") {
		return ""
	}
	levels := strings.Split(topic, "/")
	for i, level := range levels {
		switch {
		case !strings.ContainsAny(level, "+#"):
		case !filter:
			return "holds a wildcard"
		case level != "+" && (level != "#" || i != len(levels)-1):
			return "holds a wildcard that is no whole level"
		}
	}
	return ""
}
