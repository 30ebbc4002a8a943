package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
)

// TestHazards lets each hazard of a door happen, with the real program, a real
// Mosquitto and a simulated cloud that counts what its relays did. Where the
// danger is on the wire a naive bridge shows first that it is real. At the end it
// prints how many openings nobody had asked for: 0.
//
// What needs virtual time (age to the millisecond, 1970, an hour of retained
// presses) is shown by the tests of the same names in bridge/engine. The names
// are permanent.
func TestHazards(t *testing.T) {
	sum := &openings{reasons: map[bridge.Reason]int{}}
	hazards := []struct {
		name string
		show func(*testing.T, *openings)
	}{
		{"H01_retained", retained},
		{"H02_persistent_session", persistentSession},
		{"H03_queued_at_the_sender", queuedAtTheSender},
		{"H04_held_back_by_the_broker", heldBack},
		{"H04_half_open_socket", halfOpen},
		{"H04_expiry_of_the_sender", senderExpiry},
		{"H05_duplicate", duplicate},
		{"H06_retained_by_mistake", retainedByMistake},
		{"H07_any_payload", anyPayload},
		{"H08_cloud_fails", cloudFails},
		{"H08_cloud_hangs", cloudHangs},
		{"H08_cloud_answers_after_the_door_moved", cloudAnswersLate},
		{"H08_broker_restarts_in_mid_command", brokerRestarts},
		{"H08_transport_repeats", transportRepeats},
		{"H09_token_comes_late", tokenLate},
		{"H10_one_store_two_daemons", oneStore},
		{"H10_one_client_id_two_daemons", oneClientID},
		{"H10_broker_kicks_in_a_loop", kicked},
		{"H11_no_invented_state", noInventedState},
		{"H12_phantom_ring", phantomRing},
		{"H13_resent_events", resentEvents},
		{"H14_open_broker", openBroker},
		{"H14_denied", denied},
		{"H15_no_toggle_no_indirect_opening", noIndirectOpening},
		{"H16_wrong_clock", wrongClock},
		{"H17_locking_side", lockingSide},
		{"H18_retained_reload", retainedReload},
		{"H19_secrets", secrets},
		{"H20_burst", burst},
		{"H20_flood", flood},
		{"H21_every_reason", everyReason},
		{"H22_clearing", clearing},
	}
	done := make(chan string, len(hazards))
	t.Cleanup(func() { sum.report(t, len(done) == len(hazards)) })
	for _, h := range hazards {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel() // they wait much more than they work
			t.Cleanup(func() { done <- h.name })
			h.show(t, sum)
		})
	}
}

// openings is what the whole suite came to.
type openings struct {
	mu                   sync.Mutex
	asked, opened, naive int
	unasked              int
	reasons              map[bridge.Reason]int
}

// danger notes openings of a naive bridge that nobody asked for.
func (s *openings) danger(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.naive += n
}

// add counts the results that a watcher saw, and what the doors did.
func (s *openings) add(asked, opened int, seen []bridgetest.Message) (unasked int, silent []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked += asked
	s.opened += opened
	unasked = max(0, opened-asked)
	s.unasked += unasked
	for _, m := range seen {
		var r bridge.Result
		if !strings.Contains(m.Topic, "/result") || json.Unmarshal([]byte(m.Payload), &r) != nil {
			continue
		}
		s.reasons[r.Reason]++
		if r.Reason != bridge.ReasonOK && r.Message == "" {
			silent = append(silent, m.Topic+" "+m.Payload)
		}
	}
	return unasked, silent
}

// report prints the sum. H21: when all hazards have run, every reason of the
// Contract was heard.
func (s *openings) report(t *testing.T, all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := fmt.Sprintf("hazards: openings that nobody asked for: latchkey %d, naive bridges %d (latchkey: %d asked for, %d done; results by reason %v)",
		s.unasked, s.naive, s.asked, s.opened, s.reasons)
	t.Log(line)
	if s.unasked != 0 {
		t.Error(line)
	}
	for _, reason := range everyOne {
		if all && !t.Failed() && s.reasons[reason] == 0 {
			t.Errorf("no command of the suite ended as %q", reason)
		}
	}
}

