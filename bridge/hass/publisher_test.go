package hass_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/hass"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	bridgeTopic  = "homeassistant/device/latchkey_home/config"
	accountTopic = "homeassistant/device/latchkey_home_acme/config"
	thingTopic   = "homeassistant/device/latchkey_home_acme_d1/config"
)

// thing is an inventory of one device whose entities are sensors, but for those
// named after another kind.
func thing(ids ...string) []bridge.Listing {
	d := bridge.Device{ID: "d1", Name: "Thing"}
	for _, id := range ids {
		e := bridge.Entity{ID: id, Name: "Value", Kind: bridge.Sensor}
		if rest, ok := strings.CutPrefix(id, "switched_"); ok {
			e = kinds()["switch"]
			e.ID = rest
		}
		d.Entities = append(d.Entities, e)
	}
	return []bridge.Listing{{Account: "acme", Name: "Acme", Devices: []bridge.Device{d}}}
}

func noThing() []bridge.Listing { return []bridge.Listing{{Account: "acme", Name: "Acme"}} }

// in runs a test in virtual time, with everything up: the link open, Home
// Assistant seen, the inventory announced and a quiet minute gone by.
func inVirtualTime(t *testing.T, o hass.Options, listings []bridge.Listing, test func(t *testing.T, h *home)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newHome(o)
		defer func() { h.stop() }()
		h.p.Inventory(listings)
		h.connect()
		h.comeUp()
		settle()
		test(t, h)
	})
}

func expect(t *testing.T, what string, got, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestFirstDocumentsAtOnceInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHome(options())
		defer h.stop()
		h.mu.Lock()
		h.open = true
		h.mu.Unlock()
		began := time.Now()
		h.p.Inventory([]bridge.Listing{gate()})
		synctest.Wait()
		var got []string
		for _, s := range look(h, func() []sending { return slices.Clone(h.sent) }) {
			got = append(got, s.topic)
		}
		expect(t, "topics", got, []string{
			bridgeTopic, accountTopic, "homeassistant/device/latchkey_home_acme_1ccae3700001/config",
			"homeassistant/device/latchkey_home_acme_cam_7/config", "homeassistant/device/latchkey_home_acme_0_relays/config",
		})
		if !time.Now().Equal(began) {
			t.Errorf("it took %v, want no time", time.Since(began))
		}
	})
}

// Two documents of one device within a second could lose components.
func TestChangesAreDebounced(t *testing.T) {
	inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
		began := time.Now()
		for n := 2; n <= 5; n++ {
			h.p.Inventory(thing([]string{"a", "b", "c", "d", "e"}[:n]...))
			time.Sleep(time.Second)
		}
		settle()
		expect(t, "sent", h.history(t, thingTopic, began), []string{"0s a b", "5s a b c d e"})

		began = time.Now()
		h.p.Announce()
		synctest.Wait()
		h.p.Inventory(thing("a", "b", "c", "d", "e", "f"))
		settle()
		expect(t, "sent with a resend", h.history(t, thingTopic, began), []string{"0s a b c d e", "5s a b c d e f"})
	})
}

// Nothing changes: nothing is sent and nothing is written (hazard M22).
func TestUnchangedInventoryIsFree(t *testing.T) {
	inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
		sent, saves := h.sends(), h.ledger.count()
		for range 5 {
			h.p.Inventory(thing("a"))
			time.Sleep(10 * time.Minute)
		}
		if h.sends() != sent || h.ledger.count() != saves {
			t.Errorf("sent %d and saved %d times, want nothing", h.sends()-sent, h.ledger.count()-saves)
		}
		h.restart()
		h.p.Inventory(thing("a"))
		settle()
		if h.ledger.count() != saves {
			t.Error("a restart wrote the ledger though nothing changed")
		}
	})
}

func TestResends(t *testing.T) {
	birth := func(h *home, payload string, retained bool) {
		h.p.Birth(bridge.Incoming{Payload: []byte(payload), Retained: retained})
	}
	inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
		for _, row := range []struct {
			name string
			do   func()
			want int
		}{
			{"birth", func() { birth(h, "online", false) }, 1},
			{"birth with another payload", func() { birth(h, "hello", false) }, 1},
			{"births in a row", func() {
				for range 9 {
					birth(h, "online", false)
					synctest.Wait()
					time.Sleep(100 * time.Millisecond)
				}
			}, 1},
			{"offline", func() { birth(h, "offline", false) }, 0},
			{"birth that the broker had kept", func() { birth(h, "online", true) }, 0},
			{"a cleared birth topic", func() { birth(h, "", false) }, 0},
			{"gone again before it was answered", func() { birth(h, "online", false); birth(h, "offline", false) }, 0},
			{"announce", func() { h.p.Announce() }, 1},
		} {
			before := h.resent()
			row.do()
			synctest.Wait()
			if row.name != "announce" && h.resent() != before {
				t.Errorf("%s: answered at once, want 1 to 5 s later", row.name)
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			if got := h.resent() - before; got != row.want {
				t.Errorf("%s: %d resends, want %d", row.name, got, row.want)
			}
		}
	})
}

// The answers of many bridges to one birth are spread over 1 to 5 s.
func TestBirthIsAnsweredAtARandomMoment(t *testing.T) {
	inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
		seen := map[time.Duration]bool{}
		for range 30 {
			before, began := h.resent(), time.Now()
			for h.resent() == before {
				h.p.Birth(bridge.Incoming{Payload: []byte("online")}) // further ones put nothing off
				time.Sleep(100 * time.Millisecond)
				synctest.Wait()
			}
			took := time.Since(began)
			if took < time.Second || took > 5100*time.Millisecond {
				t.Fatalf("answered after %v, want 1 to 5 s", took)
			}
			seen[took] = true
		}
		if len(seen) < 5 {
			t.Errorf("only %d different delays in 30 births", len(seen))
		}
	})
}

