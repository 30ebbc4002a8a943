package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"latchkey/bridge"
	"latchkey/bridge/config"
	"latchkey/bridge/oauth"
	"latchkey/bridge/store"
	"latchkey/bridge/web"
)

// replacement is a backup that is to take the store's place. The house has to go
// for that: its rooms hold what the old store says.
type replacement struct {
	file     string // a copy of the backup in the state folder; removed when it is used
	takeOver bool
}

var errReplacing = errors.New("another backup is being restored")

// StoreOptions open the store of a configuration, for the daemon and for commands
// where none runs. A key that lies in a file is read from there, so that a new one
// can take its place.
func StoreOptions(c *config.Config, log *slog.Logger) store.Options {
	o := store.Options{Dir: c.StateDir, Key: c.Store.Key, KeyFile: c.Store.KeyFile, Keep: oauth.Keep, Revive: oauth.Revive, Log: log}
	if o.KeyFile != "" {
		o.Key = bridge.Secret{}
	}
	return o
}

// ErrNoStore says that no daemon has run here yet.
var ErrNoStore = errors.New("there is no store yet: latchkey makes it when it first runs")

// OpenStore opens the store for a command. Unlike a daemon it makes none: who types
// a command may be another user, whose files the daemon could not read.
func OpenStore(c *config.Config, log *slog.Logger) (*store.Store, error) {
	if _, err := os.Stat(filepath.Join(c.StateDir, "latchkey.db")); errors.Is(err, os.ErrNotExist) {
		return nil, ErrNoStore
	}
	return store.Open(StoreOptions(c, log))
}

func (d *daemon) storeOptions(c *config.Config) store.Options { return StoreOptions(c, d.log) }

// openStore opens it, and says what had to be brought back.
func (d *daemon) openStore(c *config.Config) (err error) {
	d.store, err = store.Open(d.storeOptions(c))
	switch {
	case errors.Is(err, store.ErrKey), errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrNewer):
		return fmt.Errorf("%w: %w", err, ErrStop)
	case err != nil:
		return fmt.Errorf("open the store: %w", err)
	}
	if r := d.store.Recovered(); r != nil {
		d.log.Warn("the store was damaged; what could be read was brought back", "reason", r.Cause, "aside", r.Aside, "accounts", r.Accounts, "lost", r.Lost)
	}
	return nil
}

func (d *daemon) closeStore() {
	if d.store == nil {
		return // it could not be opened again
	}
	if err := d.store.Close(); err != nil {
		d.log.Error("the store did not close in order", "err", err)
	}
}

// replaceStore puts a backup in place of the store, between two houses. A backup
// that cannot be used leaves the store as it was.
func (d *daemon) replaceStore(c *config.Config, r replacement) error {
	defer os.Remove(r.file)
	d.closeStore()
	restored, failed := store.RestoreBackup(d.storeOptions(c), r.file)
	if err := d.openStore(c); err != nil {
		return err
	}
	if failed == nil && r.takeOver {
		failed = d.store.TakeOver()
	}
	done := web.Replaced{Number: d.replaced.Load().Number + 1, Accounts: restored.Accounts, Aside: restored.Aside, Moved: restored.Moved && !r.takeOver}
	if failed != nil {
		done.Error = failed.Error()
		d.log.Error("a backup was not restored", "err", failed)
	} else {
		d.log.Info("a backup was restored", "accounts", restored.Accounts, "aside", restored.Aside, "moved", done.Moved)
	}
	d.replaced.Store(&done)
	return nil
}

// Replace takes a backup in and has the house end for it.
func (d desk) Replace(backup io.Reader, takeOver bool) (number uint64, err error) {
	c := d.conf.Load()
	f, err := os.CreateTemp(c.StateDir, "restore-*.tmp")
	if err != nil {
		return 0, fmt.Errorf("keep the backup: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = io.Copy(f, backup)
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, fmt.Errorf("keep the backup: %w", err)
	}
	if err := store.CheckBackup(d.storeOptions(c), f.Name()); err != nil {
		return 0, err
	}
	err = errReplacing
	d.replacer.Do(func() {
		number, err = d.replaced.Load().Number+1, nil
		d.replace <- replacement{f.Name(), takeOver}
	})
	return number, err
}

func (d desk) Replaced() web.Replaced { return *d.replaced.Load() }

// clearUploads removes backups that a daemon which was killed had taken in.
func (d *daemon) clearUploads(c *config.Config) {
	left, _ := filepath.Glob(filepath.Join(c.StateDir, "restore-*.tmp"))
	for _, file := range left {
		_ = os.Remove(file)
	}
}

// watchStore ends the house when the store broke under it: the next start
// recovers, with what was saved.
func (h *house) watchStore(ctx context.Context) error {
	select {
	case <-h.store.Failed():
		return errors.New("the store broke: a new start recovers it")
	case <-ctx.Done():
		return nil
	}
}
