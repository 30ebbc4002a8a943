package hass_test

import (
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/hass"
)

// The user deletes a device in Home Assistant: it does not come back by itself.
func TestDeletedByTheUser(t *testing.T) {
	deleted := func(t *testing.T, test func(t *testing.T, h *home)) {
		inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
			h.deleteDevice(thingTopic)
			settle()
			if h.inTable(thingTopic) {
				t.Error("the table still holds the document: a resend would bring the device back")
			}
			test(t, h)
		})
	}
	t.Run("stays away", func(t *testing.T) {
		deleted(t, func(t *testing.T, h *home) {
			h.goDown()
			h.comeUp()
			h.p.Inventory(thing("a", "b"))
			time.Sleep(24 * time.Hour)
			expect(t, "entities", h.entities(thingTopic), nil)
			if len(h.entities(accountTopic)) == 0 {
				t.Error("the account went with it")
			}
		})
	})
	t.Run("back with announce", func(t *testing.T) {
		deleted(t, func(t *testing.T, h *home) {
			h.p.Announce()
			settle()
			expect(t, "entities", h.entities(thingTopic), []string{"a sensor"})
			h.deleteDevice(thingTopic)
			settle()
			expect(t, "entities when it is deleted again", h.entities(thingTopic), nil)
		})
	})
	t.Run("back with the next start", func(t *testing.T) {
		deleted(t, func(t *testing.T, h *home) {
			h.restart()
			h.p.Inventory(thing("a"))
			h.connect()
			settle()
			expect(t, "entities", h.entities(thingTopic), []string{"a sensor"})
		})
	})
	t.Run("and then gone from the inventory", func(t *testing.T) {
		deleted(t, func(t *testing.T, h *home) {
			began := time.Now()
			h.p.Inventory(noThing())
			settle()
			h.p.Inventory(thing("a"))
			settle()
			expect(t, "sent", h.history(t, thingTopic, began), []string{"1m0s a"})
		})
	})
}

// A clearing of our own that was sent before the subscription never comes back,
// and so must not hide the next one, which is the user's.
func TestDeletedAfterAClearingUnheard(t *testing.T) {
	inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
		h.disconnect()
		h.p.Inventory(noThing())
		settle()
		h.connect()
		h.p.Inventory(thing("a"))
		settle()
		h.mu.Lock()
		h.send(thingTopic, nil) // once: by hand, with a tool
		h.mu.Unlock()
		settle()
		if h.inTable(thingTopic) {
			t.Error("the table still holds the document that the user cleared")
		}
	})
}

// Our own clearing comes back too and is no deletion; nor is what others do.
func TestWhatIsNoDeletion(t *testing.T) {
	inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
		h.p.Inventory(noThing())
		time.Sleep(time.Millisecond)
		h.p.Inventory(thing("a")) // its document comes 5 s later
		settle()
		for _, topic := range []string{"homeassistant/device/other/config", "homeassistant/device/latchkey_home_zeta/config"} {
			h.p.Document(bridge.Incoming{Topic: topic})
		}
		h.p.Document(bridge.Incoming{Topic: thingTopic, Payload: []byte("{}"), Retained: true})
		settle()
		expect(t, "entities", h.entities(thingTopic), []string{"a sensor"})
		if !h.inTable(thingTopic) {
			t.Error("the device is taken for deleted")
		}
	})
}

func TestModeIsSwitched(t *testing.T) {
	single := func(prefix string) string { return prefix + "/sensor/latchkey_home_acme_d1/a/config" }
	for _, row := range []struct {
		name   string
		mode   hass.Mode
		prefix string
		now    string // where the entity is announced
	}{
		{"off", hass.ModeOff, "", ""},
		{"another prefix", hass.ModeDevice, "hass", "hass/device/latchkey_home_acme_d1/config"},
		{"components below another prefix", hass.ModeComponents, "openhab", single("openhab")},
		{"components below the same prefix", hass.ModeComponents, "", single("homeassistant")},
	} {
		t.Run(row.name, func(t *testing.T) {
			inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
				h.broker["homeassistant/device/foreign/config"] = []byte(`{}`)
				h.o.Mode, h.o.Prefix = row.mode, row.prefix
				h.restart()
				began := time.Now()
				h.p.Inventory(thing("a"))
				h.connect()
				settle()
				expect(t, "old entities", h.entities(thingTopic), nil)
				if row.now != "" && (len(h.entities(row.now)) != 1 || !h.onBroker(row.now)) {
					t.Errorf("%s is not announced", row.now)
				}
				for _, topic := range []string{thingTopic, bridgeTopic, accountTopic} {
					if h.onBroker(topic) {
						t.Errorf("the broker still holds %s", topic)
					}
				}
				if !h.onBroker("homeassistant/device/foreign/config") {
					t.Error("a topic that is not ours was cleared")
				}
				if row.name == "components below the same prefix" { // Home Assistant takes an entity in one form at a time
					old, now := h.history(t, thingTopic, began), h.history(t, row.now, began)
					if len(old) != 1 || old[0] != "0s (empty)" || len(now) != 1 || now[0] != "5s " {
						t.Errorf("old form %q, new form %q, want the new one 5 s after the old one is cleared", old, now)
					}
				}
				h.o = options() // and back
				h.restart()
				h.p.Inventory(thing("a"))
				h.connect()
				h.comeUp()
				settle()
				expect(t, "entities after the way back", h.entities(thingTopic), []string{"a sensor"})
				if row.now != "" {
					expect(t, "other entities after the way back", h.entities(row.now), nil)
				}
			})
		})
	}
}
