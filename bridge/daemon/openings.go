package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"latchkey/bridge"
	"latchkey/bridge/engine"
	"latchkey/bridge/store"
)

// How the opening log is written. What was sent or tried is on the disk in a
// moment. Refusals wait for company: equal ones become one record with a count,
// and a flood that goes on is written ever more seldom, so that it neither wears
// the card nor washes the ring out (hazard H20).
const (
	sentWait     = 250 * time.Millisecond
	refusedWait  = 2 * time.Second // doubles while refusals go on
	refusedMost  = time.Minute
	sentKept     = 1024 // of one batch; beyond it they are counted as lost
	refusedKinds = 32   // of one batch; further ones become one record
	retryAfter   = 10 * time.Second
	longestText  = 200 // bytes of what a sender can choose
	// commandsShown is how many of the last commands the page lists.
	commandsShown = 50
)

// book is where openings are kept; bridge/store's is one.
type book interface {
	Append([]store.Opening) error
}

// openings writes the opening log. add is called by the engine for each command
// that has ended, and never waits; run owns the writing, in one goroutine.
type openings struct {
	book book
	log  *slog.Logger
	wake chan struct{}      // capacity 1: due has changed
	asks chan chan struct{} // of flush

	mu          sync.Mutex // guards what follows
	waiting     []store.Opening
	refused     map[store.Opening]int // kind of a refusal: its place in waiting
	sent        int                   // of waiting
	due         time.Time             // of the next write; zero: nothing waits
	pause       time.Duration         // before the next write for refusals alone
	lastRefused time.Time             // of the last write with refusals
	counts      openingCounts
}

// openingCounts are for the metrics.
type openingCounts struct {
	Logged, Lost, Commits uint64
}

func newOpenings(b book, log *slog.Logger) *openings {
	return &openings{book: b, log: log, wake: make(chan struct{}, 1), asks: make(chan chan struct{}), refused: map[store.Opening]int{}, pause: refusedWait}
}

// add takes a command that has ended.
func (o *openings) add(entry engine.Entry) {
	r, now := entry.Result, time.Now()
	opening := store.Opening{At: r.At.UTC(), Source: string(entry.Source), ID: short(r.ID), Account: short(r.Account), Device: short(r.Device), Entity: short(r.Entity),
		Action: short(r.Action), Check: entry.Check, Reason: r.Reason, Message: short(r.Message), Status: r.Status, Latency: r.LatencyMS}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case r.Reason.Outcome() == bridge.OutcomeRefused:
		o.merge(opening)
		o.schedule(now.Add(o.pause))
	case o.sent == sentKept:
		o.counts.Lost++
	default:
		o.sent++
		o.waiting = append(o.waiting, opening)
		o.schedule(now.Add(sentWait))
	}
}

// merge adds a refusal to its like: the same source, target, words and answer.
// The sender's id, the time and the latency are those of the first.
func (o *openings) merge(opening store.Opening) {
	if _, known := o.refused[kindOf(opening)]; !known && len(o.refused) >= refusedKinds {
		opening = store.Opening{At: opening.At, Source: "several", Reason: opening.Reason, Message: "further kinds of refusals in the same moments"}
	}
	kind := kindOf(opening)
	if at, known := o.refused[kind]; known {
		o.waiting[at].Times = max(o.waiting[at].Times, 1) + 1
		o.waiting[at].Last = opening.At
		return
	}
	o.refused[kind] = len(o.waiting)
	o.waiting = append(o.waiting, opening)
}

func kindOf(refusal store.Opening) store.Opening {
	refusal.At, refusal.ID, refusal.Latency = time.Time{}, "", 0
	return refusal
}

