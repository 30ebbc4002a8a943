package store

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"go.etcd.io/bbolt"

	"latchkey/bridge"
)

// contents is all that a store holds, opened: what a database is made from.
type contents struct {
	credentials map[string]credential
	others      map[string]map[string][]byte // bucket, name
	unreadable  map[string]bool              // accounts that were seen and not opened
	foreign     bool                         // something is sealed with another key
	schema      int                          // 0: not known
}

func newContents() *contents {
	c := &contents{credentials: map[string]credential{}, others: map[string]map[string][]byte{}, unreadable: map[string]bool{}}
	for _, bucket := range buckets {
		c.others[bucket] = map[string][]byte{}
	}
	return c
}

// read takes what the key opens of a file, as seen from one head. What is there
// already stays, but for credentials of a higher generation.
func (c *contents) read(seal *sealer, r io.ReaderAt, size int64, head meta) {
	walk(r, size, head, func(bucket, name string, value []byte) {
		if bucket == bucketAbout && name == nameSchema && c.schema == 0 && checkSum(bucket, name, value) == nil {
			c.schema, _ = strconv.Atoi(string(value[1 : len(value)-sumSize]))
		}
		plain, err := seal.open(bucket, name, value)
		if bucket == bucketOpenings && err != nil {
			return // its own proof tells; it must not keep the rest from being used
		}
		if err == errForeign {
			c.foreign = true
		}
		if bucket == bucketCredentials {
			var found credential
			if err == nil {
				found, err = decodeCredential(plain)
			}
			if err != nil {
				c.unreadable[name] = true
			} else {
				c.offer(name, found)
			}
			return
		}
		if names := c.others[bucket]; err == nil && names != nil && names[name] == nil {
			names[name] = plain
		}
	})
	delete(c.others[bucketAbout], nameCheck)
}

// offer takes a record if it is newer than what is there.
func (c *contents) offer(account string, found credential) bool {
	if !bridge.IsID(account) || found.generation <= c.credentials[account].generation {
		return false
	}
	c.credentials[account] = found
	return true
}

// more tells whether c holds more than other: credentials first.
func (c *contents) more(other *contents) bool {
	if len(c.credentials) != len(other.credentials) {
		return len(c.credentials) > len(other.credentials)
	}
	values := 0
	for _, bucket := range buckets {
		values += len(c.others[bucket]) - len(other.others[bucket])
	}
	return values > 0
}

// readSound takes all of a sound file.
func readSound(seal *sealer, f *os.File) (*contents, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	c := newContents()
	c.read(seal, f, info.Size(), metas(f)[0])
	if c.foreign || len(c.unreadable) > 0 {
		return nil, fmt.Errorf("%w: a value does not open with the key", ErrDamaged)
	}
	return c, nil
}

// build makes a database of the contents and reads it back; it takes no other
// file's place yet.
func (c *contents) build(path string, seal *sealer) (size int64, err error) {
	if err := os.RemoveAll(path); err != nil {
		return 0, err
	}
	var changes []change
	for account, found := range c.credentials {
		changes = append(changes, change{bucketCredentials, account, found.encode()})
	}
	for bucket, names := range c.others {
		for name, plain := range names {
			changes = append(changes, change{bucket, name, plain})
		}
	}
	changes = append(changes, change{bucketAbout, nameCheck, []byte(nameCheck)})
	_, err = guard(func() error {
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait})
		if err != nil {
			return err
		}
		defer db.Close()
		return db.Update(func(tx *bbolt.Tx) error {
			for _, bucket := range buckets {
				if _, err := tx.CreateBucket([]byte(bucket)); err != nil {
					return err
				}
			}
			if err := apply(tx, seal, changes); err != nil {
				return err
			}
			return putSchema(tx)
		})
	})
	if err != nil {
		return 0, fmt.Errorf("build database: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	found, err := inspect(f)
	if err == nil && found.fault != nil {
		err = fmt.Errorf("build database: what was written is damaged: %v", found.fault)
	}
	return found.size, err
}

// place builds a database and puts it where the store is; why != "" sets the one
// that lies there aside and returns its new name.
func (s *Store) place(c *contents, why string) (aside string, err error) {
	next := s.path + ".new"
	size, err := c.build(next, s.seal)
	if err != nil {
		return "", err
	}
	s.wrote.Add(uint64(size))
	s.point("built")
	if why != "" {
		if aside, err = setAside(s.path, why); err != nil {
			return "", err
		}
		s.point("aside")
	}
	if err := os.Rename(next, s.path); err != nil {
		return aside, err
	}
	s.point("placed")
	return aside, syncFolder(s.dir)
}

// create makes the store of a first start.
func (s *Store) create() error {
	if _, err := os.Stat(filepath.Join(s.dir, idName)); err == nil {
		s.log.Warn("store begins anew: there is neither a database nor a copy of one")
	}
	if err := s.identify(); err != nil {
		return err
	}
	s.seal = s.ring.sealers[0]
	c := newContents()
	c.others[bucketAbout][nameOrigin] = []byte(s.installation)
	c.others[bucketOpenings][nameEnds] = noEnds().encode(s.seal)
	_, err := s.place(c, "")
	return err
}

// compact writes the database anew, without its free pages.
func (s *Store) compact() error {
	f, err := os.Open(s.path)
	if err != nil {
		return err
	}
	defer f.Close()
	c, err := readSound(s.seal, f)
	if err == nil {
		_, err = c.mend(s.seal, "")
	}
	if err == nil {
		_, err = s.place(c, "")
	}
	return err
}
