package bridgetest

import "sync"

// Notes keep records in memory.
type Notes struct {
	Fail error // of every Load and Save

	mu    sync.Mutex
	kept  map[string][]byte
	saves int
}

// NotesOf are notes that hold a record.
func NotesOf(name, record string) *Notes {
	return &Notes{kept: map[string][]byte{name: []byte(record)}}
}

// Load implements [bridge.Notes].
func (n *Notes) Load(name string) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.kept[name], n.Fail
}

// Save implements [bridge.Notes].
func (n *Notes) Save(name string, record []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.kept == nil {
		n.kept = map[string][]byte{}
	}
	n.kept[name] = record
	n.saves++
	return n.Fail
}

// Saves is how often a record was written.
func (n *Notes) Saves() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.saves
}
