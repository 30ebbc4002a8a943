package config_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Everything that editors and container tools do to a file, with the real kernel.
func TestWatch(t *testing.T) {
	const first, second = "instance: one\nmqtt: {username: u, password_file: password}\n", "instance: two\nmqtt: {username: u, password_file: password}\n"
	for name, save := range map[string]func(t *testing.T, dir string){
		"in place": func(t *testing.T, dir string) { put(t, filepath.Join(dir, "config.yaml"), second) },
		"in two steps": func(t *testing.T, dir string) {
			f, err := os.OpenFile(filepath.Join(dir, "config.yaml"), os.O_WRONLY|os.O_TRUNC, 0)
			must(t, err)
			_, err = io.WriteString(f, second[:10])
			must(t, err)
			_, err = io.WriteString(f, second[10:])
			must(t, errors.Join(err, f.Close()))
		},
		"by rename": func(t *testing.T, dir string) {
			put(t, filepath.Join(dir, ".config.yaml.swp"), second)
			must(t, os.Rename(filepath.Join(dir, ".config.yaml.swp"), filepath.Join(dir, "config.yaml")))
		},
		"by backup and new file": func(t *testing.T, dir string) {
			must(t, os.Rename(filepath.Join(dir, "config.yaml"), filepath.Join(dir, "config.yaml~")))
			put(t, filepath.Join(dir, "config.yaml"), second)
		},
		"a secret": func(t *testing.T, dir string) { put(t, filepath.Join(dir, "password"), "other") },
		"the folder is replaced": func(t *testing.T, dir string) {
			put(t, dir+".new/config.yaml", second)
			put(t, dir+".new/password", "p")
			must(t, os.Rename(dir, dir+".old"))
			must(t, os.Rename(dir+".new", dir))
		},
		"the folder is deleted and made again": func(t *testing.T, dir string) {
			must(t, os.RemoveAll(dir))
			put(t, filepath.Join(dir, "password"), "p")
			put(t, filepath.Join(dir, "config.yaml"), second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "latchkey")
			path := filepath.Join(dir, "config.yaml")
			put(t, path, first)
			put(t, filepath.Join(dir, "password"), "p")
			w := watching(t, path)
			save(t, dir)
			c := w.next(t)
			for c == nil || c.Instance == "one" && c.MQTT.Password.Reveal() == "p" {
				c = w.next(t) // seen while it was away
			}
			// The watch goes on, in the folder that is there now.
			put(t, path, "instance: three\n")
			for c = w.next(t); c == nil || c.Instance != "three"; c = w.next(t) {
			}
		})
	}
}

// Kubernetes shows a file through two symbolic links and swaps the inner one.
func TestWatchKubernetes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "..2026_a", "config.yaml"), "instance: one\n")
	put(t, filepath.Join(dir, "..2026_b", "config.yaml"), "instance: two\n")
	must(t, os.Symlink("..2026_a", filepath.Join(dir, "..data")))
	must(t, os.Symlink("..data/config.yaml", filepath.Join(dir, "config.yaml")))
	w := watching(t, filepath.Join(dir, "config.yaml"))
	must(t, os.Symlink("..2026_b", filepath.Join(dir, "..data_tmp")))
	must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	if c := w.next(t); c == nil || c.Instance != "two" {
		t.Errorf("got %+v, want instance two", c)
	}
}

// A secret that only a refused configuration names is watched as well.
func TestWatchAfterARefusal(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	put(t, path, "instance: one\n")
	w := watching(t, path)
	put(t, path, "mqtt: {username: u, password_file: later}\n")
	if c := w.next(t); c != nil {
		t.Fatalf("taken without its secret: %+v", c)
	}
	put(t, filepath.Join(dir, "later"), "p")
	if c := w.next(t); c == nil || c.MQTT.Password.Reveal() != "p" {
		t.Errorf("got %+v, want the secret", c)
	}
}

// What changed between loading and watching is not missed.
func TestWatchSeesWhatChangedBefore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "config.yaml")
	put(t, path, "instance: one\n")
	c, err := config.Load(config.Options{Path: path})
	must(t, err)
	put(t, path, "instance: two\n")
	w := watchingFrom(t, path, c.Sources)
	if c := w.next(t); c == nil || c.Instance != "two" {
		t.Errorf("got %+v, want instance two", c)
	}
}

// loads is a daemon in small: it loads at each change. A refused one is nil.
type loads struct{ all chan *config.Config }

func watching(t *testing.T, path string) loads {
	t.Helper()
	c, err := config.Load(config.Options{Path: path})
	must(t, err)
	return watchingFrom(t, path, c.Sources)
}

func watchingFrom(t *testing.T, path string, sources config.Sources) loads {
	w := loads{make(chan *config.Config, 100)}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		config.Watch(ctx, config.WatchOptions{
			Path: path, Log: slog.New(slog.DiscardHandler),
			Sources: func() config.Sources { return sources },
			Changed: func() {
				c, err := config.Load(config.Options{Path: path})
				if e, ok := errors.AsType[*config.Error](err); ok {
					sources = e.Sources
				} else {
					sources = c.Sources
				}
				w.all <- c
			},
		})
	}()
	t.Cleanup(func() { stop(); <-done })
	return w
}

// next waits for a load.
func (w loads) next(t *testing.T) *config.Config {
	t.Helper()
	select {
	case c := <-w.all:
		return c
	case <-time.After(30 * time.Second):
		t.Fatal("no change was noticed")
		return nil
	}
}

func put(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
