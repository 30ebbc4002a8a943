package hass_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/hass"
)

type m = map[string]any

// change gives the door station's document with one thing wrong.
func change(t *testing.T, wrong func(root m)) hass.Document {
	t.Helper()
	d := of(t, hass.Describe(options(), []bridge.Listing{gate()}), "acme", "1ccae3700001")
	var root m
	if err := json.Unmarshal(d.Payload, &root); err != nil {
		t.Fatal(err)
	}
	wrong(root)
	payload, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	d.Payload = payload
	return d
}

func component(root m, key string) m { return root["components"].(m)[key].(m) }

// add puts one more component in, sound but for what is given.
func add(root m, platform string, with m) {
	c := m{"platform": platform, "unique_id": "latchkey_home_acme_1ccae3700001_x", "qos": 1, "name": "X"}
	switch platform {
	case "image":
		c["image_topic"] = "latchkey/device/acme/1ccae3700001/x"
	default:
		c["state_topic"] = "latchkey/device/acme/1ccae3700001/x"
	}
	if slices.Contains([]string{"lock", "switch", "number", "select", "button"}, platform) {
		c["command_topic"] = "latchkey/device/acme/1ccae3700001/x/set"
		c["command_template"] = component(root, "relay_1")["command_template"]
	}
	if platform == "button" {
		delete(c, "state_topic")
	}
	maps.Copy(c, with)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == "delete" })
	root["components"].(m)["x"] = c
}

// Rules D: Home Assistant would drop everything, so nothing is sent.
func TestDocumentRules(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	for _, row := range []struct {
		name, rule string
		wrong      func(root m)
	}{
		// what trapped others
		{"unknown root key ~", "D2", func(r m) { r["~"] = "latchkey/device" }},
		{"unknown root key retain", "D2", func(r m) { r["retain"] = true }},
		{"unknown root key command_template", "D2", func(r m) { r["command_template"] = "{{ value }}" }},
		{"unknown root key json_attributes_topic", "D2", func(r m) { r["json_attributes_topic"] = "a/b" }},
		{"unknown root key enabled_by_default", "D2", func(r m) { r["enabled_by_default"] = false }},
		{"root key newer than the floor", "D2", func(r m) { r["message_expiry_interval"] = 10 }},
		{"root list and single availability", "D6", func(r m) { r["availability_topic"] = "latchkey/bridge/state" }},
		{"availability without a mode", "D7", func(r m) { delete(r, "availability_mode") }},
		{"availability mode latest", "D7", func(r m) { r["availability_mode"] = "latest" }},
		{"spaces in a component key", "D7", func(r m) { c := r["components"].(m); c["relay 1"] = c["relay_1"] }},
		{"extra key in a root availability entry", "D7", func(r m) { r["availability"].([]any)[0].(m)["value_template"] = "{{ value }}" }},
		{"unknown key in a root availability entry", "D6", func(r m) { r["availability"].([]any)[0].(m)["template"] = "{{ value }}" }},
		{"abbreviated root key", "D2", func(r m) { r["dev"] = r["device"] }},
		{"abbreviated component key", "D7", func(r m) { component(r, "ring")["stat_t"] = "a" }},
		{"~ in a component", "D7", func(r m) { component(r, "ring")["~"] = "a" }},

		{"no device", "D2", func(r m) { delete(r, "device") }},
		{"no origin", "D2", func(r m) { delete(r, "origin") }},
		{"no components", "D2", func(r m) { delete(r, "components") }},
		{"components a list", "D2", func(r m) { r["components"] = []any{} }},
		{"device without identifiers", "D3", func(r m) { d := r["device"].(m); delete(d, "identifiers"); delete(d, "connections") }},
		{"unknown device key", "D3", func(r m) { r["device"].(m)["color"] = "red" }},
		{"device name no text", "D3", func(r m) { r["device"].(m)["name"] = 7 }},
		{"identifiers no texts", "D3", func(r m) { r["device"].(m)["identifiers"] = []any{1} }},
		{"connections no list", "D3", func(r m) { r["device"].(m)["connections"] = "mac" }},
		{"connection no pair", "D3", func(r m) { r["device"].(m)["connections"] = []any{[]any{"mac"}} }},
		{"configuration_url of another scheme", "D3", func(r m) { r["device"].(m)["configuration_url"] = "ftp://host/" }},
		{"configuration_url without host", "D3", func(r m) { r["device"].(m)["configuration_url"] = "http:///x" }},
		{"origin without name", "D4", func(r m) { delete(r["origin"].(m), "name") }},
		{"unknown origin key", "D4", func(r m) { r["origin"].(m)["author"] = "me" }},
		{"support_url no URL", "D4", func(r m) { r["origin"].(m)["support_url"] = "here" }},
		{"no platform", "D5", func(r m) { delete(component(r, "ring"), "platform") }},
		{"platform not announced", "D5", func(r m) { component(r, "ring")["platform"] = "siren" }},
		{"component no object", "D5", func(r m) { r["components"].(m)["ring"] = "ring" }},
		{"no unique_id", "D5", func(r m) { delete(component(r, "ring"), "unique_id") }},
		{"qos 3", "D6", func(r m) { r["qos"] = 3 }},
		{"availability topic empty", "D6", func(r m) { r["availability"].([]any)[0].(m)["topic"] = "" }},
		{"root state_topic with a stray wildcard", "D6", func(r m) { r["state_topic"] = "a+/b" }},
		{"root command_topic with a wildcard", "D6", func(r m) { r["command_topic"] = "a/+" }},
		{"reserved component key", "D7", func(r m) { c := r["components"].(m); c["state"] = c["ring"] }},
		{"too big", "D7", func(r m) { component(r, "ring")["name"] = long }},
	} {
		t.Run(row.name, func(t *testing.T) {
			passed, found := hass.Check(options(), []hass.Document{change(t, row.wrong)})
			if len(passed) > 0 || !slices.ContainsFunc(found, func(f hass.Finding) bool { return f.Rule == row.rule }) {
				t.Errorf("passed %d documents with %v, want it refused by %s", len(passed), found, row.rule)
			}
		})
	}
}

