package cloud

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"latchkey/bridge"
)

// hold keeps reads back while the cloud has asked not to be asked. Commands are
// not held: somebody wants them now. The zero value holds nothing.
type hold struct {
	mu    sync.Mutex
	until time.Time
}

const (
	holdUsual = 30 * time.Second // after a 429 that says no time
	holdMost  = time.Hour        // a longer Retry-After is tried once an hour
)

// check fails with rate_limited while reads are held.
func (h *hold) check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Now().Before(h.until) {
		return &bridge.Failure{Reason: bridge.ReasonRateLimited, Message: "not asked: the cloud wants to be left alone until " + clock(h.until)}
	}
	return nil
}

// heed takes a 429, or a 503 that says when to come back.
func (h *hold) heed(a *answer) {
	wait, said := retryAfter(a.header, time.Now())
	if a.status == http.StatusTooManyRequests && !said {
		wait = holdUsual
	} else if a.status != http.StatusTooManyRequests && (a.status != http.StatusServiceUnavailable || !said) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if until := time.Now().Add(min(wait, holdMost)); until.After(h.until) {
		h.until = until
	}
}

// retryAfter reads Retry-After in seconds or as a date. A date is taken relative
// to the reply's own Date, so that a wrong clock here changes nothing.
func retryAfter(header http.Header, now time.Time) (wait time.Duration, said bool) {
	text := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0, false
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return max(at.Sub(now), 0), true
}

func clock(t time.Time) string { return t.UTC().Format("15:04:05") + " UTC" }
