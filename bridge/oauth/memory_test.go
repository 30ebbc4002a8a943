package oauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"
)

// memory is a store in memory with a switch for every mistake. after is called
// before each step and may fail it.
type memory struct {
	mu      sync.Mutex
	records map[string][]byte
	gens    map[string]uint64
	holder  map[string]string
	saves   int
	broken  error                   // of Save
	before  func(step string) error // Load, Save, Hold
}

func newMemory() *memory {
	return &memory{records: map[string][]byte{}, gens: map[string]uint64{}, holder: map[string]string{}}
}

func (m *memory) step(name string) error {
	if m.before != nil {
		return m.before(name)
	}
	return nil
}

func (m *memory) Load(_ context.Context, account string) ([]byte, uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.records[account]), m.gens[account], m.step("load")
}

func (m *memory) Save(_ context.Context, account string, seen uint64, record []byte) (uint64, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step("save"); err != nil {
		return 0, false, err
	}
	if m.broken != nil {
		return 0, false, m.broken
	}
	if m.gens[account] != seen {
		return 0, false, nil
	}
	m.saves++
	m.records[account] = bytes.Clone(record)
	m.gens[account]++
	return m.gens[account], true, m.step("saved") // a crash between the write and the news of it
}

func (m *memory) Hold(_ context.Context, account, owner string, _ time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.step("hold"); err != nil {
		return false, err
	}
	if other := m.holder[account]; other != "" && other != owner {
		return false, nil
	}
	return true, nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.broken = err
}

// copy is the store as another process finds it.
func (m *memory) copy() *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := newMemory()
	for name, record := range m.records {
		c.records[name], c.gens[name] = bytes.Clone(record), m.gens[name]
	}
	return c
}

// stored reads members of a stored record.
func (m *memory) stored(t *testing.T, account string) map[string]any {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var v map[string]any
	if err := json.Unmarshal(m.records[account], &v); err != nil {
		t.Fatalf("the stored record does not parse: %v", err)
	}
	return v
}
