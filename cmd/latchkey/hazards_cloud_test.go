package main_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird/doorbirdsim"
)

const relayPath = "POST /relay/1"

// awaitRequests waits until so many requests have arrived at the gate's cloud.
func (h *trial) awaitRequests(on string, n int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	if err := h.doorbird.Log.Wait(ctx, on, n); err != nil {
		h.t.Fatalf("%d requests %q, want %d: %v", h.doorbird.Log.Count(on), on, n, err)
	}
}

// cloudByWire puts a wire between latchkey and the gate's cloud.
func (h *trial) cloudByWire() *bridgetest.Wire {
	h.t.Helper()
	cloud := h.clouds["doorbird"].URL
	wire := bridgetest.StartWire(h.t, cloud)
	h.edit(func(text string) string { return strings.Replace(text, cloud, "http://"+wire.Address(), 1) })
	return wire
}

// H8: whatever the cloud does with a press, it is sent once, and the result says
// what is known of the door.
func cloudFails(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	wire := h.cloudByWire()
	h.begin()
	h.doorbird.Change(func(habits *doorbirdsim.Habits) { habits.CommandReply = doorbirdsim.ReplyJSON })
	tokens := h.doorbird.Log.Count("POST /auth/token")
	for _, row := range []struct {
		name   string
		do     simkit.Deed
		reason bridge.Reason
		moved  int
	}{
		{"cut before the work", simkit.DropBefore, bridge.ReasonNoAnswer, 0},
		{"cut after the work", simkit.DropAfter, bridge.ReasonNoAnswer, 1},
		{"cut after the headers", simkit.CutAt(0), bridge.ReasonNoAnswer, 1},
		{"cut in the body", simkit.CutAt(5), bridge.ReasonNoAnswer, 1},
		{"204", simkit.StatusAfter(204, "", ""), bridge.ReasonNoAnswer, 1},
		{"303", simkit.StatusAfter(303, "", "", "Location", "/relay/1"), bridge.ReasonNoAnswer, 1},
		{"307", simkit.Status(307, "", "", "Location", "/relay/1"), bridge.ReasonRejected, 0},
		{"308 to another host", simkit.Status(308, "", "", "Location", "http://127.0.0.1:9/relay/1"), bridge.ReasonRejected, 0},
		{"403", simkit.HTML(403), bridge.ReasonRejected, 0},
		{"408", simkit.HTML(408), bridge.ReasonNoAnswer, 0},
		{"429", simkit.Status(429, "text/plain", "slow down"), bridge.ReasonRateLimited, 0},
		{"500 after the work", simkit.StatusAfter(500, "text/html", "<h1>sorry</h1>"), bridge.ReasonNoAnswer, 1},
		{"502", simkit.HTML(502), bridge.ReasonNoAnswer, 0},
	} {
		before, sent := h.doorbird.AllPulses(), h.doorbird.Log.Count("/relay/1")
		h.doorbird.Faults.Add(simkit.Fault{On: relayPath, Do: row.do})
		h.asked += row.moved // the person who pressed did ask
		r := h.press()
		if moved := h.doorbird.AllPulses() - before; r.Reason != row.reason || moved != row.moved || r.Message == "" {
			t.Errorf("%s: %s (%s), %d pulses; want %s with words, %d", row.name, r.Reason, r.Message, moved, row.reason, row.moved)
		}
		until(time.Now().Add(1100 * time.Millisecond)) // the cool-down; nothing may follow by itself
		if n := h.doorbird.Log.Count("/relay/1") - sent; n != 1 {
			t.Errorf("%s: sent %d times, want once", row.name, n)
		}
	}
	t.Log("the one that is sent again: 401 proves that nothing was done")
	h.doorbird.Faults.Add(simkit.Fault{On: relayPath, Do: simkit.Status(401, "application/json", `{"error":"invalid_token"}`)})
	sent := h.doorbird.Log.Count(relayPath)
	h.open()
	if relay, token := h.doorbird.Log.Count(relayPath)-sent, h.doorbird.Log.Count("POST /auth/token")-tokens; relay != 2 || token != 1 {
		t.Errorf("sent %d times with %d refreshes, want 2 and 1", relay, token)
	}
	until(time.Now().Add(1100 * time.Millisecond))
	t.Log("no connection")
	wire.Stop()
	// A press on a line that is cut at that moment is no_answer, and rightly so: let
	// the client hear of the cut first.
	until(time.Now().Add(time.Second))
	h.refused(h.press(), bridge.ReasonNotSent)
	wire.Start()
	until(time.Now().Add(1100 * time.Millisecond))
	h.open()
	t.Log("the line to the cloud is cut in mid-answer")
	h.doorbird.Faults.Add(simkit.Fault{On: relayPath, Do: func(e *simkit.Exchange) { e.Work(); wire.Cut() }})
	until(time.Now().Add(1100 * time.Millisecond))
	h.asked++
	h.want(h.press(), bridge.ReasonNoAnswer, h.asked)
}

