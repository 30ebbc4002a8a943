package store

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// keptGenerations is how many replaced records of an account are kept; the
// oldest goes first.
const keptGenerations = 8

// Generation is one record of an account, without what is in it.
type Generation struct {
	Number  uint64
	Saved   time.Time
	Current bool
}

// generationName orders an account's generations by number. Account ids hold no
// zero byte.
func generationName(account string, number uint64) string {
	return string(binary.BigEndian.AppendUint64([]byte(account+"\x00"), number))
}

// splitGeneration is the reverse; the account is "" for any other name.
func splitGeneration(name string) (account string, number uint64) {
	account, rest, found := strings.Cut(name, "\x00")
	if !found || len(rest) != 8 {
		return "", 0
	}
	return account, binary.BigEndian.Uint64([]byte(rest))
}

// Generations lists the current record and the kept ones, the newest first.
func (s *Store) Generations(account string) ([]Generation, error) {
	s.write.Lock() // so that none goes while they are read
	defer s.write.Unlock()
	now, err := s.current(account)
	if err != nil || now.generation == 0 {
		return nil, err
	}
	all := []Generation{{now.generation, now.saved, true}}
	numbers, err := s.kept(account)
	for _, n := range slices.Backward(numbers) {
		c, err := s.generation(account, n)
		if err != nil {
			return nil, err
		}
		all = append(all, Generation{c.generation, c.saved, false})
	}
	return all, err
}

// Kept returns a copy of the record of a generation that [Store.Generations]
// lists.
func (s *Store) Kept(account string, number uint64) ([]byte, error) {
	s.write.Lock()
	defer s.write.Unlock()
	c, err := s.current(account)
	if err == nil && c.generation != number {
		c, err = s.generation(account, number)
	}
	return c.record, err
}

// Restore makes a kept generation the current record, under a new number that it
// returns; 0 is the newest kept one. The record that it replaces is kept, so
// Restore can be undone.
func (s *Store) Restore(account string, number uint64) (uint64, error) {
	s.write.Lock()
	defer s.write.Unlock()
	now, err := s.current(account)
	if err != nil {
		return 0, fmt.Errorf("restore generation: %w", err)
	}
	numbers, err := s.kept(account)
	if err != nil {
		return 0, fmt.Errorf("restore generation: %w", err)
	}
	if number == 0 && len(numbers) > 0 {
		number = numbers[len(numbers)-1]
	}
	if !slices.Contains(numbers, number) {
		return 0, fmt.Errorf("restore generation: account %q has no kept generation %d; `latchkey token list %s` shows them", account, number, account)
	}
	c, err := s.generation(account, number)
	if err == nil {
		c.record, err = s.revive(c.record)
	}
	if err != nil {
		return 0, fmt.Errorf("restore generation: %w", err)
	}
	c.generation, c.saved = now.generation+1, time.Now()
	changes, err := s.replacing(account, now, c)
	if err == nil {
		err = s.commit(changes...)
	}
	if err != nil {
		return 0, fmt.Errorf("restore generation %d of account %q: %w", number, account, err)
	}
	s.copy(account, c)
	return c.generation, nil
}

// Forget drops every kept generation of an account and its earlier copy, so that
// the current record alone is left. After a logout: save the record of a signed
// out account, then Forget.
func (s *Store) Forget(account string) error {
	s.write.Lock()
	defer s.write.Unlock()
	now, err := s.current(account)
	if err != nil {
		return fmt.Errorf("forget generations: %w", err)
	}
	numbers, err := s.kept(account)
	if err != nil {
		return fmt.Errorf("forget generations: %w", err)
	}
	var changes []change
	for _, n := range numbers {
		changes = append(changes, change{bucketGenerations, generationName(account, n), nil})
	}
	if len(changes) > 0 {
		if err := s.commit(changes...); err != nil {
			return fmt.Errorf("forget generations of account %q: %w", account, err)
		}
	}
	return s.dropOtherCopy(account, now)
}

// replacing is the commit that makes next the current record and keeps the one
// before it.
func (s *Store) replacing(account string, old, next credential) ([]change, error) {
	changes := []change{{bucketCredentials, account, next.encode()}}
	if old.generation == 0 {
		return changes, nil
	}
	changes = append(changes, change{bucketGenerations, generationName(account, old.generation), old.encode()})
	numbers, err := s.kept(account)
	for len(numbers) >= keptGenerations {
		changes = append(changes, change{bucketGenerations, generationName(account, numbers[0]), nil})
		numbers = numbers[1:]
	}
	return changes, err
}

// kept lists the numbers of the kept generations, the oldest first.
func (s *Store) kept(account string) (numbers []uint64, err error) {
	prefix := generationName(account, 0)
	err = s.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(bucketGenerations)).Cursor()
		for k, _ := c.Seek([]byte(prefix)); k != nil; k, _ = c.Next() {
			found, n := splitGeneration(string(k))
			if found != account {
				break
			}
			numbers = append(numbers, n)
		}
		return nil
	})
	return numbers, err
}

func (s *Store) generation(account string, number uint64) (credential, error) {
	plain, err := s.get(bucketGenerations, generationName(account, number))
	if err != nil {
		return credential{}, err
	}
	return decodeCredential(plain)
}
