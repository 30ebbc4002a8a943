package hass_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/hass"
)

func TestGoldenDocuments(t *testing.T) {
	documents := hass.Describe(options(), []bridge.Listing{gate()})
	golden(t, "bridge", of(t, documents, "bridge", "bridge").Payload)
	golden(t, "account", of(t, documents, "acme", "account").Payload)
	golden(t, "door_station", of(t, documents, "acme", "1ccae3700001").Payload)
	golden(t, "camera", of(t, documents, "acme", "cam_7").Payload)
	golden(t, "extension", of(t, documents, "acme", "0_relays").Payload)
	for name, e := range kinds() {
		golden(t, "kind_"+name, of(t, hass.Describe(options(), one(e)), "acme", "d1").Payload)
	}
}

// No golden document may have a flaw, or the files would keep it.
func TestGoldenDocumentsAreFaultless(t *testing.T) {
	for _, mode := range []hass.Mode{hass.ModeDevice, hass.ModeComponents} {
		o := options()
		o.Mode = mode
		inventories := [][]bridge.Listing{{gate()}}
		for _, e := range kinds() {
			inventories = append(inventories, one(e))
		}
		for _, listings := range inventories {
			documents := hass.Describe(o, listings)
			passed, found := hass.Check(o, documents)
			if len(found) > 0 {
				t.Errorf("mode %s: found %v, want nothing", mode, found)
			}
			if diff := cmp.Diff(documents, passed); diff != "" {
				t.Errorf("mode %s: a faultless document was changed (-described +passed):\n%s", mode, diff)
			}
		}
	}
}

