package config_test

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"latchkey/bridge/config"
)

// No input panics, every mistake has a place, and all ways of reading agree.
func FuzzLoad(f *testing.F) {
	names, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatal("no seeds")
	}
	for _, name := range names {
		a, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if file.Name == "config.yaml" {
				f.Add(file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o := world(&txtar.Archive{})
		o.ReadFile = func(string) ([]byte, error) { return data, nil }
		c, err := config.Load(o)
		folder, errFolder := config.StateDir(o)
		base, errBase := config.Base(o)
		if err != nil {
			for _, p := range problems(t, err) {
				if p.Line < 1 || p.Col < 1 || p.Message == "" {
					t.Errorf("no place or no text: %+v", p)
				}
			}
			return
		}
		if errFolder != nil || errBase != nil || folder != c.StateDir || base.StateDir != c.StateDir || base.Instance != c.Instance {
			t.Errorf("StateDir gave %q %v, Base %+v %v, Load %q", folder, errFolder, base, errBase, c.StateDir)
		}
		again, err := config.Load(o)
		if err != nil || !again.Changed(c).None() {
			t.Errorf("the same file again: %v, changes %+v", err, again.Changed(c))
		}
	})
}
