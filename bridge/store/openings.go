package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"latchkey/bridge"
)

// The opening log is a ring: with more than openingsMost records the oldest go, a
// fortieth at once, so that not every commit touches both of its ends. A record
// takes about 300 bytes.
const (
	openingsMost     = 10_000
	openingsFraction = 40
)

// Opening is one record of the opening log: a command on something that moves,
// carried out or refused. Empty members are left out of its JSON.
type Opening struct {
	Number  uint64        `json:"number"` // counts from 1 up, without a gap; given by Append
	At      time.Time     `json:"at"`     // when the command ended
	Source  string        `json:"source,omitempty"`
	ID      string        `json:"id,omitempty"` // the sender's
	Account string        `json:"account,omitempty"`
	Device  string        `json:"device,omitempty"`
	Entity  string        `json:"entity,omitempty"`
	Action  string        `json:"action,omitempty"`
	Check   string        `json:"check,omitempty"` // that refused it; "": none did
	Reason  bridge.Reason `json:"reason,omitempty"`
	Message string        `json:"message,omitempty"`
	Status  int           `json:"status,omitempty"` // of HTTP
	Latency int64         `json:"latency_ms,omitempty"`
	// Times is how many equal commands the record stands for, the last of them at
	// Last. ID is that of the first.
	Times int       `json:"times,omitempty"`
	Last  time.Time `json:"last,omitzero"`
	// Note makes the record a mark of the store's own instead of a command: what
	// happened to the log. Broken: records before it may be missing.
	Note   string `json:"note,omitempty"`
	Broken bool   `json:"broken,omitempty"`
}

// Append adds records to the opening log in one commit, on the disk when it
// returns, and drops the oldest ones of a full ring. It numbers them.
func (s *Store) Append(batch []Opening) error {
	if len(batch) == 0 {
		return nil
	}
	if err := s.appendOpenings(batch); err != nil {
		return fmt.Errorf("write opening log: %w", err)
	}
	return nil
}

func (s *Store) appendOpenings(batch []Opening) error {
	s.write.Lock()
	defer s.write.Unlock()
	e, err := s.ends()
	if err != nil {
		return err
	}
	var changes []change
	before := map[uint64]link{} // the authenticator before each new record
	for _, o := range batch {
		before[e.last+1] = e.head
		added, err := e.append(s.seal, o)
		if err != nil {
			return err
		}
		changes = append(changes, added)
	}
	for e.last-e.first+1 > s.openingsMost {
		upTo := min(e.first+max(s.openingsMost/openingsFraction, 1), e.last) - 1
		for n := e.first; n <= upTo; n++ {
			changes = append(changes, change{bucketOpenings, openingName(n), nil})
		}
		e.first = upTo + 1
		// A first record that is neither new nor readable leaves no anchor, and is a
		// fault of its own.
		e.anchor = before[e.first]
		if r, err := s.opening(e.first); err == nil {
			e.anchor = r.prev
		}
	}
	s.point("opening")
	if err := s.commit(append(changes, e.change(s.seal))...); err != nil {
		return err
	}
	s.point("opened")
	return nil
}

// Openings returns the newest records of the opening log, the oldest of them
// first; most 0: all. Records that cannot be read are left out: Verify names them.
func (s *Store) Openings(most int) ([]Opening, error) {
	s.sealing.RLock()
	defer s.sealing.RUnlock()
	if most <= 0 {
		most = math.MaxInt
	}
	var all []Opening
	err := s.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(bucketOpenings)).Cursor()
		for k, v := c.Last(); k != nil && len(all) < most; k, v = c.Prev() {
			if r, err := openRecord(s.seal, string(k), v); err == nil {
				all = append(all, r.Opening)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read opening log: %w", err)
	}
	slices.Reverse(all)
	return all, nil
}

// ends reads the signed ends of the log. Where they cannot be trusted the log is
// mended first, and says so. The caller holds write.
func (s *Store) ends() (ends, error) {
	plain, err := s.get(bucketOpenings, nameEnds)
	if err != nil && !errors.Is(err, errSum) && !errors.Is(err, errForeign) {
		return ends{}, err
	}
	if e, ok := decodeEnds(s.seal, plain); ok {
		return e, nil
	}
	c := newContents()
	c.schema = schema
	numbers, err := s.openingNumbers()
	if err != nil {
		return ends{}, err
	}
	for _, n := range numbers {
		if plain, err := s.get(bucketOpenings, openingName(n)); err == nil {
			c.others[bucketOpenings][openingName(n)] = plain
		}
	}
	changes, err := c.mend(s.seal, "")
	if err == nil {
		err = s.commit(changes...)
	}
	if err != nil {
		return ends{}, err
	}
	s.log.Error("the opening log was tampered with or damaged: `latchkey log --verify` says more")
	e, _ := decodeEnds(s.seal, c.others[bucketOpenings][nameEnds])
	return e, nil
}

func (s *Store) opening(number uint64) (record, error) {
	plain, err := s.get(bucketOpenings, openingName(number))
	if err != nil {
		return record{}, err
	}
	return decodeRecord(s.seal, number, plain)
}

func (s *Store) openingNumbers() (all []uint64, err error) {
	names, err := s.names(bucketOpenings)
	for _, name := range names {
		if n := openingNumber(name); n > 0 {
			all = append(all, n)
		}
	}
	return all, err
}

// openingName orders records by number, and puts the ends behind all of them, on
// the page that every append writes anyway.
func openingName(number uint64) string {
	return string(binary.BigEndian.AppendUint64(nil, number))
}

// openingNumber is the reverse; 0 for any other name.
func openingNumber(name string) uint64 {
	if len(name) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64([]byte(name))
}

func openRecord(seal *sealer, name string, value []byte) (record, error) {
	plain, err := seal.open(bucketOpenings, name, value)
	if err != nil {
		return record{}, err
	}
	return decodeRecord(seal, openingNumber(name), plain)
}
