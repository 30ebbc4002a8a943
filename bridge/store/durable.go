package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	lockWait  = time.Second
	lockRetry = 50 * time.Millisecond
)

// writeFile makes path hold data, mode 0600, and be on the disk: a power cut
// leaves either what was there before or all of data. What was written is read
// back before it takes the place of the old file.
func writeFile(path string, data []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if back, err := os.ReadFile(tmp); err != nil || !bytes.Equal(back, data) {
		return fmt.Errorf("read %s back: not what was written (%v)", tmp, err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes renames in a folder durable. File systems that cannot sync a
// folder say EINVAL or ENOTSUP; there is nothing better to do on them.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// lockFile opens a file and locks it, also against this process. The lock ends
// with unlockFile or with the process.
func lockFile(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|flag, 0o600)
	if err != nil {
		return nil, err
	}
	for began := time.Now(); ; time.Sleep(lockRetry) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return f, nil
		case errors.Is(err, syscall.EINTR):
		case !errors.Is(err, syscall.EWOULDBLOCK):
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		case time.Since(began) > lockWait-lockRetry:
			_ = f.Close()
			return nil, lockedError(path)
		}
	}
}

// unlockFile lets go of a file that lockFile opened. A close alone does not: until
// it execs, a child that was just forked holds the same lock.
func unlockFile(f *os.File) error {
	return errors.Join(syscall.Flock(int(f.Fd()), syscall.LOCK_UN), f.Close())
}

func lockedError(path string) error {
	return fmt.Errorf("%w: %s is held by another program, probably a running latchkey: stop it or use its commands", ErrLocked, path)
}

// setAside gives a file a second name that tells why and when, and returns it.
// The first name stays until something else is renamed over it, so that there is
// no moment without a database. A missing file has no second name.
func setAside(path, why string) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	stem := path + "." + why + "-" + time.Now().UTC().Format("20060102T150405Z")
	for n := 1; ; n++ {
		name := stem
		if n > 1 {
			name = fmt.Sprintf("%s-%d", stem, n)
		}
		err := os.Link(path, name)
		switch {
		case err == nil:
			return name, nil
		case errors.Is(err, fs.ErrExist) && n < 1000:
			continue
		}
		// No links here (FAT, some network drives): a moment without a database
		// is left, which the copies cover.
		if _, err := os.Lstat(name); err == nil {
			return "", fmt.Errorf("set %s aside: %s is there already", path, name)
		}
		if err := os.Rename(path, name); err != nil {
			return "", fmt.Errorf("set aside: %w", err)
		}
		return name, nil
	}
}