func TestDescribeOrder(t *testing.T) {
	second := bridge.Listing{Account: "zeta", Devices: []bridge.Device{
		{ID: "a", Via: "b"}, {ID: "b", Via: "a"}, // a round
		{ID: "c", Via: "missing"}, {ID: "d", Via: "c"},
	}}
	var got []string
	for _, d := range hass.Describe(options(), []bridge.Listing{second, gate()}) {
		var root struct {
			Device struct {
				Via string `json:"via_device"`
			} `json:"device"`
		}
		if err := json.Unmarshal(d.Payload, &root); err != nil {
			t.Fatal(err)
		}
		got = append(got, d.Account+"/"+d.Device+" via "+root.Device.Via)
	}
	want := []string{
		"bridge/bridge via ",
		"acme/account via latchkey_home",
		"zeta/account via latchkey_home",
		"acme/1ccae3700001 via latchkey_home_acme",
		"acme/cam_7 via latchkey_home_acme",
		"acme/0_relays via latchkey_home_acme_1ccae3700001",
		"zeta/c via latchkey_home_zeta",
		"zeta/d via latchkey_home_zeta_c",
		"zeta/a via latchkey_home_zeta",
		"zeta/b via latchkey_home_zeta_a",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestDescribeIsTheSameInAnyOrder(t *testing.T) {
	a, b := gate(), gate()
	b.Account = "zeta"
	reversed := gate()
	slices.Reverse(reversed.Devices)
	if diff := cmp.Diff(hass.Describe(options(), []bridge.Listing{a, b}), hass.Describe(options(), []bridge.Listing{b, reversed})); diff != "" {
		t.Errorf("documents depend on the order of the inventory:\n%s", diff)
	}
}

// The unique ids of what latchkey adds by itself are permanent (hazard M18): a
// line of this list is never changed.
func TestOwnUniqueIDs(t *testing.T) {
	want := strings.Fields(`
		latchkey_home_bridge_bridge_announce latchkey_home_bridge_bridge_announce_result latchkey_home_bridge_bridge_configuration
		latchkey_home_bridge_bridge_problem latchkey_home_bridge_bridge_reload latchkey_home_bridge_bridge_reload_result
		latchkey_home_bridge_bridge_started latchkey_home_bridge_bridge_version
		latchkey_home_acme_account_authorization latchkey_home_acme_account_connection latchkey_home_acme_account_expires
		latchkey_home_acme_account_problem latchkey_home_acme_account_refresh latchkey_home_acme_account_refresh_result
		latchkey_home_acme_account_refreshed_at latchkey_home_acme_account_sign_in_before latchkey_home_acme_account_user_action
		latchkey_home_acme_1ccae3700001_connection latchkey_home_acme_1ccae3700001_last_ring latchkey_home_acme_1ccae3700001_motion
		latchkey_home_acme_1ccae3700001_relay_1 latchkey_home_acme_1ccae3700001_relay_1_result latchkey_home_acme_1ccae3700001_ring`)
	listing := gate()
	listing.Devices = listing.Devices[:1]
	var got []string
	for _, d := range hass.Describe(options(), []bridge.Listing{listing}) {
		components := componentsOf(t, d)
		keys := make([]string, 0, len(components))
		for key := range components {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			got = append(got, components[key]["unique_id"].(string))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("unique ids (-want +got):\n%s", diff)
	}
}

func componentsOf(t *testing.T, d hass.Document) map[string]map[string]any {
	t.Helper()
	var root struct {
		Components map[string]map[string]any `json:"components"`
	}
	if err := json.Unmarshal(d.Payload, &root); err != nil {
		t.Fatal(err)
	}
	return root.Components
}

// A value that a document does not list is dropped by Home Assistant, so the
// lists must be those of the Contract.
func TestListsAreTheContracts(t *testing.T) {
	documents := hass.Describe(options(), []bridge.Listing{gate()})
	account := componentsOf(t, of(t, documents, "acme", "account"))
	for _, row := range []struct {
		got  any
		want string
	}{
		{account["authorization"]["options"], fmt.Sprint(bridge.TokenStates())},
		{account["user_action"]["options"], fmt.Sprint(bridge.UserActions())},
		{account["refresh_result"]["event_types"], "[ok refused failed unknown]"},
		{componentsOf(t, of(t, documents, "acme", "1ccae3700001"))["relay_1_result"]["event_types"], "[ok refused failed unknown]"},
	} {
		if got := fmt.Sprint(row.got); got != row.want {
			t.Errorf("list is %s, want %s", got, row.want)
		}
	}
}

// Every component says qos 1 itself: Home Assistant 2024.12 and 2026.2 do not
// take it from the root.
func TestEveryComponentHasQoS(t *testing.T) {
	for _, d := range hass.Describe(options(), []bridge.Listing{gate()}) {
		for key, c := range componentsOf(t, d) {
			if c["qos"] != 1.0 {
				t.Errorf("%s %s has qos %v, want 1", d.Topic, key, c["qos"])
			}
		}
	}
}

func TestNothingPrivateIsDescribed(t *testing.T) {
	o := options()
	o.Canaries = []bridge.Secret{bridge.NewSecret("CANARY-fact")}
	documents := hass.Describe(o, []bridge.Listing{gate()})
	for _, d := range documents {
		if bytes.Contains(d.Payload, []byte("CANARY")) {
			t.Errorf("%s holds a device's facts", d.Topic)
		}
	}
	leaky := gate()
	leaky.Devices[0].Name = "Gate CANARY-fact"
	_, found := hass.Check(o, hass.Describe(o, []bridge.Listing{leaky}))
	if !slices.ContainsFunc(found, func(f hass.Finding) bool { return f.Rule == "D7" && strings.Contains(f.Text, "secret") }) {
		t.Errorf("found %v, want the secret in a document reported", found)
	}
}

func TestConfigurationURL(t *testing.T) {
	for page, want := range map[string]string{
		"http://192.0.2.10:8087":          "http://192.0.2.10:8087/",
		"https://latchkey.example/":       "https://latchkey.example/",
		"http://127.0.0.1:8087":           "",
		"http://127.8.8.8:8087":           "",
		"http://[::1]:8087":               "",
		"http://[::ffff:127.0.0.1]":       "",
		"http://LocalHost:8087":           "",
		"":                                "",
		"ftp://192.0.2.10":                "",
		"http://user:word@192.0.2.10":     "",
		"http://192.0.2.10:8087/%zz":      "",
		"http://192.0.2.10:8087/latchkey": "http://192.0.2.10:8087/latchkey/",
	} {
		o := options()
		o.PublicURL = page
		var root struct {
			Device map[string]any `json:"device"`
		}
		if err := json.Unmarshal(of(t, hass.Describe(o, []bridge.Listing{gate()}), "acme", "account").Payload, &root); err != nil {
			t.Fatal(err)
		}
		got, _ := root.Device["configuration_url"].(string)
		if got != want {
			t.Errorf("configuration_url of %q is %q, want %q", page, got, want)
		}
	}
}

// What other consumers get: plain payloads, no events, no pictures (Domoticz
// knows neither templates for commands nor these platforms).
func TestComponentsMode(t *testing.T) {
	o := options()
	o.Mode, o.Prefix = hass.ModeComponents, "openhab"
	var topics []string
	for _, d := range hass.Describe(o, []bridge.Listing{gate()}) {
		topics = append(topics, d.Topic)
		for _, word := range []string{"command_template", "message_expiry_interval", `"platform"`, "event_types", "image_topic"} {
			if bytes.Contains(d.Payload, []byte(word)) {
				t.Errorf("%s holds %s", d.Topic, word)
			}
		}
	}
	for _, want := range []string{
		"openhab/button/latchkey_home_acme_1ccae3700001/relay_1/config",
		"openhab/binary_sensor/latchkey_home_acme_1ccae3700001/motion/config",
		"openhab/sensor/latchkey_home/version/config",
		"openhab/button/latchkey_home_acme/refresh/config",
	} {
		if !slices.Contains(topics, want) {
			t.Errorf("topic %s is missing among %q", want, topics)
		}
	}
	for _, d := range hass.Describe(o, []bridge.Listing{gate()}) {
		switch {
		case strings.HasSuffix(d.Topic, "1ccae3700001/relay_1/config"):
			golden(t, "component_button", d.Payload)
		case strings.HasSuffix(d.Topic, "latchkey_home_acme/refresh/config"):
			golden(t, "component_call", d.Payload)
		case strings.HasSuffix(d.Topic, "1ccae3700001/motion/config"):
			golden(t, "component_binary_sensor", d.Payload)
		}
	}
}

func TestModeOffDescribesNothing(t *testing.T) {
	o := options()
	o.Mode = hass.ModeOff
	if got := hass.Describe(o, []bridge.Listing{gate()}); len(got) != 0 {
		t.Errorf("described %d documents, want none", len(got))
	}
}

// Text of a vendor is one bounded line, whatever it is.
func TestForeignText(t *testing.T) {
	d := bridge.Device{ID: "d1", Name: "Gate\x00\r\n\tone \xff" + strings.Repeat("é", 500), Entities: []bridge.Entity{{ID: "x", Name: "  \n ", Kind: bridge.Sensor}}}
	documents := hass.Describe(options(), []bridge.Listing{{Account: "acme", Devices: []bridge.Device{d}}})
	var root struct {
		Device struct{ Name string } `json:"device"`
	}
	if err := json.Unmarshal(of(t, documents, "acme", "d1").Payload, &root); err != nil {
		t.Fatal(err)
	}
	if got, want := root.Device.Name, "Gate one "+strings.Repeat("é", 91); got != want {
		t.Errorf("device name is %q, want %q", got, want)
	}
	if got := componentsOf(t, of(t, documents, "acme", "d1"))["x"]["name"]; got != nil {
		t.Errorf("an empty name is %v, want null", got)
	}
}
