package engine

import (
	"bytes"
	"cmp"
	"slices"
	"sync"

	"latchkey/bridge"
)

// eventQueue is how many events and results wait for the link at most; the
// oldest are dropped and counted. Results of refusals leave eventSpare of it to
// what has happened.
const (
	eventQueue = 1024
	eventSpare = 256
)

// Table holds the newest message of every topic that latchkey publishes, for all
// of its rooms. What has not changed is not sent again, but for a full resend
// ([Table.All]). Safe for concurrent use; nothing in it blocks.
type Table struct {
	changed chan struct{} // capacity 1: full means that a drain is due anyway

	mu      sync.Mutex
	rows    map[string]*row
	born    uint64
	dirty   []*row
	events  []bridge.Message
	results []bridge.Message
	open    bool
	dropped uint64
}

// row is the newest message of one topic.
type row struct {
	bridge.Message
	born   uint64 // order of first insertion
	dirty  bool
	clears int // handed out as StageClear and not yet acknowledged
}

func newTable() *Table {
	return &Table{changed: make(chan struct{}, 1), rows: make(map[string]*row)}
}

// Changed signals that [Table.Drain] has something to give.
func (t *Table) Changed() <-chan struct{} { return t.changed }

// Put takes messages over; their payloads must not be changed afterwards. An
// event goes into the queue while the link is open and is dropped otherwise; any
// other replaces its topic's message. An empty payload clears the topic.
func (t *Table) Put(messages ...bridge.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range messages {
		switch {
		case m.Stage == bridge.StageEvent:
			t.queue(&t.events, m)
		case m.Stage == bridge.StageResult:
			t.queue(&t.results, m)
		case len(m.Payload) == 0:
			t.set(bridge.Message{Topic: m.Topic, Stage: bridge.StageClear})
		default:
			t.set(m)
		}
	}
}

// Clear takes topics off the broker, whether or not the table knows them.
func (t *Table) Clear(topics ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, topic := range topics {
		t.set(bridge.Message{Topic: topic, Stage: bridge.StageClear})
	}
}

func (t *Table) set(m bridge.Message) {
	r := t.rows[m.Topic]
	switch {
	case r == nil:
		t.born++
		r = &row{born: t.born}
		t.rows[m.Topic] = r
	case r.Stage == m.Stage && bytes.Equal(r.Payload, m.Payload) && m.Stage != bridge.StageClear:
		return
	}
	r.Message = m
	t.touch(r)
}

func (t *Table) touch(r *row) {
	if !r.dirty {
		r.dirty = true
		t.dirty = append(t.dirty, r)
	}
	t.signal()
}

func (t *Table) queue(list *[]bridge.Message, m bridge.Message) {
	if !t.open {
		t.dropped++
		return
	}
	if len(*list) >= eventQueue {
		*list = (*list)[1:]
		t.dropped++
	}
	*list = append(*list, m)
	t.signal()
}

// crowded tells whether there is no room for the result of a refusal.
func (t *Table) crowded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open && len(t.results) >= eventQueue-eventSpare
}

func (t *Table) signal() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// again sends a topic's message once more although it has not changed.
func (t *Table) again(topic string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.rows[topic]; r != nil {
		t.touch(r)
	}
}

// Drain returns what has changed since the last Drain or All: the results, then the
// newest message of each topic, ordered as All does, then the events in their order.
func (t *Table) Drain() []bridge.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := append(t.results, hand(t.dirty)...)
	t.dirty = t.dirty[:0]
	out = append(out, t.events...)
	t.results, t.events = nil, nil
	return out
}

// Urgent takes the results out: whoever pressed does not wait behind what a cloud
// of ten thousand devices has to say.
func (t *Table) Urgent() []bridge.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.results
	t.results = nil
	return out
}

// All returns everything that is kept, in the order in which Home Assistant needs
// it: by stage, then by first insertion. Events are not among it.
func (t *Table) All() []bridge.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	rows := make([]*row, 0, len(t.rows))
	for _, r := range t.rows {
		r.clears = 0 // what an earlier connection took along is never acknowledged
		rows = append(rows, r)
	}
	t.dirty = t.dirty[:0]
	return hand(rows)
}

func hand(rows []*row) []bridge.Message {
	slices.SortFunc(rows, func(a, b *row) int {
		return cmp.Or(cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.born, b.born))
	})
	out := make([]bridge.Message, len(rows))
	for i, r := range rows {
		out[i] = r.Message
		r.dirty = false
		if r.Stage == bridge.StageClear {
			r.clears++
		}
	}
	return out
}

// Sent says that the broker has acknowledged a message: a topic that was cleared
// is then forgotten, unless something was put there meanwhile.
func (t *Table) Sent(m bridge.Message) {
	if m.Stage != bridge.StageClear {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rows[m.Topic]
	if r == nil {
		return
	}
	if r.clears--; r.clears <= 0 && r.Stage == bridge.StageClear && !r.dirty {
		delete(t.rows, m.Topic)
	}
}

// text is the newest payload of a topic, "" where there is none.
func (t *Table) text(topic string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.rows[topic]; r != nil {
		return string(r.Payload)
	}
	return ""
}

// link opens and closes the queue of events. Closing drops what waits: an event
// is news, and after an outage it is none (hazard H12).
func (t *Table) link(open bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = open
	if !open {
		t.dropped += uint64(len(t.events) + len(t.results))
		t.events, t.results = nil, nil
	}
}

func (t *Table) droppedEvents() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.dropped
}
