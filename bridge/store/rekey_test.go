package store_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/store"
)

func TestRekey(t *testing.T) {
	for name, text := range map[string]string{"given": "the second key of this store", "made": ""} {
		t.Run(name, func(t *testing.T) {
			content := planted(t)
			dir := folder(t, content)
			s := opened(t, store.Options{Dir: dir})
			if err := s.Rekey(bridge.NewSecret(text)); err != nil {
				t.Fatal(err)
			}
			wantRecord(t, s, "gate", "record 4 of gate")
			save(t, s, "gate", "afterwards")
			if _, err := s.Restore("gate", 1); err != nil {
				t.Errorf("an earlier generation: %v", err)
			}
			shut(t, s)
			now := files(t, dir)
			if got := strings.TrimSpace(now["latchkey.key"]); got == strings.TrimSpace(content["latchkey.key"]) || text != "" && got != text {
				t.Errorf("the key file is not the new one")
			}
			for name := range now {
				if _, was := content[name]; was && strings.HasPrefix(name, "copies/") {
					t.Errorf("%s, sealed with the old key, is left", name)
				}
			}
			s = opened(t, store.Options{Dir: dir})
			wantRecord(t, s, "gate", "record 1 of gate")
			wantRecord(t, s, "z", "record 4 of z")
			for _, x := range slots(s) {
				if got, err := x.load(); err != nil || !bytes.Equal(got, bytes.Repeat([]byte(x.name), 20)) {
					t.Errorf("%s: %q, %v", x.name, got, err)
				}
			}
			shut(t, s)
			t.Run("the old key opens nothing", func(t *testing.T) {
				write(t, filepath.Join(dir, "latchkey.key"), content["latchkey.key"])
				if _, err := store.Open(store.Options{Dir: dir}); !errors.Is(err, store.ErrKey) {
					t.Errorf("got %v, want ErrKey", err)
				}
			})
		})
	}
}

func TestRekeyRefuses(t *testing.T) {
	t.Run("while the last key waits for a person", func(t *testing.T) {
		s := opened(t, store.Options{Dir: t.TempDir(), Key: bridge.NewSecret("0123456789abcdef")})
		if err := s.Rekey(bridge.Secret{}); err != nil {
			t.Fatal(err)
		}
		if err := s.Rekey(bridge.Secret{}); err == nil || !strings.Contains(err.Error(), s.KeyWaits()) {
			t.Errorf("got %v, want an error with a hint", err)
		}
	})
	t.Run("short", func(t *testing.T) {
		o := store.Options{Dir: t.TempDir()}
		s := opened(t, o)
		save(t, s, "gate", "one")
		if err := s.Rekey(bridge.NewSecret("short")); !errors.Is(err, store.ErrKey) {
			t.Errorf("got %v, want ErrKey", err)
		}
		shut(t, s)
		wantRecord(t, opened(t, o), "gate", "one")
	})
	t.Run("no key can be written", func(t *testing.T) {
		dir := t.TempDir()
		o := store.Options{Dir: t.TempDir(), KeyFile: filepath.Join(dir, "key")}
		write(t, o.KeyFile, "0123456789abcdef")
		s := opened(t, o)
		save(t, s, "gate", "one")
		for _, path := range []string{o.KeyFile, filepath.Join(o.Dir, "latchkey.key")} {
			if err := os.Mkdir(path+".new.tmp", 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Rekey(bridge.Secret{}); err == nil {
			t.Error("no error")
		}
		wantRecord(t, s, "gate", "one")
		shut(t, s)
		wantRecord(t, opened(t, o), "gate", "one")
	})
}

// A key that latchkey cannot replace (from the environment, or a credential of
// systemd) has its successor in the state folder: the store opens at every moment,
// and with the successor alone once that is in its place.
func TestRekeyElsewhere(t *testing.T) {
	for name, source := range map[string]func(t *testing.T, text string) store.Options{
		"environment": func(_ *testing.T, text string) store.Options { return store.Options{Key: bridge.NewSecret(text)} },
		"credential": func(t *testing.T, text string) store.Options {
			file := filepath.Join(t.TempDir(), "key")
			write(t, file, text)
			if err := os.Mkdir(file+".new.tmp", 0o700); err != nil { // as a folder that is read-only does
				t.Fatal(err)
			}
			return store.Options{KeyFile: file}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			with := func(text string) store.Options {
				o := source(t, text)
				o.Dir = dir
				return o
			}
			s := opened(t, with("0123456789abcdef"))
			save(t, s, "gate", "one")
			if err := s.Rekey(bridge.Secret{}); err != nil {
				t.Fatal(err)
			}
			waits := s.KeyWaits()
			if waits == "" {
				t.Fatal("nobody is told where the new key is")
			}
			save(t, s, "gate", "two")
			shut(t, s)

			s = opened(t, with("0123456789abcdef"))
			wantRecord(t, s, "gate", "two")
			if s.KeyWaits() != waits {
				t.Errorf("the key waits in %q, want %q", s.KeyWaits(), waits)
			}
			shut(t, s)
			text, err := os.ReadFile(waits)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // the second has nothing but the new key
				s = opened(t, with(strings.TrimSpace(string(text))))
				wantRecord(t, s, "gate", "two")
				if s.KeyWaits() != "" {
					t.Error("a key is said to wait that is in its place")
				}
				shut(t, s)
				if _, err := os.Stat(waits); err == nil {
					t.Error("the new key is still in the state folder")
				}
			}
			if _, err := store.Open(with("0123456789abcdef")); !errors.Is(err, store.ErrKey) {
				t.Errorf("the old key: %v, want ErrKey", err)
			}
		})
	}
}

