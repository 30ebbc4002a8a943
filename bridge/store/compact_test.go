package store_test

import (
	"bytes"
	"math/rand/v2"
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
	large := make([]byte, 20<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(large) // nothing in it repeats itself
	for _, record := range [][]byte{large, []byte("x")} {
		if err := s.Record("inventory").Save(record); err != nil {
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

// A large record that repeats itself takes little room, and comes back as it was,
// as one does that looks packed already.
func TestPackedRecord(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, store.Options{Dir: dir})
	large := bytes.Repeat([]byte(`{"id":"camera"},`), 100_000)
	odd := []byte("\x1f\x8b is how a packed one begins")
	before := s.BytesWritten()
	for range 2 {
		if err := s.Record("inventory").Save(large); err != nil {
			t.Fatal(err)
		}
	}
	if wrote := s.BytesWritten() - before; wrote > uint64(len(large)/10) {
		t.Errorf("a record of %d bytes wrote %d", len(large), wrote)
	}
	if err := s.Record("odd").Save(odd); err != nil {
		t.Fatal(err)
	}
	shut(t, s)
	s = opened(t, store.Options{Dir: dir})
	for name, want := range map[string][]byte{"inventory": large, "odd": odd} {
		if got, err := s.Record(name).Load(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("record %s came back with %d bytes, want %d: %v", name, len(got), len(want), err)
		}
	}
}