// everyOne are the reasons of the Contract.
var everyOne = []bridge.Reason{
	bridge.ReasonOK, bridge.ReasonRetained, bridge.ReasonSettling, bridge.ReasonMalformed, bridge.ReasonUnknownTarget, bridge.ReasonDenied,
	bridge.ReasonClock, bridge.ReasonStale, bridge.ReasonDuplicate, bridge.ReasonTooSoon, bridge.ReasonBusy, bridge.ReasonLoginNeeded,
	bridge.ReasonOffline, bridge.ReasonDeadline, bridge.ReasonRejected, bridge.ReasonRateLimited, bridge.ReasonNotSent, bridge.ReasonNoAnswer,
}

// trial is a house in which a hazard is tried.
type trial struct {
	*home
	wire  *bridgetest.Wire // between latchkey and the broker
	asked int              // openings that somebody asked for, of any relay
}

// newTrial makes a house whose gate is signed in; its cameras are left alone. It
// does not run yet: begin.
func newTrial(t *testing.T, sum *openings, broker string, settings ...string) *trial {
	t.Helper()
	h := &trial{home: newHome(t, broker, settings...), wire: bridgetest.StartWire(t, broker)}
	h.edit(func(text string) string {
		text, _, _ = strings.Cut(text, "  yard:")
		return strings.Replace(text, fmt.Sprintf("%q", broker), fmt.Sprintf("%q", "mqtt://"+h.wire.Address()), 1)
	})
	t.Cleanup(func() {
		h.kill()
		unasked, silent := sum.add(h.asked, h.doorbird.AllPulses(), h.mqtt.Messages())
		if unasked > 0 {
			t.Errorf("%d openings that nobody asked for", unasked)
		}
		if silent != nil {
			t.Errorf("refusals that say nothing (H21): %v", silent)
		}
	})
	return h
}

// begin starts latchkey, signs the gate in and waits until commands are taken.
func (h *trial) begin() {
	h.t.Helper()
	h.start()
	h.signIn("gate")
	h.mqtt.Await(topics.DeviceState("gate", station), bridgetest.Payload("online"), patience)
	h.ready()
}

// gate is the topic of the first relay, and where its results come.
func (h *trial) gate() (set, result string) {
	return topics.Set("gate", relayOne), topics.Result("gate", relayOne)
}

// open presses as a person does, and it works.
func (h *trial) open() {
	h.t.Helper()
	h.asked++
	h.want(h.press(), bridge.ReasonOK, h.asked)
}

// openAgain is open after an outage: a person presses again and again until it
// works. Until latchkey has settled it refuses, and before that it hears nothing;
// none of these presses may move anything later.
func (h *trial) openAgain(within time.Duration) {
	h.t.Helper()
	set, result := h.gate()
	h.asked++
	for end := time.Now().Add(within); time.Now().Before(end); {
		id := newID()
		h.mqtt.Publish(set, envelope("PRESS", id, time.Now()), false)
		<-time.After(time.Second)
		for _, m := range h.mqtt.Messages() {
			if m.Topic == result && strings.Contains(m.Payload, id) && strings.Contains(m.Payload, `"reason":"ok"`) {
				if got := h.doorbird.AllPulses(); got != h.asked {
					h.t.Errorf("%d pulses, want %d", got, h.asked)
				}
				return
			}
		}
	}
	h.t.Fatalf("latchkey was not back within %v", within)
}

// away cuts latchkey off its broker, which then says so, until the wire starts.
func (h *trial) away() {
	h.t.Helper()
	h.mqtt.Skip()
	h.wire.Stop()
	h.mqtt.Await(topics.BridgeState(), bridgetest.Payload("offline"), patience)
}

// send publishes on the first relay and returns the result.
func (h *trial) send(payload, id string) bridge.Result {
	h.t.Helper()
	set, result := h.gate()
	h.mqtt.Publish(set, payload, false)
	return h.result(result, id)
}

// refused checks that a command was refused so, and that nothing has moved.
func (h *trial) refused(r bridge.Result, reason bridge.Reason) {
	h.t.Helper()
	h.want(r, reason, h.asked)
}

// stamped is an envelope to the fraction of a second.
func stamped(action, id string, at time.Time) string {
	return fmt.Sprintf(`{"action":%q,"id":%q,"sent_at":%.3f}`, action, id, float64(at.UnixMilli())/1000)
}

// until waits for a moment.
func until(at time.Time) { <-time.After(time.Until(at)) }

// serve serves a handler; the test's end cuts it off.
func serve(t testing.TB, handler http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// stock is a Mosquitto as it comes.
func stock(t *testing.T) *bridgetest.Mosquitto {
	t.Helper()
	return bridgetest.StartMosquitto(t, bridgetest.MosquittoOptions{})
}
