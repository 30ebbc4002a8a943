package hass_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/hass"
)

var update = flag.Bool("update", false, "write the golden files anew")

func options() hass.Options {
	return hass.Options{Instance: "home", Version: "0.1.0", PublicURL: "http://192.0.2.10:8087"}
}

func press(call string) []bridge.Verb { return []bridge.Verb{{Says: "PRESS", Call: call}} }

// gate is an account with a door station, a relay box that hangs on it, and a camera.
func gate() bridge.Listing {
	return bridge.Listing{
		Account: "acme", Vendor: "exampleco", Name: "Acme", Area: "Garden",
		Devices: []bridge.Device{doorStation(), camera(), extension()},
	}
}

func doorStation() bridge.Device {
	return bridge.Device{
		ID: "1ccae3700001", Original: "1CCAE3700001", Name: "Front gate", Maker: "ExampleCo", Model: "Door station DS-2101",
		Serial: "1CCAE3700001", Version: "000146", MAC: "1ccae3700001", Facts: map[string]string{"secret_fact": "CANARY-fact"},
		Entities: []bridge.Entity{
			{ID: "relay_1", Name: "Open gate", Kind: bridge.Button, Icon: "mdi:gate-open", Verbs: press("relay")},
			{ID: "ring", Name: "Doorbell", Kind: bridge.Event, Class: "doorbell", Options: []string{"ring"}},
			{ID: "motion", Kind: bridge.BinarySensor, Class: "motion", OffDelay: 30},
			{ID: "last_ring", Name: "Last ring", Kind: bridge.ImageKind},
			{ID: "connection", Name: "Connection", Kind: bridge.BinarySensor, Class: "connectivity", Diagnostic: true, OfState: true},
		},
	}
}

func camera() bridge.Device {
	return bridge.Device{
		ID: "cam_7", Name: "Yard", Maker: "ExampleCo", Model: "Camera",
		Entities: []bridge.Entity{
			{ID: "recording", Name: "Recording", Kind: bridge.BinarySensor, Class: "running"},
			{ID: "still", Kind: bridge.ImageKind, OffAtFirst: true},
			{ID: "refresh_still", Name: "Refresh still", Kind: bridge.Button, OffAtFirst: true, Verbs: press("snapshot")},
			{ID: "last_recording", Name: "Last recording", Kind: bridge.Sensor, Class: "timestamp", Diagnostic: true},
			{ID: "connection", Name: "Connection", Kind: bridge.BinarySensor, Class: "connectivity", Diagnostic: true, OfState: true},
		},
	}
}

// extension sorts before the station that it hangs on.
func extension() bridge.Device {
	return bridge.Device{ID: "0_relays", Name: "Relay box", Via: "1ccae3700001", Entities: []bridge.Entity{kinds()["switch"]}}
}

// kinds has one entity of every kind, and the variants of each that make a difference.
func kinds() map[string]bridge.Entity {
	f := func(v float64) *float64 { return &v }
	return map[string]bridge.Entity{
		"button":        {ID: "restart", Name: "Restart", Kind: bridge.Button, Class: "restart", Setting: true, Verbs: press("restart")},
		"lock":          {ID: "lock", Kind: bridge.Lock, Verbs: []bridge.Verb{{Says: "LOCK", Call: "lock"}, {Says: "UNLOCK", Call: "unlock"}}},
		"lock_open":     {ID: "lock", Kind: bridge.Lock, Verbs: []bridge.Verb{{Says: "LOCK", Call: "lock"}, {Says: "UNLOCK", Call: "unlock"}, {Says: "OPEN", Call: "open"}}},
		"sensor":        {ID: "dust", Name: "Dust", Kind: bridge.Sensor, Class: "pm25", Unit: "\u00b5g/m³", StateClass: "measurement"},
		"sensor_text":   {ID: "label", Name: "Label", Kind: bridge.Sensor, Icon: "mdi:label", Diagnostic: true},
		"sensor_enum":   {ID: "status", Name: "Status", Kind: bridge.Sensor, Options: []string{"up", "down"}},
		"binary_sensor": {ID: "opened", Name: "Opened", Kind: bridge.BinarySensor, Class: "door"},
		"of_state":      {ID: "connection", Kind: bridge.BinarySensor, Class: "connectivity", Diagnostic: true, OfState: true},
		"switch": {ID: "output_1", Name: "Output 1", Kind: bridge.Switch, Class: "outlet",
			Verbs: []bridge.Verb{{Says: "ON", Call: "output", Args: bridge.Args{"on": true}}, {Says: "OFF", Call: "output", Args: bridge.Args{"on": false}}}},
		"event":  {ID: "vms", Name: "VMS event", Kind: bridge.Event, Options: []string{"motion", "input", "other"}},
		"image":  {ID: "still", Name: "Still", Kind: bridge.ImageKind},
		"number": {ID: "level", Name: "Level", Kind: bridge.Number, Unit: "%", Min: f(0), Max: f(10), Step: f(0.5), Setting: true, Verbs: []bridge.Verb{{Call: "level", Value: "level"}}},
		"select": {ID: "preset", Name: "Preset", Kind: bridge.Select, Options: []string{"gate", "yard"}, Verbs: []bridge.Verb{{Call: "preset", Value: "preset"}}},
	}
}

// one is an inventory of one device with one entity.
func one(e bridge.Entity) []bridge.Listing {
	return []bridge.Listing{{Account: "acme", Vendor: "exampleco", Name: "Acme", Devices: []bridge.Device{{ID: "d1", Name: "Thing", Entities: []bridge.Entity{e}}}}}
}

// of picks the document of a subject.
func of(t *testing.T, documents []hass.Document, account, device string) hass.Document {
	t.Helper()
	for _, d := range documents {
		if d.Account == account && d.Device == device {
			return d
		}
	}
	t.Fatalf("no document of %s/%s among %d", account, device, len(documents))
	return hass.Document{}
}

// golden compares a payload, indented for people, with a file.
func golden(t *testing.T, name string, payload []byte) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, payload, "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	file := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
