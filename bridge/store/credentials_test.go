package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"latchkey/bridge/store"
)

// keeper is what bridge/oauth asks of its store.
type keeper interface {
	Load(ctx context.Context, account string) (record []byte, generation uint64, err error)
	Save(ctx context.Context, account string, seen uint64, record []byte) (generation uint64, ok bool, err error)
	Hold(ctx context.Context, account, owner string, until time.Time) (bool, error)
}

var _ keeper = (*store.Store)(nil)

func TestSave(t *testing.T) {
	s := opened(t, store.Options{Dir: t.TempDir()})
	type answer struct {
		Generation uint64
		OK         bool
	}
	try := func(seen uint64, record string, want answer) {
		t.Helper()
		generation, ok, err := s.Save(t.Context(), "gate", seen, []byte(record))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, answer{generation, ok}); diff != "" {
			t.Errorf("save %q seen %d (-want +got):\n%s", record, seen, diff)
		}
	}
	try(1, "never seen", answer{0, false})
	try(0, "first", answer{1, true})
	try(0, "first again", answer{1, false})
	try(1, "second", answer{2, true})
	try(1, "late", answer{2, false})
	try(2, "second", answer{3, true}) // an equal record counts: an intent is a lock
	wantRecord(t, s, "gate", "second")

	t.Run("not given up because somebody stopped waiting", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, ok, err := s.Save(ctx, "gate", 3, []byte("third")); !ok || err != nil {
			t.Errorf("ok %v, %v", ok, err)
		}
		wantRecord(t, s, "gate", "third")
	})
	t.Run("loaded bytes are a copy", func(t *testing.T) {
		record, _, err := s.Load(t.Context(), "gate")
		if err != nil {
			t.Fatal(err)
		}
		record[0] = 'X'
		wantRecord(t, s, "gate", "third")
	})
	t.Run("names that are no account", func(t *testing.T) {
		for _, account := range []string{"", "Gate", "../gate", "gate\x00", strings.Repeat("a", 65)} {
			if _, _, err := s.Load(t.Context(), account); err == nil {
				t.Errorf("load %q: no error", account)
			}
			if _, ok, err := s.Save(t.Context(), account, 0, []byte("x")); err == nil || ok {
				t.Errorf("save %q: no error", account)
			}
			if _, err := s.Hold(t.Context(), account, "me", time.Now().Add(time.Hour)); err == nil {
				t.Errorf("hold %q: no error", account)
			}
		}
	})
}

func TestSaveRace(t *testing.T) {
	s := opened(t, store.Options{Dir: t.TempDir()})
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, ok, err := s.Save(t.Context(), "gate", 0, fmt.Appendf(nil, "record %d", i))
			if err != nil {
				t.Error(err)
			}
			if ok {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d won, want 1", won.Load())
	}
}

// The store behaves as a map of generations, whatever comes in between: other
// accounts, closing and opening.
func TestModel(t *testing.T) {
	type generation struct {
		number uint64
		record string
	}
	rapid.Check(t, func(r *rapid.T) {
		dir := scratch(t)
		s := opened(t, store.Options{Dir: dir})
		model := map[string]generation{}
		account := rapid.SampledFrom([]string{"a", "b", "a_b"})
		r.Repeat(map[string]func(*rapid.T){
			"save": func(r *rapid.T) {
				a := account.Draw(r, "account")
				seen := rapid.Uint64Range(0, model[a].number+1).Draw(r, "seen")
				record := rapid.String().Draw(r, "record")
				got, ok, err := s.Save(t.Context(), a, seen, []byte(record))
				if err != nil {
					r.Fatal(err)
				}
				if ok != (seen == model[a].number) {
					r.Fatalf("save %s seen %d over %d: ok %v", a, seen, model[a].number, ok)
				}
				if ok {
					model[a] = generation{seen + 1, record}
				}
				if got != model[a].number {
					r.Fatalf("save %s: generation %d, want %d", a, got, model[a].number)
				}
			},
			"reopen": func(r *rapid.T) {
				shut(t, s)
				s = opened(t, store.Options{Dir: dir})
				if s.Recovered() != nil {
					r.Fatalf("recovered: %+v", s.Recovered())
				}
			},
			"": func(r *rapid.T) {
				for _, a := range []string{"a", "b", "a_b"} {
					record, number, err := s.Load(t.Context(), a)
					if err != nil || number != model[a].number || string(record) != model[a].record {
						r.Fatalf("load %s: %q at %d, %v; want %+v", a, record, number, err, model[a])
					}
				}
			},
		})
		shut(t, s)
	})
}

