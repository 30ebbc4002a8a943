package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"latchkey/bridge"
)

// Why a store cannot be opened, for errors.Is. ErrLocked may pass, so a restart
// may mend it (exit 1); the others need a person (exit 3), and the store is left
// as it was found. ErrDamaged from a method of an open store is another matter:
// the disk failed under it ([Store.Failed]), every later call fails too, but for
// Save, which keeps a copy, and a restart recovers.
var (
	ErrLocked  = errors.New("the store is in use")
	ErrKey     = errors.New("wrong or missing key")
	ErrDamaged = errors.New("the store is damaged")
	ErrNewer   = errors.New("the store was written by a newer latchkey")
)

const (
	fileName = "latchkey.db"
	lockName = "latchkey.lock"
	idName   = "installation_id"
)

// Options say where a store lies and how it is sealed.
type Options struct {
	Dir string // the state folder; made with mode 0700
	// Key seals the store: random text of at least 16 bytes. Empty: KeyFile.
	Key bridge.Secret
	// KeyFile holds the key. "" is latchkey.key in Dir, made on first start; a
	// file named here must exist.
	KeyFile string
	// Keep tells whether a record that Save replaces is worth a generation:
	// whether it holds a grant that next does not hold. It must be pure and not
	// call the store. nil: every replaced record is kept.
	Keep func(old, next []byte) bool
	// Revive makes the record that Restore brings back of a kept one: what ended it
	// may have to be taken out. It must be pure. nil: it comes back as it is.
	Revive func(kept []byte) ([]byte, error)
	Log    *slog.Logger // nil: discarded

	point func(name string) // tests stop the program at named points
	ring  uint64            // records of the opening log; 0: openingsMost
}

// Store is an open store. Close lets another program have it.
type Store struct {
	dir, path string
	keep      func(old, next []byte) bool
	revive    func(kept []byte) ([]byte, error)
	log       *slog.Logger
	point     func(name string)
	lock      *os.File
	ring      *keyring
	db        *bbolt.DB
	file      *os.File // bbolt's
	broken    atomic.Pointer[error]
	failed    chan struct{} // closed when broken is set
	pageSize  uint64

	openingsMost uint64
	installation string
	recovered    *Recovery

	write       sync.Mutex // one writer at a time
	copiesFail  bool       // so that the loss of copies is logged once; guarded by write
	sealing     sync.RWMutex
	seal        *sealer // readers hold sealing, writers hold write, Rekey both
	leasesGuard sync.Mutex
	leases      map[string]lease

	wrote     atomic.Uint64 // bytes besides bbolt's pages
	commits   atomic.Uint64
	closeOnce sync.Once
	closeErr  error
}

// Open opens the store of a folder, and makes it on first start. It waits up to
// a second for another program to let go of it.
func Open(o Options) (*Store, error) {
	s, err := prepare(o)
	if err == nil {
		err = s.open(o)
	}
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("open store %s: %w", s.path, err)
	}
	return s, nil
}

// prepare makes a store that holds its folder and has nothing open in it.
func prepare(o Options) (*Store, error) {
	s := &Store{
		dir: o.Dir, path: filepath.Join(o.Dir, fileName),
		keep: o.Keep, revive: o.Revive, log: o.Log, point: o.point, leases: map[string]lease{}, openingsMost: o.ring, failed: make(chan struct{}),
	}
	if s.openingsMost == 0 {
		s.openingsMost = openingsMost
	}
	if s.keep == nil {
		s.keep = func(_, _ []byte) bool { return true }
	}
	if s.revive == nil {
		s.revive = func(kept []byte) ([]byte, error) { return kept, nil }
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.point == nil {
		s.point = func(string) {}
	}
	if o.Dir == "" {
		return s, errors.New("no state folder is named")
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return s, err
	}
	var err error
	s.lock, err = lockFile(filepath.Join(o.Dir, lockName), os.O_CREATE)
	return s, err
}

func (s *Store) open(o Options) error {
	copies, err := listCopies(s.dir)
	if err != nil {
		return err
	}
	found, err := s.examine()
	if err != nil {
		return err
	}
	empty := found.size == 0 && len(copies) == 0
	if s.ring, err = loadKeys(o, empty); err != nil {
		return err
	}
	switch {
	case empty:
		err = s.create()
	case found.fault != nil:
		err = s.rebuild(found.fault, copies)
	default:
		err = s.useKey(found)
	}
	if err != nil {
		return err
	}
	_, err = guard(func() (err error) {
		s.db, err = bbolt.Open(s.path, 0o600, &bbolt.Options{Timeout: lockWait, OpenFile: s.openFile})
		return err
	})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return lockedError(s.path)
	}
	if err != nil {
		return err
	}
	s.pageSize = uint64(s.db.Info().PageSize)
	if err := s.migrate(); err != nil {
		return err
	}
	return s.settle(copies)
}