// Rules E: Home Assistant would drop this one entity, so it is left out and the
// rest is sent. A row without a key puts in one more component, x.
func TestEntityRules(t *testing.T) {
	for _, row := range []struct {
		name, rule, key string
		wrong           func(root m)
	}{
		{"list at the root, single in a component", "E1", "ring", func(r m) { component(r, "ring")["availability_topic"] = "latchkey/bridge/state" }},
		{"button without command_topic", "E2", "relay_1", func(r m) { delete(component(r, "relay_1"), "command_topic") }},
		{"event without types", "E2", "ring", func(r m) { delete(component(r, "ring"), "event_types") }},
		{"event with no type", "E2", "", func(r m) { add(r, "event", m{"event_types": []any{}}) }},
		{"lock without state_topic", "E2", "", func(r m) { add(r, "lock", m{"state_topic": "delete"}) }},
		{"image without topic", "E2", "last_ring", func(r m) { delete(component(r, "last_ring"), "image_topic") }},
		{"image with both topics", "E2", "last_ring", func(r m) { component(r, "last_ring")["url_topic"] = "latchkey/device/acme/1ccae3700001/last_ring" }},
		{"content_type with url_topic", "E2", "", func(r m) {
			add(r, "image", m{"image_topic": "delete", "url_topic": "latchkey/device/acme/1ccae3700001/x", "content_type": "image/png"})
		}},
		{"select without options", "E2", "", func(r m) { add(r, "select", nil) }},
		{"number with min = max", "E2", "", func(r m) { add(r, "number", m{"min": 5, "max": 5}) }},
		{"number with min above the default max", "E2", "", func(r m) { add(r, "number", m{"min": 100}) }},
		{"number with a step too small", "E2", "", func(r m) { add(r, "number", m{"step": 0.0001}) }},
		{"number with a text for min", "E2", "", func(r m) { add(r, "number", m{"min": "not a number"}) }},
		{"off_delay a fraction", "E2", "motion", func(r m) { component(r, "motion")["off_delay"] = 1.5 }},
		{"enabled_by_default a text", "E2", "motion", func(r m) { component(r, "motion")["enabled_by_default"] = "no" }},
		{"name a number", "E2", "motion", func(r m) { component(r, "motion")["name"] = 1 }},
		{"icon null", "E2", "motion", func(r m) { component(r, "motion")["icon"] = nil }},
		{"options not texts", "E2", "", func(r m) { add(r, "select", m{"options": []any{1}}) }},
		{"empty topic", "E3", "ring", func(r m) { component(r, "ring")["state_topic"] = "" }},
		{"topic too long", "E3", "ring", func(r m) { component(r, "ring")["state_topic"] = strings.Repeat("a", 65536) }},
		{"NUL in a topic", "E3", "ring", func(r m) { component(r, "ring")["state_topic"] = "a\x00" }},
		{"control character in a topic", "E3", "ring", func(r m) { component(r, "ring")["state_topic"] = "a\u0085" }},
		{"wildcard in a command topic", "E3", "relay_1", func(r m) { component(r, "relay_1")["command_topic"] = "latchkey/device/acme/1ccae3700001/+/set" }},
		{"wildcard that is no level", "E3", "ring", func(r m) { component(r, "ring")["state_topic"] = "a/b+/c" }},
		{"# not last", "E3", "ring", func(r m) { component(r, "ring")["state_topic"] = "a/#/c" }},
		{"qos 3 in a component", "E3", "ring", func(r m) { component(r, "ring")["qos"] = 3 }},
		{"unknown category", "E4", "ring", func(r m) { component(r, "ring")["entity_category"] = "system" }},
		{"sensor of category config", "E4", "", func(r m) { add(r, "sensor", m{"entity_category": "config"}) }},
		{"binary_sensor of category config", "E4", "motion", func(r m) { component(r, "motion")["entity_category"] = "config" }},
		{"identify not diagnostic", "E4", "relay_1", func(r m) { component(r, "relay_1")["device_class"] = "identify" }},
		{"unknown class", "E5", "motion", func(r m) { component(r, "motion")["device_class"] = "wind" }},
		{"class of another platform", "E5", "", func(r m) { add(r, "number", m{"device_class": "timestamp"}) }},
		{"unit of another class", "E5", "", func(r m) { add(r, "sensor", m{"device_class": "temperature", "unit_of_measurement": "%"}) }},
		{"unit on a class without", "E5", "", func(r m) { add(r, "sensor", m{"device_class": "aqi", "unit_of_measurement": "ppm"}) }},
		{"unit on a timestamp", "E5", "", func(r m) { add(r, "sensor", m{"device_class": "timestamp", "unit_of_measurement": "s"}) }},
		{"state_class on a date", "E5", "", func(r m) { add(r, "sensor", m{"device_class": "date", "state_class": "measurement"}) }},
		{"enum without options", "E5", "", func(r m) { add(r, "sensor", m{"device_class": "enum"}) }},
		{"options without enum", "E5", "", func(r m) { add(r, "sensor", m{"options": []any{"a"}}) }},
		{"enum with a unit", "E5", "", func(r m) {
			add(r, "sensor", m{"device_class": "enum", "options": []any{"a"}, "unit_of_measurement": "s"})
		}},
		{"unknown state_class", "E5", "", func(r m) { add(r, "sensor", m{"state_class": "sum"}) }},
		{"angle without °", "E5", "", func(r m) { add(r, "sensor", m{"state_class": "measurement_angle"}) }},
		{"code_format no expression", "E6", "", func(r m) { add(r, "lock", m{"code_format": "("}) }},
		{"foreign value template", "E6", "ring", func(r m) { component(r, "ring")["value_template"] = "{{ value }}" }},
		{"command template as a value template", "E6", "ring", func(r m) { component(r, "ring")["value_template"] = component(r, "relay_1")["command_template"] }},
		{"icon without prefix", "E6", "relay_1", func(r m) { component(r, "relay_1")["icon"] = "gate" }},
		{"picture by URL", "E6", "ring", func(r m) { component(r, "ring")["entity_picture"] = "https://example.org/a.jpg?token=x" }},
		{"unique_id of another form", "E7", "ring", func(r m) { component(r, "ring")["unique_id"] = "front_gate_ring" }},
		{"unique_id of a sister", "E7", "ring", func(r m) { component(r, "ring")["unique_id"] = component(r, "motion")["unique_id"] }},
		{"retain", "E8", "relay_1", func(r m) { component(r, "relay_1")["retain"] = true }},
		{"optimistic", "E8", "", func(r m) { add(r, "lock", m{"optimistic": true}) }},
		{"command without envelope", "E8", "relay_1", func(r m) { delete(component(r, "relay_1"), "command_template") }},
		{"doorbell without ring", "E8", "ring", func(r m) { component(r, "ring")["event_types"] = []any{"press"} }},
		{"state of another entity", "E8", "ring", func(r m) { component(r, "ring")["state_topic"] = "latchkey/device/acme/1ccae3700001/motion" }},
		{"command to another entity", "E8", "relay_1", func(r m) { component(r, "relay_1")["command_topic"] = "latchkey/device/acme/1ccae3700001/relay_2/set" }},
		{"result read as a state", "E8", "ring", func(r m) { component(r, "ring")["state_topic"] = "latchkey/device/acme/1ccae3700001/ring/result" }},
		{"availability of another device", "E8", "ring", func(r m) {
			component(r, "ring")["availability"] = []any{m{"topic": "latchkey/device/acme/cam_7/state"}}
			component(r, "ring")["availability_mode"] = "all"
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			key := row.key
			if key == "" {
				key = "x"
			}
			d := change(t, row.wrong)
			before := componentsOf(t, d)
			passed, found := hass.Check(options(), []hass.Document{d})
			if len(passed) != 1 {
				t.Fatalf("refused: %v, want only %s left out", found, key)
			}
			if !slices.ContainsFunc(found, func(f hass.Finding) bool { return f.Rule == row.rule && f.Key == key }) {
				t.Errorf("found %v, want %s at %s", found, row.rule, key)
			}
			after := componentsOf(t, passed[0])
			if _, still := after[key]; still || len(after) != len(before)-1 {
				t.Errorf("%v are left of %v, want all but %s", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)), key)
			}
			if again, found := hass.Check(options(), passed); len(again) != 1 || slices.ContainsFunc(found, func(f hass.Finding) bool { return f.Rule != "W" }) {
				t.Errorf("what passed does not pass again: %v", found)
			}
		})
	}
}

