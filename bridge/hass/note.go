package hass

import (
	"strings"
	"time"

	"latchkey/bridge"
)

// maxNotes bounds the empty messages that wait for Run; more are dropped, and
// with them the deletions that they stood for.
const maxNotes = 4096

// note is what others left for Run; the newest of each kind.
type note struct {
	listings []bridge.Listing
	listed   bool
	lost     bool // the link was down in between
	link     *bool
	home     *bool // Home Assistant came or went
	birth    bool
	announce bool
	emptied  []string
}

// Inventory takes the accounts and devices as they are now: all of them. It never blocks.
func (p *Publisher) Inventory(listings []bridge.Listing) {
	p.leave(func(n *note) { n.listings, n.listed = listings, true })
}

// Subscribing, Subscribed and Lost follow the link to the broker: while it is
// down nothing is removed, for nobody would hear it.
func (p *Publisher) Subscribing() {}

// Subscribed says that everything was sent and the subscriptions stand.
func (p *Publisher) Subscribed() { p.leave(func(n *note) { n.link = new(true) }) }

// Lost says that the link is down.
func (p *Publisher) Lost(error) {
	p.leave(func(n *note) { n.link, n.lost, n.home, n.birth = new(false), true, nil, false })
}

// Announce brings back what the user deleted in Home Assistant, and sends
// everything again.
func (p *Publisher) Announce() { p.leave(func(n *note) { n.announce = true }) }

// Routes are the topics to listen to, and who takes them: Home Assistant's birth
// and will, and latchkey's own documents. They do not overlap.
func (p *Publisher) Routes() map[string]func(bridge.Incoming) {
	routes := map[string]func(bridge.Incoming){p.o.BirthTopic: p.Birth}
	switch p.o.Mode {
	case ModeDevice:
		routes[p.o.Prefix+"/device/+/config"] = p.Document
	case ModeComponents:
		routes[p.o.Prefix+"/+/+/+/config"] = p.Document
	}
	return routes
}

// Birth takes a message of the birth topic: any payload but `offline` says that
// Home Assistant is there. One that the broker had kept tells no more than that:
// everything was just sent. It never blocks.
func (p *Publisher) Birth(in bridge.Incoming) {
	if len(in.Payload) == 0 {
		return // somebody cleared the topic
	}
	there := string(in.Payload) != "offline"
	p.leave(func(n *note) {
		n.home = &there
		n.birth = there && (n.birth || !in.Retained)
	})
}

// Document takes a message of a document topic. An empty one that is not our own
// says that the user deleted the device in Home Assistant, which itself clears
// the topic, twice. It never blocks.
func (p *Publisher) Document(in bridge.Incoming) {
	if len(in.Payload) > 0 || !strings.Contains(in.Topic, "/latchkey_") {
		return
	}
	p.leave(func(n *note) {
		if len(n.emptied) < maxNotes {
			n.emptied = append(n.emptied, in.Topic)
		}
	})
}

// leave changes the note and wakes Run.
func (p *Publisher) leave(write func(*note)) {
	p.mu.Lock()
	write(&p.note)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// take works off a note.
func (p *Publisher) take(n note, now time.Time) {
	if n.lost {
		p.sky.present, p.sky.absent = false, false // who came or went meanwhile was not heard
	}
	if n.link != nil {
		p.sky.open = *n.link
		p.sky.after(now)
		for _, g := range p.pages {
			g.echoes = 0 // what was cleared before will not be heard now
		}
	}
	if n.home != nil {
		p.sky.present, p.sky.absent = *n.home, !*n.home
		for _, g := range p.pages {
			g.phase = resting // it heard no more than a part of a removal that was on its way
		}
	}
	if n.birth && p.resendAt.IsZero() {
		p.resendAt = now.Add(between(time.Second, 5*time.Second)) // not all bridges of a house at once
		p.sky.after(p.resendAt)
	}
	if n.listed {
		p.describe(n.listings)
	}
	for _, topic := range n.emptied {
		p.emptied(topic)
	}
	if n.announce {
		for _, g := range p.pages {
			g.hidden = false
		}
		p.resendAt = now
	}
}

// emptied looks whose empty message it was.
func (p *Publisher) emptied(topic string) {
	g := p.pages[topic]
	switch {
	case g == nil:
	case g.echoes > 0:
		g.echoes--
	case g.out != nil:
		g.hidden, g.phase = true, resting
		p.o.Log.Info("device was deleted in Home Assistant: it comes back with the next start or the call announce",
			"account", g.Account, "device", g.Device, "topic", topic)
	}
}
