package mqtt

import (
	"bytes"
	"fmt"
	"runtime"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"latchkey/bridge"
)

// take is paho's handler of everything. paho runs it for one message at a time and
// recovers nothing: a panic would end the process (M10).
func (c *Client) take(_ paho.Client, m paho.Message) {
	c.counters.received.Add(1)
	topic := m.Topic()
	if !c.options.Guest && topic == c.options.Will.Topic {
		c.watchOwnState(m.Payload())
		return
	}
	for i := range c.options.Routes {
		if route := &c.options.Routes[i]; matches(route.Filter, topic) {
			c.hand(route, bridge.Incoming{Topic: topic, Payload: bytes.Clone(m.Payload()), Retained: m.Retained(), At: time.Now()})
			// paho acknowledges next; what Take has woken goes first.
			runtime.Gosched()
			return
		}
	}
	c.counters.dropped.Add(1)
}

func (c *Client) hand(route *Route, in bridge.Incoming) {
	defer func() {
		if cause := recover(); cause != nil {
			c.counters.panics.Add(1)
			c.log.Error("taking a message from the broker panicked", "topic", route.Filter, "err", fmt.Sprint(cause))
		}
	}()
	route.Take(in)
}

// watchOwnState looks for somebody else's word on the will's topic, such as a
// late will or a second daemon (M2). Our own words come back here too.
func (c *Client) watchOwnState(payload []byte) {
	if own := c.ownState.Load(); own != nil && !bytes.Equal(payload, *own) {
		signal(c.usurped)
	}
}

// signal says "there is something"; one that nobody has heard yet is enough.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
