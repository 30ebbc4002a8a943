package logging

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// maxValue bounds a value that is kept, in bytes.
const maxValue = 1024

// Ring keeps the newest records for the page. When it is full, the oldest gives
// way. Its methods may be called from any goroutine.
type Ring struct {
	mu      sync.Mutex
	records []slog.Record
	next    int // where the next one goes, once the ring is full
	size    int
}

// NewRing keeps size records, at least one.
func NewRing(size int) *Ring { return &Ring{size: max(size, 1)} }

// Recent returns copies of the records, oldest first. Their attributes are flat
// and text: `group.key` with at most 1 KiB.
func (r *Ring) Recent() []slog.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Concat(r.records[r.next:], r.records[:r.next])
}

func (r *Ring) add(record slog.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.records) < r.size {
		r.records = append(r.records, record)
		return
	}
	r.records[r.next] = record
	r.next = (r.next + 1) % r.size
}

// recorder is the handler that fills a ring.
type recorder struct {
	ring  *Ring
	level slog.Leveler
	group string      // of what comes, with the dot behind it
	attrs []slog.Attr // of With, flat
}

func (h *recorder) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *recorder) Handle(_ context.Context, r slog.Record) error {
	kept := slog.NewRecord(r.Time, r.Level, cut(r.Message), 0)
	kept.AddAttrs(h.attrs...)
	r.Attrs(func(a slog.Attr) bool {
		kept.AddAttrs(flat(nil, h.group, a)...)
		return true
	})
	h.ring.add(kept)
	return nil
}

func (h *recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	all := slices.Clone(h.attrs)
	for _, a := range attrs {
		all = flat(all, h.group, a)
	}
	return &recorder{h.ring, h.level, h.group, all}
}

func (h *recorder) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &recorder{h.ring, h.level, h.group + name + ".", h.attrs}
}

// flat appends an attribute as text, a group's one by one. Nothing that is kept
// points to what the program still works with.
func flat(to []slog.Attr, group string, a slog.Attr) []slog.Attr {
	v := a.Value.Resolve()
	if v.Kind() != slog.KindGroup {
		if a.Equal(slog.Attr{}) {
			return to
		}
		return append(to, slog.String(group+a.Key, cut(v.String())))
	}
	if a.Key != "" {
		group += a.Key + "."
	}
	for _, b := range v.Group() {
		to = flat(to, group, b)
	}
	return to
}

func cut(text string) string {
	if len(text) > maxValue {
		return strings.ToValidUTF8(text[:maxValue], "") + "..."
	}
	return text
}
