package hass

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"
)

// pause is the least time between two different documents of one device, and
// between the steps of a removal: Home Assistant's code could skip components of
// documents that follow each other within a second or two.
const pause = 5 * time.Second

// phase is how far a removal has come.
type phase int

const (
	resting phase = iota // the document is what the inventory asks for
	showing              // with what is to be removed, so that Home Assistant knows it in this run
	marking              // with markers in its place
	ending               // without it again; then it is forgotten
)

// page is one discovery topic: what is wanted there, what is out, and what still
// has to be removed.
type page struct {
	topic string
	rank  int // place in the last description; later ones come later
	*entry
	want    []byte          // as the validator passed it; nil: nothing
	omitted map[string]bool // components that the validator left out: no removal
	clash   bool            // the other form of the same entities, under the same prefix

	out     []byte // what the table holds; nil: nothing
	touched bool   // the table was told in this run
	at      time.Time

	phase   phase
	partial bool // components are removed, not the whole
	tried   bool // removed once while it was not known whether Home Assistant is there
	hidden  bool // the user deleted it in Home Assistant
	echoes  int  // empty messages of our own that will come back
}

// gone are the components to be removed, one for each key.
func (g *page) gone() map[string]json.RawMessage {
	var gone map[string]json.RawMessage
	for _, k := range g.Kept {
		if _, twice := gone[k.Key]; !g.omitted[k.Key] && !twice {
			if gone == nil {
				gone = map[string]json.RawMessage{}
			}
			gone[k.Key] = k.Component
		}
	}
	return gone
}

// removes tells whether something is to be removed.
func (g *page) removes() bool {
	return g.want == nil || !g.hidden && len(g.gone()) > 0
}

// target is what should be out in the present phase; nil clears the topic.
func (g *page) target() []byte {
	switch {
	case g.hidden:
		return nil
	case g.phase == resting || g.phase == ending:
		return g.want
	}
	base := g.want
	if base == nil {
		base = g.Document
	}
	if !g.partial {
		return base
	}
	components := g.gone()
	if g.phase == marking {
		for key, raw := range components {
			components[key] = marker(platformOf(raw))
		}
	}
	return g.changed(base, components)
}

// changed is a device document with other components; a single component stays
// as it is.
func (g *page) changed(payload []byte, components map[string]json.RawMessage) []byte {
	if g.Entity != "" || len(components) == 0 {
		return payload
	}
	b, err := parse(payload)
	if err != nil {
		return payload
	}
	return b.with(components)
}

// sky is what the steps of a removal depend on.
type sky struct {
	open    bool      // the link to the broker
	calm    time.Time // when the last full resend will have settled
	present bool      // Home Assistant was seen online in this run, and not offline since
	absent  bool      // it was seen offline
}

// after says that a full resend is made at an instant.
func (s *sky) after(resend time.Time) {
	if calm := resend.Add(pause); calm.After(s.calm) {
		s.calm = calm
	}
}

// due tells whether a step of a removal is waiting, and from when on it may be
// taken. Without a birth message nobody knows whether Home Assistant is there:
// then a removal is run once, and again after the birth.
func (g *page) due(s sky) (from time.Time, waits bool) {
	if !s.open || s.absent && !g.clash {
		return time.Time{}, false
	}
	if g.phase == resting && (!g.removes() || !s.present && !g.clash && g.tried) {
		return time.Time{}, false
	}
	return g.quiet(s), true
}

// quiet is when another document of this device may follow.
func (g *page) quiet(s sky) time.Time {
	if at := g.at.Add(pause); at.After(s.calm) {
		return at
	}
	return s.calm
}

// advance takes one step. It tells whether something left the ledger; with
// whole, nothing is left on this page. A page that is gone with components still
// to be removed takes two rounds: another platform may have taken their key.
func (g *page) advance(s sky) (forgotten, whole bool) {
	switch {
	case g.phase == resting && g.clash:
		g.phase, g.partial = ending, false // its entities exist in the other form: they cannot be shown
	case g.phase == resting:
		g.phase, g.partial = showing, len(g.gone()) > 0
	case g.phase == showing && !g.partial:
		g.phase = ending // clearing the topic is the marker
	case g.phase != ending:
		g.phase++
	default:
		g.phase, g.tried = resting, true
		if s.present || g.clash {
			if g.partial {
				g.forget()
			}
			return g.partial || g.want == nil, !g.partial && g.want == nil
		}
	}
	return false, false
}

// forget takes the components that were removed out of the ledger.
func (g *page) forget() {
	gone := g.gone()
	g.Kept = slices.DeleteFunc(g.Kept, func(k kept) bool {
		return bytes.Equal(gone[k.Key], k.Component)
	})
}

// differs tells whether the table is to be told of the target, and from when on
// it may be. The first document goes out at once, and so does a clearing.
func (g *page) differs(s sky) (target []byte, from time.Time, differs bool) {
	target = g.target()
	if g.touched && bytes.Equal(target, g.out) {
		return nil, time.Time{}, false
	}
	if g.touched && target != nil {
		from = g.quiet(s)
	}
	return target, from, true
}
