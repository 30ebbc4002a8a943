package store

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"

	"latchkey/bridge"
)

// Recovery tells what Open had to bring back (hazards T14, T16).
type Recovery struct {
	Cause string // what was wrong
	Aside string // where the damaged database lies now; "": there was none to set aside
	// Accounts lists those whose record came from a copy or from an earlier
	// generation instead of the database.
	Accounts []string
	// Lost lists accounts that were seen in the damaged database and whose record
	// could not be read anywhere: they have to sign in again.
	Lost []string
}

// Recovered tells what was brought back when the store was opened; nil: nothing.
func (s *Store) Recovered() *Recovery { return s.recovered }

// rebuild replaces a database that is damaged, cut, empty or gone: with every
// value that is still there and opens, and the newest good copies. With two keys
// at hand (a rekey was cut short) it is the one that opens more.
func (s *Store) rebuild(cause error, copies copyFiles) error {
	var best *contents
	var fromCopies []string
	foreign := false
	for _, seal := range s.ring.sealers {
		c, brought, err := gather(seal, s.path, copies)
		if err != nil {
			return err
		}
		foreign = foreign || c.foreign
		if best == nil || c.more(best) {
			best, fromCopies, s.seal = c, brought, seal
		}
	}
	switch {
	case len(best.credentials) > 0:
	case foreign:
		return s.ring.wrong()
	default:
		return fmt.Errorf("%w: %v, and no copy of the credentials can be read; to begin anew, move the file away", ErrDamaged, cause)
	}
	if err := s.identify(); err != nil {
		return err
	}
	if best.others[bucketAbout][nameOrigin] == nil {
		best.others[bucketAbout][nameOrigin] = []byte(s.installation)
	}
	if _, err := best.mend(s.seal, "the database was damaged; what could be read was brought back"); err != nil {
		return err
	}
	aside, err := s.place(best, "damaged")
	if err != nil {
		return fmt.Errorf("replace the damaged database (%v): %w", cause, err)
	}
	s.tell(&Recovery{Cause: cause.Error(), Aside: aside, Accounts: fromCopies, Lost: slices.Sorted(maps.Keys(best.unreadable))})
	return nil
}

// gather collects what one key opens in a damaged database, from both of its
// heads, and in the copies. It returns the accounts that the database itself did
// not give in their newest form.
func gather(seal *sealer, path string, copies copyFiles) (*contents, []string, error) {
	c, brought := newContents(), map[string]bool{}
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, nil, err
	default:
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, nil, err
		}
		for _, head := range metas(f) {
			c.read(seal, f, info.Size(), head)
		}
	}
	for account, files := range copies {
		for _, file := range files {
			found, err := file.read(seal)
			if errors.Is(err, errForeign) {
				c.foreign = true
			}
			if err == nil && c.offer(account, found) {
				brought[account] = true
			}
		}
	}
	// Rather a generation that may be spent than no grant at all.
	for name, plain := range c.others[bucketGenerations] {
		account, _ := splitGeneration(name)
		if found, err := decodeCredential(plain); err == nil && c.offer(account, found) {
			brought[account] = true
		}
	}
	for account := range c.unreadable {
		if c.credentials[account].generation > 0 || !bridge.IsID(account) {
			delete(c.unreadable, account)
		}
	}
	return c, slices.Sorted(maps.Keys(brought)), nil
}

// adopt takes records from copies that are newer than the database: a commit
// that the disk confirmed and lost, or an older file put in place. It returns
// the accounts.
func (s *Store) adopt(copied map[string]copyFile) (map[string]bool, error) {
	adopted := map[string]bool{}
	var changes []change
	for account, file := range copied {
		old, err := s.current(account)
		if err != nil {
			return nil, err
		}
		if file.generation <= old.generation {
			continue
		}
		newer, err := file.read(s.seal)
		if err != nil {
			return nil, err
		}
		more, err := s.replacing(account, old, newer)
		if err != nil {
			return nil, err
		}
		adopted[account] = true
		changes = append(changes, more...)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	if err := s.commit(changes...); err != nil {
		return nil, err
	}
	s.tell(&Recovery{Cause: "the copies are newer than the database", Accounts: slices.Sorted(maps.Keys(adopted))})
	return adopted, nil
}

func (s *Store) tell(r *Recovery) {
	s.recovered = r
	reason := r.Cause
	if r.Aside != "" {
		reason += "; set aside as " + r.Aside
	}
	s.log.Warn("store was recovered", "reason", reason)
	for _, account := range r.Accounts {
		s.log.Warn("credentials came from a copy", "account", account)
	}
	for _, account := range r.Lost {
		s.log.Error("credentials are lost: sign in again", "account", account)
	}
}
