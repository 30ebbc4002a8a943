package store_test

import (
	"bytes"
	"testing"

	"latchkey/bridge/store"
)

// BenchmarkSave is one durable commit with its copy.
func BenchmarkSave(b *testing.B) {
	s := opened(b, store.Options{Dir: b.TempDir()})
	record := bytes.Repeat([]byte("r"), 1500)
	before, seen := s.BytesWritten(), uint64(0)
	for b.Loop() {
		generation, ok, err := s.Save(b.Context(), "gate", seen, record)
		if err != nil || !ok {
			b.Fatal(ok, err)
		}
		seen = generation
	}
	b.ReportMetric(float64(s.BytesWritten()-before)/float64(b.N), "written/op")
}

func BenchmarkLoad(b *testing.B) {
	s := opened(b, store.Options{Dir: b.TempDir()})
	save(b, s, "gate", string(bytes.Repeat([]byte("r"), 1500)))
	for b.Loop() {
		load(b, s, "gate")
	}
}

// BenchmarkOpen is a start with 5 accounts.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := opened(b, store.Options{Dir: dir})
	for _, account := range []string{"a", "b", "c", "d", "e"} {
		for range 10 {
			save(b, s, account, string(bytes.Repeat([]byte("r"), 1500)))
		}
	}
	if err := s.Record("inventory").Save(bytes.Repeat([]byte("i"), 200_000)); err != nil {
		b.Fatal(err)
	}
	shut(b, s)
	for b.Loop() {
		s, err := store.Open(store.Options{Dir: dir})
		if err != nil {
			b.Fatal(err)
		}
		shut(b, s)
	}
}
