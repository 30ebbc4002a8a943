package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"latchkey/bridge"
	"latchkey/bridge/store"
)

func TestFirstStart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "state")
	s := opened(t, store.Options{Dir: dir})
	if got := load(t, s, "gate"); got != "" {
		t.Errorf("a new store holds %q", got)
	}
	if len(s.InstallationID()) < 16 {
		t.Errorf("installation id %q is short", s.InstallationID())
	}
	save(t, s, "gate", "one")
	want := map[string]os.FileMode{
		".": 0o700, "latchkey.db": 0o600, "latchkey.key": 0o600, "latchkey.lock": 0o600, "installation_id": 0o600,
		"copies": 0o700,
	}
	for name, mode := range want {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %o, want %o", name, info.Mode().Perm(), mode)
		}
	}
	if s.Recovered() != nil {
		t.Errorf("a first start reports %+v", s.Recovered())
	}
}

func TestReopenWritesNothing(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, store.Options{Dir: dir})
	save(t, s, "gate", "one")
	save(t, s, "gate", "two")
	save(t, s, "yard", "one")
	id := s.InstallationID()
	shut(t, s)
	before := fingerprint(t, dir)

	s = opened(t, store.Options{Dir: dir})
	wantRecord(t, s, "gate", "two")
	if s.InstallationID() != id {
		t.Errorf("installation id changed from %s to %s", id, s.InstallationID())
	}
	if got := s.BytesWritten(); got != 0 {
		t.Errorf("wrote %d bytes, want 0", got)
	}
	shut(t, s)
	if after := fingerprint(t, dir); after != before {
		t.Errorf("files changed:\n%s\nwere\n%s", after, before)
	}
}

func TestBytesWritten(t *testing.T) {
	s := opened(t, store.Options{Dir: t.TempDir()})
	before := s.BytesWritten()
	save(t, s, "gate", "one")
	after := s.BytesWritten()
	if after-before < 4096 || after-before > 64<<10 {
		t.Errorf("one save wrote %d bytes, want about four pages and a copy", after-before)
	}
	load(t, s, "gate")
	if _, err := s.Generations("gate"); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Save(t.Context(), "gate", 99, []byte("late")); err != nil {
		t.Error(err)
	}
	if _, err := s.Hold(t.Context(), "gate", "me", time.Now().Add(time.Minute)); err != nil {
		t.Error(err)
	}
	if got := s.BytesWritten(); got != after {
		t.Errorf("reading, losing a race and a lease wrote %d bytes", got-after)
	}
}

