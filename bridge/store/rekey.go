package store

import (
	"fmt"

	"go.etcd.io/bbolt"

	"latchkey/bridge"
)

// Rekey seals everything with a new key: the text given, or a fresh random one
// for an empty text. Backups made before open with the old key alone.
//
// At every moment the store opens with a key that lies on the disk: the new key
// is written beside the old one first, then copies sealed with it, then one
// commit changes every value, then the old copies go and the key file is replaced.
// Open tries both files and finishes what a crash left. A key that cannot be
// replaced here (it stands in the environment or is a credential of systemd) has
// its successor in the state folder, [Store.KeyWaits], and the store opens with
// that until a person has put it where the configuration says.
func (s *Store) Rekey(text bridge.Secret) error {
	if err := s.rekey(text); err != nil {
		return fmt.Errorf("rekey store: %w", err)
	}
	return nil
}

func (s *Store) rekey(text bridge.Secret) error {
	s.write.Lock()
	defer s.write.Unlock()
	if waits := s.KeyWaits(); waits != "" {
		return fmt.Errorf("the key that was made last still waits in %s: put it where the configuration says, and restart, first", waits)
	}
	// What an earlier one left undone comes first: the file that the new key is
	// written to may hold the key in force.
	if err := s.settleKeys(); err != nil {
		return fmt.Errorf("finish the last rekey first: %w", err)
	}
	if text.Empty() {
		text = newKey()
	}
	next, err := newSealer(text)
	if err != nil {
		return err
	}
	staged, err := s.ring.stage(text, s.put)
	if err != nil {
		return fmt.Errorf("write the new key: %w", err)
	}
	s.point("new key")
	accounts, err := s.names(bucketCredentials)
	for i := 0; i < len(accounts) && err == nil; i++ {
		var c credential
		if c, err = s.current(accounts[i]); err == nil {
			err = s.writeCopy(accounts[i], next, c)
		}
	}
	if err != nil {
		return fmt.Errorf("copy credentials under the new key: %w", err)
	}
	s.point("new copies")
	err = s.resealAll(next)
	if s.seal == next {
		s.sealing.Lock()
		s.ring.sealers, s.ring.files = []*sealer{next}, []string{staged}
		s.sealing.Unlock()
	}
	if err != nil {
		return err
	}
	s.point("resealed")
	copies, err := listCopies(s.dir)
	if err == nil {
		err = copies.drop(next)
	}
	if err != nil {
		return fmt.Errorf("remove the copies under the old key: %w", err)
	}
	s.point("old copies gone")
	return s.settleKeys()
}

// settleKeys puts the key in force where the configuration says, as far as that
// can be done here.
func (s *Store) settleKeys() error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	return s.ring.settle(s.seal)
}

// KeyWaits is the file of the key in force when that is not where the
// configuration says: a person has to put it there. "": it is there.
func (s *Store) KeyWaits() string {
	s.sealing.RLock()
	defer s.sealing.RUnlock()
	for i, file := range s.ring.files {
		if s.ring.sealers[i] == s.seal && file == s.ring.waiting && file != s.ring.path+nextKey {
			return file
		}
	}
	return ""
}

// resealAll changes every value in one transaction, and the key that reads them
// with it.
func (s *Store) resealAll(next *sealer) error {
	s.sealing.Lock()
	defer s.sealing.Unlock()
	err := s.update(func(tx *bbolt.Tx) error {
		for _, bucket := range buckets {
			change := reseal
			if bucket == bucketOpenings {
				change = func(tx *bbolt.Tx, _ string, from, to *sealer) error { return rechain(tx, from, to) }
			}
			if err := change(tx, bucket, s.seal, next); err != nil {
				return err
			}
		}
		return nil
	})
	// A disk that fails late may have taken the commit: the check record says.
	_ = s.view(func(tx *bbolt.Tx) error {
		check := tx.Bucket([]byte(bucketAbout)).Get([]byte(nameCheck))
		if _, err := next.open(bucketAbout, nameCheck, check); err == nil {
			s.seal = next
		}
		return nil
	})
	return err
}

func reseal(tx *bbolt.Tx, bucket string, from, to *sealer) error {
	var changes []change
	err := tx.Bucket([]byte(bucket)).ForEach(func(k, v []byte) error {
		if v[0] == kindClear {
			return nil
		}
		plain, err := from.open(bucket, string(k), v)
		changes = append(changes, change{bucket, string(k), plain})
		if err != nil {
			return fmt.Errorf("%s %q: %w", bucket, k, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return apply(tx, to, changes)
}
