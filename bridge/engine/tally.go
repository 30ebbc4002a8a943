package engine

import (
	"maps"
	"slices"
	"sync"

	"latchkey/bridge"
)

// remembered is how many of the last commands the page can show.
const remembered = 50

// Counts are what has been counted since the start.
type Counts struct {
	Results       map[bridge.Reason]uint64 // commands by how they ended
	BadTopic      uint64                   // messages on topics that name nothing
	EmptySet      uint64                   // empty messages on `set` topics
	OwnClear      uint64                   // our own clearing of a command topic, come back
	Overflow      uint64                   // commands that came too fast to be judged or answered
	DroppedEvents uint64                   // events and results without a link, or too many
	RefusedFacts  uint64                   // facts of vendors that fit no device or entity
}

// tally counts, and keeps the last commands.
type tally struct {
	mu                                                   sync.Mutex
	results                                              map[bridge.Reason]uint64
	badTopic, emptySet, ownClear, overflow, refusedFacts uint64
	last                                                 []Entry
}

// add counts one more and returns the new count.
func (t *tally) add(counter *uint64) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	*counter++
	return *counter
}

func (t *tally) result(entry Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.results == nil {
		t.results = make(map[bridge.Reason]uint64)
	}
	t.results[entry.Result.Reason]++
	if len(t.last) == remembered {
		copy(t.last, t.last[1:])
		t.last = t.last[:remembered-1]
	}
	entry.Result.Data = nil // may be large, and was for the caller
	t.last = append(t.last, entry)
}

// Counts returns what has been counted.
func (e *Engine) Counts() Counts {
	t := &e.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	return Counts{
		Results: maps.Clone(t.results), BadTopic: t.badTopic, EmptySet: t.emptySet, OwnClear: t.ownClear, Overflow: t.overflow,
		DroppedEvents: e.table.droppedEvents(), RefusedFacts: t.refusedFacts,
	}
}

// Last returns the last commands, newest first.
func (e *Engine) Last() []Entry {
	e.tally.mu.Lock()
	defer e.tally.mu.Unlock()
	last := slices.Clone(e.tally.last)
	slices.Reverse(last)
	return last
}
