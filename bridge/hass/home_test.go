package hass_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/hass"
)

// home is the engine's table, a broker and Home Assistant in one, without a
// socket: what the publisher puts is sent at once while the link is open, and
// Home Assistant does with documents what its code does.
type home struct {
	mu       sync.Mutex
	kept     map[string][]byte // the table
	clearing map[string]bool
	open     bool
	broker   map[string][]byte // retained
	sent     []sending
	resends  int

	online     bool
	discovered map[string]bool // in this run of Home Assistant: "topic key platform"
	registry   map[string]bool // entities that exist, over restarts: the same

	p      *hass.Publisher
	ledger *memory
	o      hass.Options
	stop   func()
	starts []time.Time
}

type sending struct {
	at    time.Time
	topic string
	doc   []byte
}

// memory is a ledger on no disk.
type memory struct {
	mu     sync.Mutex
	record []byte
	saves  int
	err    error
}

func (l *memory) Load() ([]byte, error) { return l.record, nil }

func (l *memory) Save(record []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	l.record, l.saves = bytes.Clone(record), l.saves+1
	return nil
}

// fail makes saving fail, or work again with nil.
func (l *memory) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

// holds tells whether a topic was saved, true while saving fails.
func (l *memory) holds(topic string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err != nil || bytes.Contains(l.record, []byte(topic))
}

func (l *memory) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.saves
}

func newHome(o hass.Options) *home {
	h := &home{broker: map[string][]byte{}, discovered: map[string]bool{}, registry: map[string]bool{}, ledger: &memory{}, o: o}
	h.start()
	return h
}

// start begins a run of latchkey, with an empty table and no link.
func (h *home) start() {
	h.kept, h.clearing, h.open = map[string][]byte{}, map[string]bool{}, false
	o := h.o
	o.Table, o.Ledger, o.Resend = h, h.ledger, h.resend
	h.p = hass.New(o)
	h.starts = append(h.starts, time.Now())
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { _ = h.p.Run(ctx) })
	h.stop = func() { cancel(); wait.Wait() }
}

func (h *home) restart() { h.stop(); h.start() }

// connect opens the link: everything is sent, in the order of stages, and only
// then subscribed, so that nothing of it comes back.
func (h *home) connect() {
	h.mu.Lock()
	h.sendAll()
	h.open = true
	h.mu.Unlock()
	h.p.Subscribing()
	h.p.Subscribed()
}

func (h *home) disconnect() {
	h.mu.Lock()
	h.open = false
	h.mu.Unlock()
	h.p.Lost(nil)
}

func (h *home) sendAll() {
	for _, topic := range slices.Sorted(maps.Keys(h.kept)) {
		h.send(topic, h.kept[topic])
	}
	for _, topic := range slices.Sorted(maps.Keys(h.clearing)) {
		h.send(topic, nil)
	}
	clear(h.clearing)
}

func (h *home) resend() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.resends++
	if h.open {
		h.sendAll()
	}
}

func (h *home) Put(messages ...bridge.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range messages {
		if m.Stage != bridge.StageDocument || len(m.Payload) == 0 {
			panic("a document is put as a document")
		}
		if !h.ledger.holds(m.Topic) {
			panic("a document is out that the ledger does not know: after a crash nobody would remove it")
		}
		h.kept[m.Topic] = m.Payload
		delete(h.clearing, m.Topic)
		if h.open {
			h.send(m.Topic, m.Payload)
		}
	}
}

func (h *home) Clear(topics ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, topic := range topics {
		delete(h.kept, topic)
		if h.open {
			h.send(topic, nil)
		} else {
			h.clearing[topic] = true
		}
	}
}

// send is a publication that reaches the broker; everybody hears it, we too.
func (h *home) send(topic string, payload []byte) {
	h.sent = append(h.sent, sending{time.Now(), topic, payload})
	h.broker[topic] = payload
	if len(payload) == 0 {
		delete(h.broker, topic)
	}
	if h.online {
		h.hear(topic, payload)
	}
	if h.open {
		h.p.Document(bridge.Incoming{Topic: topic, Payload: payload})
	}
}

