package config_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"latchkey/bridge"
	"latchkey/bridge/config"
)

var update = flag.Bool("update", false, "write the golden parts of testdata anew")

const folder = "/etc/latchkey"

// world reads a testdata archive: `config.yaml`, further files below /etc/latchkey
// (or at an absolute path), `env` with NAME=value lines. Its comment may hold
// words that set options: check, operations.
func world(a *txtar.Archive) config.Options {
	files, env := map[string]string{}, map[string]string{}
	for _, f := range a.Files {
		name := f.Name
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		files[name] = string(f.Data)
	}
	for line := range strings.Lines(files[folder+"/env"]) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			env[name] = value
		}
	}
	o := config.Options{
		Path: folder + "/config.yaml", Drivers: drivers(),
		CheckOnly: strings.Contains(string(a.Comment), "[check]"),
		Getenv:    func(name string) (string, bool) { value, ok := env[name]; return value, ok },
		ReadFile: func(name string) ([]byte, error) {
			data, ok := files[name]
			switch {
			case !ok:
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			case data == "FORBIDDEN\n":
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
			case data == "BROKEN\n":
				return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("input/output error")}
			}
			return []byte(data), nil
		},
	}
	if strings.Contains(string(a.Comment), "[operations]") {
		o.CheckOperations = func(s config.Account) error {
			return errors.Join(bridge.At("operations.units.graphql", "line 3: no such thing"), bridge.At("entities[0].call", "%q is no operation", s.Entities[0].Call))
		}
	}
	return o
}

// TestLoad runs every archive of testdata: the part `want` is what came out, a
// configuration with its warnings, or the mistakes.
func TestLoad(t *testing.T) {
	for _, kind := range []string{"good", "bad"} {
		names, err := filepath.Glob("testdata/" + kind + "/*.txtar")
		if err != nil || len(names) == 0 {
			t.Fatalf("no testdata: %v", err)
		}
		for _, name := range names {
			t.Run(kind+"/"+strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
				a, err := txtar.ParseFile(name)
				if err != nil {
					t.Fatal(err)
				}
				c, err := config.Load(world(a))
				if (err == nil) != (kind == "good") {
					t.Errorf("Load gave %v", err)
				}
				golden(t, name, a, outcome(c, err))
			})
		}
	}
}

func outcome(c *config.Config, err error) string {
	if err != nil {
		return err.Error() + "\n"
	}
	return dump(c)
}

// golden compares with the archive's part `want`, or writes it.
func golden(t *testing.T, name string, a *txtar.Archive, got string) {
	t.Helper()
	last := len(a.Files) - 1
	if last < 0 || a.Files[last].Name != "want" {
		a.Files = append(a.Files, txtar.File{Name: "want"})
		last++
	}
	if *update {
		a.Files[last].Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(a.Files[last].Data), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What is being written is not taken up half done.
func TestSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, o := time.Now(), world(&txtar.Archive{})
		o.ReadFile = func(string) ([]byte, error) {
			if time.Since(began) < 200*time.Millisecond {
				return []byte("instance: home\n"), nil
			}
			return []byte("instance: home\naccounts: {gate: {vendor: acme, base_url: https://acme.example}}\n"), nil
		}
		c, err := config.Settled(o)
		if err != nil || len(c.Accounts) != 1 || time.Since(began) != 600*time.Millisecond {
			t.Errorf("got %+v (%v) after %v, want the account after 600ms", c, err, time.Since(began))
		}
		// A file that is never quiet is taken as it is in the end.
		o.ReadFile = func(string) ([]byte, error) { return fmt.Appendf(nil, "instance: home%d\n", time.Since(began)), nil }
		if _, err = config.Settled(o); err != nil || time.Since(began) > 5*time.Second {
			t.Errorf("got %v after %v", err, time.Since(began))
		}
	})
}
