package hass

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// Publisher keeps Home Assistant's documents in the engine's table. Make it with
// [New], give it the inventory and the link, and run it.
type Publisher struct {
	o    Options
	wake chan struct{} // holds one; a second note changes nothing

	mu   sync.Mutex
	note note

	// Owned by Run.
	pages    map[string]*page
	sky      sky
	resendAt time.Time // zero: none is pending
	slowAt   time.Time
	known    bool // the inventory was heard once
	dirty    bool
	saveAt   time.Time // after a failure
	found    []Finding
}

// New makes a publisher. It reads the ledger; one that cannot be read is
// reported and begun anew: what it knew is then no longer removed by itself.
func New(o Options) *Publisher {
	o = o.withDefaults()
	p := &Publisher{o: o, wake: make(chan struct{}, 1), pages: map[string]*page{}}
	if o.Ledger == nil {
		return p
	}
	record, err := o.Ledger.Load()
	if err != nil {
		o.Log.Error("ledger of documents cannot be loaded: old entities may have to be deleted by hand", "err", err)
		return p
	}
	l, err := readLedger(record)
	if err != nil {
		o.Log.Error("ledger of documents is damaged: old entities may have to be deleted by hand", "err", err)
	}
	for topic, e := range l.Documents {
		p.pages[topic] = &page{topic: topic, entry: e, clash: o.clashes(topic)}
	}
	return p
}

// clashes tells whether a topic is of the form that is not the mode's, below the
// same prefix: Home Assistant takes an entity in one form only.
func (o Options) clashes(topic string) bool {
	rest, ours := strings.CutPrefix(topic, o.Prefix+"/")
	return ours && o.Mode != ModeOff && strings.HasPrefix(rest, "device/") != (o.Mode == ModeDevice)
}

// Run does the work until ctx ends. Documents stay in the table after it: the
// will takes care of availability.
func (p *Publisher) Run(ctx context.Context) error {
	p.slowAt = time.Now().Add(slowly())
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		case <-timer.C:
		}
		timer.Reset(time.Until(p.turn(time.Now())))
	}
}

// slowly is how long until the next resend without a cause, against brokers that
// lost their retained messages (hazard M21: never shorter).
func slowly() time.Duration { return between(6*time.Hour, 12*time.Hour) }

func between(least, most time.Duration) time.Duration { return least + rand.N(most-least) }

// turn reads the note, moves every page and tells when to come again.
func (p *Publisher) turn(now time.Time) (next time.Time) {
	p.mu.Lock()
	n := p.note
	p.note = note{}
	p.mu.Unlock()

	p.take(n, now)
	next = p.resends(now)
	if !p.known {
		return next
	}
	work, again := p.work(now)
	next = earlier(next, again)
	next = earlier(next, p.save(now)) // before anything is sent: what is out must be known after a crash
	if len(work.put) > 0 {
		p.o.Table.Put(work.put...)
	}
	if len(work.clear) > 0 {
		p.o.Table.Clear(work.clear...)
	}
	return next
}

// resends runs the full resends that are due, and tells when the next is.
func (p *Publisher) resends(now time.Time) (next time.Time) {
	birth, slow := !p.resendAt.IsZero() && !now.Before(p.resendAt), !now.Before(p.slowAt)
	if birth || slow {
		p.resendAt = time.Time{}
		p.slowAt = now.Add(slowly())
		p.sky.after(now)
		p.o.Resend()
	}
	return earlier(p.slowAt, p.resendAt)
}

// earlier gives the earlier of two instants; a zero one is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
