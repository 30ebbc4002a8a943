package config

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFile bounds a file that is read whole.
const maxFile = 16 << 20

// Sources are the files that a configuration was read from, each with a hash of
// its content; the zero hash is of a file that could not be read.
type Sources map[string][sha256.Size]byte

// reader reads files relative to the folder of the configuration file and
// remembers them.
type reader struct {
	folder string
	read   func(string) ([]byte, error)
	seen   Sources
}

// path makes a configured path absolute.
func (r *reader) path(name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(r.folder, name)
}

// file reads a file; the error is worded for people and does not name the file.
func (r *reader) file(name string) ([]byte, error) {
	name = r.path(name)
	data, err := r.read(name)
	r.seen[name] = sum(data, err)
	switch {
	case err == nil:
		return data, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("does not exist")
	case errors.Is(err, fs.ErrPermission):
		return nil, errors.New("may not be read by the user that latchkey runs as")
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return nil, fmt.Errorf("cannot be read: %v", err)
}

// secretText reads a file that holds one secret: line ends after it are not part of it.
func (r *reader) secretText(name string) (string, error) {
	data, err := r.file(name)
	text := string(bytes.TrimRight(data, "\r\n"))
	if err == nil && text == "" {
		err = errors.New("is empty")
	}
	if err != nil {
		return "", fmt.Errorf("%s %w", r.path(name), err)
	}
	return text, nil
}

func sum(data []byte, err error) [sha256.Size]byte {
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(data)
}

// readFile is os.ReadFile for regular files of a sensible size: a pipe or a
// device would hold up a reload, or never end.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	tooLarge := errors.New("larger than 16 MiB")
	switch {
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > maxFile:
		return nil, tooLarge
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		return nil, tooLarge // grew meanwhile, or tells no size
	}
	return data, err
}
