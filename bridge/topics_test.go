package bridge_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"latchkey/bridge"
)

func TestDeviceID(t *testing.T) {
	for _, c := range []struct{ original, want string }{
		{"1C:CA:E3:A1:B2:C3", "1ccae3a1b2c3"},
		{"1CCAE3A1B2C3", "1ccae3a1b2c3"},
		{"4201", "4201"},
		{"3F2504E0-4F89-11D3-9A0C-0305E82C3301", "3f2504e0_4f89_11d3_9a0c_0305e82c3301"},
		{"unit 7/a", "unit_7_a_68e0cd"},
		{"Unit", "unit_4e5459"},
		{"unit", "unit"},
		{"state", "state_4ba697"}, // a reserved id would share the topic of the availability
		{"Tür ☂", "t__r_____64a887"},
		{"", "_e3b0c4"},
	} {
		got := bridge.DeviceID(c.original)
		if !bridge.IsID(got) {
			t.Errorf("DeviceID(%q) = %q, which is no id", c.original, got)
		}
		if got != c.want {
			t.Errorf("DeviceID(%q) = %q, want %q", c.original, got, c.want)
		}
	}
}

// Distinct originals that are no MAC and no UUID give distinct ids, and every id is one.
func TestDeviceIDKeepsApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		ida, idb := bridge.DeviceID(a), bridge.DeviceID(b)
		if !bridge.IsID(ida) || bridge.IsReservedID(ida) {
			t.Fatalf("DeviceID(%q) = %q is not a usable id", a, ida)
		}
		if a != b && bridge.MAC(a) == "" && ida == idb {
			t.Fatalf("DeviceID(%q) = DeviceID(%q) = %q", a, b, ida)
		}
	})
}

func TestParseCommand(t *testing.T) {
	topics := bridge.Topics{Prefix: "a/latchkey"}
	targets := []bridge.Target{
		{Call: "reload"},
		{Account: "gate", Call: "relay"},
		{Account: "gate", Ref: bridge.Ref{Device: "1ccae3a1b2c3", Entity: "relay_1"}},
	}
	for _, want := range targets {
		got, ok := topics.ParseCommand(topics.CommandTopic(want))
		if !ok || got != want {
			t.Errorf("ParseCommand(%q) = %+v, %v, want %+v", topics.CommandTopic(want), got, ok, want)
		}
	}
	for _, topic := range []string{
		"", "a/latchkey", "latchkey/account/gate/call/relay", "a/latchkey/account/gate/call", "a/latchkey/account/Gate/call/relay",
		"a/latchkey/account/+/call/relay", "a/latchkey/account/gate/call/#", "a/latchkey/account//call/relay",
		"a/latchkey/account/gate/call/relay/1", "a/latchkey/device/gate/d/e/set/x", "a/latchkey/device/gate/d/e/get",
		"a/latchkey/bridge/call/" + strings.Repeat("x", 65),
	} {
		if got, ok := topics.ParseCommand(topic); ok {
			t.Errorf("ParseCommand(%q) = %+v, want it refused", topic, got)
		}
	}
}

func FuzzParseCommand(f *testing.F) {
	topics := bridge.Topics{Prefix: "latchkey"}
	f.Add("latchkey/account/gate/call/relay")
	f.Add("latchkey/device/gate/1ccae3a1b2c3/relay_1/set")
	f.Fuzz(func(t *testing.T, topic string) {
		if target, ok := topics.ParseCommand(topic); ok && topics.CommandTopic(target) != topic {
			t.Errorf("%q reads as %+v, which is %q", topic, target, topics.CommandTopic(target))
		}
	})
}
