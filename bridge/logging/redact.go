package logging

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"

	"latchkey/bridge"
)

const (
	// head is how many bytes of a secret are looked up. A shorter secret is not
	// looked for: it would mask everyday words.
	head = 6
	// maxSecrets bounds what a redactor knows; the oldest gives way. A rotating
	// token is forgotten by then.
	maxSecrets = 4096
)

// Redactor masks secrets that found their way into a record: the last line of
// defence behind [bridge.Secret], for a vendor's error text that quotes a token,
// say. Looking costs one map lookup a byte, however many secrets are known. Its
// methods may be called from any goroutine; the zero value is ready.
type Redactor struct {
	mu     sync.RWMutex
	known  map[uint64][]string // by their first bytes
	oldest []string            // in order of arrival
}

// Add makes a secret known, also as it is written in a URL.
func (r *Redactor) Add(s bridge.Secret) {
	text := s.Reveal()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(text)
	if escaped := url.QueryEscape(text); escaped != text {
		r.add(escaped)
	}
}

func (r *Redactor) add(text string) {
	if len(text) < head {
		return
	}
	key := headOf(text)
	if slices.Contains(r.known[key], text) {
		return
	}
	if r.known == nil {
		r.known = map[uint64][]string{}
	}
	if len(r.oldest) >= maxSecrets {
		gone := r.oldest[0]
		r.oldest = r.oldest[1:]
		k := headOf(gone)
		if r.known[k] = slices.DeleteFunc(r.known[k], func(s string) bool { return s == gone }); len(r.known[k]) == 0 {
			delete(r.known, k)
		}
	}
	// The longest first: a secret may begin like another.
	at, _ := slices.BinarySearchFunc(r.known[key], text, func(a, b string) int { return len(b) - len(a) })
	r.known[key] = slices.Insert(r.known[key], at, text)
	r.oldest = append(r.oldest, text)
}

// Mask returns the text with *** in the place of every known secret.
func (r *Redactor) Mask(text string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.known) == 0 {
		return text
	}
	var out strings.Builder
	done := 0
	for i := 0; i+head <= len(text); i++ {
		for _, s := range r.known[headOf(text[i:])] {
			if strings.HasPrefix(text[i:], s) {
				out.WriteString(text[done:i])
				out.WriteString("***")
				done = i + len(s)
				i = done - 1
				break
			}
		}
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}

func headOf(text string) uint64 {
	var b [8]byte
	copy(b[:head], text)
	return binary.LittleEndian.Uint64(b[:])
}

// attr masks an attribute's value. What is not text is left alone unless its
// text holds a secret.
func (r *Redactor) attr(a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString:
		return slog.String(a.Key, r.Mask(v.String()))
	case slog.KindGroup:
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(r.attrs(v.Group())...)}
	case slog.KindAny:
		text := fmt.Sprintf("%+v", v.Any())
		if b, ok := v.Any().([]byte); ok {
			text = string(b)
		}
		if masked := r.Mask(text); masked != text {
			return slog.String(a.Key, masked)
		}
		return slog.Attr{Key: a.Key, Value: v}
	}
	return a
}

func (r *Redactor) attrs(all []slog.Attr) []slog.Attr {
	masked := make([]slog.Attr, len(all))
	for i, a := range all {
		masked[i] = r.attr(a)
	}
	return masked
}

// redacting is the handler in front of the others.
type redacting struct {
	redactor *Redactor
	next     slog.Handler
}

func (h *redacting) Enabled(ctx context.Context, l slog.Level) bool { return h.next.Enabled(ctx, l) }

func (h *redacting) Handle(ctx context.Context, r slog.Record) error {
	masked := slog.NewRecord(r.Time, r.Level, h.redactor.Mask(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		masked.AddAttrs(h.redactor.attr(a))
		return true
	})
	return h.next.Handle(ctx, masked)
}

func (h *redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &redacting{h.redactor, h.next.WithAttrs(h.redactor.attrs(attrs))}
}

func (h *redacting) WithGroup(name string) slog.Handler {
	return &redacting{h.redactor, h.next.WithGroup(name)}
}
