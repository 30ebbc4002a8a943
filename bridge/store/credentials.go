package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"latchkey/bridge"
)

// credential is one generation of an account's record.
type credential struct {
	generation uint64 // counts from 1 up, one a Save
	saved      time.Time
	record     []byte // the keeper's; opaque here
}

const credentialHead = 1 + 8 + 8 // form, generation, milliseconds

// encode writes the form 1. It is what is sealed.
func (c credential) encode() []byte {
	b := make([]byte, 0, credentialHead+len(c.record))
	b = append(b, 1)
	b = binary.BigEndian.AppendUint64(b, c.generation)
	b = binary.BigEndian.AppendUint64(b, uint64(c.saved.UnixMilli()))
	return append(b, c.record...)
}

func decodeCredential(b []byte) (credential, error) {
	if len(b) < credentialHead || b[0] != 1 {
		return credential{}, errors.New("the record has an unknown form")
	}
	c := credential{
		generation: binary.BigEndian.Uint64(b[1:]),
		saved:      time.UnixMilli(int64(binary.BigEndian.Uint64(b[9:]))).UTC(),
		record:     b[credentialHead:],
	}
	if c.generation == 0 {
		return credential{}, errors.New("the record has no generation")
	}
	return c, nil
}

// checkAccount: an account's id names files and values.
func checkAccount(account string) error {
	if !bridge.IsID(account) {
		return fmt.Errorf("%q is no account id", account)
	}
	return nil
}

// current reads an account's record; generation 0: there is none.
func (s *Store) current(account string) (credential, error) {
	if err := checkAccount(account); err != nil {
		return credential{}, err
	}
	plain, err := s.get(bucketCredentials, account)
	if err != nil || plain == nil {
		return credential{}, err
	}
	c, err := decodeCredential(plain)
	if err != nil {
		return credential{}, fmt.Errorf("%w: credentials of account %q: %v", ErrDamaged, account, err)
	}
	return c, nil
}

// Load returns a copy of the account's record and its generation; generation 0:
// there is none. ctx is for stores across a network.
func (s *Store) Load(_ context.Context, account string) (record []byte, generation uint64, err error) {
	c, err := s.current(account)
	return c.record, c.generation, err
}

// Save replaces the account's record if its generation is still the one that the
// caller has seen (0: there was none), and returns the new generation; ok=false:
// somebody else wrote, and generation is theirs. On ok the record is on the disk
// and survives a power cut; a verified copy of it has been made as well, or the
// log says why not. On an error a later Load tells which record is kept: the old
// one unless the disk failed after it had taken the new one.
//
// Every Save is durable in the same way, that of an intent as that of a new
// pair. What differs is whether the replaced record stays restorable, and that
// is for [Options.Keep] to say: the keeper knows what its records hold, so an
// intent or a counted failure pushes out no pair.
//
// ctx is for stores across a network: a record is not given up here because
// somebody stopped waiting (hazard T1).
func (s *Store) Save(_ context.Context, account string, seen uint64, record []byte) (generation uint64, ok bool, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	old, err := s.current(account)
	if err != nil && s.broken.Load() != nil && checkAccount(account) == nil {
		return s.saveCopy(account, credential{generation: seen + 1, saved: time.Now(), record: record}, err)
	}
	if err != nil {
		return 0, false, fmt.Errorf("save credentials: %w", err)
	}
	if old.generation != seen {
		return old.generation, false, nil
	}
	next := credential{generation: seen + 1, saved: time.Now(), record: record}
	changes := []change{{bucketCredentials, account, next.encode()}}
	if seen != 0 && s.keep(old.record, record) {
		if changes, err = s.replacing(account, old, next); err != nil {
			return 0, false, fmt.Errorf("save credentials: %w", err)
		}
	}
	if err := s.commit(changes...); err != nil {
		return 0, false, fmt.Errorf("save credentials of account %q: %w", account, err)
	}
	s.point("committed")
	s.copy(account, next)
	return next.generation, true, nil
}

// saveCopy keeps a record although the database broke: a pair that came while it
// did is nowhere else. The next Open takes the copy for what it is, the newest
// record. Nobody else can have written meanwhile: the store is held, and broken.
func (s *Store) saveCopy(account string, next credential, broke error) (uint64, bool, error) {
	if err := s.writeCopy(account, s.seal, next); err != nil {
		return 0, false, fmt.Errorf("save credentials of account %q: %w; nor as a copy: %v", account, broke, err)
	}
	s.log.Warn("credentials are saved as a copy: the database broke", "account", account)
	return next.generation, true, nil
}

// lease says who has an account.
type lease struct {
	owner string
	until time.Time
}

// Hold gives the account to owner until then and tells whether that worked: it
// does not while another owner's time runs. The same owner may hold on; a time
// that is not in the future lets go.
//
// Leases live in memory. The file lock keeps every other process out, so a
// lease of an earlier process cannot be in force, and nothing is written for
// one. A store that several daemons share has to keep them.
func (s *Store) Hold(_ context.Context, account, owner string, until time.Time) (bool, error) {
	if err := checkAccount(account); err != nil {
		return false, err
	}
	s.leasesGuard.Lock()
	defer s.leasesGuard.Unlock()
	now := time.Now()
	if held, ok := s.leases[account]; ok && held.owner != owner && held.until.After(now) {
		return false, nil
	}
	if until.After(now) {
		s.leases[account] = lease{owner, until}
	} else {
		delete(s.leases, account)
	}
	return true, nil
}
