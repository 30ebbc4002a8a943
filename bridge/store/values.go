package store

import (
	"fmt"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

// schema is the version of what lies in the database. A higher number is
// refused untouched; its value stays readable by every version.
const (
	schema           = 2
	schemaWithoutLog = 1 // had no opening log; brought to 2 when it is opened
)

// The buckets. All of them are there from the first start on, so that one that
// is missing is a damage. A new one needs a new schema number.
const (
	bucketAbout       = "about"       // schema, check, origin
	bucketCredentials = "credentials" // account: the current record
	bucketGenerations = "generations" // account, generation: an earlier record
	bucketMoved       = "moved"       // account: the installation that its record came from
	bucketNotes       = "notes"       // account, name
	bucketOpenings    = "openings"    // number: a record of the opening log; nameEnds
	bucketRecords     = "records"     // name
)

var buckets = []string{bucketAbout, bucketCredentials, bucketGenerations, bucketMoved, bucketNotes, bucketOpenings, bucketRecords}

// The names in about.
const (
	nameSchema = "schema" // in clear
	nameCheck  = "check"  // proves the key before anything else is touched
	nameOrigin = "origin" // the installation that wrote this database
)

// get returns a copy of a value's content; nil: there is none.
func (s *Store) get(bucket, name string) ([]byte, error) {
	s.sealing.RLock()
	defer s.sealing.RUnlock()
	var plain []byte
	err := s.view(func(tx *bbolt.Tx) (err error) {
		if value := tx.Bucket([]byte(bucket)).Get([]byte(name)); value != nil {
			plain, err = s.seal.open(bucket, name, value)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s %q: %w", bucket, name, err)
	}
	return plain, nil
}

// names lists the names in a bucket.
func (s *Store) names(bucket string) (all []string, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucket)).ForEach(func(k, _ []byte) error {
			all = append(all, string(k))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", bucket, err)
	}
	return all, nil
}

// change is one value of a commit; content nil takes the name away.
type change struct {
	bucket, name string
	plain        []byte
}

// commit makes all changes in one transaction, on the disk when it returns. The
// caller holds write.
func (s *Store) commit(changes ...change) error {
	if err := s.update(func(tx *bbolt.Tx) error { return apply(tx, s.seal, changes) }); err != nil {
		return fmt.Errorf("write store: %w", err)
	}
	return nil
}

func apply(tx *bbolt.Tx, seal *sealer, changes []change) error {
	for _, c := range changes {
		b, name := tx.Bucket([]byte(c.bucket)), []byte(c.name)
		if c.bucket == bucketOpenings {
			b.FillPercent = 0.9 // it only grows at its end
		}
		var err error
		if c.plain == nil {
			err = b.Delete(name)
		} else {
			err = b.Put(name, seal.seal(c.bucket, c.name, c.plain))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) update(fn func(*bbolt.Tx) error) error {
	err := s.guarded(func() error { return s.db.Update(fn) })
	if err == nil {
		s.commits.Add(1)
	}
	return err
}

func (s *Store) view(fn func(*bbolt.Tx) error) error {
	return s.guarded(func() error { return s.db.View(fn) })
}

// guarded runs one transaction of the open database. bbolt may panic with its
// locks held, and whoever came next would wait for ever, so that the first
// panic is the end of the database until it is opened again.
func (s *Store) guarded(fn func() error) error {
	if broken := s.broken.Load(); broken != nil {
		return *broken
	}
	panicked, err := guard(fn)
	if panicked && s.broken.CompareAndSwap(nil, &err) {
		close(s.failed)
	}
	return err
}

// guard makes an error of a panic in bbolt and of a fault under its map (the
// disk cannot read a page): the daemon of a door must not end for either.
func guard(fn func() error) (panicked bool, err error) {
	before := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(before)
		if p := recover(); p != nil {
			panicked, err = true, fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	return false, fn()
}