// H8: the cloud takes the press and says nothing more.
func cloudHangs(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.begin()
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	h.doorbird.Faults.Add(simkit.Fault{On: relayPath, Do: simkit.Hold(never, nil)})
	h.refusedLate(bridge.ReasonNoAnswer)
	h.open()
}

// H8: the door moves at once, the answer comes when latchkey has given up.
func cloudAnswersLate(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.begin()
	answered := make(chan struct{})
	h.doorbird.Faults.Add(simkit.Fault{On: relayPath, Do: func(e *simkit.Exchange) {
		defer close(answered)
		a := e.Work()
		<-time.After(17 * time.Second) // latchkey waits 15
		e.Send(a)
	}})
	h.asked++
	h.refusedLate(bridge.ReasonNoAnswer)
	<-answered
	h.open()
	if n := h.doorbird.Log.Count(relayPath); n != 2 {
		t.Errorf("%d requests to the relay, want one for each press", n)
	}
}

// refusedLate presses and waits for a result that takes 15 s.
func (h *trial) refusedLate(reason bridge.Reason) {
	h.t.Helper()
	set, result := h.gate()
	id := newID()
	h.mqtt.Publish(set, envelope("PRESS", id, time.Now()), false)
	h.mqtt.Await(result, func(m bridgetest.Message) bool {
		return strings.Contains(m.Payload, id) && strings.Contains(m.Payload, `"reason":"`+string(reason)+`"`)
	}, 30*time.Second)
	if got := h.doorbird.AllPulses(); got != h.asked {
		h.t.Errorf("%d pulses, want %d", got, h.asked)
	}
}

// H8: the broker restarts while the press is at the cloud; its sender, who has
// heard nothing, sends it once more.
func brokerRestarts(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.begin()
	release := make(chan struct{})
	h.doorbird.Faults.Add(simkit.Fault{On: relayPath, Do: simkit.Hold(release, nil)})
	set, _ := h.gate()
	id := newID()
	payload := envelope("PRESS", id, time.Now())
	h.asked++
	h.mqtt.Publish(set, payload, false)
	h.awaitRequests(relayPath, 1)
	broker.Kill()
	broker.Start()
	h.mqtt = bridgetest.Dial(t, broker.URL(), bridgetest.ClientOptions{})
	h.mqtt.Subscribe("latchkey/#")
	close(release)
	h.mqtt.Await(topics.BridgeInfo(), contains(`"accepts_commands_at":"`), patience) // it hears again
	reason := bridge.ReasonSettling
	for tries := 0; reason == bridge.ReasonSettling && tries < 50; tries++ {
		<-time.After(200 * time.Millisecond) // the sender is stubborn
		reason = h.send(payload, id).Reason
	}
	if reason != bridge.ReasonDuplicate {
		t.Errorf("the same press once more: %s, want duplicate", reason)
	}
	h.open()
	if n := h.doorbird.Log.Count(relayPath); n != 2 {
		t.Errorf("%d requests to the relay, want one for each press", n)
	}
}

// H8: Go's transport repeats a GET, unasked, when a kept-alive connection dies: a
// naive bridge whose vendor opens by GET opens twice and hears of one.
func transportRepeats(t *testing.T, sum *openings) {
	var opens atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/open" && opens.Add(1) == 1 {
			panic(http.ErrAbortHandler) // the door has moved; the connection dies
		}
	}))
	defer server.Close()
	for _, path := range []string{"/", "/open"} { // the first leaves a connection
		resp, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	if n := opens.Load(); n != 2 {
		t.Fatalf("the naive GET opened %d times, want 2: the danger does not show", n)
	}
	sum.danger(1)

	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.configure(openByGET)
	h.begin()
	var got atomic.Int64
	h.doorbird.Faults.Add(simkit.Fault{On: "GET /test/open", Times: simkit.Always, Do: func(e *simkit.Exchange) {
		got.Add(1)
		e.Cut()
	}})
	h.refused(h.call("gate", "info", "{}"), bridge.ReasonOK) // leaves a connection
	if r := h.call("gate", "knock", `{}`); r.Reason != bridge.ReasonNoAnswer || got.Load() != 1 {
		t.Errorf("%s (%s), sent %d times; want no_answer, once", r.Reason, r.Message, got.Load())
	}
}

// openByGET is a vendor whose command is a GET.
const openByGET = `
    operations:
      knock: {write: true, http: GET /test/open}
`

// configure adds settings to the gate's account.
func (h *trial) configure(settings string) {
	h.t.Helper()
	h.edit(func(text string) string {
		return strings.Replace(text, "    scope: deviceAdmin\n", "    scope: deviceAdmin\n"+strings.TrimPrefix(settings, "\n"), 1)
	})
}