// Without any cause: every 6 to 12 hours (hazard M21).
func TestSlowResend(t *testing.T) {
	inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
		before := h.resent()
		time.Sleep(10 * 24 * time.Hour)
		synctest.Wait()
		if got := h.resent() - before; got < 19 || got > 40 {
			t.Errorf("%d resends in ten days, want 20 to 40", got)
		}
	})
}

// A document that Home Assistant would refuse is not sent: the last good one stays.
func TestRefusedDocumentKeepsTheLastGoodOne(t *testing.T) {
	var found []hass.Finding
	o := options()
	o.Found = func(f []hass.Finding) { found = f }
	inVirtualTime(t, o, thing("a", "b"), func(t *testing.T, h *home) {
		began := time.Now()
		h.p.Inventory(thing("a", "state"))
		settle()
		expect(t, "sent", h.history(t, thingTopic, began), nil)
		expect(t, "entities", h.entities(thingTopic), []string{"a sensor", "b sensor"})
		if len(found) != 1 || found[0].Rule != "D7" {
			t.Errorf("found %v, want the reserved key", found)
		}
		h.restart() // and it is still good after a restart
		h.p.Inventory(thing("a", "state"))
		h.connect()
		settle()
		expect(t, "entities after a restart", h.entities(thingTopic), []string{"a sensor", "b sensor"})
		if !h.inTable(thingTopic) {
			t.Error("the last good document is not in the table: a broker that lost it would not get it again")
		}
		h.p.Inventory(thing("a"))
		settle()
		expect(t, "entities when it is mended", h.entities(thingTopic), []string{"a sensor"})
		if len(found) != 0 {
			t.Errorf("found %v, want nothing any more", found)
		}
	})
}

// An entity that was left out is no removal: it is removed only when it is gone.
func TestOmittedEntityIsNoRemoval(t *testing.T) {
	inVirtualTime(t, options(), thing("a", "b"), func(t *testing.T, h *home) {
		broken := thing("a", "b")
		broken[0].Devices[0].Entities[1].Class = "nonsense"
		began := time.Now()
		h.p.Inventory(broken)
		settle()
		expect(t, "sent", h.history(t, thingTopic, began), []string{"0s a"})
		expect(t, "entities", h.entities(thingTopic), []string{"a sensor", "b sensor"})

		began = time.Now()
		h.p.Inventory(thing("a"))
		settle()
		expect(t, "sent when it is gone", h.history(t, thingTopic, began), []string{"0s a b", "5s -b a", "10s a"})
		expect(t, "entities when it is gone", h.entities(thingTopic), []string{"a sensor"})
	})
	inVirtualTime(t, options(), thing("a", "b"), func(t *testing.T, h *home) {
		broken := thing("a", "b")
		broken[0].Devices[0].Entities[1].Class = "nonsense"
		h.p.Inventory(broken)
		settle()
		h.goDown()
		h.comeUp()
		settle()
		h.p.Inventory(noThing())
		settle()
		settle()
		expect(t, "entities when the device is gone", h.entities(thingTopic), nil)
	})
}

func TestLedgerThatCannotBeSaved(t *testing.T) {
	inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
		saves := h.ledger.count()
		h.ledger.fail(errors.New("disk full"))
		h.p.Inventory(thing("a", "b"))
		settle()
		expect(t, "entities", h.entities(thingTopic), []string{"a sensor", "b sensor"})
		h.ledger.fail(nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if h.ledger.count() != saves+1 {
			t.Errorf("saved %d times once the disk was free, want 1", h.ledger.count()-saves)
		}
	})
}

func TestDamagedLedger(t *testing.T) {
	for _, record := range []string{"{", `{"documents":7}`, `{"documents":{"a/b":null}}`, `{"documents":{"homeassistant/device/latchkey_home_acme_d1/config":{}}}`, "null"} {
		synctest.Test(t, func(t *testing.T) {
			h := &home{broker: map[string][]byte{}, discovered: map[string]bool{}, registry: map[string]bool{}, ledger: &memory{record: []byte(record)}, o: options()}
			h.start()
			defer h.stop()
			h.p.Inventory(thing("a"))
			h.connect()
			h.comeUp()
			settle()
			if got := fmt.Sprint(h.entities(thingTopic)); got != "[a sensor]" {
				t.Errorf("ledger %s: entities are %s", record, got)
			}
		})
	}
}

// Until the inventory is known, nobody can say what is gone.
func TestNothingIsClearedBeforeTheInventory(t *testing.T) {
	inVirtualTime(t, options(), thing("a"), func(t *testing.T, h *home) {
		h.restart()
		began := time.Now()
		h.connect()
		settle()
		if got := h.history(t, thingTopic, began); got != nil {
			t.Errorf("sent %q before the inventory was known", got)
		}
	})
}

func TestRoutes(t *testing.T) {
	for mode, want := range map[hass.Mode]string{
		hass.ModeDevice:     "[homeassistant/status p/device/+/config]",
		hass.ModeComponents: "[homeassistant/status p/+/+/+/config]",
		hass.ModeOff:        "[homeassistant/status]",
	} {
		o := options()
		o.Mode, o.Prefix = mode, "p"
		var got []string
		for filter := range hass.New(o).Routes() {
			got = append(got, filter)
		}
		if len(got) == 2 && got[0] > got[1] {
			got[0], got[1] = got[1], got[0]
		}
		if fmt.Sprint(got) != want {
			t.Errorf("mode %s listens to %v, want %s", mode, got, want)
		}
	}
}
