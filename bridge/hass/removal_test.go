package hass_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

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
