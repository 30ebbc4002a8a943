package main_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/bridge/bridgetest"
)

// H2: somebody with latchkey's client id has left a session at the broker, and an
// open waits in it.
func persistentSession(t *testing.T, sum *openings) {
	broker := stock(t)
	kept := bridgetest.ClientOptions{ID: "naive", KeepSession: true}
	n := newNaive(t, broker.URL(), "naive/open", kept, nil)
	n.mqtt.Close()
	h := newTrial(t, sum, broker.URL())
	h.mqtt.Publish("naive/open", "PRESS", false)
	n.topic = "" // its subscription is in the session
	n.start(broker.URL())
	sum.danger(n.opened(1))

	h.begin()
	h.stop()
	set, result := h.gate()
	left := bridgetest.Dial(t, broker.URL(), bridgetest.ClientOptions{ID: "latchkey_home", KeepSession: true})
	left.Subscribe(set)
	left.Close()
	h.mqtt.Publish(set, "PRESS", false)
	h.start()
	h.ready()
	h.open()
	heard := 0
	for _, m := range h.mqtt.Messages() {
		if m.Topic == result {
			heard++
		}
	}
	if heard != 1 {
		t.Errorf("%d results, want the one of the last press: nothing was to arrive out of a session", heard)
	}
}

// H10 on one host: the store's lock is the guard.
func oneStore(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.begin()
	if code, _, stderr := h.run("", "run"); code != 1 || stderr == "" {
		t.Errorf("a second daemon on the same store: exit code %d with %q, want 1 and words", code, stderr)
	}
	h.open()
}

// H10 on two hosts: one client id, so each connection ends the other's.
func oneClientID(t *testing.T, sum *openings) {
	broker := stock(t)
	both := bridgetest.ClientOptions{ID: "naive", Reconnect: true}
	one, two := bridgetest.Dial(t, broker.URL(), both), bridgetest.Dial(t, broker.URL(), both)
	began := time.Now()
	for end := began.Add(patience); one.Losses()+two.Losses() < 6; {
		if time.Now().After(end) {
			t.Fatal("two naive clients of one id do not disturb each other: the danger does not show")
		}
		<-time.After(10 * time.Millisecond) // paho tells of a loss, not of how many
	}
	t.Logf("two naive clients of one id lost 6 connections in %v", time.Since(began).Round(time.Millisecond))
	one.Close()
	two.Close()

	a, b := newTrial(t, sum, broker.URL()), newTrial(t, sum, broker.URL())
	a.begin()
	b.start() // its own store and state folder
	a.mqtt.Await(topics.BridgeInfo(), contains(`"code":"client_id_in_use"`), time.Minute)
	for _, h := range []*trial{a, b} {
		if n := h.wire.Dialled(); n > 12 {
			t.Errorf("%d connections, want a dozen at most: they are to slow down", n)
		}
	}
	if strings.Count(a.log.String()+b.log.String(), "another client uses this id") == 0 {
		t.Error("no log says that another client uses the id")
	}
	b.stop()
	a.openAgain(time.Minute) // it has slowed down to a try in 30 s
}

// H10, M4: the broker ends every connection as soon as it is made.
func kicked(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.begin()
	before := h.wire.Dialled()
	h.wire.Kick(true)
	began := time.Now()
	until(began.Add(25 * time.Second)) // attempts of so long are counted
	if n := h.wire.Dialled() - before; n < 2 || n > 10 {
		t.Errorf("%d attempts in 25 s, want 2 to 10", n)
	}
	h.wire.Kick(false)
	h.openAgain(time.Minute)
}

// stateFiles are the files of the state folder.
func (h *trial) stateFiles() []string {
	all, err := filepath.Glob(filepath.Join(h.dir, "state", "*"))
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}
