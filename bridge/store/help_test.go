package store_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"latchkey/bridge/store"
)

// opened opens the store of a folder for the length of a test.
func opened(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, s) })
	return s
}

func shut(t testing.TB, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// save replaces the record of an account, whatever it is.
func save(t testing.TB, s *store.Store, account, record string) uint64 {
	t.Helper()
	_, seen, err := s.Load(t.Context(), account)
	if err != nil {
		t.Fatalf("load %s: %v", account, err)
	}
	generation, ok, err := s.Save(t.Context(), account, seen, []byte(record))
	if err != nil || !ok {
		t.Fatalf("save %s: ok %v, %v", account, ok, err)
	}
	return generation
}

func load(t testing.TB, s *store.Store, account string) string {
	t.Helper()
	record, _, err := s.Load(t.Context(), account)
	if err != nil {
		t.Fatalf("load %s: %v", account, err)
	}
	return string(record)
}

func wantRecord(t testing.TB, s *store.Store, account, want string) {
	t.Helper()
	if got := load(t, s, account); got != want {
		t.Errorf("record of %s: got %q, want %q", account, got, want)
	}
}

// files returns a folder's files with their content but for the lock.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "latchkey.lock" {
			return err
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		found[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// fingerprint is one line a file of a folder.
func fingerprint(t testing.TB, dir string) string {
	t.Helper()
	found := files(t, dir)
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(found)) {
		lines = append(lines, fmt.Sprintf("%s %x", name, sha256.Sum256([]byte(found[name]))))
	}
	return strings.Join(lines, "\n")
}

// scratch is a folder in memory where the system has one: the enumerations sync
// thousands of files, and none of them can cut the power.
func scratch(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "latchkey-store-*")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// folder makes a folder with the given files.
func folder(t testing.TB, content map[string]string) string {
	t.Helper()
	dir := scratch(t)
	fill(t, dir, content)
	return dir
}

func fill(t testing.TB, dir string, content map[string]string) {
	t.Helper()
	for name, data := range content {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t testing.TB, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func database(dir string) string { return filepath.Join(dir, "latchkey.db") }
