package mqtt

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// State is how the link stands.
type State struct {
	Open     bool      // connected
	Ready    bool      // and everything was sent and every filter answered
	Since    time.Time // of Open
	Err      error     // why it is not open; nil while it is
	Problems []Problem // ordered by code and topic
}

// Problem is something that a person should know of. It goes away by itself when
// it is mended.
type Problem struct {
	Code, Topic, Message string
	At                   time.Time // when it was first seen
}

// The codes of problems.
const (
	ProblemTooBig        = "too_big"          // a message is over the limit and not sent
	ProblemBadTopic      = "bad_topic"        // a topic is too long or not valid, so not sent
	ProblemCutOff        = "cut_off"          // the broker hung up on this message twice: held back until it changes
	ProblemNotSubscribed = "not_subscribed"   // the broker refused a filter
	ProblemIDInUse       = "client_id_in_use" // the broker closes every link soon: somebody else has our id (H10)
)

// Stats count since the start.
type Stats struct {
	Connects  uint64 // links that came up
	Losses    uint64 // links that broke
	Attempts  uint64 // connections tried
	Published uint64 // acknowledged by the broker
	Withheld  uint64 // not sent: too big, bad topic, cut off
	Received  uint64
	Dropped   uint64 // received, but no route matched
	Panics    uint64 // of takers
}

type counters struct {
	connects, losses, attempts, published, withheld, received, dropped, panics atomic.Uint64
}

func (n *counters) read() Stats {
	return Stats{
		Connects: n.connects.Load(), Losses: n.losses.Load(), Attempts: n.attempts.Load(),
		Published: n.published.Load(), Withheld: n.withheld.Load(),
		Received: n.received.Load(), Dropped: n.dropped.Load(), Panics: n.panics.Load(),
	}
}

// board holds the State. Problems are changed by Run's goroutine alone.
type board struct {
	mu       sync.Mutex
	state    State
	problems map[problemKey]Problem
	onChange func([]Problem)
}

type problemKey struct{ code, topic string }

// maxProblems bounds the list; more are not kept, only counted by Stats.
const maxProblems = 100

func (b *board) read() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.state
	s.Problems = b.list()
	return s
}

// list needs the lock.
func (b *board) list() []Problem {
	list := make([]Problem, 0, len(b.problems))
	for _, p := range b.problems {
		list = append(list, p)
	}
	slices.SortFunc(list, func(x, y Problem) int {
		return cmp.Or(cmp.Compare(x.Code, y.Code), cmp.Compare(x.Topic, y.Topic))
	})
	return list
}

// raise adds a problem and tells whether it is new.
func (b *board) raise(code, topic, message string) bool {
	return b.edit(func() {
		if len(b.problems) < maxProblems {
			key := problemKey{code, topic}
			if _, known := b.problems[key]; !known {
				b.problems[key] = Problem{code, topic, message, time.Now()}
			}
		}
	})
}

// clear takes problems of a topic away.
func (b *board) clear(topic string, codes ...string) {
	b.edit(func() {
		for _, code := range codes {
			delete(b.problems, problemKey{code, topic})
		}
	})
}

// edit tells whether the list has changed: a change adds or it deletes.
func (b *board) edit(change func()) bool {
	b.mu.Lock()
	before := len(b.problems)
	change()
	if len(b.problems) == before {
		b.mu.Unlock()
		return false
	}
	list := b.list()
	b.mu.Unlock()
	if b.onChange != nil {
		b.onChange(list)
	}
	return true
}

func (b *board) opened() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = State{Open: true, Since: time.Now()}
}

func (b *board) ready() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state.Ready = true
}

// closed notes why the link is not open, and tells whether that is news: another
// cause than before, whatever ports and addresses the words around it name.
func (b *board) closed(err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	news := rootText(b.state.Err) != rootText(err)
	if b.state.Open || b.state.Since.IsZero() {
		b.state.Since = time.Now()
	}
	b.state.Open, b.state.Ready, b.state.Err = false, false, err
	return news
}

func rootText(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return fmt.Sprint(err)
		}
		err = inner
	}
}
