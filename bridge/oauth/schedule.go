package oauth

import (
	"container/heap"
	"context"
	"errors"
	"time"
)

// The schedule's own figures.
const (
	wallCheck = 30 * time.Second // how often wall and monotonic clock are compared (T9)
	slept     = 20 * time.Second // difference that is taken for a suspend
	stopWait  = 20 * time.Second // a stop waits so long for turns in flight (T24)
	burst     = 5                // token calls that may begin at once
)

// Run keeps all accounts until ctx ends: one goroutine for the schedule, and one
// for each turn in flight. Then it waits up to 20 s for those turns, and for
// pairs that are not saved yet. The error says what was left.
func (k *Keeper) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	last := clocks{}
	stop := ctx.Done()
	var giveUp <-chan time.Time
	for {
		now := time.Now()
		k.mu.Lock()
		last = k.compareClocks(last, now)
		k.start(now)
		next := k.sleep(now, last)
		finished := k.closing && k.inside == 0 && k.unsaved == 0
		k.mu.Unlock()
		k.tell()
		if finished {
			k.work.Wait()
			return nil
		}
		timer.Reset(next)
		select {
		case <-timer.C:
		case <-k.wake:
		case <-stop:
			k.close()
			stop = nil
			t := time.NewTimer(stopWait)
			defer t.Stop()
			giveUp = t.C
		case <-giveUp:
			return errors.New("token calls were still in flight, or credentials not saved, when latchkey had to stop")
		}
	}
}

// close begins the stop: nobody is let in any more, and who waits is told.
func (k *Keeper) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closing = true
	for _, a := range k.accounts {
		a.retry = time.Time{}
		k.release(a)
		k.settle(a)
	}
}

// settle works out anew what is true of an account and when to look at it next.
// Whatever changes an account ends with it. Keeper.mu is held.
func (k *Keeper) settle(a *account) {
	now := time.Now()
	a.publish(now)
	a.due = k.plan(a, now)
	h := k.judge(a, now)
	// Nothing is known before the record is read, and what shows in the middle of a
	// turn is gone when it ends.
	if len(a.turn) == 0 && (a.loaded || a.last != nil) && !sameHealth(h, a.health) {
		a.health = h
		k.markDirty(a)
	}
	if !waitsForPerson(h) {
		a.reminded = time.Time{}
	} else if a.reminded.IsZero() {
		a.reminded = now
	}
	a.peek = a.nextLook(now)
	a.at = sooner(sooner(a.due, a.peek), a.attention(now, h))
	if a.waited() && !a.at.After(now) {
		a.at = now.Add(-longest) // who waits goes first
	}
	wanted := !a.at.IsZero() && len(a.turn) == 0 && (!k.closing || a.held != nil)
	switch {
	case wanted && a.index < 0:
		heap.Push(&k.queue, a)
	case wanted:
		heap.Fix(&k.queue, a.index)
	case a.index >= 0:
		heap.Remove(&k.queue, a.index)
	}
	k.poke()
}

// waited tells whether somebody waits for the account.
func (a *account) waited() bool { return a.demand || a.force || a.wantsNarrow() }

func (k *Keeper) markDirty(a *account) {
	if !a.dirty {
		a.dirty = true
		k.dirty = append(k.dirty, a)
	}
}

// poke makes the schedule look again.
func (k *Keeper) poke() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// start begins the turns that are due, within the limits, and looks again at
// accounts whose health changes with time alone.
func (k *Keeper) start(now time.Time) {
	for len(k.queue) > 0 {
		a := k.queue[0]
		if a.at.After(now) {
			return
		}
		if at := sooner(a.due, a.peek); at.IsZero() || at.After(now) {
			if waitsForPerson(a.health) && !now.Before(a.reminded.Add(daily)) {
				k.o.Log.Warn("an account still waits for a person", "account", a.id, "reason", string(a.health.Reason))
				a.reminded = now
				k.markDirty(a)
			}
			k.settle(a)
			continue
		}
		room := k.o.Parallel
		if a.waited() {
			room *= 2
		}
		if k.workers >= room || k.pace.After(now) {
			return
		}
		k.pace = later(k.pace, now.Add(-(burst-1)*k.interval())).Add(k.interval())
		if k.tryEnter(a) {
			k.workers++
			k.work.Go(func() {
				k.run(a)
				k.mu.Lock()
				k.workers--
				k.mu.Unlock()
				k.poke()
			})
		}
		k.settle(a) // takes it out of the queue until the turn ends
	}
}

func (k *Keeper) interval() time.Duration { return time.Second / time.Duration(k.o.PerSecond) }

// sleep is how long the schedule may rest.
func (k *Keeper) sleep(now time.Time, last clocks) time.Duration {
	next := last.mono.Add(wallCheck)
	if len(k.queue) > 0 {
		a := k.queue[0]
		at := a.at
		if k.workers >= k.o.Parallel && !at.After(now) {
			at = next // the end of a turn wakes
		}
		if k.pace.After(at) {
			at = k.pace
		}
		if at.Before(next) {
			next = at
		}
	}
	return max(next.Sub(now), 0)
}

// tell hands out the healths that have changed: each the newest, one at a time.
func (k *Keeper) tell() {
	for {
		k.mu.Lock()
		if len(k.dirty) == 0 {
			k.dirty = nil
			k.mu.Unlock()
			return
		}
		a := k.dirty[0]
		k.dirty = k.dirty[1:]
		a.dirty = false
		h, gone := a.health, a.gone
		k.mu.Unlock()
		if !gone {
			k.o.OnHealth(a.id, h)
		}
	}
}

// clocks is one look at both clocks.
type clocks struct{ wall, mono time.Time }

// compareClocks notices a suspend, in which monotonic clocks stand still, and a
// clock that has become trusted.
func (k *Keeper) compareClocks(last clocks, now time.Time) clocks {
	if last.mono.IsZero() {
		return clocks{now.Round(0), now}
	}
	if now.Sub(last.mono) < wallCheck {
		return last
	}
	gone := now.Round(0).Sub(last.wall) - now.Sub(last.mono)
	before, trusted := k.trusted, k.o.ClockTrusted()
	k.trusted = trusted
	for _, a := range k.accounts {
		switch {
		case before && gone > slept:
			a.shift(gone)
		case !before && trusted && a.loaded:
			if !a.doubted.IsZero() {
				a.reckon(true)
			}
			if t := a.rec.Trouble; t != nil && t.Class == classClock {
				a.notBefore = now
			}
		default:
			continue
		}
		k.settle(a)
	}
	return clocks{now.Round(0), now}
}

// queue is a heap by time of the next thing to do.
type queue []*account

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *queue) Push(x any) {
	a := x.(*account)
	a.index = len(*q)
	*q = append(*q, a)
}

func (q *queue) Pop() any {
	old := *q
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	a.index = -1
	return a
}