// Warnings never block.
func TestWarnings(t *testing.T) {
	for _, row := range []struct {
		name, text string
		wrong      func(root m)
	}{
		{"unknown key in a component", "does not know colour", func(r m) { component(r, "ring")["colour"] = "red" }},
		{"class on a platform without", "does not know device_class", func(r m) { add(r, "select", m{"options": []any{"a"}, "device_class": "battery"}) }},
		{"no device name", "device.name", func(r m) { delete(r["device"].(m), "name") }},
		{"entity repeats the device", "repeats", func(r m) { component(r, "ring")["name"] = "Front gate bell" }},
		{"entity id of another domain", "default_entity_id", func(r m) { component(r, "ring")["default_entity_id"] = "sensor.ring" }},
		{"override without mode", "without availability_mode", func(r m) { delete(component(r, "connection"), "availability_mode") }},
		{"class newer than the floor", "newer", func(r m) { component(r, "motion")["device_class"] = "glass_break" }},
		{"number with a unit of another class", "none of class", func(r m) { add(r, "number", m{"device_class": "temperature", "unit_of_measurement": "%"}) }},
		{"class without its unit", "wants a unit", func(r m) { add(r, "sensor", m{"device_class": "temperature"}) }},
		{"big", "slow", func(r m) { component(r, "ring")["name"] = strings.Repeat("x", 65<<10) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := change(t, row.wrong)
			passed, found := hass.Check(options(), []hass.Document{d})
			if len(passed) != 1 || string(passed[0].Payload) != string(d.Payload) {
				t.Errorf("a warning blocked: %v", found)
			}
			if len(found) != 1 || found[0].Rule != "W" || !strings.Contains(found[0].Text, row.text) {
				t.Errorf("found %v, want one warning with %q", found, row.text)
			}
		})
	}
}

