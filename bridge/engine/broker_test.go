package engine_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/engine"
)

// broker models what MQTT 3.1.1 does between a sender and latchkey: it keeps
// retained messages, hands them over flagged on a subscription and live ones
// unflagged, and sends latchkey's own clearing back to it.
type broker struct {
	topics bridge.Topics
	e      *engine.Engine

	mu       sync.Mutex
	up, slow bool
	retained map[string]string
	sent     []bridge.Message // by latchkey, in order
}

func newBroker(topics bridge.Topics) *broker {
	return &broker{topics: topics, retained: make(map[string]string)}
}

// publish is a message of somebody else.
func (b *broker) publish(topic, payload string, retain bool) {
	b.mu.Lock()
	b.store(topic, payload, retain)
	up := b.up
	b.mu.Unlock()
	if up {
		b.hand(topic, payload, false)
	}
}

func (b *broker) store(topic, payload string, retain bool) {
	switch {
	case retain && payload == "":
		delete(b.retained, topic)
	case retain:
		b.retained[topic] = payload
	}
}

func (b *broker) hand(topic, payload string, flag bool) {
	if _, ok := b.topics.ParseCommand(topic); ok {
		b.e.Deliver(bridge.Incoming{Topic: topic, Payload: []byte(payload), Retained: flag, At: time.Now()})
	}
}

// subscribe brings the retained copies.
func (b *broker) subscribe() {
	b.mu.Lock()
	var topics []string
	for topic := range b.retained {
		topics = append(topics, topic)
	}
	slices.Sort(topics)
	copies := make([]string, len(topics))
	for i, topic := range topics {
		copies[i] = b.retained[topic]
	}
	b.mu.Unlock()
	for i, topic := range topics {
		b.hand(topic, copies[i], true)
	}
}

// connect does what bridge/mqtt does: everything is sent, then the filters are
// subscribed.
func (b *broker) connect() {
	b.mu.Lock()
	b.up = true
	b.mu.Unlock()
	b.take(b.e.Table().All())
	b.e.Subscribing()
	b.subscribe()
	b.e.Subscribed()
}

// pause makes a slow link: nothing is drained.
func (b *broker) pause(yes bool) {
	b.mu.Lock()
	b.slow = yes
	b.mu.Unlock()
	if !yes {
		b.take(b.e.Table().Drain())
	}
}

func (b *broker) lose() {
	b.mu.Lock()
	b.up = false
	b.mu.Unlock()
	b.e.Lost(context.Canceled)
}

// run drains the table while the link is up.
func (b *broker) run(ctx context.Context) {
	for {
		select {
		case <-b.e.Table().Changed():
		case <-ctx.Done():
			return
		}
		b.mu.Lock()
		up := b.up && !b.slow
		b.mu.Unlock()
		if up {
			b.take(b.e.Table().Drain())
		}
	}
}

// take accepts messages of latchkey.
func (b *broker) take(messages []bridge.Message) {
	for _, m := range messages {
		b.mu.Lock()
		b.sent = append(b.sent, m)
		b.store(m.Topic, string(m.Payload), m.Stage.Retained())
		b.mu.Unlock()
		b.hand(m.Topic, string(m.Payload), false)
		b.e.Table().Sent(m)
	}
}

// on are the payloads that latchkey has sent on a topic.
func (b *broker) on(topic string) (payloads []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.sent {
		if m.Topic == topic {
			payloads = append(payloads, string(m.Payload))
		}
	}
	return payloads
}

// kept is what the broker holds of a topic.
func (b *broker) kept(topic string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.retained[topic]
}
