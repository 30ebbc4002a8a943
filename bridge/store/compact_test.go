package store_test

import (
	"bytes"
	"os"
	"testing"

	"latchkey/bridge/store"
)

// A large file that is mostly free pages is written anew at the next start.
func TestCompact(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, store.Options{Dir: dir})
	save(t, s, "gate", "one")
	save(t, s, "gate", "two")
	for _, size := range []int{20 << 20, 1} {
		if err := s.Record("inventory").Save(bytes.Repeat([]byte("x"), size)); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, s)
	size := func() int64 {
		info, err := os.Stat(database(dir))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if size() < 16<<20 {
		t.Fatalf("the file has %d bytes only", size())
	}
	s = opened(t, store.Options{Dir: dir})
	if size() > 1<<20 {
		t.Errorf("the file still has %d bytes", size())
	}
	wantRecord(t, s, "gate", "two")
	if got := numbers(t, s, "gate"); len(got) != 2 {
		t.Errorf("generations %v, want 2", got)
	}
	if got, err := s.Record("inventory").Load(); err != nil || string(got) != "x" {
		t.Errorf("record %q, %v", got, err)
	}
	if s.Recovered() != nil {
		t.Errorf("recovered: %+v", s.Recovered())
	}
}
