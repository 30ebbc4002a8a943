package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"latchkey/bridge"
	"latchkey/bridge/engine"
)

// inBubble hides t.Deadline from rapid, which a synctest bubble does not allow.
type inBubble struct{ testing.TB }

// TestNeverMoreThanAsked presses at random: fresh, old, repeated, retained, with
// lost links between. Nothing moves that no fresh live message asked for, and every
// message gets one result.
func TestNeverMoreThanAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			h := settled(t, nil)
			defer h.stop()
			type pressed struct {
				payload string
				at      time.Time
			}
			up, delivered := true, 0
			var presses []pressed
			fresh := map[string]bool{} // payloads that came at least once in time
			give := func(p pressed) {
				if !up {
					return
				}
				delivered++
				if age := time.Since(p.at); age <= 10*time.Second && age >= -5*time.Second {
					fresh[p.payload] = true
				}
				h.press(relay1, p.payload)
			}
			rt.Repeat(map[string]func(*rapid.T){
				"press": func(rt *rapid.T) {
					ago := time.Duration(rapid.IntRange(-6000, 15000).Draw(rt, "ago in ms")) * time.Millisecond
					presses = append(presses, pressed{envelope("PRESS", ago), time.Now().Add(-ago)})
					give(presses[len(presses)-1])
				},
				"again": func(rt *rapid.T) {
					if len(presses) > 0 {
						give(rapid.SampledFrom(presses).Draw(rt, "payload"))
					}
				},
				"nonsense": func(rt *rapid.T) {
					if up {
						delivered++
						h.press(relay1, "x"+rapid.String().Draw(rt, "payload"))
					}
				},
				"lose and connect": func(rt *rapid.T) { h.broker.lose(); up = false },
				"connect": func(rt *rapid.T) {
					if !up {
						h.broker.connect()
						up = true
					}
				},
				"wait": func(rt *rapid.T) {
					time.Sleep(time.Duration(rapid.IntRange(0, 4000).Draw(rt, "ms")) * time.Millisecond)
				},
			})
			synctest.Wait()
			if got := h.cloud.pulses(); got > len(fresh) {
				rt.Fatalf("%d pulses for %d fresh commands", got, len(fresh))
			}
			results := uint64(0)
			for _, n := range h.Counts().Results {
				results += n
			}
			if results != uint64(delivered) || len(h.answers(relay1)) != delivered {
				rt.Fatalf("%d results, %d of them sent, for %d commands", results, len(h.answers(relay1)), delivered)
			}
		})
	})
}

// TestAgeBoundary: up to max_age passes, a millisecond more does not.
func TestAgeBoundary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := settled(t, func(o *engine.Options, _ *engine.Account) { o.Commands.Cooldown = time.Nanosecond })
		time.Sleep(time.Hour)
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			ms := rapid.OneOf(rapid.IntRange(9950, 10050), rapid.IntRange(0, 20000)).Draw(rt, "ms")
			time.Sleep(2 * time.Minute) // ids are forgotten
			before := h.cloud.pulses()
			h.press(relay1, envelope("PRESS", time.Duration(ms)*time.Millisecond))
			want := 0
			if ms <= 10000 {
				want = 1
			}
			if got := h.cloud.pulses() - before; got != want {
				rt.Fatalf("%d pulses at an age of %d ms, want %d", got, ms, want)
			}
		})
	})
}

// FuzzEnvelope gives any bytes to a door: only the one valid action moves it, and
// each message has one result.
func FuzzEnvelope(f *testing.F) {
	for _, seed := range []string{"PRESS", `{"action":"PRESS"}`, `{"action":"PRESS","id":"a","sent_at":946684806}`, `{"action":"PRESS","action":1}`,
		`{"args":{"number":1}}`, `{"action":{"a":[1,2,{"b":null}]}}`, "", " ", "{", "\xff", `{"action":"PRESS","sent_at":"2000-01-01T00:00:06Z"}`} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, payload string, byName bool) {
		topic, telling := relay1, "PRESS"
		if byName {
			topic, telling = relay, "number"
		}
		synctest.Test(t, func(t *testing.T) {
			h := settled(t, nil)
			h.press(topic, payload)
			answers := h.answers(topic)
			if want := 1; len(answers) != want && !(payload == "" && !byName) {
				t.Fatalf("%d results, want %d", len(answers), want)
			}
			if n := h.cloud.pulses(); n > 1 || n == 1 && !spelled(payload, telling) {
				t.Fatalf("%d pulses", n)
			}
		})
	})
}

// spelled tells whether a word stands in a payload, also when it is escaped.
func spelled(payload, word string) bool {
	return strings.Contains(payload, word) || strings.Contains(payload, `\u`)
}

// FuzzTopic gives any topic: only the entities that there are move anything.
func FuzzTopic(f *testing.F) {
	for _, seed := range []string{relay1, relay, light, "latchkey/bridge/call/reload", "latchkey/device/gate/d1/+/set", "latchkey/#", "/", "", "latchkey/device/gate/d1/relay_1/set/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, topic string) {
		synctest.Test(t, func(t *testing.T) {
			h := settled(t, nil)
			h.Deliver(bridge.Incoming{Topic: topic, Payload: []byte("PRESS")})
			synctest.Wait()
			results := 0
			for _, n := range h.Counts().Results {
				results += int(n)
			}
			_, ok := topics.ParseCommand(topic)
			if want := map[bool]int{true: 1}[ok]; results != want {
				t.Errorf("%d results, want %d", results, want)
			}
			if n := h.cloud.pulses(); n > 0 && topic != relay1 && topic != relay2 {
				t.Errorf("%d pulses by %q", n, topic)
			}
		})
	})
}

func TestIDsAreNotForgottenEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := settled(t, func(o *engine.Options, _ *engine.Account) { o.Commands.Cooldown = time.Nanosecond })
		const info = "latchkey/account/gate/call/info"
		ask := func(i int) string {
			before := len(h.answers(info))
			h.press(info, fmt.Sprintf(`{"id":"n%d"}`, i))
			return h.answers(info)[before].Reason
		}
		for i := range 4096 {
			h.Deliver(bridge.Incoming{Topic: info, Payload: fmt.Appendf(nil, `{"id":"n%d"}`, i)})
			synctest.Wait()
		}
		if got := ask(5000) + " " + ask(0); got != "busy duplicate" {
			t.Errorf("with 4096 young ids: %s, want busy for a new one, duplicate for the oldest", got)
		}
		time.Sleep(59 * time.Second)
		if got := ask(4095); got != "duplicate" {
			t.Errorf("after 59 s: %s, want duplicate", got)
		}
		time.Sleep(time.Second)
		if got := ask(0) + " " + ask(5000); got != "ok ok" {
			t.Errorf("a minute later: %s, want ok ok", got)
		}
	})
}
