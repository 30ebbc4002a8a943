package main_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
)

// H3: Home Assistant or a script was offline and sends a press of an hour ago.
func queuedAtTheSender(t *testing.T, sum *openings) {
	broker := stock(t)
	n := newNaive(t, broker.URL(), "naive/open", bridgetest.ClientOptions{}, nil)
	h := newTrial(t, sum, broker.URL())
	late := func(by time.Duration) (payload, id string) {
		id = newID()
		return stamped("PRESS", id, time.Now().Add(-by)), id
	}
	payload, _ := late(time.Hour)
	h.mqtt.Publish("naive/open", payload, false)
	sum.danger(n.opened(1))

	h.begin()
	for _, by := range []time.Duration{time.Hour, 11 * time.Second, 10100 * time.Millisecond} {
		h.refused(h.send(late(by)), bridge.ReasonStale)
	}
	// 9 s is young enough, once latchkey itself is older than that and its start.
	until(h.started.Add(16 * time.Second))
	h.asked++
	h.want(h.send(late(9*time.Second)), bridge.ReasonOK, 1)
}

// H4: the broker hangs with the press in its socket, and goes on 11 s later.
func heldBack(t *testing.T, sum *openings) {
	broker := stock(t)
	n := newNaive(t, broker.URL(), "naive/open", bridgetest.ClientOptions{}, nil)
	h := newTrial(t, sum, broker.URL(), "commands: {require_envelope: true}")
	h.begin()
	set, result := h.gate()
	id := newID()
	broker.Freeze()
	sent := []func(){
		h.mqtt.Begin("naive/open", "PRESS", false),
		h.mqtt.Begin(set, envelope("PRESS", id, time.Now()), false),
		h.mqtt.Begin(set, "PRESS", false),
	}
	<-time.After(11 * time.Second) // the broker hangs so long
	broker.Thaw()
	for _, wait := range sent {
		wait()
	}
	sum.danger(n.opened(1))
	h.refused(h.result(result, id), bridge.ReasonStale)
	h.refused(h.result(result, ""), bridge.ReasonMalformed) // a plain payload has no age
	h.open()
}

// H4: the line to the broker dies without a word. Nobody can tell for 40 s; what
// was pressed meanwhile must not come later.
func halfOpen(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.begin()
	h.mqtt.Skip()
	h.wire.Hold()
	set, _ := h.gate()
	h.mqtt.Publish(set, "PRESS", false)
	h.mqtt.Publish(set, envelope("PRESS", newID(), time.Now()), false)
	h.mqtt.Await(topics.BridgeState(), bridgetest.Payload("online"), time.Minute) // a new connection says so
	h.openAgain(patience)
}

// H4: a press that its sender lets expire does not come out of the broker, also
// not to a client that speaks MQTT 3.1.1.
func senderExpiry(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.begin()
	h.stop()
	set, result := h.gate()
	retainExpiring(t, broker.URL(), set, "PRESS", 2)
	if kept := h.mqtt.Retained(set); len(kept) != 1 {
		t.Fatalf("the broker holds %v, want the press: the danger does not show", kept)
	}
	<-time.After(4 * time.Second) // it expires
	h.start()
	h.ready()
	h.open()
	for _, m := range h.mqtt.Messages() {
		if m.Topic == result && contains(`"reason":"retained"`)(m) {
			t.Error("the expired press came out of the broker")
		}
	}
}

// retainExpiring publishes as a sender that speaks MQTT 5 does, retained and with a
// message expiry interval in seconds.
func retainExpiring(t *testing.T, broker, topic, payload string, seconds byte) {
	t.Helper()
	u, err := url.Parse(broker)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience)) // a connection of TCP takes one
	exchange := func(packet []byte, kind byte) {
		t.Helper()
		answer := make([]byte, 2)
		_, err := conn.Write(packet)
		if err == nil {
			_, err = io.ReadFull(conn, answer)
		}
		if err != nil || answer[0] != kind {
			t.Fatalf("answer % x to % x: %v", answer, packet, err)
		}
		if _, err := io.CopyN(io.Discard, conn, int64(answer[1])); err != nil {
			t.Fatal(err)
		}
	}
	sized := func(first byte, body []byte) []byte { return append([]byte{first, byte(len(body))}, body...) }
	// CONNECT: version 5, clean start, keep-alive 60 s, no properties, no client id.
	exchange(sized(0x10, []byte("\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00")), 0x20)
	body := append([]byte{0, byte(len(topic))}, topic...)
	body = append(body, 0, 1, 5, 2, 0, 0, 0, seconds) // packet id 1; five bytes of properties: expiry
	exchange(sized(0x33, append(body, payload...)), 0x40)
}

// H5: one press arrives twice.
func duplicate(t *testing.T, sum *openings) {
	broker := stock(t)
	n := newNaive(t, broker.URL(), "naive/open", bridgetest.ClientOptions{}, nil)
	h := newTrial(t, sum, broker.URL())
	h.mqtt.Burst("naive/open", envelope("PRESS", "one", time.Now()), envelope("PRESS", "one", time.Now()))
	sum.danger(n.opened(2) - 1)

	h.begin()
	id := newID()
	payload := envelope("PRESS", id, time.Now())
	h.asked++
	h.want(h.send(payload, id), bridge.ReasonOK, 1)
	h.refused(h.send(payload, id), bridge.ReasonDuplicate)
	until(time.Now().Add(2 * time.Second)) // the cool-down is over
	h.refused(h.send(payload, id), bridge.ReasonDuplicate)
	h.stop() // the memory of ids is gone
	h.start()
	h.ready()
	h.refused(h.send(payload, id), bridge.ReasonStale)
	h.open()
}

// H9: the access token is dead, and the token endpoint takes 6 s.
func tokenLate(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.begin()
	h.aged()
	h.doorbird.Issuer.EndAccess()
	h.doorbird.Faults.Add(simkit.Fault{On: "POST /auth/token", Do: simkit.Slow(6*time.Second, nil)})
	h.refused(h.press(), bridge.ReasonDeadline)
	// The refresh is finished and saved all the same; the press is not sent late.
	h.awaitRequests("POST /auth/token", 2)
	h.mqtt.Await(topics.Token("gate"), func(m bridgetest.Message) bool { return contains(`"state":"valid"`)(m) && !m.Retained }, patience)
	until(time.Now().Add(3 * time.Second))
	h.open()
	if n := h.doorbird.Log.Count("POST /relay/1"); n != 2 {
		t.Errorf("%d requests to the relay, want 2: the one that the dead token was refused for, and the last press", n)
	}
}

// H16: a clock that a cloud contradicts cannot judge the age of a press.
func wrongClock(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.begin()
	h.open() // the cloud agrees
	ahead := h.doorbird.Faults.Add(simkit.Fault{Times: simkit.Always, Do: simkit.Edit(func(a *simkit.Answer) {
		a.Header.Set("Date", time.Now().Add(24*time.Hour).UTC().Format(http.TimeFormat))
	})})
	h.refused(h.call("gate", "info", "{}"), bridge.ReasonOK) // a read; its answer is a day ahead
	h.refused(h.press(), bridge.ReasonClock)
	ahead()
	h.refused(h.call("gate", "info", "{}"), bridge.ReasonOK) // what moves nothing passes, and its answer agrees
	until(time.Now().Add(time.Second))
	h.open()

	t.Log("no cloud heard yet")
	h.stop()
	silent := h.doorbird.Faults.Add(simkit.Fault{On: "GET /*", Times: simkit.Always, Do: simkit.DropBefore})
	defer silent()
	h.start()
	h.ready()
	h.open()
}
