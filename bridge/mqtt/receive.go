package mqtt

import (
	"bytes"
	"fmt"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"latchkey/bridge"
)

// taker is paho's handler of one route. paho runs handlers one at a time and
// recovers none of them: a panic would end the process (M10).
func (c *Client) taker(route Route) paho.MessageHandler {
	return func(_ paho.Client, m paho.Message) {
		in := bridge.Incoming{Retained: m.Retained(), At: time.Now()}
		in.Topic, in.Payload = m.Topic(), bytes.Clone(m.Payload())
		c.counters.received.Add(1)
		defer func() {
			if cause := recover(); cause != nil {
				c.counters.panics.Add(1)
				c.log.Error("taking a message from the broker panicked", "topic", route.Filter, "err", fmt.Sprint(cause))
			}
		}()
		route.Take(in)
	}
}

// drop takes what no route asked for.
func (c *Client) drop(paho.Client, paho.Message) {
	c.counters.received.Add(1)
	c.counters.dropped.Add(1)
}

// watchOwnState looks for somebody else's word on the will's topic, such as a
// late will or a second daemon (M2). Our own words come back here too.
func (c *Client) watchOwnState(_ paho.Client, m paho.Message) {
	c.counters.received.Add(1)
	if own := c.ownState.Load(); own != nil && !bytes.Equal(m.Payload(), *own) {
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
