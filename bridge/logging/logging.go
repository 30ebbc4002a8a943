// Package logging sets up slog: the form that suits where the log goes, a ring of
// recent records for the page, and a last look for secrets.
//
// The three parts are handlers behind each other: first [Redactor], then both the
// output and the [Ring]. bridge/daemon makes one logger and hands it to all rooms.
// It owns no goroutine. This is the only package that imports tint.
package logging

import (
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
)

// Options of a logger.
type Options struct {
	Level slog.Level
	// Format is text, json, color, or auto (also ""): color on a terminal, unless
	// NO_COLOR is set or TERM is dumb; else text, to the journal without the time,
	// which it keeps itself.
	Format   string
	Out      io.Writer                   // nil: os.Stderr
	Getenv   func(string) (string, bool) // nil: os.LookupEnv
	Ring     *Ring                       // nil: none
	Redactor *Redactor                   // nil: none
}

// New makes a logger. Its level can be changed while it runs.
func New(o Options) (*slog.Logger, *slog.LevelVar) {
	if o.Out == nil {
		o.Out = os.Stderr
	}
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	level := new(slog.LevelVar)
	level.Set(o.Level)
	h := o.output(level)
	if o.Ring != nil {
		h = slog.NewMultiHandler(h, &recorder{ring: o.Ring, level: level})
	}
	if o.Redactor != nil {
		h = &redacting{o.Redactor, h}
	}
	return slog.New(h), level
}

func (o Options) output(level slog.Leveler) slog.Handler {
	plain := &slog.HandlerOptions{Level: level}
	format := o.Format
	if format == "" || format == "auto" {
		format = "text"
		switch noColor, _ := o.Getenv("NO_COLOR"); {
		case terminal(o.Out):
			// NO_COLOR counts when it is not empty (no-color.org).
			if term, _ := o.Getenv("TERM"); noColor == "" && term != "dumb" {
				format = "color"
			}
		case o.journal():
			plain.ReplaceAttr = withoutTime
		}
	}
	switch format {
	case "json":
		return slog.NewJSONHandler(o.Out, plain)
	case "color":
		return tint.NewTextHandler(o.Out, &tint.Options{Level: level, TimeFormat: time.TimeOnly})
	}
	return slog.NewTextHandler(o.Out, plain)
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// terminal tells whether w is one. /dev/null is a character device as well, but
// nobody sees its colors.
func terminal(w io.Writer) bool {
	info := stat(w)
	return info != nil && info.Mode()&os.ModeCharDevice != 0
}

// journal tells whether the output is the journal's own stream. JOURNAL_STREAM
// alone is no proof: every child inherits it, also one whose output goes elsewhere.
func (o Options) journal() bool {
	want, _ := o.Getenv("JOURNAL_STREAM")
	info := stat(o.Out)
	if want == "" || info == nil {
		return false
	}
	device, inode, ok := identity(info)
	return ok && want == fmt.Sprintf("%d:%d", device, inode)
}

func stat(w io.Writer) fs.FileInfo {
	f, ok := w.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil {
		return nil
	}
	return info
}
