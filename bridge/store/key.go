package store

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"latchkey/bridge"
)

// nextKey is the suffix of the key file while [Store.Rekey] is at work: a crash
// leaves both files, and the store opens with one of them.
const nextKey = ".new"

// keyring holds the keys that may fit, the one in force first. A key that cannot be
// replaced where it is (it stands in the environment, or is a credential of
// systemd) has its successor in the state folder until a person has moved it.
type keyring struct {
	path    string // of the key file; "": the key came with the options
	waiting string // of the successor in the state folder
	sealers []*sealer
	files   []string // where each sealer's key lies
}

// loadKeys reads the keys. Only a store without data gets a new key, and only in
// its own folder: a key file that the configuration names and that is missing is
// a mount that failed, and a key made there might be gone tomorrow.
func loadKeys(o Options, empty bool) (*keyring, error) {
	own := filepath.Join(o.Dir, "latchkey.key")
	ring := &keyring{path: o.KeyFile, waiting: own + nextKey}
	var paths []string
	switch {
	case !o.Key.Empty():
		s, err := newSealer(o.Key)
		if err != nil {
			return nil, err
		}
		ring.path, ring.sealers, ring.files = "", []*sealer{s}, []string{""}
	case ring.path == "":
		ring.path = own
		paths = []string{own}
	default:
		paths = []string{ring.path, ring.path + nextKey}
	}
	for _, path := range append(paths, ring.waiting) {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrKey, err)
		}
		s, err := newSealer(bridge.NewSecret(strings.TrimSpace(string(text))))
		if err != nil {
			return nil, fmt.Errorf("key file %s: %w", path, err)
		}
		ring.sealers, ring.files = append(ring.sealers, s), append(ring.files, path)
	}
	switch {
	case len(ring.sealers) > 0:
		return ring, nil
	case !empty:
		return nil, fmt.Errorf("%w: key file %s is missing: put back the one that this store was made with, a new one opens nothing", ErrKey, ring.path)
	case o.KeyFile != "":
		return nil, fmt.Errorf("%w: key file %s is missing: make one with `head -c 32 /dev/urandom | base64`", ErrKey, ring.path)
	}
	text := newKey()
	if err := writeFile(ring.path, []byte(text.Reveal()+"\n")); err != nil {
		return nil, fmt.Errorf("make key file: %w", err)
	}
	s, err := newSealer(text)
	if err != nil {
		return nil, err
	}
	return &keyring{path: ring.path, sealers: []*sealer{s}, files: []string{ring.path}}, nil
}

// fitting returns the sealer that opens the check record.
func (k *keyring) fitting(check []byte) (*sealer, error) {
	for _, s := range k.sealers {
		if _, err := s.open(bucketAbout, nameCheck, check); err == nil {
			return s, nil
		}
	}
	return nil, k.wrong()
}

func (k *keyring) wrong() error {
	if k.path == "" {
		return fmt.Errorf("%w: store.key in the configuration is not the key that this store was made with", ErrKey)
	}
	return fmt.Errorf("%w: key file %s is not the one that this store was made with", ErrKey, k.path)
}

// settle ends a rekey that was cut short, now that s is known to be the key in
// force.
func (k *keyring) settle(s *sealer) error {
	inForce := ""
	for i, file := range k.files {
		if k.sealers[i] == s {
			inForce = file
			break // the same key may lie in two places: the configured one counts
		}
	}
	next := k.path + nextKey
	switch {
	case inForce == k.waiting && k.waiting != next:
		return nil // it waits for a person
	case inForce == next:
		return k.replace()
	}
	for _, unused := range []string{next, k.waiting} {
		if k.path == "" && unused == next {
			continue
		}
		// On a read-only file system the removal of nothing is an error as well.
		if _, err := os.Lstat(unused); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Remove(unused); err != nil {
			return fmt.Errorf("remove the unused key file: %w", err)
		}
	}
	return nil
}

// stage writes a new key beside the one in force: where it can take its place, else
// where it waits for a person.
func (k *keyring) stage(text bridge.Secret, put func(path string, data []byte) error) (path string, err error) {
	line := []byte(text.Reveal() + "\n")
	if k.path != "" {
		path = k.path + nextKey
		if err = put(path, line); err == nil || path == k.waiting {
			return path, err
		}
	}
	if err := put(k.waiting, line); err != nil {
		return "", err
	}
	return k.waiting, nil
}

// replace puts the new key file in the place of the old one.
func (k *keyring) replace() error {
	next := k.path + nextKey
	if err := os.Rename(next, k.path); err != nil {
		return fmt.Errorf("put the new key file in place: %w", err)
	}
	if i := slices.Index(k.files, next); i >= 0 {
		k.files[i] = k.path
	}
	return syncFolder(filepath.Dir(k.path))
}

func newKey() bridge.Secret {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	return bridge.NewSecret(base64.StdEncoding.EncodeToString(raw[:]))
}
