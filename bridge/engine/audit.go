package engine

import (
	"context"
	"sync"
	"time"

	"latchkey/bridge"
)

// auditDelay is how long after a command its filter is subscribed once more.
const auditDelay = 2 * time.Second

// audit is the retain audit (hazard H6): under MQTT 3.1.1 a live message published
// with retain looks like any other, but a second subscription brings the broker's
// copy back flagged, and the guard then refuses and clears it. Commands that
// arrive while an audit of their filter is due share it.
type audit struct {
	subscribe func(filter string)
	filters   []string
	wake      chan struct{} // capacity 1

	mu  sync.Mutex
	due [3]time.Time // by filter; zero: none
}

func newAudit(topics bridge.Topics, subscribe func(string)) *audit {
	return &audit{subscribe: subscribe, filters: topics.CommandFilters(), wake: make(chan struct{}, 1)}
}

// want plans an audit of the filter that a command came by.
func (a *audit) want(g bridge.Target) {
	if a.subscribe == nil {
		return
	}
	i := 2
	switch {
	case g.Account == "":
		i = 0
	case g.Call != "":
		i = 1
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.due[i].IsZero() {
		a.due[i] = time.Now().Add(auditDelay)
		select {
		case a.wake <- struct{}{}:
		default:
		}
	}
}

// forget drops what is planned: a new connection subscribes every filter, which is
// an audit. A second copy so soon would be cleared twice, of three times an hour.
func (a *audit) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.due = [3]time.Time{}
}

// run audits what is due until ctx ends.
func (a *audit) run(ctx context.Context) {
	for {
		ready, next := a.ready()
		for _, filter := range ready {
			a.subscribe(filter)
		}
		if next == 0 {
			next = time.Hour // nothing planned: want wakes it
		}
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
		case <-a.wake:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// ready takes the filters whose time has come, and tells how long until the next.
func (a *audit) ready() (filters []string, next time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, at := range a.due {
		switch wait := time.Until(at); {
		case at.IsZero():
		case wait <= 0:
			filters = append(filters, a.filters[i])
			a.due[i] = time.Time{}
		case next == 0 || wait < next:
			next = wait
		}
	}
	return filters, next
}
