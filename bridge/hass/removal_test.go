package hass_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"latchkey/bridge"
	"latchkey/bridge/hass"
)

// Home Assistant is there and knows the entity: marker, then without.
func TestRemovedComponent(t *testing.T) {
	inVirtualTime(t, options(), thing("a", "b"), func(t *testing.T, h *home) {
		began := time.Now()
		h.p.Inventory(thing("a"))
		settle()
		expect(t, "sent", h.history(t, thingTopic, began), []string{"0s -b a", "5s a"})
		expect(t, "entities", h.entities(thingTopic), []string{"a sensor"})
		saves := h.ledger.count()
		h.goDown()
		h.comeUp()
		settle()
		if h.ledger.count() != saves {
			t.Error("a tombstone was left after Home Assistant had heard the removal")
		}
	})
}

// It was off: the removal begins with the old component, so that it knows it.
func TestRemovedWhileHomeAssistantWasOff(t *testing.T) {
	inVirtualTime(t, options(), thing("a", "b"), func(t *testing.T, h *home) {
		h.goDown()
		began := time.Now()
		h.p.Inventory(thing("a"))
		settle()
		expect(t, "sent while it is off", h.history(t, thingTopic, began), []string{"0s a"})

		h.comeUp()
		expect(t, "entities at first", h.entities(thingTopic), []string{"a sensor", "b sensor"})
		began = time.Now()
		settle()
		var steps []string
		for _, line := range h.history(t, thingTopic, began) {
			var at, what string
			_, _ = fmt.Sscanf(line, "%s", &at)
			what = line[len(at)+1:]
			steps = append(steps, what)
		}
		expect(t, "steps (first the answer to its birth)", steps, []string{"a", "a b", "-b a", "a"})
		expect(t, "entities", h.entities(thingTopic), []string{"a sensor"})
	})
}

// Nobody knows whether Home Assistant is there: the removal runs at once, and
// once more after its birth; only then is it forgotten.
func TestRemovedBeforeHomeAssistantWasSeen(t *testing.T) {
	inVirtualTime(t, options(), thing("a", "b"), func(t *testing.T, h *home) {
		h.restart()
		began := time.Now()
		h.p.Inventory(thing("a"))
		h.connect()
		settle()
		expect(t, "sent after the start", h.history(t, thingTopic, began), []string{"0s a", "5s a b", "10s -b a", "15s a"})
		expect(t, "entities", h.entities(thingTopic), []string{"a sensor"})
		began = time.Now()
		time.Sleep(5 * time.Hour)
		expect(t, "sent afterwards", h.history(t, thingTopic, began), nil)

		saves := h.ledger.count()
		h.goDown()
		h.comeUp()
		settle()
		if h.ledger.count() != saves+1 {
			t.Errorf("saved %d times after the birth, want the tombstone forgotten", h.ledger.count()-saves)
		}
		expect(t, "entities after the birth", h.entities(thingTopic), []string{"a sensor"})
	})
}

// Once a removal has run before Home Assistant was seen, the next one runs as well.
func TestRemovedAgainBeforeHomeAssistantWasSeen(t *testing.T) {
	inVirtualTime(t, options(), thing("a", "b", "c"), func(t *testing.T, h *home) {
		h.restart()
		h.p.Inventory(thing("a", "b"))
		h.connect()
		settle()
		h.p.Inventory(thing("a"))
		settle()
		expect(t, "entities", h.entities(thingTopic), []string{"a sensor"})
		h.p.Inventory(noThing())
		settle()
		expect(t, "entities without the device", h.entities(thingTopic), nil)
	})
}

// Home Assistant went away while the link was down: nobody heard its will.
func TestRemovedWhenHomeAssistantWentUnheard(t *testing.T) {
	inVirtualTime(t, options(), thing("a", "b"), func(t *testing.T, h *home) {
		h.disconnect()
		h.goDown()
		h.connect()
		h.p.Inventory(thing("a"))
		settle()
		h.comeUp()
		settle()
		expect(t, "entities", h.entities(thingTopic), []string{"a sensor"})
	})
}

func TestRemovedDevice(t *testing.T) {
	t.Run("while Home Assistant is there", func(t *testing.T) {
		inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
			began := time.Now()
			h.p.Inventory(noThing())
			settle()
			expect(t, "sent", h.history(t, thingTopic, began), []string{"0s (empty)"})
			expect(t, "entities", h.entities(thingTopic), nil)
		})
	})
	t.Run("while it was off", func(t *testing.T) {
		inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
			h.goDown()
			h.p.Inventory(noThing())
			settle()
			if h.onBroker(thingTopic) {
				t.Error("the broker still holds the document")
			}
			h.comeUp()
			expect(t, "entities at first", h.entities(thingTopic), []string{"a sensor"})
			settle()
			expect(t, "entities", h.entities(thingTopic), nil)
			if h.onBroker(thingTopic) {
				t.Error("the broker holds the document again")
			}
		})
	})
	t.Run("while latchkey was off", func(t *testing.T) {
		inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
			h.restart()
			h.p.Inventory(noThing())
			h.connect()
			settle()
			expect(t, "entities", h.entities(thingTopic), nil)
		})
	})
	t.Run("with its account", func(t *testing.T) {
		inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
			h.p.Inventory(nil)
			settle()
			expect(t, "device", h.entities(thingTopic), nil)
			expect(t, "account", h.entities(accountTopic), nil)
			if len(h.entities(bridgeTopic)) == 0 {
				t.Error("the bridge went with it")
			}
		})
	})
	t.Run("and it came back", func(t *testing.T) {
		inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
			h.p.Inventory(noThing())
			time.Sleep(time.Second)
			h.p.Inventory(thing("a"))
			settle()
			expect(t, "entities", h.entities(thingTopic), []string{"a sensor"})
		})
	})
}