func TestTopicRule(t *testing.T) {
	for topic, want := range map[string]bool{
		"homeassistant/device/latchkey_home_acme_1ccae3700001/config":   true,
		"homeassistant/device/node/latchkey_home_acme/config":           true,
		"homeassistant/device/latchkey home/config":                     false,
		"homeassistant/device/latchkey.home/config":                     false,
		"homeassistant/device//config":                                  false,
		"homeassistant/device/latchkey_home":                            false,
		"homeassistant/sensor/latchkey_home_acme_1ccae3700001/config":   false,
		"other/device/latchkey_home_acme_1ccae3700001/config":           false,
		"homeassistant/device/a/b/latchkey_home_acme_1ccae3700001/conf": false,
		"": false,
	} {
		d := change(t, func(m) {})
		d.Topic = topic
		passed, found := hass.Check(options(), []hass.Document{d})
		if got := len(passed) == 1; got != want || !want && found[0].Rule != "D1" {
			t.Errorf("topic %q: passed %v with %v, want %v", topic, got, found, want)
		}
	}
}

func TestPayloadMustBeAnObject(t *testing.T) {
	for _, payload := range []string{"", "null", "[]", "7", "{", `{"device":{}}{}`} {
		passed, found := hass.Check(options(), []hass.Document{{Topic: "homeassistant/device/latchkey_home_a_b/config", Account: "a", Device: "b", Payload: []byte(payload)}})
		if len(passed) != 0 || len(found) != 1 || found[0].Rule != "D2" {
			t.Errorf("payload %q: passed %d with %v, want it refused by D2", payload, len(passed), found)
		}
	}
}

