package hass

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// ledger is everything that Home Assistant may know from us, by discovery topic.
// It is saved before the document itself is sent, and only topics in it are ever
// cleared.
type ledger struct {
	Documents map[string]*entry `json:"documents"`
}

// entry is what was announced on one topic.
type entry struct {
	// Account and Device are whom the document describes; Entity is set in the
	// single-component form.
	Account  string          `json:"account"`
	Device   string          `json:"device"`
	Entity   string          `json:"entity,omitempty"`
	Document json.RawMessage `json:"document"` // as last wanted
	// Kept are components that Document does not hold, or holds with another
	// platform, and that Home Assistant may still have: removed ones (tombstones)
	// and those that the validator left out.
	Kept []kept `json:"kept,omitempty"`
}

// kept is a component that was announced once.
type kept struct {
	Key       string          `json:"key"`
	Component json.RawMessage `json:"component"`
}

func (k kept) platform() string { return platformOf(k.Component) }

// absorb takes a new document and keeps the components that it no longer holds.
// It tells whether the entry changed.
func (e *entry) absorb(d Document) (changed bool) {
	e.Account, e.Device, e.Entity = d.Account, d.Device, d.Entity
	if string(e.Document) == string(d.Payload) {
		return false
	}
	old := componentsOf(e.Document)
	for _, key := range slices.Sorted(maps.Keys(old)) {
		e.Kept = append(slices.DeleteFunc(e.Kept, func(k kept) bool {
			return k.Key == key && k.platform() == platformOf(old[key])
		}), kept{key, old[key]})
	}
	if len(e.Kept) > 0 {
		now := componentsOf(d.Payload)
		e.Kept = slices.DeleteFunc(e.Kept, func(k kept) bool {
			raw, has := now[k.Key]
			return has && platformOf(raw) == k.platform()
		})
	}
	if len(e.Kept) == 0 {
		e.Kept = nil // its room is as large as the document
	}
	e.Document = d.Payload
	return true
}

// componentsOf gives the components of a device document, none for anything else.
func componentsOf(payload []byte) map[string]json.RawMessage {
	b, err := parse(payload)
	if err != nil {
		return nil
	}
	return b.components
}

// writeLedger writes the ledger of all pages, one at a time: made in one go, what
// ten thousand devices need would be in memory three times.
func writeLedger(pages map[string]*page) []byte {
	size := 0
	for topic, g := range pages {
		size += len(topic) + len(g.Document) + 128
	}
	record := append(make([]byte, 0, size), `{"documents":{`...)
	for i, topic := range slices.Sorted(maps.Keys(pages)) {
		if i > 0 {
			record = append(record, ',')
		}
		record = append(append(append(record, encode(topic)...), ':'), encode(pages[topic].entry)...)
	}
	return append(record, "}}"...)
}

// readLedger reads what was saved; nothing gives an empty ledger.
func readLedger(record []byte) (*ledger, error) {
	l := &ledger{Documents: map[string]*entry{}}
	if len(record) == 0 {
		return l, nil
	}
	if err := json.Unmarshal(record, l); err != nil {
		return &ledger{Documents: map[string]*entry{}}, fmt.Errorf("read ledger of documents: %v", err)
	}
	if l.Documents == nil {
		l.Documents = map[string]*entry{}
	}
	for topic, e := range l.Documents {
		if e == nil {
			delete(l.Documents, topic)
		}
	}
	return l, nil
}
