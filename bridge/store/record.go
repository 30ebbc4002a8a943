package store

import (
	"bytes"
	"errors"

	"latchkey/bridge"
)

var _ bridge.Notes = notes{}

// notes are the sealed notes of one account.
type notes struct {
	store   *Store
	account string
}

// Note returns the notes of an account. A note that is saved with the bytes that
// it has writes nothing; one that is saved empty is removed.
func (s *Store) Note(account string) bridge.Notes { return notes{s, account} }

func (n notes) Load(name string) ([]byte, error) {
	if err := n.check(name); err != nil {
		return nil, err
	}
	return n.store.get(bucketNotes, n.account+"\x00"+name)
}

func (n notes) Save(name string, record []byte) error {
	if err := n.check(name); err != nil {
		return err
	}
	return n.store.set(bucketNotes, n.account+"\x00"+name, record)
}

func (n notes) check(name string) error {
	if name == "" {
		return errors.New("a note needs a name")
	}
	return checkAccount(n.account)
}

// Record is one sealed record of the daemon: the inventory, a ledger of what was
// sent. Make it with [Store.Record].
type Record struct {
	store *Store
	name  string
}

// Record returns the record of a name, which must not be empty.
func (s *Store) Record(name string) *Record { return &Record{s, name} }

// Load returns a copy of the record; nil: there is none.
func (r *Record) Load() ([]byte, error) {
	kept, err := r.store.get(bucketRecords, r.name)
	if err == nil && bytes.HasPrefix(kept, packed) {
		kept, err = unpack(kept)
	}
	return kept, err
}

// Save keeps the record, on the disk when it returns. Nothing is written when it
// has these bytes already; an empty one is removed.
func (r *Record) Save(record []byte) error {
	if len(record) >= packFrom || bytes.HasPrefix(record, packed) {
		record = pack(record)
	}
	return r.store.set(bucketRecords, r.name, record)
}

// set commits a value unless it is what is stored. One that cannot be read is
// replaced.
func (s *Store) set(bucket, name string, plain []byte) error {
	s.write.Lock()
	defer s.write.Unlock()
	old, err := s.get(bucket, name)
	if err == nil && bytes.Equal(old, plain) {
		return nil
	}
	if len(plain) == 0 {
		plain = nil
	}
	return s.commit(change{bucket, name, plain})
}