// A marker is no entity: it passes as it is.
func TestMarkerPasses(t *testing.T) {
	d := change(t, func(r m) { r["components"].(m)["motion"] = m{"platform": "binary_sensor"} })
	passed, found := hass.Check(options(), []hass.Document{d})
	if len(passed) != 1 || len(found) != 0 {
		t.Errorf("passed %d with %v, want it to pass", len(passed), found)
	}
}

// Ids are joined with `_`, which they may hold themselves: whatever collides is
// refused and both sources are named. The first keeps its place.
func TestCollisions(t *testing.T) {
	device := func(id string, entities ...string) bridge.Device {
		d := bridge.Device{ID: id, Name: "Thing"}
		for _, e := range entities {
			d.Entities = append(d.Entities, bridge.Entity{ID: e, Name: "Value", Kind: bridge.Sensor})
		}
		return d
	}
	button := bridge.Entity{ID: "relay", Name: "Open", Kind: bridge.Button, Verbs: press("relay")}
	for _, row := range []struct {
		name     string
		listings []bridge.Listing
		rule     string
		names    []string
	}{
		{"identifier of two devices", []bridge.Listing{
			{Account: "a", Devices: []bridge.Device{device("b_c", "x")}}, {Account: "a_b", Devices: []bridge.Device{device("c", "x")}},
		}, "D7", []string{"a/b_c", "a_b/c"}},
		{"identifier of a device and an account", []bridge.Listing{
			{Account: "a", Devices: []bridge.Device{device("b", "x")}}, {Account: "a_b"},
		}, "D7", []string{"a/b", "a_b/account"}},
		{"one device twice", []bridge.Listing{{Account: "a", Devices: []bridge.Device{device("b", "x"), device("b", "y")}}}, "D7", []string{"a/b"}},
		{"one account twice", []bridge.Listing{{Account: "a"}, {Account: "a"}}, "D7", []string{"a/account"}},
		{"unique id", []bridge.Listing{{Account: "a", Devices: []bridge.Device{device("b", "c_d"), device("b_c", "d")}}}, "E7", []string{"a/b/c_d", "a/b_c/d"}},
		{"one entity twice", []bridge.Listing{{Account: "a", Devices: []bridge.Device{device("b", "x", "x")}}}, "E7", []string{"a/b"}},
		{"an entity and a result", []bridge.Listing{{Account: "a", Devices: []bridge.Device{{ID: "b", Name: "Thing",
			Entities: []bridge.Entity{button, {ID: "relay_result", Name: "Mine", Kind: bridge.Sensor}}}}}}, "E7", []string{"a/b"}},
		{"reserved account", []bridge.Listing{{Account: "bridge"}}, "D7", []string{"bridge"}},
		{"reserved device", []bridge.Listing{{Account: "a", Devices: []bridge.Device{device("account", "x")}}}, "D7", []string{"account"}},
		{"reserved entity", []bridge.Listing{{Account: "a", Devices: []bridge.Device{device("b", "state")}}}, "D7", []string{"reserved"}},
		{"account that is no id", []bridge.Listing{{Account: "A b"}}, "D7", []string{"A b"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			documents := hass.Describe(options(), row.listings)
			passed, found := hass.Check(options(), documents)
			i := slices.IndexFunc(found, func(f hass.Finding) bool { return f.Rule == row.rule })
			if i < 0 {
				t.Fatalf("found %v, want %s", found, row.rule)
			}
			for _, name := range row.names {
				if !strings.Contains(found[i].Text, name) {
					t.Errorf("%q does not name %s", found[i].Text, name)
				}
			}
			if row.rule == "D7" && len(passed) != len(documents)-1 {
				t.Errorf("%d of %d documents passed, want all but one", len(passed), len(documents))
			}
			assertUnique(t, passed)
		})
	}
}

