package store_test

import (
	"bytes"
	"testing"

	"latchkey/bridge/store"
)

// slot is one place for bytes, by whichever door.
type slot struct {
	name string
	load func() ([]byte, error)
	save func([]byte) error
}

func slots(s *store.Store) []slot {
	note := func(account, name string) slot {
		n := s.Note(account)
		return slot{"note " + account + "/" + name, func() ([]byte, error) { return n.Load(name) }, func(b []byte) error { return n.Save(name, b) }}
	}
	record := func(name string) slot {
		r := s.Record(name)
		return slot{"record " + name, r.Load, r.Save}
	}
	return []slot{note("gate", "hook"), note("gate", "Other name"), note("yard", "hook"), record("inventory"), record("ledger")}
}

func TestRecords(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, store.Options{Dir: dir})
	for _, x := range slots(s) {
		if got, err := x.load(); got != nil || err != nil {
			t.Errorf("%s: %q, %v before the first save", x.name, got, err)
		}
	}
	for _, x := range slots(s) {
		if err := x.save([]byte("content of " + x.name)); err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
	}
	shut(t, s)
	s = opened(t, store.Options{Dir: dir})
	before := s.BytesWritten()
	for _, x := range slots(s) {
		want := "content of " + x.name
		got, err := x.load()
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", x.name, got, err, want)
		}
		if err := x.save([]byte(want)); err != nil {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	if got := s.BytesWritten() - before; got != 0 {
		t.Errorf("saving equal bytes wrote %d bytes", got)
	}
	first := slots(s)[0]
	if err := first.save(nil); err != nil {
		t.Fatal(err)
	}
	if got, err := first.load(); got != nil || err != nil {
		t.Errorf("%q, %v after it was removed", got, err)
	}
	if s.BytesWritten() == before {
		t.Error("removing wrote nothing")
	}
}

func TestRecordNames(t *testing.T) {
	s := opened(t, store.Options{Dir: t.TempDir()})
	for name, save := range map[string]func([]byte) error{
		"no account":      func(b []byte) error { return s.Note("").Save("x", b) },
		"odd account":     func(b []byte) error { return s.Note("a\x00b").Save("x", b) },
		"nameless note":   func(b []byte) error { return s.Note("gate").Save("", b) },
		"nameless record": func(b []byte) error { return s.Record("").Save(b) },
	} {
		if err := save([]byte("x")); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLargeRecord(t *testing.T) {
	s := opened(t, store.Options{Dir: t.TempDir()})
	large := bytes.Repeat([]byte("inventory "), 100_000)
	if err := s.Record("inventory").Save(large); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Record("inventory").Load(); err != nil || !bytes.Equal(got, large) {
		t.Errorf("%d bytes back, %v, want %d", len(got), err, len(large))
	}
}
