package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/store"
)

// The tests below run this test binary again as a child that does one thing to a
// store and is killed at its n-th point.
const (
	envScene = "STORE_TEST_SCENE"
	envDir   = "STORE_TEST_DIR"
	envPoint = "STORE_TEST_POINT"
)

func TestMain(m *testing.M) {
	if scene := os.Getenv(envScene); scene != "" {
		if err := play(scene, os.Getenv(envDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// play is the child.
func play(scene, dir string) error {
	left, _ := strconv.Atoi(os.Getenv(envPoint))
	o := store.Options{Dir: dir}.At(func(string) {
		if left--; left == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	})
	if scene == "credential" {
		return credential(o)
	}
	if scene == "restore" {
		_, err := store.RestoreBackup(o, filepath.Join(dir, "backup"))
		return err
	}
	s, err := store.Open(o)
	if err != nil {
		return err
	}
	defer s.Close()
	switch scene {
	case "save":
		for i := range 3 {
			if err := put(s, fmt.Sprint("record ", i+5, " of gate")); err != nil {
				return err
			}
		}
		return nil
	case "rekey":
		return s.Rekey(bridge.NewSecret("the second key of this store"))
	case "openings", "openings without end":
		for i := 5; i < 8 || scene != "openings"; i++ {
			if err := s.Append([]store.Opening{pressed(i)}); err != nil {
				return err
			}
			fmt.Println(i)
		}
		return nil
	case "limit":
		return limited(s)
	}
	return nil // "open"
}

func put(s *store.Store, record string) error {
	_, seen, err := s.Load(context.Background(), "gate")
	if err != nil {
		return err
	}
	_, ok, err := s.Save(context.Background(), "gate", seen, []byte(record))
	if err == nil && !ok {
		err = errors.New("somebody else wrote")
	}
	if err == nil {
		fmt.Println(record) // the caller was told
	}
	return err
}

// child runs a scene to its n-th point; alive tells that it came to its end.
func child(t *testing.T, scene, dir string, point int) (out string, alive bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envScene+"="+scene, envDir+"="+dir, envPoint+"="+strconv.Itoa(point), "GORACE=atexit_sleep_ms=0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return stdout.String(), true
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s to point %d: %v\n%s", scene, point, err, &stderr)
	}
	return stdout.String(), false
}

// T1: a store whose program was killed at any point between its writes opens,
// and holds what its caller was told to be saved.
func TestKilled(t *testing.T) {
	content := planted(t)
	empty := map[string]string{}
	for name, data := range content {
		empty[name] = data
	}
	empty["latchkey.db"] = ""
	backup := map[string]string{}
	for name, data := range content {
		backup[name] = data
	}
	backup["backup"] = content["latchkey.db"]
	cases := []struct {
		scene   string
		content map[string]string
		points  int // at least
		check   func(t *testing.T, s *store.Store, out string)
	}{
		{"save", content, 6, func(t *testing.T, s *store.Store, out string) {
			told := strings.Count(out, "\n")
			got := load(t, s, "gate")
			// One more than was told may be there: killed after the commit.
			if got != fmt.Sprintf("record %d of gate", 4+told) && got != fmt.Sprintf("record %d of gate", 5+told) {
				t.Errorf("record is %q after %d were told", got, told)
			}
		}},
		{"openings", openingsPlanted(t), 6, func(t *testing.T, s *store.Store, out string) {
			told := strings.Count(out, "\n")
			if p := proven(t, s); int(p.Last) != 4+told && int(p.Last) != 5+told {
				t.Errorf("the log ends with %d after %d were told", p.Last, told)
			}
		}},
		{"open", nil, 2, func(t *testing.T, s *store.Store, _ string) { wantRecord(t, s, "gate", "") }},
		{"open", empty, 3, func(t *testing.T, s *store.Store, _ string) { wantRecord(t, s, "gate", "record 4 of gate") }},
		{"rekey", content, 4, func(t *testing.T, s *store.Store, _ string) { wantRecord(t, s, "gate", "record 4 of gate") }},
		{"restore", backup, 3, func(t *testing.T, s *store.Store, _ string) { wantRecord(t, s, "gate", "record 4 of gate") }},
	}
	total := 0
	for _, c := range cases {
		name := c.scene
		if c.content == nil {
			name = "first start"
		}
		t.Run(name, func(t *testing.T) {
			for point := 1; ; point++ {
				dir := folder(t, c.content)
				out, alive := child(t, c.scene, dir, point)
				s, err := store.Open(store.Options{Dir: dir})
				if err != nil {
					t.Fatalf("killed at point %d: %v", point, err)
				}
				c.check(t, s, out)
				if c.content != nil {
					wantRecord(t, s, "z", "record 4 of z")
				}
				shut(t, s)
				keys := map[string]bool{}
				for name := range files(t, dir) {
					if name == "latchkey.key.new" {
						t.Errorf("killed at point %d: %s is left", point, name)
					}
					if parts := strings.Split(name, "."); len(parts) == 3 && strings.HasPrefix(name, "copies/") {
						keys[parts[1]] = true
					}
				}
				if len(keys) > 1 {
					t.Errorf("killed at point %d: copies under %d keys", point, len(keys))
				}
				wantCopies(t, dir)
				if alive {
					if point <= c.points {
						t.Errorf("only %d points, want at least %d", point-1, c.points)
					}
					total += point - 1
					return
				}
			}
		})
	}
	t.Logf("%d points", total)
}

// wantCopies wants copies of every account that open with the key in force: the
// database is taken away to see.
func wantCopies(t *testing.T, dir string) {
	t.Helper()
	s := opened(t, store.Options{Dir: dir})
	want := map[string]string{}
	for _, account := range accounts {
		want[account] = load(t, s, account)
	}
	shut(t, s)
	if want["gate"] == "" {
		return
	}
	if err := os.Remove(database(dir)); err != nil {
		t.Fatal(err)
	}
	s = opened(t, store.Options{Dir: dir})
	for account, record := range want {
		wantRecord(t, s, account, record)
	}
	shut(t, s)
}

// T15: the disk takes nothing more. Here the system refuses to write beyond the
// first page of any file.
func TestFullDisk(t *testing.T) {
	dir := folder(t, planted(t))
	out, alive := child(t, "limit", dir, 0)
	if !alive {
		t.Fatal("killed")
	}
	t.Log(strings.TrimSpace(out))
	s := opened(t, store.Options{Dir: dir})
	if s.Recovered() != nil {
		t.Errorf("recovered: %+v", s.Recovered())
	}
	wantRecord(t, s, "gate", "record after")
}

// limited is the child of TestFullDisk.
func limited(s *store.Store) error {
	signal.Ignore(syscall.SIGXFSZ)
	var free syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: pageSize, Max: free.Max}); err != nil {
		return err
	}
	for range 3 {
		_, ok, err := s.Save(context.Background(), "gate", 4, []byte("record lost"))
		if err == nil || ok {
			return fmt.Errorf("save on a full disk: ok %v, no error", ok)
		}
		fmt.Println(err)
		if err := s.Record("ledger").Save([]byte("other")); err == nil {
			return errors.New("record saved on a full disk: no error")
		}
		record, generation, err := s.Load(context.Background(), "gate")
		if err != nil || generation != 4 || string(record) != "record 4 of gate" {
			return fmt.Errorf("load on a full disk: %q at %d, %v", record, generation, err)
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &free); err != nil {
		return err
	}
	return put(s, "record after")
}