// assertUnique looks at what passed with its own eyes.
func assertUnique(t fataler, documents []hass.Document) {
	seen := map[string]string{}
	claim := func(name, owner string) {
		if other, taken := seen[name]; taken && other != owner {
			t.Fatalf("%s is of %s and of %s", name, other, owner)
		}
		seen[name] = owner
	}
	for _, d := range documents {
		claim("topic "+d.Topic, "")
		if _, again := seen["sent "+d.Topic]; again {
			t.Fatalf("two documents on %s", d.Topic)
		}
		claim("sent "+d.Topic, d.Topic)
		var root struct {
			UniqueID   string                         `json:"unique_id"`
			Device     struct{ Identifiers []string } `json:"device"`
			Components map[string]map[string]any      `json:"components"`
		}
		if err := json.Unmarshal(d.Payload, &root); err != nil {
			t.Fatalf("%v", err)
		}
		for _, id := range root.Device.Identifiers {
			claim("identifier "+id, d.Account+"/"+d.Device)
		}
		if root.UniqueID != "" {
			claim("unique_id "+root.UniqueID, d.Topic)
		}
		for key, c := range root.Components {
			claim(fmt.Sprint("unique_id ", c["unique_id"]), d.Topic+" "+key)
		}
	}
}

type fataler interface{ Fatalf(string, ...any) }
