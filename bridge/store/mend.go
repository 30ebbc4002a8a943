package store

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
)

// mend makes the opening log of gathered contents one that can be continued, and
// returns what it has changed. why is what happened to the store; "" is nothing
// that concerns the log. It becomes a mark, as does the loss of the ends. What is missing inside
// stays missing: only a person can say whether that was a disk or a hand.
func (c *contents) mend(seal *sealer, why string) ([]change, error) {
	log, records := c.others[bucketOpenings], map[uint64]record{}
	for name, plain := range log {
		if r, err := decodeRecord(seal, openingNumber(name), plain); err == nil {
			records[r.Number] = r
		}
	}
	e, ok := decodeEnds(seal, log[nameEnds])
	numbers := slices.Sorted(maps.Keys(records))
	if !ok {
		e = noEnds()
		if len(numbers) > 0 {
			first, last := records[numbers[0]], records[numbers[len(numbers)-1]]
			e = ends{first.Number, last.Number, first.prev, last.own}
		}
		switch {
		case c.schema == schemaWithoutLog:
			why = ""
		case why == "":
			why = endsLost
		default:
			why += "; " + endsLost
		}
	}
	// The newest head of a damaged file may be older than some of its records.
	for r, there := records[e.last+1]; there && r.prev == e.head; r, there = records[e.last+1] {
		e.last, e.head = r.Number, r.own
	}
	var changes []change
	for _, n := range numbers {
		if n < e.first { // was dropped, and its page was still there
			changes = append(changes, change{bucketOpenings, openingName(n), nil})
		}
	}
	if why != "" {
		mark, err := e.append(seal, Opening{At: time.Now(), Note: why, Broken: !ok})
		if err != nil {
			return nil, err
		}
		changes = append(changes, mark)
	}
	changes = append(changes, e.change(seal))
	for _, x := range changes {
		if log[x.name] = x.plain; x.plain == nil {
			delete(log, x.name)
		}
	}
	return changes, nil
}

// migrate brings an older database to this schema, in one commit.
func (s *Store) migrate() error {
	old := false
	err := s.view(func(tx *bbolt.Tx) error {
		old = tx.Bucket([]byte(bucketOpenings)) == nil
		return nil
	})
	if err != nil || !old {
		return err
	}
	err = s.update(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucket([]byte(bucketOpenings)); err != nil {
			return err
		}
		if err := apply(tx, s.seal, []change{noEnds().change(s.seal)}); err != nil {
			return err
		}
		return putSchema(tx)
	})
	if err != nil {
		return fmt.Errorf("bring the database to schema %d: %w", schema, err)
	}
	s.log.Info("store has a new form", "schema", schema)
	return nil
}

func putSchema(tx *bbolt.Tx) error {
	value := clearValue(bucketAbout, nameSchema, strconv.Itoa(schema))
	return tx.Bucket([]byte(bucketAbout)).Put([]byte(nameSchema), value)
}

// rechain seals the opening log with another key. The links are made anew where
// they held and left broken where they did not: a rekey must neither fail over a
// forged record nor make it a true one.
func rechain(tx *bbolt.Tx, from, to *sealer) error {
	b := tx.Bucket([]byte(bucketOpenings))
	var changes []change
	var before *record // the one before, as it was
	var now link       // its new authenticator
	var e ends
	if plain, err := from.open(bucketOpenings, nameEnds, b.Get([]byte(nameEnds))); err == nil {
		e, _ = decodeEnds(from, plain)
	}
	head := e.head
	err := b.ForEach(func(k, v []byte) error {
		r, err := openRecord(from, string(k), v)
		if err != nil {
			before = nil
			return nil
		}
		prev := r.prev
		if before != nil && before.Number == r.Number-1 && before.own == r.prev {
			prev = now
		}
		plain, own := to.chained(r.Number, prev, r.body)
		if r.Number == e.last && r.own == e.head {
			head = own
		}
		before, now = &r, own
		changes = append(changes, change{bucketOpenings, string(k), plain})
		return nil
	})
	if err != nil {
		return err
	}
	if e.first > 0 {
		e.head = head
		changes = append(changes, e.change(to))
	}
	return apply(tx, to, changes)
}