// hear is what Home Assistant does with a document.
func (h *home) hear(topic string, payload []byte) {
	var root struct {
		Components map[string]map[string]any `json:"components"`
	}
	_ = json.Unmarshal(payload, &root)
	if levels := strings.Split(topic, "/"); len(payload) > 0 && root.Components == nil { // a single component
		root.Components = map[string]map[string]any{levels[3]: {"platform": levels[1], "whole": true}}
	}
	for key, c := range root.Components {
		name := topic + " " + key + " " + c["platform"].(string)
		switch {
		case len(c) > 1:
			h.discovered[name], h.registry[name] = true, true
		case h.discovered[name]:
			delete(h.discovered, name)
			delete(h.registry, name)
		}
	}
	if len(payload) == 0 {
		for name := range h.discovered {
			if strings.HasPrefix(name, topic+" ") {
				delete(h.discovered, name)
				delete(h.registry, name)
			}
		}
	}
}

// comeUp starts Home Assistant: it hears what is retained, and says so 5 s later.
func (h *home) comeUp() {
	h.mu.Lock()
	h.online = true
	clear(h.discovered)
	for topic, payload := range h.broker {
		h.hear(topic, payload)
	}
	h.mu.Unlock()
	time.Sleep(5 * time.Second)
	h.birth("online")
}

// goDown stops it; whether its will is heard depends on the link.
func (h *home) goDown() {
	h.mu.Lock()
	h.online = false
	h.mu.Unlock()
	h.birth("offline")
}

func (h *home) birth(payload string) {
	h.mu.Lock()
	open := h.open
	h.mu.Unlock()
	if open {
		h.p.Birth(bridge.Incoming{Topic: "homeassistant/status", Payload: []byte(payload)})
	}
}

// look reads what the goroutine of the publisher writes.
func look[T any](h *home, read func() T) T {
	h.mu.Lock()
	defer h.mu.Unlock()
	return read()
}

func (h *home) resent() int { return look(h, func() int { return h.resends }) }
func (h *home) sends() int  { return look(h, func() int { return len(h.sent) }) }

// inTable and onBroker tell whether a document is there.
func (h *home) inTable(topic string) bool {
	return look(h, func() bool { return len(h.kept[topic]) > 0 })
}
func (h *home) onBroker(topic string) bool {
	return look(h, func() bool { return len(h.broker[topic]) > 0 })
}

// deleteDevice is the user's: Home Assistant clears the topic, twice.
func (h *home) deleteDevice(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.send(topic, nil)
	h.send(topic, nil)
}

// restarted tells whether latchkey was started anew between two instants.
func (h *home) restarted(from, to time.Time) bool {
	return slices.ContainsFunc(h.starts, func(at time.Time) bool { return !at.Before(from) && !at.After(to) })
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// settle waits until nothing is left to be done.
func settle() {
	time.Sleep(time.Minute)
	synctest.Wait()
}

// entities gives what Home Assistant shows of one document, sorted.
func (h *home) entities(topic string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for name := range h.registry {
		if rest, ok := strings.CutPrefix(name, topic+" "); ok {
			names = append(names, rest)
		}
	}
	slices.Sort(names)
	return names
}

// history gives what was sent on a topic since an instant, as seconds after it
// and the sorted keys of the components; a marker has a `-`, a clearing is `(empty)`.
func (h *home) history(t *testing.T, topic string, since time.Time) (lines []string) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.sent {
		if s.topic != topic || s.at.Before(since) {
			continue
		}
		what := "(empty)"
		if len(s.doc) > 0 {
			var keys []string
			for key, c := range componentsOf(t, hass.Document{Payload: s.doc}) {
				if len(c) == 1 {
					key = "-" + key
				}
				keys = append(keys, key)
			}
			slices.Sort(keys)
			what = strings.Join(keys, " ")
		}
		lines = append(lines, s.at.Sub(since).Round(time.Second).String()+" "+what)
	}
	return lines
}
