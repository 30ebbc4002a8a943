package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// link is the authenticator of a record: HMAC-SHA256, under a key derived from
// the store's, over its number, the authenticator of the record before it and
// its content. Whoever has no key can make none, and a record that is changed,
// moved, put in or taken out breaks the chain.
type link [sha256.Size]byte

func (s *sealer) link(what string, parts ...[]byte) (l link) {
	h := hmac.New(sha256.New, s.chain)
	h.Write([]byte(what))
	for _, part := range parts {
		h.Write(part)
	}
	h.Sum(l[:0])
	return l
}

// record is an opening as it is stored: form 1, the authenticator before it, its
// own, and JSON.
type record struct {
	Opening
	prev, own link
	body      []byte
}

const (
	openingForm = 1
	recordHead  = 1 + 2*sha256.Size
)

// chained makes the stored form of a record behind prev.
func (s *sealer) chained(number uint64, prev link, body []byte) ([]byte, link) {
	own := s.link("record", binary.BigEndian.AppendUint64(nil, number), prev[:], body)
	return joined(prev, own, body), own
}

func joined(prev, own link, body []byte) []byte {
	b := append([]byte{openingForm}, prev[:]...)
	return append(append(b, own[:]...), body...)
}

// decodeRecord also checks the record's own authenticator; that it follows the
// one before is for the reader of both.
func decodeRecord(seal *sealer, number uint64, plain []byte) (record, error) {
	if number == 0 || len(plain) < recordHead || plain[0] != openingForm {
		return record{}, errors.New("the record has an unknown form")
	}
	r := record{body: plain[recordHead:]}
	copy(r.prev[:], plain[1:])
	copy(r.own[:], plain[1+sha256.Size:])
	if _, own := seal.chained(number, r.prev, r.body); !hmac.Equal(own[:], r.own[:]) {
		return record{}, errors.New("the record is not authentic")
	}
	if err := json.Unmarshal(r.body, &r.Opening); err != nil {
		return record{}, fmt.Errorf("the record cannot be read: %v", err)
	}
	r.Number = number
	return r, nil
}

// nameEnds stands behind all numbers.
const nameEnds = "ends of the log"

// ends are the signed ends of the ring: its first record with the authenticator
// of the last one that was dropped before it (the anchor), and its last record
// with its own (the head). An empty ring has first == last+1.
type ends struct {
	first, last  uint64
	anchor, head link
}

// append puts an opening behind the last one.
func (e *ends) append(seal *sealer, o Opening) (change, error) {
	o.Number = e.last + 1
	body, err := json.Marshal(o)
	if err != nil {
		return change{}, fmt.Errorf("encode record: %w", err)
	}
	plain, own := seal.chained(o.Number, e.head, body)
	e.last, e.head = o.Number, own
	return change{bucketOpenings, openingName(o.Number), plain}, nil
}

func (e ends) encode(seal *sealer) []byte {
	b := binary.BigEndian.AppendUint64([]byte{openingForm}, e.first)
	b = binary.BigEndian.AppendUint64(b, e.last)
	b = append(append(b, e.anchor[:]...), e.head[:]...)
	signed := seal.link("ends", b)
	return append(b, signed[:]...)
}

func (e ends) change(seal *sealer) change {
	return change{bucketOpenings, nameEnds, e.encode(seal)}
}

// decodeEnds tells whether these are ends that latchkey has signed.
func decodeEnds(seal *sealer, b []byte) (e ends, ok bool) {
	if len(b) != 1+8+8+3*sha256.Size {
		return ends{}, false
	}
	e.first, e.last = binary.BigEndian.Uint64(b[1:]), binary.BigEndian.Uint64(b[9:])
	copy(e.anchor[:], b[17:])
	copy(e.head[:], b[17+sha256.Size:])
	return e, hmac.Equal(e.encode(seal), b)
}

// endsLost marks a log whose ends could not be trusted.
const endsLost = "the signed ends of the log were missing or forged; records may be missing"

// noEnds are those of a log that holds nothing yet.
func noEnds() ends { return ends{first: 1} }
