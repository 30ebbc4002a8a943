package engine

import "time"

// idsKept is how many ids are remembered at most. When they are all young the
// next command is refused: none is forgotten early (hazard H5).
const idsKept = 4096

// ids is the memory of the ids of envelopes, one for the daemon, in RAM: a press
// from before a restart is refused by its age. Used by the guard's goroutine alone.
type ids struct {
	seen map[string]struct{}
	old  []idSeen // in order of time
}

type idSeen struct {
	id string
	at time.Time
}

func newIDs() *ids { return &ids{seen: make(map[string]struct{})} }

// add remembers an id, and forgets those older than life: isNew tells whether it
// was unknown, room whether there was place for it.
func (m *ids) add(id string, life time.Duration) (isNew, room bool) {
	now := time.Now()
	gone := 0
	for gone < len(m.old) && now.Sub(m.old[gone].at) >= life {
		delete(m.seen, m.old[gone].id)
		gone++
	}
	m.old = m.old[gone:]
	if _, known := m.seen[id]; known {
		return false, true
	}
	if len(m.seen) >= idsKept {
		return true, false
	}
	m.seen[id] = struct{}{}
	m.old = append(m.old, idSeen{id, now})
	return true, true
}
