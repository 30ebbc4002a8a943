package hass

import (
	"maps"

	"latchkey/bridge"
)

// describe takes a new inventory: it makes the documents and checks them.
func (p *Publisher) describe(listings []bridge.Listing) {
	p.known = true
	passed, found := Check(p.o, Describe(p.o, listings))
	p.report(found)

	refused, omitted := map[string]bool{}, map[string]map[string]bool{}
	for _, f := range found {
		switch {
		case f.refuses():
			refused[f.Topic] = true
		case f.omits():
			if omitted[f.Topic] == nil {
				omitted[f.Topic] = map[string]bool{}
			}
			omitted[f.Topic][f.Key] = true
		}
	}
	wanted := map[string]bool{}
	for rank, d := range passed {
		p.want(d, rank, omitted[d.Topic])
		wanted[d.Topic] = true
	}
	for topic, g := range p.pages {
		switch {
		case wanted[topic]:
		case refused[topic] || omitted[topic][g.Entity]: // the last good one stays
			g.want = g.Document
		default:
			g.want, g.omitted = nil, nil
		}
	}
}

// want sets what is wanted on a topic.
func (p *Publisher) want(d Document, rank int, omitted map[string]bool) {
	g := p.pages[d.Topic]
	if g == nil {
		g = &page{topic: d.Topic, entry: &entry{}}
		p.pages[d.Topic] = g
	}
	changed := g.absorb(d)
	p.dirty = p.dirty || changed
	if changed || !maps.Equal(omitted, g.omitted) {
		g.phase, g.tried = resting, false // there may be more to remove: begin anew
	}
	g.want, g.rank, g.omitted = g.Document, rank, omitted
}

// report logs and tells the findings when they changed.
func (p *Publisher) report(found []Finding) {
	before := map[Finding]bool{}
	for _, f := range p.found {
		before[f] = true
	}
	news := len(found) != len(p.found)
	for _, f := range found {
		if before[f] {
			continue
		}
		news = true
		switch {
		case f.refuses():
			p.o.Log.Error("document is not sent: Home Assistant would refuse it", "topic", f.Topic, "entity", f.Key, "reason", f.Rule+": "+f.Text)
		case f.omits():
			p.o.Log.Error("entity is left out: Home Assistant would refuse it", "topic", f.Topic, "entity", f.Key, "reason", f.Rule+": "+f.Text)
		default:
			p.o.Log.Warn("document has a flaw", "topic", f.Topic, "entity", f.Key, "reason", f.Text)
		}
	}
	p.found = found
	if news {
		p.o.Found(found)
	}
}
