package engine

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"latchkey/bridge"
)

const (
	eventAge   = 30 * time.Second // by the vendor's time; an older event is history (hazard H12)
	eventsSeen = 1024             // of an account; the oldest are forgotten
)

// happened tells an event once, while it is news: not again, not when it is old,
// not on the first poll. Its attributes, which are retained, show it in any case.
func (a *account) happened(h bridge.Happened, silent bool) error {
	e, err := a.entity(h.Ref)
	switch {
	case err != nil:
		return err
	case e.Kind != bridge.Event:
		return fmt.Errorf("entity %s is no event", e.ID)
	case !slices.Contains(e.Options, h.Type):
		return fmt.Errorf("entity %s has no event type %q", e.ID, shown(h.Type)) // Home Assistant would drop it
	}
	id := h.ID
	if id == "" && !h.At.IsZero() {
		id = h.Type + " " + h.At.UTC().Format(time.RFC3339Nano)
	}
	if id != "" && !a.seen.add(e.valueTopic+" "+id) {
		return nil
	}
	now := time.Now()
	if h.At.IsZero() {
		h.At = now
	}
	body := make(map[string]any, len(h.Attributes)+3)
	maps.Copy(body, h.Attributes)
	body["event_type"], body["event_id"], body["at"] = h.Type, bridge.OrNull(h.ID), bridge.Second(h.At)
	if !h.At.Before(a.seen.newest[e.valueTopic]) { // lists may come newest first
		a.seen.newest[e.valueTopic] = h.At
		if err := a.attributes(h.Ref, body); err != nil {
			return err
		}
	}
	if !silent && now.Sub(h.At) <= eventAge {
		a.e.table.Put(bridge.Message{Topic: e.valueTopic, Payload: encode(body), Stage: bridge.StageEvent})
	}
	return nil
}

// seen remembers events that were told or are history.
type seen struct {
	known  map[string]struct{}
	order  []string
	newest map[string]time.Time // by topic
}

func newSeen() seen {
	return seen{known: make(map[string]struct{}), newest: make(map[string]time.Time)}
}

// add tells whether an event is new.
func (s *seen) add(id string) bool {
	if _, known := s.known[id]; known {
		return false
	}
	if len(s.order) == eventsSeen {
		delete(s.known, s.order[0])
		s.order = s.order[1:]
	}
	s.known[id] = struct{}{}
	s.order = append(s.order, id)
	return true
}
