package store

import (
	"encoding/hex"
	"fmt"

	"go.etcd.io/bbolt"
)

// faultsShown bounds what a proof lists.
const faultsShown = 20

// Proof is what [Store.Verify] found. With no faults, First to Last are exactly
// the records that latchkey has written: none is changed, missing, moved or added.
//
// What cannot be told from inside: that the whole file was replaced by an older
// one of the same installation. Head is for that: whoever has noted it can look
// whether the log still holds it.
type Proof struct {
	Records int    `json:"records"`
	First   uint64 `json:"first"` // 0 with Last 0: the log is empty
	Last    uint64 `json:"last"`
	Dropped uint64 `json:"dropped"` // before First, by the ring; their end is signed
	Head    string `json:"head"`    // of the authenticator of the last record, 16 hex digits
	// Faults are sentences for people, 20 at most.
	Faults []string `json:"faults"`
	// Marks say what latchkey itself did to the log.
	Marks []string `json:"marks"`
}

// OK tells whether the log is proven.
func (p Proof) OK() bool { return len(p.Faults) == 0 }

func (p *Proof) fault(format string, args ...any) {
	switch {
	case len(p.Faults) < faultsShown:
		p.Faults = append(p.Faults, fmt.Sprintf(format, args...))
	case len(p.Faults) == faultsShown:
		p.Faults = append(p.Faults, "and more")
	}
}

// Verify reads the whole opening log and proves it. The error is for a store
// that cannot be read at all.
func (s *Store) Verify() (Proof, error) {
	s.sealing.RLock()
	defer s.sealing.RUnlock()
	p := Proof{Faults: []string{}, Marks: []string{}}
	err := s.view(func(tx *bbolt.Tx) error {
		prove(&p, s.seal, tx.Bucket([]byte(bucketOpenings)))
		return nil
	})
	if err != nil {
		return p, fmt.Errorf("verify opening log: %w", err)
	}
	return p, nil
}

func prove(p *Proof, seal *sealer, b *bbolt.Bucket) {
	plain, err := seal.open(bucketOpenings, nameEnds, b.Get([]byte(nameEnds)))
	e, ok := decodeEnds(seal, plain)
	if err != nil || !ok {
		p.fault("the signed ends of the log are missing or forged: records may be missing at both")
		e = noEnds()
	}
	next, before := e.first, e.anchor
	known := ok // whether before is what the next record has to follow
	_ = b.ForEach(func(k, v []byte) error {
		n := openingNumber(string(k))
		switch {
		case string(k) == nameEnds:
			return nil
		case n == 0:
			p.fault("%.20q is no record", k)
			return nil
		case ok && (n < e.first || n > e.last):
			p.fault("record %d lies outside of the signed ends %d and %d", n, e.first, e.last)
			return nil
		case n > next && ok:
			p.missing(next, n-1)
			known = false
		}
		next = n + 1
		r, err := openRecord(seal, string(k), v)
		if err != nil {
			p.fault("record %d was changed or is damaged: %v", n, err)
			known = false
			return nil
		}
		if known && r.prev != before {
			p.fault("record %d does not follow the one before it", n)
		}
		p.Records++
		before, known = r.own, true
		if r.Broken {
			p.fault("before record %d: %s", n, r.Note)
		} else if r.Note != "" {
			p.Marks = append(p.Marks, fmt.Sprintf("record %d: %s", n, r.Note))
		}
		return nil
	})
	if !ok {
		return
	}
	switch {
	case next <= e.last:
		p.missing(next, e.last)
	case known && before != e.head:
		p.fault("record %d is not the one that the log ended with", e.last)
	}
	p.Dropped = e.first - 1
	if e.first <= e.last {
		p.First, p.Last = e.first, e.last
		p.Head = hex.EncodeToString(e.head[:8])
	}
}

func (p *Proof) missing(from, to uint64) {
	if from == to {
		p.fault("record %d is missing", from)
	} else {
		p.fault("records %d to %d are missing", from, to)
	}
}
