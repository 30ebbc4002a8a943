package hass_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"latchkey/bridge"
	"latchkey/bridge/hass"
)

// ids are short and full of `_`, so that their joins collide often.
func anyID() *rapid.Generator[string] {
	return rapid.StringMatching(`[a-c_]{1,4}`).Filter(func(s string) bool { return !bridge.IsReservedID(s) })
}

func anyEntity() *rapid.Generator[bridge.Entity] {
	return rapid.Custom(func(t *rapid.T) bridge.Entity {
		e := bridge.Entity{
			ID:         anyID().Draw(t, "entity"),
			Name:       rapid.String().Draw(t, "name"),
			Icon:       rapid.SampledFrom([]string{"", "mdi:door"}).Draw(t, "icon"),
			Diagnostic: rapid.Bool().Draw(t, "diagnostic"),
			OffAtFirst: rapid.Bool().Draw(t, "off"),
			Kind: rapid.SampledFrom([]bridge.Kind{bridge.Button, bridge.Lock, bridge.Sensor, bridge.BinarySensor, bridge.Switch,
				bridge.Event, bridge.ImageKind, bridge.Number, bridge.Select}).Draw(t, "kind"),
		}
		words := rapid.SliceOfN(rapid.StringMatching(`[a-z_]{1,8}`), 1, 5)
		verb := func(says, value string) bridge.Verb { return bridge.Verb{Says: says, Call: "call", Value: value} }
		switch e.Kind {
		case bridge.Button:
			e.Class = rapid.SampledFrom([]string{"", "restart", "update"}).Draw(t, "class")
			e.Verbs = []bridge.Verb{verb(rapid.SampledFrom([]string{"PRESS", "OPEN"}).Draw(t, "says"), "")}
		case bridge.Lock:
			e.Verbs = []bridge.Verb{verb("LOCK", ""), verb("UNLOCK", "")}
			if rapid.Bool().Draw(t, "latch") {
				e.Verbs = append(e.Verbs, verb("OPEN", ""))
			}
		case bridge.Sensor:
			pick := rapid.SampledFrom([][3]string{
				{"", "", ""}, {"", "people", "total_increasing"}, {"temperature", "°C", "measurement"}, {"timestamp", "", ""}, {"enum", "", ""},
				{"monetary", "CHF", "total"}, {"wind_direction", "°", "measurement_angle"}, {"aqi", "", ""}, {"weight", "\u00b5g", ""},
			}).Draw(t, "class")
			e.Class, e.Unit, e.StateClass = pick[0], pick[1], pick[2]
			if e.Class == "enum" || e.Class == "" && e.Unit == "" && rapid.Bool().Draw(t, "enum") {
				e.Options = words.Draw(t, "options")
			}
		case bridge.BinarySensor:
			e.Class = rapid.SampledFrom([]string{"", "motion", "connectivity", "lock", "problem"}).Draw(t, "class")
			e.OffDelay = rapid.IntRange(0, 600).Draw(t, "off delay")
			e.OfState = rapid.Bool().Draw(t, "of state")
		case bridge.Switch:
			e.Verbs = []bridge.Verb{verb("ON", ""), verb("OFF", "")}
		case bridge.Event:
			e.Options = words.Draw(t, "types")
			if rapid.Bool().Draw(t, "doorbell") {
				e.Class, e.Options = "doorbell", append(e.Options, "ring")
			}
		case bridge.Number:
			low := rapid.Float64Range(-1e6, 1e6).Draw(t, "min")
			high := low + rapid.Float64Range(1, 1e6).Draw(t, "span")
			step := rapid.Float64Range(0.001, 10).Draw(t, "step")
			e.Min, e.Max, e.Step = &low, &high, &step
			e.Verbs = []bridge.Verb{verb("", "level")}
		case bridge.Select:
			e.Options = words.Draw(t, "options")
			e.Verbs = []bridge.Verb{verb("", "option")}
		}
		if e.Kind != bridge.Sensor && e.Kind != bridge.BinarySensor && !e.Diagnostic {
			e.Setting = rapid.Bool().Draw(t, "setting")
		}
		return e
	})
}