// The key stays and the platform changes: the old entity must go first.
func TestChangedPlatform(t *testing.T) {
	inVirtualTime(t, options(), thing("x"), func(t *testing.T, h *home) {
		h.p.Inventory(thing("switched_x"))
		settle()
		expect(t, "entities", h.entities(thingTopic), []string{"x switch", "x_result event"})
	})
}

// Nothing leaves without the validator, the steps of a removal neither: what
// cannot be shown once more is given up.
func TestRemovalThatWouldBeTooBig(t *testing.T) {
	many := func(prefix string) []bridge.Listing {
		var ids []string
		for n := range 1000 {
			ids = append(ids, fmt.Sprint(prefix, n))
		}
		return thing(ids...)
	}
	var log bytes.Buffer
	o := options()
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	inVirtualTime(t, o, many("old"), func(t *testing.T, h *home) {
		h.goDown()
		h.p.Inventory(many("new"))
		h.comeUp()
		settle()
		for _, s := range look(h, func() []sending { return h.sent }) {
			if len(s.doc) > 256<<10 {
				t.Errorf("a document of %d bytes was sent", len(s.doc))
			}
		}
		if n := len(componentsOf(t, hass.Document{Payload: look(h, func() []byte { return h.kept[thingTopic] })})); n != 1000 {
			t.Errorf("%d components are announced, want 1000", n)
		}
		if !strings.Contains(log.String(), "delete it by hand") {
			t.Errorf("the log says %q, want what to do", log.String())
		}
		h.p.Inventory(noThing())
		settle()
		if h.onBroker(thingTopic) {
			t.Error("the device is still announced when it is gone")
		}
	})
}

// A stop at any moment of a removal loses nothing.
func TestRemovalSurvivesAStop(t *testing.T) {
	for after := time.Duration(0); after < 25*time.Second; after += 2500 * time.Millisecond {
		inVirtualTime(t, options(), append(thing("a", "b"), bridge.Listing{Account: "gone", Name: "Gone"}), func(t *testing.T, h *home) {
			h.goDown()
			h.p.Inventory(thing("a"))
			settle()
			h.comeUp()
			time.Sleep(after)
			h.restart()
			h.p.Inventory(thing("a"))
			h.connect()
			settle()
			expect(t, fmt.Sprint("entities after a stop at ", after), h.entities(thingTopic), []string{"a sensor"})
			expect(t, fmt.Sprint("account after a stop at ", after), h.entities("homeassistant/device/latchkey_home_gone/config"), nil)
		})
	}
}

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

// inBubble hides the real deadline of the test, which virtual time must not see.
type inBubble struct{ rapid.TB }

// Whatever happens, in whatever order: when all is up and quiet, Home Assistant
// shows exactly what the inventory holds. No ghost (hazard M17), nothing missing.
func TestNoGhosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(inBubble{t}, func(t *rapid.T) {
			h := newHome(options())
			defer func() { h.stop() }()
			inventory := thing("a", "b", "c")
			list := func() { h.p.Inventory(inventory) }
			list()
			h.connect()
			pauses := rapid.SampledFrom([]time.Duration{0, time.Millisecond, time.Second, 4 * time.Second, 6 * time.Second, 20 * time.Second})
			t.Repeat(map[string]func(*rapid.T){
				"inventory": func(t *rapid.T) {
					inventory = noThing()
					if ids := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "switched_c", "e"}), 0, 4, rapid.ID).Draw(t, "ids"); len(ids) > 0 {
						inventory = thing(ids...)
					}
					list()
				},
				"home assistant": func(t *rapid.T) {
					if h.online {
						h.goDown()
					} else {
						h.comeUp()
					}
				},
				"link": func(t *rapid.T) {
					if h.open {
						h.disconnect()
					} else {
						h.connect()
					}
				},
				"restart": func(t *rapid.T) { h.restart(); list() },
				"": func(t *rapid.T) {
					time.Sleep(pauses.Draw(t, "pause"))
					synctest.Wait()
				},
			})
			if h.open {
				h.disconnect()
			}
			h.connect()
			if h.online {
				h.goDown()
			}
			h.comeUp()
			settle()
			settle()

			var want []string
			for _, e := range inventory[0].Devices {
				for _, e := range e.Entities {
					want = append(want, e.ID+" "+string(e.Kind))
					if e.Kind == bridge.Switch {
						want = append(want, e.ID+"_result event")
					}
				}
			}
			if got := h.entities(thingTopic); fmt.Sprint(got) != fmt.Sprint(sorted(want)) {
				t.Fatalf("Home Assistant shows %v, want %v", got, sorted(want))
			}
			sent := look(h, func() []sending { return h.sent })
			for i, s := range sent { // no two different documents of one device within 5 s
				for _, later := range sent[i+1:] {
					if gap := later.at.Sub(s.at); later.topic == s.topic && len(s.doc) > 0 && len(later.doc) > 0 && string(s.doc) != string(later.doc) {
						if gap < 5*time.Second && !h.restarted(s.at, later.at) {
							t.Fatalf("two documents on %s within %v", s.topic, gap)
						}
						break
					}
				}
			}
		})
	})
}