// Failed is closed when the database broke under the open store (a disk that
// cannot read a page, say): every later call fails with [ErrDamaged], and opening
// the store again recovers.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// openFile remembers bbolt's file for Close.
func (s *Store) openFile(name string, flag int, mode os.FileMode) (f *os.File, err error) {
	s.file, err = os.OpenFile(name, flag, mode)
	return s.file, err
}

// examine judges the database before bbolt sees it, holding its lock: another
// program that writes it would make it look damaged.
func (s *Store) examine() (inspection, error) {
	f, err := lockFile(s.path, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return inspection{fault: errors.New("the database is missing")}, nil
	}
	if err != nil {
		return inspection{}, err
	}
	defer func() { _ = unlockFile(f) }()
	found, err := inspect(f)
	if err == nil && found.schema > schema {
		err = fmt.Errorf("%w: its schema is %d, known are those up to %d", ErrNewer, found.schema, schema)
	}
	return found, err
}

// useKey finds the key of a sound database and compacts it where that pays.
func (s *Store) useKey(found inspection) (err error) {
	if s.seal, err = s.ring.fitting(found.check); err != nil {
		return err
	}
	if found.wasteful() {
		if err := s.compact(); err != nil {
			s.log.Warn("store cannot be compacted", "err", err)
		}
	}
	return nil
}

// settle brings the database, the copies, the installation's id and the key file
// in line, after a clean stop as after a crash. It writes only what differs.
// Nobody else has the store yet, so write is not held.
func (s *Store) settle(copies copyFiles) error {
	if err := s.identify(); err != nil {
		return err
	}
	copied := copies.newest(s.seal)
	adopted, err := s.adopt(copied)
	if err != nil {
		return err
	}
	if err := s.markMoved(adopted); err != nil {
		return err
	}
	if err := s.refreshCopies(copied); err != nil {
		return err
	}
	// The store is open whatever becomes of a rekey's leftovers. The copies go
	// first: with one key file left nobody would look for them any more.
	if len(s.ring.sealers) > 1 {
		err = copies.drop(s.seal)
	}
	if err = errors.Join(err, s.ring.settle(s.seal)); err != nil {
		s.log.Warn("store keeps files of a rekey that was cut short", "err", err)
	}
	if waits := s.KeyWaits(); waits != "" {
		s.log.Warn("the key of the store is not where the configuration says: put the one in this file there", "file", waits)
	}
	return nil
}

// Close closes the store; later calls of its methods fail.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		switch {
		case s.db != nil && s.broken.Load() == nil:
			s.closeErr = s.db.Close()
		case s.file != nil: // a broken database does not close, and its map holds the lock
			_ = unlockFile(s.file)
		}
		if s.lock != nil {
			s.closeErr = errors.Join(s.closeErr, unlockFile(s.lock))
		}
	})
	return s.closeErr
}

// BytesWritten is how many bytes this store has written since it was opened: the
// pages that bbolt allocated for its commits, one head a commit, and the files
// beside the database. It stands still while nothing changes.
func (s *Store) BytesWritten() uint64 {
	stats := s.db.Stats()
	return s.wrote.Load() + s.commits.Load()*s.pageSize + uint64(stats.TxStats.GetPageAlloc())
}

// put writes a file beside the database.
func (s *Store) put(path string, data []byte) error {
	err := writeFile(path, data)
	if err == nil {
		s.wrote.Add(uint64(len(data)))
	}
	return err
}