// A credential of systemd lies on a file system that is read-only, where even the
// removal of nothing is an error.
func TestRekeyReadOnly(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envScene+"=credential", envDir+"="+t.TempDir(), "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
		t.Skipf("this system lets no test mount anything: %v", err)
	}
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// credential is the child of TestRekeyReadOnly.
func credential(o store.Options) error {
	key := ""
	for _, next := range []string{"0123456789abcdef", ""} { // "": what waits
		dir, err := os.MkdirTemp("", "credentials-*")
		if err != nil {
			return err
		}
		defer os.Remove(dir)
		if next == "" {
			next = key
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			return err
		}
		defer syscall.Unmount(dir, 0)
		o.KeyFile = filepath.Join(dir, "key")
		if err := os.WriteFile(o.KeyFile, []byte(next), 0o600); err != nil {
			return err
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			return err
		}
		s, err := store.Open(o)
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(o.Dir, "latchkey.key.new")); err == nil {
			return errors.New("the new key is still in the state folder")
		}
		err = s.Rekey(bridge.Secret{})
		text, _ := os.ReadFile(s.KeyWaits())
		key = string(text)
		if err := errors.Join(err, s.Close()); err != nil {
			return err
		}
	}
	return nil
}

// A rekey that failed after the commit left the key in force in the file that the
// next rekey writes its own to: that one puts it in its place first.
func TestRekeyAgain(t *testing.T) {
	for at, block := range map[string]func(t *testing.T, dir string) (unblock func()){
		"resealed": func(t *testing.T, dir string) func() { // an old copy that does not go
			path := filepath.Join(dir, "copies", "stuck.00000000.0", "x")
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
			return func() { _ = os.RemoveAll(filepath.Dir(path)) }
		},
		"old copies gone": func(t *testing.T, dir string) func() { // a key file that cannot be replaced
			path := filepath.Join(dir, "latchkey.key")
			if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
				t.Fatal(err)
			}
			return func() { _ = os.Remove(path) }
		},
	} {
		t.Run(at, func(t *testing.T) {
			dir := folder(t, planted(t))
			unblock := func() {}
			var cut []map[string]string // the folder when the power goes behind each new key
			s := opened(t, store.Options{Dir: dir}.At(func(name string) {
				if name == at && cut == nil {
					unblock = block(t, dir)
				}
				if name == "new key" && cut != nil {
					cut = append(cut, files(t, dir))
				}
			}))
			if err := s.Rekey(bridge.Secret{}); err == nil {
				t.Fatal("no error")
			}
			cut = append(cut, files(t, dir))
			_ = s.Rekey(bridge.Secret{})
			unblock()
			if err := s.Rekey(bridge.Secret{}); err != nil {
				t.Error(err)
			}
			for _, content := range append(cut, files(t, dir)) {
				wantRecord(t, opened(t, store.Options{Dir: folder(t, content)}), "gate", "record 4 of gate")
			}
		})
	}
}

// A database damaged while a rekey was cut short comes back under either key.
func TestRekeyCutShortAndDamaged(t *testing.T) {
	for point := 1; point <= 4; point++ {
		for _, broken := range []string{"", "cut"} {
			dir := folder(t, planted(t))
			child(t, "rekey", dir, point)
			data := files(t, dir)["latchkey.db"]
			write(t, database(dir), map[string]string{"": "", "cut": data[:len(data)-9000]}[broken])
			wantPlanted(t, dir, "rekey cut short")
			wantCopies(t, dir)
		}
	}
}

func TestRekeyWhileRead(t *testing.T) {
	s := opened(t, store.Options{Dir: folder(t, planted(t))})
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					if record, _, err := s.Load(t.Context(), "z"); err != nil || string(record) != "record 4 of z" {
						t.Errorf("record %q, %v", record, err)
					}
				}
			}
		})
	}
	for range 5 {
		if err := s.Rekey(bridge.Secret{}); err != nil {
			t.Error(err)
		}
		save(t, s, "gate", "next")
	}
	close(stop)
	readers.Wait()
}
