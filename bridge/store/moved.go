package store

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// InstallationID is the random id of this installation (hazard T4).
func (s *Store) InstallationID() string { return s.installation }

// identify reads the id of this installation, or makes it.
func (s *Store) identify() error {
	path := filepath.Join(s.dir, idName)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if s.installation = strings.TrimSpace(string(text)); s.installation != "" {
		return nil
	}
	s.installation = rand.Text()
	return s.put(path, []byte(s.installation+"\n"))
}

// Moved tells whether the account's record came with a backup of another
// installation and nobody has said yet that it now lives here: two that refresh
// one rotating grant end it for both (hazard T4). A copy of the whole folder
// cannot be told.
func (s *Store) Moved(account string) (bool, error) {
	from, err := s.get(bucketMoved, account)
	return from != nil, err
}

// TakeOver says that accounts now live here: those named (they signed in), or
// all when none is.
func (s *Store) TakeOver(accounts ...string) error {
	s.write.Lock()
	defer s.write.Unlock()
	marked, err := s.names(bucketMoved)
	var changes []change
	for _, account := range marked {
		if len(accounts) == 0 || slices.Contains(accounts, account) {
			changes = append(changes, change{bucketMoved, account, nil})
		}
	}
	if err != nil || len(changes) == 0 {
		return err
	}
	return s.commit(changes...)
}

// markMoved marks the accounts of a database that another installation wrote,
// but for those that the copies here have just given.
func (s *Store) markMoved(own map[string]bool) error {
	origin, err := s.get(bucketAbout, nameOrigin)
	if err != nil || string(origin) == s.installation {
		return err
	}
	accounts, err := s.names(bucketCredentials)
	if err != nil {
		return err
	}
	changes := []change{{bucketAbout, nameOrigin, []byte(s.installation)}}
	for _, account := range accounts {
		if !own[account] {
			changes = append(changes, change{bucketMoved, account, origin})
		}
	}
	s.log.Warn("store came from another installation; rotating grants wait for `latchkey restore --take-over` or a sign-in")
	return s.commit(changes...)
}
