package store_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"latchkey/bridge/store"
)

// A child between fork and exec has every open file of its parent, locks with
// them. A closed store is free all the same. Duplicates stand for that child.
func TestCloseFreesWhatAChildHolds(t *testing.T) {
	dir := t.TempDir()
	for _, when := range []string{"first start", "second start"} {
		s, err := store.Open(store.Options{Dir: dir})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		held := duplicates(t, dir)
		if len(held) < 2 {
			t.Fatalf("%s: %d files of the store are open, want the lock and the database", when, len(held))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
}

// duplicates duplicates every open file in a folder until the test ends.
func duplicates(t *testing.T, dir string) (held []int) {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		link := filepath.Join("/proc/self/fd", fd.Name())
		if path, _ := os.Readlink(link); !strings.HasPrefix(path, dir+"/") {
			continue
		}
		number, err := strconv.Atoi(fd.Name())
		if err != nil {
			t.Fatal(err)
		}
		copied, err := syscall.Dup(number)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Close(copied) })
		held = append(held, copied)
	}
	return held
}
