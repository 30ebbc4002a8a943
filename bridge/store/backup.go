package store

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"go.etcd.io/bbolt"
)

// Backup writes a consistent copy of the database while the store is in use. It
// is sealed as the store is, opens with the same key, and holds which
// installation it came from, but not this installation's id.
//
// The copy is made on the disk first: a slow reader of w must not keep a read
// transaction open, which would hold up a Save that makes the file grow (bbolt
// #854).
func (s *Store) Backup(w io.Writer) error {
	tmp, err := os.CreateTemp(s.dir, "backup-*.tmp")
	if err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	defer tmp.Close()
	if err := os.Remove(tmp.Name()); err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	err = s.view(func(tx *bbolt.Tx) error {
		n, err := tx.WriteTo(tmp)
		s.wrote.Add(uint64(n))
		return err
	})
	if err == nil {
		_, err = tmp.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = io.Copy(w, tmp)
	}
	if err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	return nil
}

// Restored tells what RestoreBackup did.
type Restored struct {
	Aside    string   // where the replaced database lies now; "": there was none
	Accounts []string // whose credentials the backup holds
	Moved    bool     // it came from another installation
}

// RestoreBackup puts a backup in place of the store in o.Dir, which no program
// may have open, and which need not be there. The backup is read whole and its
// key proven first; on an error nothing is changed. The replaced database can be
// restored in the same way. A key is never made here: one that does not fit the
// backup is [ErrKey].
func RestoreBackup(o Options, file string) (Restored, error) {
	s, err := prepare(o)
	var done Restored
	if err == nil {
		done, err = s.restore(o, file)
	}
	_ = s.Close()
	if err != nil {
		return Restored{}, fmt.Errorf("restore %s: %w", file, err)
	}
	return done, nil
}

// CheckBackup reads a backup whole and proves its key, as [RestoreBackup] would
// do it first. It touches nothing, so that it can be asked while the store is
// open.
func CheckBackup(o Options, file string) error {
	if _, _, _, err := readBackup(o, file); err != nil {
		return fmt.Errorf("read backup: %w", err)
	}
	return nil
}

func readBackup(o Options, file string) (*keyring, *sealer, *contents, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, nil, err
	}
	defer f.Close()
	found, err := inspect(f)
	switch {
	case err != nil:
		return nil, nil, nil, err
	case found.schema > schema:
		return nil, nil, nil, fmt.Errorf("%w: its schema is %d", ErrNewer, found.schema)
	case found.fault != nil:
		return nil, nil, nil, fmt.Errorf("%w: the backup: %v", ErrDamaged, found.fault)
	}
	ring, err := loadKeys(o, false)
	if err != nil {
		return nil, nil, nil, err
	}
	seal, err := ring.fitting(found.check)
	if err != nil {
		return nil, nil, nil, err
	}
	c, err := readSound(seal, f)
	return ring, seal, c, err
}

func (s *Store) restore(o Options, file string) (done Restored, err error) {
	var c *contents
	if s.ring, s.seal, c, err = readBackup(o, file); err != nil {
		return Restored{}, err
	}
	if err := s.outdo(c); err != nil {
		return Restored{}, err
	}
	if err := s.identify(); err != nil {
		return Restored{}, err
	}
	if _, err := c.mend(s.seal, "the store was replaced by a backup; what came after it is in the replaced database"); err != nil {
		return Restored{}, err
	}
	aside, err := s.place(c, "replaced")
	return Restored{
		Aside:    aside,
		Accounts: slices.Sorted(maps.Keys(c.credentials)),
		Moved:    string(c.others[bucketAbout][nameOrigin]) != s.installation,
	}, err
}

// outdo raises the generations of restored records above those of the copies
// that lie here, which would be taken for newer otherwise.
func (s *Store) outdo(c *contents) error {
	copies, err := listCopies(s.dir)
	for account, file := range copies.newest(s.seal) {
		if restored := c.credentials[account]; restored.generation > 0 {
			restored.generation = max(restored.generation, file.generation+1)
			c.credentials[account] = restored
		}
	}
	return err
}
