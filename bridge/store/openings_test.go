package store_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"latchkey/bridge"
	"latchkey/bridge/store"
)

// pressed is an opening as the daemon logs it.
func pressed(n int) store.Opening {
	return store.Opening{At: time.Unix(1795212924+int64(n), 0).UTC(), Source: "mqtt", ID: fmt.Sprint("press ", n), Account: "gate", Device: "1ccae3a1b2c3",
		Entity: "relay_1", Action: "PRESS", Check: "queue", Reason: bridge.ReasonTooSoon, Message: "wait a little", Times: n%3 + 1, Last: time.Unix(1795212950+int64(n), 0).UTC()}
}

func appendOpenings(t testing.TB, s *store.Store, from, to int) {
	t.Helper()
	var batch []store.Opening
	for n := from; n <= to; n++ {
		batch = append(batch, pressed(n))
	}
	if err := s.Append(batch); err != nil {
		t.Fatal(err)
	}
}

// logged wants exactly the records from..to, each as it was given.
func logged(t testing.TB, s *store.Store, from, to int) {
	t.Helper()
	var want []store.Opening
	for n := from; n <= to; n++ {
		o := pressed(n)
		o.Number = uint64(n)
		want = append(want, o)
	}
	got, err := s.Openings(0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

func proven(t testing.TB, s *store.Store) store.Proof {
	t.Helper()
	p, err := s.Verify()
	if err != nil {
		t.Fatal(err)
	}
	if !p.OK() {
		t.Errorf("not proven: %q", p.Faults)
	}
	return p
}

func TestOpenings(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, store.Options{Dir: dir})
	if p := proven(t, s); p.Records != 0 || p.First != 0 || p.Last != 0 || p.Head != "" {
		t.Errorf("an empty log: %+v", p)
	}
	before := s.BytesWritten()
	if err := s.Append(nil); err != nil || s.BytesWritten() != before {
		t.Errorf("nothing appended: %v, %d bytes written", err, s.BytesWritten()-before)
	}
	appendOpenings(t, s, 1, 3)
	appendOpenings(t, s, 4, 4)
	logged(t, s, 1, 4)
	shut(t, s)
	s = opened(t, store.Options{Dir: dir})
	appendOpenings(t, s, 5, 6)
	logged(t, s, 1, 6)
	if p := proven(t, s); p.Records != 6 || p.First != 1 || p.Last != 6 || p.Dropped != 0 || len(p.Head) != 16 {
		t.Errorf("proof: %+v", p)
	}
	newest, err := s.Openings(2)
	if err != nil || len(newest) != 2 || newest[0].Number != 5 || newest[1].Number != 6 {
		t.Errorf("the newest two: %+v, %v", newest, err)
	}
	t.Run("after a rekey", func(t *testing.T) {
		head := proven(t, s).Head
		if err := s.Rekey(bridge.Secret{}); err != nil {
			t.Fatal(err)
		}
		logged(t, s, 1, 6)
		appendOpenings(t, s, 7, 7)
		logged(t, s, 1, 7)
		if p := proven(t, s); p.Head == head || p.Last != 7 {
			t.Errorf("proof: %+v", p)
		}
	})
	t.Run("after a restored backup", func(t *testing.T) {
		var backup bytes.Buffer
		if err := s.Backup(&backup); err != nil {
			t.Fatal(err)
		}
		appendOpenings(t, s, 8, 9)
		shut(t, s)
		file := filepath.Join(t.TempDir(), "backup")
		write(t, file, backup.String())
		if _, err := store.RestoreBackup(store.Options{Dir: dir}, file); err != nil {
			t.Fatal(err)
		}
		s = opened(t, store.Options{Dir: dir})
		if p := proven(t, s); p.Last != 8 || len(p.Marks) != 1 {
			t.Errorf("the log does not say that it was set back: %+v", p)
		}
		appendOpenings(t, s, 9, 9)
		if p := proven(t, s); p.Last != 9 {
			t.Errorf("proof: %+v", p)
		}
	})
}

// The model of the ring: numbers without a gap, the newest records kept, never
// more than the ring holds, and never much fewer; proven after every step.
func TestOpeningsModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dir := scratch(t)
		ring := rapid.IntRange(1, 100).Draw(r, "ring")
		o := store.Options{Dir: dir}.Ring(uint64(ring))
		s, err := store.Open(o)
		if err != nil {
			r.Fatal(err)
		}
		defer func() { s.Close(); os.RemoveAll(dir) }()
		last, reopened := 0, 0
		r.Repeat(map[string]func(*rapid.T){
			"append": func(r *rapid.T) {
				n := rapid.IntRange(1, 2*ring).Draw(r, "records")
				var batch []store.Opening
				for i := range n {
					batch = append(batch, pressed(last+i+1))
				}
				if err := s.Append(batch); err != nil {
					r.Fatal(err)
				}
				last += n
			},
			"reopen": func(r *rapid.T) {
				if reopened++; reopened > 3 {
					return
				}
				if err := s.Close(); err != nil {
					r.Fatal(err)
				}
				if s, err = store.Open(o); err != nil {
					r.Fatal(err)
				}
			},
			"": func(r *rapid.T) {
				p, err := s.Verify()
				if err != nil || !p.OK() {
					r.Fatalf("not proven: %q, %v", p.Faults, err)
				}
				all, err := s.Openings(0)
				if err != nil {
					r.Fatal(err)
				}
				fewest := min(last, ring-max(ring/40, 1)+1)
				if len(all) > ring || len(all) < fewest || len(all) != p.Records || int(p.Dropped) != last-len(all) {
					r.Fatalf("%d records of %d, want %d to %d; proof %+v", len(all), last, fewest, ring, p)
				}
				for i, got := range all {
					n := last - len(all) + i + 1
					want := pressed(n)
					want.Number = uint64(n)
					if diff := cmp.Diff(want, got); diff != "" {
						r.Fatalf("record %d (-want +got):\n%s", n, diff)
					}
				}
			},
		})
	})
}

// A store of the schema before the log opens, keeps what it has, and gets one.
func TestOpeningsOfOlderStore(t *testing.T) {
	old := t.TempDir()
	s := opened(t, store.Options{Dir: old})
	save(t, s, "gate", "kept")
	shut(t, s)
	store.WithoutLog(t, database(old))
	content := files(t, old)

	t.Run("opened", func(t *testing.T) {
		dir := folder(t, content)
		for range 2 {
			s := opened(t, store.Options{Dir: dir})
			if s.Recovered() != nil {
				t.Errorf("taken for damaged: %+v", s.Recovered())
			}
			wantRecord(t, s, "gate", "kept")
			if p := proven(t, s); p.Records != 0 || len(p.Marks) != 0 {
				t.Errorf("proof: %+v", p)
			}
			shut(t, s)
		}
		s := opened(t, store.Options{Dir: dir})
		appendOpenings(t, s, 1, 2)
		logged(t, s, 1, 2)
	})
	t.Run("as a backup", func(t *testing.T) {
		dir := folder(t, map[string]string{"latchkey.key": content["latchkey.key"]})
		if _, err := store.RestoreBackup(store.Options{Dir: dir}, database(old)); err != nil {
			t.Fatal(err)
		}
		s := opened(t, store.Options{Dir: dir})
		wantRecord(t, s, "gate", "kept")
		if p := proven(t, s); p.Records != 0 || len(p.Marks) != 0 {
			t.Errorf("proof: %+v", p)
		}
	})
}
