package engine

import (
	"runtime"
	"sync"
	"time"

	"latchkey/bridge"
)

// queues hold what has passed the guard: one command at a time a device, one
// waiting an entity (hazard H20). Reads have a queue of their own beside the
// device's, so that a door never waits for a picture.
type queues struct {
	running sync.WaitGroup
	next    chan job      // unbuffered: only a worker that waits takes one
	waits   chan struct{} // capacity: how many workers wait
	ended   chan struct{} // closed by close

	mu     sync.Mutex
	closed bool
	busy   map[queueKey]*queue // those that are working; each has a goroutine
	slots  map[slotKey]*slot   // existing entities and calls only, so bounded by what there is
}

type queueKey struct {
	account, device string
	effect          bridge.Effect
}

type slotKey struct {
	account string
	ref     bridge.Ref
}

// queue is one device's commands; there is none while nothing is to be done.
type queue struct {
	waiting []*command // bounded by the slots
}

// slot is an entity's place in the queue, and its cool-down.
type slot struct {
	last    time.Time // when a command was last let in
	waiting int
}

// readsWaiting is how many reads by one name may wait: they stand for no entity.
const readsWaiting = 16

// workersKept is how many workers wait for the next command when theirs are done.
const workersKept = 2

// job is a command with nothing before it in its device's queue.
type job struct {
	line *queue
	c    *command
	do   func(*command)
}

func newQueues() *queues {
	return &queues{busy: make(map[queueKey]*queue), slots: make(map[slotKey]*slot),
		next: make(chan job), waits: make(chan struct{}, workersKept), ended: make(chan struct{})}
}

func (c *command) queueKey() queueKey {
	return queueKey{c.target.Account, c.device.ID, c.effect}
}

// slotKey is the entity's, whichever way its command came, or the call's name.
func (c *command) slotKey() slotKey { return slotKey{c.target.Account, c.ref()} }

// admit takes the slot and starts the cool-down, or says why not. do carries
// commands out, one after the other.
func (q *queues) admit(c *command, cooldown time.Duration, do func(*command)) bridge.Reason {
	q.mu.Lock()
	defer q.mu.Unlock()
	key := c.slotKey()
	s := q.slots[key]
	if s == nil {
		s = &slot{}
		q.slots[key] = s
	}
	now := time.Now()
	line := q.busy[c.queueKey()]
	switch {
	case !s.last.IsZero() && now.Sub(s.last) < c.cooldown(cooldown):
		return bridge.ReasonTooSoon
	case q.closed || s.waiting >= c.places():
		return bridge.ReasonBusy
	}
	s.last = now
	if line != nil {
		s.waiting++
		line.waiting = append(line.waiting, c)
		return ""
	}
	line = &queue{}
	q.busy[c.queueKey()] = line
	select {
	case q.next <- job{line, c, do}:
	default:
		q.running.Go(func() {
			grow()
			q.work(job{line, c, do})
			q.stay()
		})
	}
	return ""
}

// cooldown is per entity. A named call that stands for none and moves nothing has
// none, and a reload has a longer one (hazard H18).
func (c *command) cooldown(usual time.Duration) time.Duration {
	switch {
	case c.target.Account == bridgeAccount && c.target.Call == reloadCall:
		return reloadFloor
	case c.justReads() && c.target.Account != bridgeAccount:
		return 0
	}
	return usual
}

// places is how many commands may wait in the slot.
func (c *command) places() int {
	if c.justReads() {
		return readsWaiting
	}
	return 1
}

// justReads tells a named call that stands for no entity and moves nothing.
func (c *command) justReads() bool { return c.entity == nil && !c.moves() }

// work carries out a device's commands until none is left.
func (q *queues) work(j job) {
	for {
		j.do(j.c)
		q.mu.Lock()
		if len(j.line.waiting) == 0 {
			delete(q.busy, j.c.queueKey())
			q.mu.Unlock()
			return
		}
		j.c = j.line.waiting[0]
		j.line.waiting = j.line.waiting[1:]
		q.slots[j.c.slotKey()].waiting--
		q.mu.Unlock()
	}
}

// stay keeps a worker for the next command, if not enough wait already. Its frame
// is large so that the garbage collector leaves it the stack that it has grown.
func (q *queues) stay() {
	var room [9 << 10]byte
	for {
		select {
		case q.waits <- struct{}{}:
		default:
			return
		}
		select {
		case j := <-q.next:
			<-q.waits
			q.work(j)
		case <-q.ended:
			return
		}
		runtime.KeepAlive(&room)
	}
}

// grow gives a goroutine at once the stack that a call to a cloud needs. Otherwise
// it is copied three times on the way, deeper each time, while somebody waits.
//
//go:noinline
func grow() {
	var room [12 << 10]byte
	runtime.KeepAlive(&room)
}

// close lets nothing more in and returns what waited.
func (q *queues) close() (left []*command) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.ended)
	}
	for _, line := range q.busy {
		left = append(left, line.waiting...)
		line.waiting = nil
	}
	return left
}

// wait returns when everything on its way has ended.
func (q *queues) wait() { q.running.Wait() }
