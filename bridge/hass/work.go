package hass

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

// work is what a turn has for the table.
type work struct {
	put   []bridge.Message
	clear []string
}

// work moves every page as far as it may go now, in the order of the description.
func (p *Publisher) work(now time.Time) (w work, next time.Time) {
	hold := false
	for _, g := range p.pages {
		hold = hold || g.clash
	}
	for _, g := range slices.SortedFunc(maps.Values(p.pages), func(a, b *page) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(a.topic, b.topic))
	}) {
		next = earlier(next, p.move(g, now, hold, &w))
	}
	return w, next
}

// move takes the steps of one page that are due, and tells when the next is. hold
// keeps documents back while entities still exist in the other form.
func (p *Publisher) move(g *page, now time.Time, hold bool, w *work) (next time.Time) {
	if g.phase != resting && (!p.sky.open || p.sky.absent && !g.clash) {
		g.phase = resting // nobody would hear the rest: begin anew another time
	}
	for {
		from, waits := g.due(p.sky)
		if !waits || now.Before(from) {
			next = from
			break
		}
		forgotten, whole := g.advance(p.sky)
		p.dirty = p.dirty || forgotten
		if whole {
			delete(p.pages, g.topic)
			return now // others may have waited for it
		}
		if g.phase == resting {
			next = now.Add(pause) // there may be more to remove
			break
		}
		p.tell(g, now, hold, w)
	}
	return earlier(next, p.tell(g, now, hold, w))
}

// tell puts the page's target into the table, if it may be yet.
func (p *Publisher) tell(g *page, now time.Time, hold bool, w *work) (next time.Time) {
	target, from, differs := g.differs(p.sky)
	switch {
	case !differs || hold && target != nil:
		return time.Time{}
	case now.Before(from):
		return from
	case target == nil:
		if !g.touched || g.out != nil {
			w.clear = append(w.clear, g.topic)
			g.echoes++
		}
	default:
		if !p.fine(g, target) {
			g.forget()
			g.phase, p.dirty = resting, true
			if g.want == nil {
				g.phase = ending
			}
			return now
		}
		w.put = append(w.put, bridge.Message{Topic: g.topic, Payload: target, Stage: bridge.StageDocument})
	}
	g.out, g.touched, g.at = target, true, now
	return time.Time{}
}

// fine judges a document that shows or marks what was removed: nothing leaves
// without the validator. The entities in it passed when they were announced, under
// the settings of that time; so only what would refuse the whole document counts.
func (p *Publisher) fine(g *page, target []byte) bool {
	if g.phase != showing && g.phase != marking {
		return true
	}
	o := p.o
	o.Prefix = prefixOf(g.topic)
	for _, f := range judge(o, Document{Topic: g.topic, Account: g.Account, Device: g.Device, Entity: g.Entity, Payload: target}).found {
		if f.refuses() {
			o.Log.Warn("a removed entity cannot be shown again: delete it by hand in Home Assistant", "topic", f.Topic, "entity", f.Key, "reason", f.Rule+": "+f.Text)
			return false
		}
	}
	return true
}

// save writes the ledger if it changed. A failure is reported once and tried
// again in a minute: documents go out all the same.
func (p *Publisher) save(now time.Time) (next time.Time) {
	if !p.dirty || p.o.Ledger == nil || now.Before(p.saveAt) {
		return p.saveAt
	}
	if err := p.o.Ledger.Save(writeLedger(p.pages)); err != nil {
		if p.saveAt.IsZero() {
			p.o.Log.Error("ledger of documents cannot be saved", "err", err)
		}
		p.saveAt = now.Add(time.Minute)
		return p.saveAt
	}
	p.dirty, p.saveAt = false, time.Time{}
	return time.Time{}
}
