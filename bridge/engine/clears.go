package engine

import (
	"sync"
	"time"
)

const (
	clearsPerHour = 3           // of one topic (hazard H1): a sender that retains each press must not be fought for ever
	echoWait      = time.Minute // for the echo of our own clearing
)

// clears remembers which command topics the guard has cleared. Clearing sends us
// an empty live message (MQTT 3.1.1 has no "no local"), which is swallowed once;
// further empty ones there are refused for the settle time (hazard H22).
type clears struct {
	mu     sync.Mutex
	topics map[string]*cleared // existing targets only, so bounded by what there is
}

type cleared struct {
	at      [clearsPerHour]time.Time // a ring
	next    int
	echo    time.Time // until when the echo is awaited; zero: it is not
	settles time.Time // until when empty messages are refused
}

func newClears() *clears { return &clears{topics: make(map[string]*cleared)} }

// allow tells whether a topic may be cleared now, and records that it is.
func (c *clears) allow(topic string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.topics[topic]
	if t == nil {
		t = &cleared{}
		c.topics[topic] = t
	}
	now := time.Now()
	if oldest := t.at[t.next]; !oldest.IsZero() && now.Sub(oldest) < time.Hour {
		return false
	}
	t.at[t.next] = now
	t.next = (t.next + 1) % clearsPerHour
	t.echo = now.Add(echoWait)
	return true
}

// echo tells whether an empty message is our own clearing coming back. For the
// settle time others there cannot be told from it.
func (c *clears) echo(topic string, settle time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.topics[topic]
	now := time.Now()
	if t == nil || !now.Before(t.echo) {
		return false
	}
	t.echo = time.Time{}
	t.settles = now.Add(settle)
	return true
}

// settling tells whether an empty message on a topic comes too soon after our own
// clearing to be told from it.
func (c *clears) settling(topic string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.topics[topic]
	return t != nil && time.Now().Before(t.settles)
}

// reset forgets the echoes that are awaited: a new connection clears before it
// subscribes, so none comes.
func (c *clears) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.topics {
		t.echo = time.Time{}
	}
}