func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := opened(t, store.Options{Dir: t.TempDir()})
		try := func(account, owner string, life time.Duration, want bool) {
			t.Helper()
			got, err := s.Hold(t.Context(), account, owner, time.Now().Add(life))
			if err != nil || got != want {
				t.Errorf("%s holds %s: %v, %v, want %v", owner, account, got, err, want)
			}
		}
		try("gate", "a", time.Minute, true)
		try("gate", "b", time.Minute, false)
		try("yard", "b", time.Minute, true)
		try("gate", "a", time.Minute, true)
		time.Sleep(time.Minute)
		try("gate", "b", time.Minute, true)
		try("gate", "a", 0, false)
		try("gate", "b", 0, true) // lets go
		try("gate", "a", time.Minute, true)
	})
}

func numbers(t *testing.T, s *store.Store, account string) (all []uint64) {
	t.Helper()
	list, err := s.Generations(account)
	if err != nil {
		t.Fatal(err)
	}
	for i, g := range list {
		if g.Current != (i == 0) {
			t.Errorf("generation %d: current %v", g.Number, g.Current)
		}
		if age := time.Since(g.Saved); age < -time.Second || age > time.Hour {
			t.Errorf("generation %d was saved %v ago", g.Number, age)
		}
		all = append(all, g.Number)
	}
	return all
}

func TestGenerations(t *testing.T) {
	t.Run("bounded, an account's own", func(t *testing.T) {
		s := opened(t, store.Options{Dir: t.TempDir()})
		for i := range 12 {
			save(t, s, "gate", fmt.Sprint("record ", i+1))
			save(t, s, "gate_2", "other")
		}
		want := []uint64{12, 11, 10, 9, 8, 7, 6, 5, 4}
		if diff := cmp.Diff(want, numbers(t, s, "gate")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := numbers(t, s, "gate"); len(got) != store.KeptGenerations+1 {
			t.Errorf("%d kept, want %d", len(got)-1, store.KeptGenerations)
		}
	})
	t.Run("an intent pushes out no pair", func(t *testing.T) {
		pair := func(record []byte) string { p, _, _ := strings.Cut(string(record), " "); return p }
		s := opened(t, store.Options{Dir: t.TempDir(), Keep: func(old, next []byte) bool { return pair(old) != pair(next) }})
		save(t, s, "gate", "pair1")
		for range 30 {
			save(t, s, "gate", "pair1 intent")
		}
		save(t, s, "gate", "pair2")
		if diff := cmp.Diff([]uint64{32, 31}, numbers(t, s, "gate")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if _, err := s.Restore("gate", 0); err != nil {
			t.Fatal(err)
		}
		wantRecord(t, s, "gate", "pair1 intent")
	})
	t.Run("none", func(t *testing.T) {
		s := opened(t, store.Options{Dir: t.TempDir()})
		if got := numbers(t, s, "gate"); got != nil {
			t.Errorf("got %v", got)
		}
	})
}

func TestRestoreGeneration(t *testing.T) {
	s := opened(t, store.Options{Dir: t.TempDir(), Keep: func(_, _ []byte) bool { return true }})
	if _, err := s.Restore("gate", 0); err == nil {
		t.Error("restored out of nothing")
	}
	for i := range 3 {
		save(t, s, "gate", fmt.Sprint("record ", i+1))
	}
	for _, number := range []uint64{3, 4, 99} {
		if _, err := s.Restore("gate", number); err == nil || !strings.Contains(err.Error(), "latchkey token list gate") {
			t.Errorf("restore %d: %v, want an error with a hint", number, err)
		}
	}
	number, err := s.Restore("gate", 1)
	if err != nil || number != 4 {
		t.Fatalf("restore 1: %d, %v, want 4", number, err)
	}
	wantRecord(t, s, "gate", "record 1")
	if _, ok, _ := s.Save(t.Context(), "gate", 3, []byte("late")); ok {
		t.Error("a writer that had seen the record before won over the restored one")
	}
	if _, err := s.Restore("gate", 0); err != nil {
		t.Fatal(err)
	}
	wantRecord(t, s, "gate", "record 3")
}

func TestForget(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, store.Options{Dir: dir})
	for _, record := range []string{"one", "two", "signed out"} {
		save(t, s, "gate", record)
		save(t, s, "yard", record)
	}
	if err := s.Forget("gate"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint64{3}, numbers(t, s, "gate")); diff != "" {
		t.Errorf("gate (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]uint64{3, 2, 1}, numbers(t, s, "yard")); diff != "" {
		t.Errorf("yard (-want +got):\n%s", diff)
	}
	wantRecord(t, s, "gate", "signed out")
	shut(t, s)
	left := 0
	for name := range files(t, dir) {
		if strings.HasPrefix(name, "copies/gate.") {
			left++
		}
	}
	if left != 1 {
		t.Errorf("%d copies left, want the current one alone", left)
	}
	write(t, database(dir), "")
	wantRecord(t, opened(t, store.Options{Dir: dir}), "gate", "signed out")
}
