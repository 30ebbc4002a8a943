// Package logging sets up slog: the form that suits where the log goes, behind a
// last look for secrets ([Redactor]). bridge/daemon makes one logger and hands it
// to all rooms. It owns no goroutine. This is the only package that imports tint.
package logging

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync/atomic"
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
	Out      io.Writer                   // takes concurrent writes, as a file does; nil: os.Stderr
	Getenv   func(string) (string, bool) // nil: os.LookupEnv
	Redactor *Redactor                   // nil: none
}

// New makes a logger, and what changes its level and format while it runs: for
// every room at once, also for loggers that were made from it by With.
func New(o Options) (_ *slog.Logger, set func(slog.Level, string)) {
	if o.Out == nil {
		o.Out = os.Stderr
	}
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	level := new(slog.LevelVar)
	out := o.output(level)
	set = func(l slog.Level, format string) {
		level.Set(l)
		out.chosen.Store(o.form(format))
	}
	set(o.Level, o.Format)
	var h slog.Handler = out
	if o.Redactor != nil {
		h = &redacting{o.Redactor, h}
	}
	return slog.New(h), set
}

// forms is a handler that writes in one of several ways, chosen at each record.
type forms struct {
	chosen *atomic.Int32
	ways   []slog.Handler
}

// What forms chooses from.
const (
	asText int32 = iota
	asJSON
	inColor
	forJournal // text without the time
)

func (o Options) output(level slog.Leveler) forms {
	plain := &slog.HandlerOptions{Level: level}
	return forms{new(atomic.Int32), []slog.Handler{
		asText:     slog.NewTextHandler(o.Out, plain),
		asJSON:     slog.NewJSONHandler(o.Out, plain),
		inColor:    tint.NewTextHandler(o.Out, &tint.Options{Level: level, TimeFormat: time.TimeOnly}),
		forJournal: slog.NewTextHandler(o.Out, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutTime}),
	}}
}

// form is the way that a format stands for.
func (o Options) form(format string) int32 {
	switch format {
	case "json":
		return asJSON
	case "color":
		return inColor
	case "text":
		return asText
	}
	switch noColor, _ := o.Getenv("NO_COLOR"); {
	case terminal(o.Out):
		// NO_COLOR counts when it is not empty (no-color.org).
		if term, _ := o.Getenv("TERM"); noColor == "" && term != "dumb" {
			return inColor
		}
	case o.journal():
		return forJournal
	}
	return asText
}

func (f forms) now() slog.Handler { return f.ways[f.chosen.Load()] }

func (f forms) Enabled(ctx context.Context, l slog.Level) bool { return f.now().Enabled(ctx, l) }

func (f forms) Handle(ctx context.Context, r slog.Record) error { return f.now().Handle(ctx, r) }

func (f forms) WithAttrs(attrs []slog.Attr) slog.Handler {
	return f.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

func (f forms) WithGroup(name string) slog.Handler {
	return f.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (f forms) each(change func(slog.Handler) slog.Handler) slog.Handler {
	ways := make([]slog.Handler, len(f.ways))
	for i, h := range f.ways {
		ways[i] = change(h)
	}
	return forms{f.chosen, ways}
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
