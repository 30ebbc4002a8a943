package config

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watched runs the loop in virtual time; events are handed in by the test.
type watched struct {
	path, secret string
	events       chan fsnotify.Event
	errs         chan error
	changes      atomic.Int32
	follows      atomic.Int32
	gone         atomic.Bool // following fails
}

func startWatch(t *testing.T) *watched {
	t.Helper()
	dir := t.TempDir()
	w := &watched{path: filepath.Join(dir, "config.yaml"), secret: filepath.Join(dir, "secret"), events: make(chan fsnotify.Event), errs: make(chan error)}
	write(t, w.path, "a")
	write(t, w.secret, "s")
	loaded := Sources{w.path: hash(t, w.path), w.secret: hash(t, w.secret)}
	run := &watch{
		WatchOptions: WatchOptions{Path: w.path, Sources: func() Sources { return loaded }, Changed: func() { w.changes.Add(1) }, Log: slog.New(slog.DiscardHandler)},
		path:         w.path, known: Sources{},
		follow: func() bool { w.follows.Add(1); return !w.gone.Load() },
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); run.run(ctx, w.events, w.errs) }()
	t.Cleanup(func() { stop(); <-done })
	w.wait(t, time.Second, 0)
	return w
}

// wait lets time pass and wants so many changes in all.
func (w *watched) wait(t *testing.T, d time.Duration, want int32) {
	t.Helper()
	time.Sleep(d) // virtual
	synctest.Wait()
	if got := w.changes.Load(); got != want {
		t.Fatalf("%v later: %d changes, want %d", d, got, want)
	}
}

func (w *watched) tell(op fsnotify.Op) { w.events <- fsnotify.Event{Name: w.path, Op: op} }

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// Virtual time stands still for the file system: make the time stamp differ.
	if err := os.Chtimes(name, time.Time{}, time.Now().Add(time.Duration(len(text))*time.Second)); err != nil {
		t.Fatal(err)
	}
}

func hash(t *testing.T, name string) [32]byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return sum(data, nil)
}

func TestWatchLoop(t *testing.T) {
	for name, steps := range map[string]func(*testing.T, *watched){
		"change once quiet": func(t *testing.T, w *watched) {
			write(t, w.path, "b")
			w.tell(fsnotify.Write)
			w.wait(t, 599*time.Millisecond, 0)
			w.wait(t, time.Millisecond, 1)
			w.wait(t, time.Hour, 1)
		},
		"written in steps": func(t *testing.T, w *watched) {
			for _, text := range []string{"", "b", "bc", "bcd", "bcde"} {
				write(t, w.path, text)
				w.tell(fsnotify.Write)
				w.wait(t, 200*time.Millisecond, 0)
			}
			w.wait(t, time.Second, 1)
		},
		"same content": func(t *testing.T, w *watched) {
			write(t, w.path, "a")
			w.tell(fsnotify.Create)
			w.wait(t, time.Hour, 0)
		},
		"there and back within the quiet": func(t *testing.T, w *watched) {
			write(t, w.path, "b")
			w.tell(fsnotify.Write)
			w.wait(t, 400*time.Millisecond, 0)
			write(t, w.path, "a")
			w.wait(t, time.Hour, 0)
		},
		"other files of the folder": func(t *testing.T, w *watched) {
			for range 1000 {
				w.events <- fsnotify.Event{Name: "latchkey.db", Op: fsnotify.Write}
			}
			write(t, w.path, "b") // the noise does not put it off
			for range 10 {
				w.events <- fsnotify.Event{Name: "latchkey.db", Op: fsnotify.Write}
				time.Sleep(100 * time.Millisecond)
			}
			w.wait(t, 0, 1)
		},
		"chmod is no change": func(t *testing.T, w *watched) {
			write(t, w.path, "b")
			w.tell(fsnotify.Chmod)
			w.wait(t, 10*time.Second, 0)
		},
		"overflow of the kernel's queue": func(t *testing.T, w *watched) {
			write(t, w.path, "b")
			w.errs <- errors.New("overflow")
			w.wait(t, time.Second, 1)
		},
		"nobody tells": func(t *testing.T, w *watched) {
			write(t, w.path, "bb")
			w.wait(t, time.Minute, 1)
		},
		"a secret, and nobody tells": func(t *testing.T, w *watched) {
			write(t, w.secret, "tt")
			w.wait(t, time.Minute+time.Second, 1)
		},
		"gone and back": func(t *testing.T, w *watched) {
			if err := os.Remove(w.path); err != nil {
				t.Fatal(err)
			}
			w.tell(fsnotify.Remove)
			w.wait(t, time.Second, 1)
			write(t, w.path, "a")
			w.tell(fsnotify.Create)
			w.wait(t, time.Second, 2)
		},
		"the folder is replaced": func(t *testing.T, w *watched) {
			before := w.follows.Load()
			w.gone.Store(true)
			w.events <- fsnotify.Event{Name: filepath.Dir(w.path), Op: fsnotify.Rename}
			w.wait(t, 10*time.Second, 0)
			if got := w.follows.Load() - before; got < 4 {
				t.Errorf("looked for the folder %d times in 10 s, want at least 4", got)
			}
			w.gone.Store(false)
			w.wait(t, 2*time.Second, 0)
			before = w.follows.Load()
			w.wait(t, 30*time.Second, 0)
			if got := w.follows.Load(); got != before {
				t.Errorf("follows the folder anew %d times although it is there", got-before)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { steps(t, startWatch(t)) })
		})
	}
}