// schedule makes the next write no later than at. The caller holds mu.
func (o *openings) schedule(at time.Time) {
	if o.due.IsZero() || at.Before(o.due) {
		o.due = at
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
}

// run writes until ctx ends, and then what is left.
func (o *openings) run(ctx context.Context) error {
	var unwritten []store.Opening // a batch that the store did not take
	timer := time.NewTimer(retryAfter)
	defer timer.Stop()
	write := func() {
		batch := append(unwritten, o.take()...)
		if unwritten = o.write(batch, unwritten != nil); unwritten != nil {
			o.mu.Lock()
			o.schedule(time.Now().Add(retryAfter))
			o.mu.Unlock()
		}
	}
	for {
		select {
		case <-o.wake:
			o.mu.Lock()
			timer.Reset(time.Until(o.due))
			o.mu.Unlock()
		case <-timer.C:
			write()
		case done := <-o.asks:
			write()
			close(done)
		case <-ctx.Done():
			write()
			o.lose(len(unwritten))
			return nil
		}
	}
}

// take empties what waits.
func (o *openings) take() []store.Opening {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.refused) > 0 {
		now := time.Now()
		if now.Sub(o.lastRefused) < 2*o.pause {
			o.pause = min(2*o.pause, refusedMost)
		} else {
			o.pause = refusedWait
		}
		o.lastRefused = now
	}
	batch := o.waiting
	o.waiting, o.sent, o.due = nil, 0, time.Time{}
	clear(o.refused)
	return batch
}

// write commits a batch and returns what has to be tried again.
func (o *openings) write(batch []store.Opening, again bool) []store.Opening {
	if len(batch) == 0 {
		return nil
	}
	if over := len(batch) - 2*sentKept; over > 0 {
		o.lose(over)
		batch = batch[over:]
	}
	err := o.book.Append(batch)
	if err != nil {
		if !again {
			o.log.Error("the opening log cannot be written", "err", err, "next", retryAfter)
		}
		return batch
	}
	if again {
		o.log.Info("the opening log is written again")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts.Commits++
	for _, x := range batch {
		o.counts.Logged += uint64(max(x.Times, 1))
	}
	return nil
}

func (o *openings) lose(n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts.Lost += uint64(n)
}

// flush writes what waits, for somebody who wants to read it now.
func (o *openings) flush(ctx context.Context) {
	done := make(chan struct{})
	select {
	case o.asks <- done:
		<-done
	case <-ctx.Done():
	}
}

func (o *openings) count() openingCounts {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts
}

// short bounds what a sender can choose.
func short(text string) string {
	if len(text) <= longestText {
		return text
	}
	cut := longestText
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}

// Log is the opening log as `latchkey log` reads it: the records, the oldest
// first, or the proof.
type Log struct {
	Openings []store.Opening `json:"openings,omitempty"`
	Proof    *store.Proof    `json:"proof,omitempty"`
}

// ReadLog reads all of the opening log, or proves it.
func ReadLog(s *store.Store, verify bool) (l Log, err error) {
	if !verify {
		l.Openings, err = s.Openings(0)
		return l, err
	}
	proof, err := s.Verify()
	return Log{Proof: &proof}, err
}

// readLog writes what waits first, so that the last press is in it.
func (h *house) readLog(ctx context.Context, verify bool) (any, error) {
	h.openings.flush(ctx)
	return ReadLog(h.store, verify)
}

// earlier are the last openings that the log holds from before this house, the
// newest first, as the page shows commands.
func earlier(s *store.Store) ([]bridge.Result, error) {
	all, err := s.Openings(commandsShown)
	var results []bridge.Result
	for _, o := range slices.Backward(all) {
		if o.Note != "" {
			continue
		}
		message := o.Message
		if o.Times > 1 {
			message = fmt.Sprintf("%s (%d times)", message, o.Times)
		}
		results = append(results, bridge.Result{ID: o.ID, Account: o.Account, Device: o.Device, Entity: o.Entity, Action: o.Action,
			Reason: o.Reason, Message: message, Status: o.Status, LatencyMS: o.Latency, At: o.At})
	}
	return results, err
}
