package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"latchkey/bridge"
)

// copyFile is one sealed copy of an account's record. An account has two, which
// take turns, so the last but one outlives a copy that is cut short. The name
// holds the key's id: a rekey writes the new copies beside the old ones.
type copyFile struct {
	path, account, key string
	generation         uint64 // 0: not read yet
}

// copyFiles are the copies in a store's folder, by account.
type copyFiles map[string][]copyFile

func copyPath(dir, account string, seal *sealer, generation uint64) string {
	return filepath.Join(dir, "copies", account+"."+seal.id+"."+strconv.FormatUint(generation%2, 10))
}

func listCopies(dir string) (copyFiles, error) {
	dir = filepath.Join(dir, "copies")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	found := copyFiles{}
	for _, e := range entries {
		parts := strings.Split(e.Name(), ".")
		if len(parts) != 3 || !bridge.IsID(parts[0]) || len(parts[1]) != 8 || parts[2] != "0" && parts[2] != "1" {
			continue // one that was being written when the power went
		}
		found[parts[0]] = append(found[parts[0]], copyFile{path: filepath.Join(dir, e.Name()), account: parts[0], key: parts[1]})
	}
	return found, err
}

func (c copyFile) read(seal *sealer) (credential, error) {
	value, err := os.ReadFile(c.path)
	if err != nil {
		return credential{}, err
	}
	plain, err := seal.open(purposeCopies, c.account, value)
	if err != nil {
		return credential{}, err
	}
	return decodeCredential(plain)
}

// newest names each account's newest good copy.
func (c copyFiles) newest(seal *sealer) map[string]copyFile {
	newest := map[string]copyFile{}
	for account, files := range c {
		for _, file := range files {
			if found, err := file.read(seal); err == nil && found.generation > newest[account].generation {
				file.generation = found.generation
				newest[account] = file
			}
		}
	}
	return newest
}

// writeCopy writes and verifies the copy of a record.
func (s *Store) writeCopy(account string, seal *sealer, c credential) error {
	if err := os.MkdirAll(filepath.Join(s.dir, "copies"), 0o700); err != nil {
		return err
	}
	return s.put(copyPath(s.dir, account, seal, c.generation), seal.seal(purposeCopies, account, c.encode()))
}

// copy copies a record that is already safe in the database, so a failure is
// logged, not returned: an error would make the keeper think that it was not
// saved. The next Save and the next start try again. The caller holds write.
func (s *Store) copy(account string, c credential) {
	err := s.writeCopy(account, s.seal, c)
	switch {
	case err != nil && !s.copiesFail:
		s.log.Warn("copy of credentials cannot be written", "account", account, "err", err)
	case err == nil && s.copiesFail:
		s.log.Info("copies of credentials are written again", "account", account)
	}
	s.copiesFail = err != nil
	s.point("copied")
}

// refreshCopies writes the copies that are missing, damaged or behind.
func (s *Store) refreshCopies(copied map[string]copyFile) error {
	accounts, err := s.names(bucketCredentials)
	if err != nil {
		return err
	}
	for _, account := range accounts {
		now, err := s.current(account)
		if err != nil {
			return err
		}
		if copied[account].generation != now.generation {
			s.copy(account, now)
		}
	}
	return nil
}

// drop removes the copies that are not sealed with the key in force.
func (c copyFiles) drop(inForce *sealer) error {
	var errs []error
	for _, files := range c {
		for _, file := range files {
			if file.key != inForce.id {
				errs = append(errs, os.Remove(file.path))
			}
		}
	}
	return errors.Join(errs...)
}

// dropOtherCopy leaves only the copy of the current record.
func (s *Store) dropOtherCopy(account string, now credential) error {
	if now.generation == 0 {
		return nil
	}
	if err := s.writeCopy(account, s.seal, now); err != nil {
		return err
	}
	err := os.Remove(copyPath(s.dir, account, s.seal, now.generation+1))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, syncFolder(filepath.Join(s.dir, "copies")))
}
