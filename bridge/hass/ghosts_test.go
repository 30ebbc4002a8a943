package hass_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"latchkey/bridge"
)

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
