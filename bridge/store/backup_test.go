package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge/store"
)

// backedUp makes a store, backs it up, and lets the account go on.
func backedUp(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(t.TempDir(), "backup")
	s := opened(t, store.Options{Dir: dir})
	save(t, s, "gate", "first")
	save(t, s, "gate", "backed up")
	if err := s.Note("gate").Save("hook", []byte("note")); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Backup(f), f.Close()); err != nil {
		t.Fatal(err)
	}
	save(t, s, "gate", "later")
	save(t, s, "gate", "later still")
	shut(t, s)
	return dir, file
}

func moved(t *testing.T, s *store.Store, account string) bool {
	t.Helper()
	m, err := s.Moved(account)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRestoreHere(t *testing.T) {
	dir, file := backedUp(t)
	got, err := store.RestoreBackup(store.Options{Dir: dir}, file)
	if err != nil {
		t.Fatal(err)
	}
	aside := got.Aside
	if diff := cmp.Diff(store.Restored{Aside: aside, Accounts: []string{"gate"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s := opened(t, store.Options{Dir: dir})
	wantRecord(t, s, "gate", "backed up")
	if s.Recovered() != nil {
		t.Errorf("the copies won over the backup: %+v", s.Recovered())
	}
	if moved(t, s, "gate") {
		t.Error("moved, though it was made here")
	}
	if _, generation, _ := s.Load(t.Context(), "gate"); generation <= 4 {
		t.Errorf("generation %d, want one above those that were here", generation)
	}
	if note, err := s.Note("gate").Load("hook"); err != nil || string(note) != "note" {
		t.Errorf("note %q, %v", note, err)
	}
	shut(t, s)
	t.Run("the damaged restored database comes back from its own copies", func(t *testing.T) {
		write(t, database(dir), "")
		s := opened(t, store.Options{Dir: dir})
		wantRecord(t, s, "gate", "backed up")
		shut(t, s)
	})
	t.Run("what was replaced can be restored", func(t *testing.T) {
		if !strings.HasPrefix(filepath.Base(aside), "latchkey.db.replaced-") {
			t.Fatalf("set aside as %q", aside)
		}
		if _, err := store.RestoreBackup(store.Options{Dir: dir}, aside); err != nil {
			t.Fatal(err)
		}
		wantRecord(t, opened(t, store.Options{Dir: dir}), "gate", "later still")
	})
}

// T4: beside another installation id the accounts count as moved, until somebody
// says so or signs in.
func TestRestoreElsewhere(t *testing.T) {
	dir, file := backedUp(t)
	key, err := os.ReadFile(filepath.Join(dir, "latchkey.key"))
	if err != nil {
		t.Fatal(err)
	}
	restore := func(t *testing.T) string {
		t.Helper()
		other := folder(t, map[string]string{"latchkey.key": string(key)})
		got, err := store.RestoreBackup(store.Options{Dir: other}, file)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Moved || got.Aside != "" {
			t.Errorf("got %+v, want moved, nothing aside", got)
		}
		return other
	}
	t.Run("until somebody says so", func(t *testing.T) {
		o := store.Options{Dir: restore(t)}
		s := opened(t, o)
		save(t, s, "new", "signed in here")
		wantRecord(t, s, "gate", "backed up")
		if !moved(t, s, "gate") || moved(t, s, "new") {
			t.Errorf("gate moved %v, new moved %v", moved(t, s, "gate"), moved(t, s, "new"))
		}
		shut(t, s)
		s = opened(t, o)
		if !moved(t, s, "gate") {
			t.Error("forgotten by a restart")
		}
		if err := s.TakeOver(); err != nil || moved(t, s, "gate") {
			t.Errorf("after TakeOver: %v, moved %v", err, moved(t, s, "gate"))
		}
		shut(t, s)
		if s = opened(t, o); moved(t, s, "gate") {
			t.Error("taken over, and moved again after a restart")
		}
	})
	t.Run("until it signs in", func(t *testing.T) {
		s := opened(t, store.Options{Dir: restore(t)})
		if err := s.TakeOver("other"); err != nil || !moved(t, s, "gate") {
			t.Errorf("another account's sign-in: %v, moved %v", err, moved(t, s, "gate"))
		}
		if err := s.TakeOver("gate"); err != nil || moved(t, s, "gate") {
			t.Errorf("its own: %v, moved %v", err, moved(t, s, "gate"))
		}
	})
	t.Run("put in place by hand", func(t *testing.T) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := opened(t, store.Options{Dir: folder(t, map[string]string{"latchkey.key": string(key), "latchkey.db": string(data)})})
		wantRecord(t, s, "gate", "backed up")
		if !moved(t, s, "gate") {
			t.Error("not moved")
		}
	})
	t.Run("put in place by hand under newer copies", func(t *testing.T) {
		o := store.Options{Dir: folder(t, map[string]string{"latchkey.key": string(key)})}
		s := opened(t, o)
		for range 9 {
			save(t, s, "gate", "own")
		}
		shut(t, s)
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		write(t, database(o.Dir), string(data))
		s = opened(t, o)
		wantRecord(t, s, "gate", "own")
		if moved(t, s, "gate") {
			t.Error("moved, though the record was made here")
		}
	})
	t.Run("marks outlive a damage", func(t *testing.T) {
		o := store.Options{Dir: restore(t)}
		shut(t, opened(t, o))
		data, err := os.ReadFile(database(o.Dir))
		if err != nil {
			t.Fatal(err)
		}
		i := bytes.Index(data, []byte("hook"))
		data[i+10] ^= 1
		write(t, database(o.Dir), string(data))
		s := opened(t, o)
		if s.Recovered() == nil || !moved(t, s, "gate") {
			t.Errorf("recovery %+v, moved %v", s.Recovered(), moved(t, s, "gate"))
		}
	})
}

func TestRestoreRefuses(t *testing.T) {
	dir, file := backedUp(t)
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[bytes.Index(flipped, []byte("hook"))+10] ^= 1
	bad := func(data []byte) string {
		path := filepath.Join(t.TempDir(), "bad")
		write(t, path, string(data))
		return path
	}
	cases := []struct {
		name string
		o    store.Options
		file string
		want error
	}{
		{"no file", store.Options{Dir: dir}, file + "x", os.ErrNotExist},
		{"cut", store.Options{Dir: dir}, bad(good[:len(good)/2]), store.ErrDamaged},
		{"flipped", store.Options{Dir: dir}, bad(flipped), store.ErrDamaged},
		{"empty", store.Options{Dir: dir}, bad(nil), store.ErrDamaged},
		{"a text", store.Options{Dir: dir}, bad([]byte("hello")), store.ErrDamaged},
		{"no key here", store.Options{Dir: t.TempDir()}, file, store.ErrKey},
		{"another key here", store.Options{Dir: folder(t, planted(t))}, file, store.ErrKey},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := fingerprint(t, c.o.Dir)
			if _, err := store.RestoreBackup(c.o, c.file); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if after := fingerprint(t, c.o.Dir); after != before {
				t.Errorf("files changed:\n%s\nwere\n%s", after, before)
			}
		})
	}
	t.Run("a daemon runs", func(t *testing.T) {
		opened(t, store.Options{Dir: dir})
		if _, err := store.RestoreBackup(store.Options{Dir: dir}, file); !errors.Is(err, store.ErrLocked) {
			t.Errorf("got %v, want ErrLocked", err)
		}
	})
}

// A backup that is taken while the store is written to is one moment of it.
func TestBackupIsConsistent(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, store.Options{Dir: dir})
	var writer sync.WaitGroup
	stop, begun := make(chan struct{}), make(chan struct{})
	writer.Go(func() {
		for i := uint64(0); ; i++ {
			// Sizes that make the tree grow and shrink.
			record := fmt.Appendf(nil, "%d %s", i+1, strings.Repeat("x", int(i*97%5000)))
			if _, ok, err := s.Save(t.Context(), "gate", i, record); err != nil || !ok {
				t.Errorf("save %d: %v, %v", i, ok, err)
			}
			if i == 0 {
				close(begun)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	<-begun
	var backups []string
	for range 10 {
		b := &strings.Builder{}
		if err := s.Backup(b); err != nil {
			t.Error(err)
		}
		backups = append(backups, b.String())
	}
	close(stop)
	writer.Wait()
	shut(t, s)
	for name := range files(t, dir) {
		if strings.HasPrefix(name, "backup-") {
			t.Errorf("%s is left", name)
		}
	}
	content, last := files(t, dir), uint64(0)
	for name := range content {
		if strings.HasPrefix(name, "copies/") {
			delete(content, name)
		}
	}
	for i, data := range backups {
		content["latchkey.db"] = data
		s := opened(t, store.Options{Dir: folder(t, content)})
		record, generation, err := s.Load(t.Context(), "gate")
		if err != nil || s.Recovered() != nil || !strings.HasPrefix(string(record), fmt.Sprint(generation, " ")) || generation < last {
			t.Errorf("backup %d: record %.10q at %d after %d, %v, recovery %+v", i, record, generation, last, err, s.Recovered())
		}
		last = generation
	}
}

type stuck struct{}

func (stuck) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestBackupSaysSo(t *testing.T) {
	s := opened(t, store.Options{Dir: t.TempDir()})
	if err := s.Backup(stuck{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v, want the writer's error", err)
	}
}