func anyListing() *rapid.Generator[bridge.Listing] {
	return rapid.Custom(func(t *rapid.T) bridge.Listing {
		device := rapid.Custom(func(t *rapid.T) bridge.Device {
			return bridge.Device{
				ID: anyID().Draw(t, "device"), Via: rapid.OneOf(rapid.Just(""), anyID()).Draw(t, "via"),
				Name: rapid.String().Draw(t, "device name"), Maker: rapid.String().Draw(t, "maker"), Model: rapid.String().Draw(t, "model"),
				Serial: rapid.String().Draw(t, "serial"), Version: rapid.String().Draw(t, "version"),
				MAC:      rapid.SampledFrom([]string{"", "1ccae3700001", "nonsense"}).Draw(t, "mac"),
				Entities: rapid.SliceOfN(anyEntity(), 0, 5).Draw(t, "entities"),
			}
		})
		return bridge.Listing{
			Account: anyID().Draw(t, "account"), Vendor: rapid.String().Draw(t, "vendor"), Name: rapid.String().Draw(t, "account name"),
			Area: rapid.String().Draw(t, "area"), Devices: rapid.SliceOfN(device, 0, 4).Draw(t, "devices"),
		}
	})
}

// Whatever valid devices a vendor lists: nothing is refused but for collisions of
// ids, which are always found, and everything else is announced.
func TestAnyInventory(t *testing.T) {
	collisions := 0
	rapid.Check(t, func(t *rapid.T) {
		o := options()
		o.Mode = rapid.SampledFrom([]hass.Mode{hass.ModeDevice, hass.ModeComponents}).Draw(t, "mode")
		documents := hass.Describe(o, rapid.SliceOfN(anyListing(), 0, 4).Draw(t, "listings"))
		passed, found := hass.Check(o, documents)
		for _, f := range found {
			switch {
			case f.Rule == "W":
			case strings.Contains(f.Text, "have the same"), strings.Contains(f.Text, "ask for this key"):
				collisions++
			default:
				t.Fatalf("valid data is refused: %v", f)
			}
		}
		assertUnique(t, passed)

		lost := 0 // every entity described is announced or reported
		for _, d := range documents {
			lost += entities(t, d)
		}
		for _, d := range passed {
			lost -= entities(t, d)
		}
		if reported := len(found); lost > 0 && reported == 0 {
			t.Fatalf("%d entities vanished without a word", lost)
		}
		if again, found := hass.Check(o, passed); len(again) != len(passed) || strings.Contains(fmt.Sprint(found), "E7") {
			t.Fatalf("what passed does not pass again: %v", found)
		}
	})
	if collisions == 0 {
		t.Error("no two ids ever collided: the test looks at nothing")
	}
}

func entities(t *rapid.T, d hass.Document) int {
	if d.Entity != "" {
		return 1
	}
	n := strings.Count(string(d.Payload), `"unique_id"`)
	if n == 0 && !strings.Contains(string(d.Payload), `"components":{}`) {
		t.Fatalf("%s has no components", d.Topic)
	}
	return n
}

// What a vendor must not say is reported and never sent, and nothing panics.
func FuzzCheck(f *testing.F) {
	for _, e := range kinds() {
		for _, d := range hass.Describe(options(), one(e)) {
			f.Add(d.Topic, d.Account, d.Device, "", d.Payload)
		}
	}
	f.Add("homeassistant/sensor/latchkey_home_a_b/x/config", "a", "b", "x", []byte(`{"device":{"connections":[1,["a"]]},"availability":[7],"qos":"1"}`))
	f.Fuzz(func(t *testing.T, topic, account, device, entity string, payload []byte) {
		d := hass.Document{Topic: topic, Account: account, Device: device, Entity: entity, Payload: payload}
		passed, _ := hass.Check(options(), []hass.Document{d})
		if again, _ := hass.Check(options(), passed); len(again) != len(passed) {
			t.Errorf("what passed does not pass again:\n%s", passed[0].Payload)
		}
	})
}

// A start of the size of the design: 5 accounts, 200 devices, 2,000 entities.
func BenchmarkDescribeAndCheck(b *testing.B) {
	var listings []bridge.Listing
	for a := range 5 {
		l := bridge.Listing{Account: fmt.Sprint("account_", a), Name: "Account"}
		for d := range 40 {
			device := doorStation()
			device.ID, device.MAC = fmt.Sprintf("dev_%d", d), ""
			device.Entities = append(device.Entities, camera().Entities[:4]...)
			l.Devices = append(l.Devices, device)
		}
		listings = append(listings, l)
	}
	b.ReportAllocs()
	for b.Loop() {
		if passed, found := hass.Check(options(), hass.Describe(options(), listings)); len(passed) != 206 || len(found) != 0 {
			b.Fatal(len(passed), found)
		}
	}
}
