package store

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"latchkey/bridge"
)

// hand is somebody who changes the log of a stopped latchkey with a program that
// knows bbolt and how values are stored. Without the key it cannot seal; seal is
// for the rows that show what the chain alone sees.
type hand struct {
	b    *bbolt.Bucket
	seal *sealer
}

func (h hand) get(n uint64) []byte { return slices.Clone(h.b.Get([]byte(openingName(n)))) }

// put stores bytes with a right sum.
func (h hand) put(name string, value []byte) error {
	value = slices.Clone(value[:len(value)-sumSize])
	return h.b.Put([]byte(name), addSum(bucketOpenings, name, value))
}

func (h hand) remove(from, to uint64) error {
	for n := from; n <= to; n++ {
		if err := h.b.Delete([]byte(openingName(n))); err != nil {
			return err
		}
	}
	return nil
}

// reseal puts what record n holds, changed, under a number.
func (h hand) reseal(n, number uint64, change func([]byte) []byte) error {
	plain, err := h.seal.open(bucketOpenings, openingName(n), h.b.Get([]byte(openingName(n))))
	if err != nil {
		return err
	}
	return h.b.Put([]byte(openingName(number)), h.seal.seal(bucketOpenings, openingName(number), change(plain)))
}

func TestTampering(t *testing.T) {
	const first, last = 9, 20 // of a ring of 12: eight are dropped
	const overwritten = "one added behind"
	edited := func(b []byte) []byte {
		return []byte(strings.Replace(string(b), "too_soon", "denied!!", 1))
	}
	rows := []struct {
		name   string
		change func(hand) error
		want   string // a part of the first fault
	}{
		{"edited", func(h hand) error {
			v := h.get(12)
			v[40] ^= 1
			return h.put(openingName(12), v)
		}, "record 12"},
		{"two swapped", func(h hand) error {
			a, b := h.get(12), h.get(13)
			if err := h.put(openingName(12), b); err != nil {
				return err
			}
			return h.put(openingName(13), a)
		}, "record 12"},
		{"replaced by another record", func(h hand) error { return h.put(openingName(12), h.get(11)) }, "record 12"},
		{"replaced by text", func(h hand) error {
			return h.b.Put([]byte(openingName(12)), clearValue(bucketOpenings, openingName(12), `{"reason":"ok"}`))
		}, "record 12"},
		{"one missing", func(h hand) error { return h.remove(12, 12) }, "record 12 is missing"},
		{"some missing", func(h hand) error { return h.remove(12, 14) }, "records 12 to 14 are missing"},
		{"oldest missing", func(h hand) error { return h.remove(first, first+1) }, "records 9 to 10 are missing"},
		{"newest missing", func(h hand) error { return h.remove(last, last) }, "record 20 is missing"},
		{"all missing", func(h hand) error { return h.remove(first, last) }, "records 9 to 20 are missing"},
		{overwritten, func(h hand) error { return h.put(openingName(last+1), h.get(last)) }, "record 21 lies outside"},
		{"one added before", func(h hand) error { return h.put(openingName(first-1), h.get(first)) }, "record 8 lies outside"},
		{"a foreign name", func(h hand) error { return h.put("record", h.get(12)) }, "is no record"},
		{"ends missing", func(h hand) error { return h.b.Delete([]byte(nameEnds)) }, "signed ends"},
		{"ends forged", func(h hand) error { return h.put(nameEnds, h.get(12)) }, "signed ends"},
		{"everything missing", func(h hand) error {
			if err := h.b.Delete([]byte(nameEnds)); err != nil {
				return err
			}
			return h.remove(first, last)
		}, "signed ends"},
		// From here on sealed as latchkey seals: the chain is a proof of its own.
		{"edited and sealed", func(h hand) error { return h.reseal(12, 12, edited) }, "record 12 was changed or is damaged: the record is not authentic"},
		{"renumbered and sealed", func(h hand) error { return h.reseal(13, 12, func(b []byte) []byte { return b }) }, "record 12 was changed or is damaged: the record is not authentic"},
		{"other predecessor", func(h hand) error {
			return h.reseal(12, 12, func(b []byte) []byte { b[1] ^= 1; return b })
		}, "record 12 was changed or is damaged: the record is not authentic"},
		{"a true record of another history", func(h hand) error {
			return h.reseal(12, 12, func(b []byte) []byte {
				b, _ = h.seal.chained(12, link{7}, b[recordHead:])
				return b
			})
		}, "record 12 does not follow"},
		{"the last one of another history", func(h hand) error {
			return h.reseal(last, last, func(b []byte) []byte {
				var prev link
				copy(prev[:], b[1:])
				b, _ = h.seal.chained(last, prev, edited(b[recordHead:]))
				return b
			})
		}, "record 20 is not the one that the log ended with"},
		{"newest missing, ends edited and sealed", func(h hand) error {
			plain, err := h.seal.open(bucketOpenings, nameEnds, h.b.Get([]byte(nameEnds)))
			if err != nil {
				return err
			}
			binary.BigEndian.PutUint64(plain[9:], last-1)
			if err := h.b.Put([]byte(nameEnds), h.seal.seal(bucketOpenings, nameEnds, plain)); err != nil {
				return err
			}
			return h.remove(last, last)
		}, "signed ends"},
	}
	dir := t.TempDir()
	o := Options{Dir: dir, ring: 12}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for range last {
		if err := s.Append([]Opening{{At: time.Now(), Account: "gate", Reason: bridge.ReasonTooSoon}}); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := s.Verify(); err != nil || !p.OK() || p.First != first || p.Last != last {
		t.Fatalf("before anything is changed: %+v, %v", p, err)
	}
	seal := s.seal
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, fileName), whole, 0o600); err != nil {
				t.Fatal(err)
			}
			Tamper(t, filepath.Join(dir, fileName), func(tx *bbolt.Tx) error {
				return row.change(hand{tx.Bucket([]byte(bucketOpenings)), seal})
			})
			s, err := Open(o)
			if err != nil {
				t.Fatal(err)
			}
			if s.Recovered() != nil {
				t.Errorf("taken for a damage: %+v", s.Recovered())
			}
			wantFault(t, s, row.want)
			// What latchkey does next must not wash it clean.
			if err := s.Append([]Opening{{At: time.Now(), Account: "gate", Reason: bridge.ReasonOK}}); err != nil {
				t.Fatal(err)
			}
			if row.name == overwritten {
				if p, err := s.Verify(); err != nil || !p.OK() {
					t.Errorf("faults %q, %v, want none: the true record 21 has taken its place", p.Faults, err)
				}
			} else {
				wantFault(t, s, "")
			}
			all, err := s.Openings(1)
			if err != nil || len(all) != 1 || all[0].Reason != bridge.ReasonOK {
				t.Errorf("the newest record: %+v, %v", all, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if row.name != overwritten {
				washed(t, o)
			}
		})
	}
}

// washed copies the store, changes the key of the copy and wants a fault still.
func washed(t *testing.T, o Options) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(o.Dir)); err != nil {
		t.Fatal(err)
	}
	s, err := Open(Options{Dir: dir, ring: o.ring})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Rekey(bridge.Secret{}); err != nil {
		t.Fatalf("a forged record must not keep anybody from a new key: %v", err)
	}
	wantFault(t, s, "")
}

func wantFault(t *testing.T, s *Store, part string) {
	t.Helper()
	p, err := s.Verify()
	if err != nil {
		t.Fatal(err)
	}
	if p.OK() || !strings.Contains(p.Faults[0], part) {
		t.Errorf("faults %q, want the first with %q", p.Faults, part)
	}
}
