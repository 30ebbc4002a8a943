package config

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long the content must stay as it is: editors write in steps.
	quiet = 300 * time.Millisecond
	// slow is how often the files are looked at without being told: network and
	// FUSE file systems tell nothing, nor does a single file mounted into a
	// container or a target of a symbolic link elsewhere.
	slow = time.Minute
	// again is how soon a folder that went away is looked for.
	again = 2 * time.Second
)

// WatchOptions say what to watch.
type WatchOptions struct {
	Path string // of the configuration file
	// Sources are the files as last read, by [Load] or in its *[Error]: what has
	// another content since then is a change. Called in Watch's goroutine.
	Sources func() Sources
	// Changed is called in Watch's goroutine when the content of one of the files
	// became another and stayed so for 300 ms. Nothing is noticed while it runs, but
	// nothing is missed.
	Changed func()
	Log     *slog.Logger // nil: slog.Default
}

// Watch calls Changed for each change until ctx is done. It runs in the caller's
// goroutine. Without help of the kernel (its limits are used up, say) it looks
// once a minute, and says so in the log.
func Watch(ctx context.Context, o WatchOptions) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		path = o.Path
	}
	w := &watch{WatchOptions: o, path: path, known: Sources{}}
	kernel, err := fsnotify.NewWatcher()
	if err != nil {
		o.Log.Warn("configuration is looked at once a minute only", "err", fmt.Sprintf("no notices of changes: %v", err))
		w.run(ctx, nil, nil)
		return
	}
	defer kernel.Close()
	w.follow = func() bool {
		folder := filepath.Dir(path)
		_ = kernel.Remove(folder) // it may be another folder of this name by now
		return kernel.Add(folder) == nil
	}
	w.run(ctx, kernel.Events, kernel.Errors)
}

// watch is a run of Watch. It watches the folder and not the file, because an
// atomic save or a Kubernetes swap replaces the file (fsnotify #17, #372).
type watch struct {
	WatchOptions
	path   string
	follow func() bool // watches the folder of this name anew; nil: no kernel

	known     Sources // what Changed was last called for
	candidate Sources // another content, not yet quiet
	stats     map[string]string
}

// run is the loop; its wake-ups come by channels, so that tests need no kernel.
func (w *watch) run(ctx context.Context, events <-chan fsnotify.Event, errs <-chan error) {
	w.touched()
	ticker := time.NewTicker(slow)
	defer ticker.Stop()
	look := time.NewTimer(0) // the file may have changed since it was loaded
	armed, lost := true, true
	arm := func(after time.Duration) {
		if !armed {
			look.Reset(after)
			armed = true
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-events:
			if e.Op == fsnotify.Chmod {
				continue
			}
			lost = lost || e.Name == filepath.Dir(w.path) && (e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename))
			arm(quiet)
		case <-errs: // an overflow: something happened
			arm(quiet)
		case <-ticker.C:
			lost = w.follow != nil && !w.follow()
			if w.touched() {
				arm(0)
			}
		case <-look.C:
			armed = false
			if lost && w.follow != nil {
				if lost = !w.follow(); lost {
					arm(again)
				}
			}
			if !w.look() {
				arm(quiet)
			}
		}
	}
}

// look compares contents. It returns false while a change is not quiet yet.
func (w *watch) look() bool {
	now := w.read()
	switch {
	case maps.Equal(now, w.known):
		w.candidate = nil
		return true
	case !maps.Equal(now, w.candidate):
		w.candidate = now
		return false
	}
	w.known, w.candidate = now, nil
	w.Changed()
	return true
}

// read hashes all files. One that Sources names for the first time counts as
// known with the content that was loaded.
func (w *watch) read() Sources {
	now := Sources{}
	for name, loaded := range w.files() {
		if _, ok := w.known[name]; !ok {
			w.known[name] = loaded
		}
		data, err := readFile(name)
		now[name] = sum(data, err)
	}
	maps.DeleteFunc(w.known, func(name string, _ [32]byte) bool { _, ok := now[name]; return !ok })
	return now
}

func (w *watch) files() Sources {
	all := Sources{w.path: {}}
	maps.Copy(all, w.Sources())
	return all
}

// touched tells whether a file looks different from outside, without reading it:
// an idle daemon is not to move access times on the disk.
func (w *watch) touched() bool {
	stats := map[string]string{}
	for name := range w.files() {
		if info, err := os.Stat(name); err == nil {
			stats[name] = fmt.Sprint(info.Size(), info.ModTime().UnixNano())
		}
	}
	before := w.stats
	w.stats = stats
	return !maps.Equal(stats, before)
}
