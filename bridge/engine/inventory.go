package engine

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"latchkey/bridge"
)

// Inventory keeps the devices over a restart, so that a start publishes them
// before a cloud has answered. Load returns nil where nothing is kept.
type Inventory struct {
	Load func() ([]byte, error)
	Save func([]byte) error
}

// book is the inventory in memory: the devices of every account by source, also of
// accounts that are being replaced. Its goroutine saves it and tells hass, so that
// no disk is touched on the way of a fact.
type book struct {
	keep    Inventory
	log     *slog.Logger
	changed chan struct{}     // capacity 1
	saved   [sha256.Size]byte // of what is stored: the text of ten thousand devices is not kept; of run alone

	mu       sync.Mutex
	listings map[string]bridge.Listing // of added accounts, without devices
	sources  sources                   // of all accounts that are known
}

// sources are devices by account and source.
type sources map[string]map[string][]bridge.Device

// record is the stored form.
type record struct {
	Format   int     `json:"format"`
	Accounts sources `json:"accounts"`
}

const recordFormat = 1

func newBook(keep Inventory, log *slog.Logger) *book {
	b := &book{keep: keep, log: log, changed: make(chan struct{}, 1), listings: make(map[string]bridge.Listing), sources: make(sources)}
	if keep.Load == nil {
		return b
	}
	data, err := keep.Load()
	if err != nil || len(data) == 0 {
		if err != nil {
			log.Error("the inventory cannot be read; devices come back when their clouds answer", "err", err)
		}
		return b
	}
	var r record
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber() // arguments of verbs keep their digits
	if err := d.Decode(&r); err != nil || r.Format != recordFormat {
		log.Error("the inventory is damaged or of another version; devices come back when their clouds answer", "err", err)
		return b
	}
	if r.Accounts != nil {
		b.sources = r.Accounts
	}
	b.saved = sha256.Sum256(data)
	return b
}

// run tells about the inventory and saves it, when it starts and whenever it
// changes, until ctx ends.
func (b *book) run(ctx context.Context, tell func([]bridge.Listing)) {
	var told [sha256.Size]byte
	for {
		last := ctx.Err() != nil // asked before the snapshot: saving takes time, in which more may change
		listings, data := b.snapshot()
		if sum := sha256.Sum256(encode(listings)); tell != nil && told != sum {
			tell(listings)
			told = sum
		}
		if sum := sha256.Sum256(data); b.keep.Save != nil && b.saved != sum {
			if err := b.keep.Save(data); err != nil {
				b.log.Error("the inventory cannot be saved", "err", err)
			} else {
				b.saved = sum
			}
		}
		if last {
			return
		}
		select {
		case <-b.changed:
		case <-ctx.Done(): // what changed last is saved too
		}
	}
}

// snapshot is the inventory for hass, in a fixed order, and its stored form.
func (b *book) snapshot() ([]bridge.Listing, []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	listings := []bridge.Listing{}
	for _, id := range slices.Sorted(maps.Keys(b.listings)) {
		l := b.listings[id]
		l.Devices = []bridge.Device{}
		for _, devices := range b.sources[id] {
			l.Devices = append(l.Devices, devices...)
		}
		slices.SortFunc(l.Devices, func(x, y bridge.Device) int { return cmp.Compare(x.ID, y.ID) })
		listings = append(listings, l)
	}
	return listings, encode(record{recordFormat, b.sources})
}

func (b *book) signal() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// accounts are those that the inventory knows.
func (b *book) accounts() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.sources))
}

// add lists an account and returns the devices it is known to have.
func (b *book) add(o Account) map[string][]bridge.Device {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.listings[o.ID] = bridge.Listing{Account: o.ID, Vendor: o.Vendor, Name: o.Name, Area: o.Area}
	b.signal()
	return maps.Clone(b.sources[o.ID])
}

// set replaces an account's devices.
func (b *book) set(account string, devices map[string][]bridge.Device) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sources[account] = devices
	b.signal()
}

// forget takes an account out and returns what it had.
func (b *book) forget(account string) map[string][]bridge.Device {
	b.mu.Lock()
	defer b.mu.Unlock()
	had := b.sources[account]
	delete(b.sources, account)
	delete(b.listings, account)
	b.signal()
	return had
}

// Inventory returns all added accounts with their devices.
func (e *Engine) Inventory() []bridge.Listing {
	listings, _ := e.book.snapshot()
	return listings
}