// T19: a second program is told what is wrong, and soon.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, store.Options{Dir: dir})
	try := func(t *testing.T) {
		began := time.Now()
		_, err := store.Open(store.Options{Dir: dir})
		if !errors.Is(err, store.ErrLocked) {
			t.Fatalf("got %v, want ErrLocked", err)
		}
		for _, word := range []string{"latchkey.", dir, "running latchkey", "stop it or use its commands"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q does not say %q", err, word)
			}
		}
		if took := time.Since(began); took < 500*time.Millisecond || took > 10*time.Second {
			t.Errorf("gave up after %v, want about 1 s", took)
		}
	}
	t.Run("by latchkey", try)
	t.Run("even with the database deleted", func(t *testing.T) {
		before, err := os.ReadFile(database(dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(database(dir), database(dir)+".gone"); err != nil {
			t.Fatal(err)
		}
		try(t)
		if err := os.Rename(database(dir)+".gone", database(dir)); err != nil {
			t.Fatal(err)
		}
		if after, err := os.ReadFile(database(dir)); err != nil || string(after) != string(before) {
			t.Errorf("the database was touched (%v)", err)
		}
	})
	shut(t, s)
	t.Run("by another bbolt program", func(t *testing.T) {
		db, err := bbolt.Open(database(dir), 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		try(t)
	})
	t.Run("no longer", func(t *testing.T) { opened(t, store.Options{Dir: dir}) })
}

func TestNewerSchema(t *testing.T) {
	dir := t.TempDir()
	shut(t, opened(t, store.Options{Dir: dir}))
	store.SetSchema(t, database(dir), store.Schema+1)
	before := fingerprint(t, dir)
	if _, err := store.Open(store.Options{Dir: dir}); !errors.Is(err, store.ErrNewer) {
		t.Errorf("got %v, want ErrNewer", err)
	}
	if _, err := store.RestoreBackup(store.Options{Dir: t.TempDir()}, database(dir)); !errors.Is(err, store.ErrNewer) {
		t.Errorf("restore: got %v, want ErrNewer", err)
	}
	if after := fingerprint(t, dir); after != before {
		t.Errorf("files changed:\n%s\nwere\n%s", after, before)
	}
}

func TestClosed(t *testing.T) {
	s := opened(t, store.Options{Dir: t.TempDir()})
	shut(t, s)
	if _, _, err := s.Load(context.Background(), "gate"); err == nil {
		t.Error("load of a closed store: no error")
	}
	if _, ok, err := s.Save(context.Background(), "gate", 0, []byte("x")); err == nil || ok {
		t.Errorf("save to a closed store: ok %v, no error", ok)
	}
}

func TestNoFolder(t *testing.T) {
	if _, err := store.Open(store.Options{}); err == nil {
		t.Error("opened a store without a folder")
	}
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	if _, err := store.Open(store.Options{Dir: file}); err == nil {
		t.Error("opened a store in a file")
	}
}

// T17: the key is proven before anything is touched.
func TestKey(t *testing.T) {
	const text = "0123456789abcdef"
	key := func(text string) store.Options { return store.Options{Key: bridge.NewSecret(text)} }
	plant := func(o store.Options) map[string]string {
		o.Dir = t.TempDir()
		s := opened(t, o)
		save(t, s, "gate", "one")
		save(t, s, "gate", "two")
		shut(t, s)
		return files(t, o.Dir)
	}
	byText, byFile := plant(key(text)), plant(store.Options{})
	without := func(m map[string]string, names ...string) map[string]string {
		c := map[string]string{}
		for k, v := range m {
			c[k] = v
		}
		for _, name := range names {
			delete(c, name)
		}
		return c
	}
	with := func(m map[string]string, name, data string) map[string]string {
		c := without(m)
		c[name] = data
		return c
	}
	cases := []struct {
		name    string
		content map[string]string
		options store.Options
		says    string
	}{
		{"wrong text", byText, key("fedcba9876543210"), "store.key"},
		{"text too short", byText, key("short"), "at least 16"},
		{"text forgotten", byText, store.Options{}, "latchkey.key is missing"},
		{"file missing", without(byFile, "latchkey.key"), store.Options{}, "latchkey.key is missing"},
		{"file missing, database gone", without(byFile, "latchkey.key", "latchkey.db"), store.Options{}, "latchkey.key is missing"},
		{"file wrong", with(byFile, "latchkey.key", "another key, long enough\n"), store.Options{}, "latchkey.key is not the one"},
		{"file wrong, database gone", without(with(byFile, "latchkey.key", "another key, long enough\n"), "latchkey.db"), store.Options{}, "is not the one"},
		{"file wrong, database damaged", with(with(byFile, "latchkey.key", "another key, long enough\n"), "latchkey.db", byFile["latchkey.db"][:8192]), store.Options{}, "is not the one"},
		{"file empty", with(byFile, "latchkey.key", "\n"), store.Options{}, "at least 16"},
		{"named file missing", nil, store.Options{KeyFile: "/nowhere/key"}, "/nowhere/key is missing"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			o := c.options
			o.Dir = folder(t, c.content)
			before := fingerprint(t, o.Dir)
			_, err := store.Open(o)
			if !errors.Is(err, store.ErrKey) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want ErrKey that says %q", err, c.says)
			}
			if after := fingerprint(t, o.Dir); after != before {
				t.Errorf("files changed:\n%s\nwere\n%s", after, before)
			}
		})
	}
	t.Run("the right one heals", func(t *testing.T) {
		o := key(text)
		o.Dir = folder(t, byText)
		wantRecord(t, opened(t, o), "gate", "two")
	})
	t.Run("named file", func(t *testing.T) {
		o := store.Options{Dir: t.TempDir(), KeyFile: filepath.Join(t.TempDir(), "key")}
		write(t, o.KeyFile, "\t"+text+" \n")
		save(t, opened(t, o), "gate", "one")
		if _, err := os.Stat(filepath.Join(o.Dir, "latchkey.key")); err == nil {
			t.Error("a second key was made")
		}
	})
}
