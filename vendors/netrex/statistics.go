package netrex

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"latchkey/bridge"
)

// midnight is where a day's figures begin: the local one of this machine.
func midnight(now time.Time) time.Time {
	y, m, d := now.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, now.Location())
}

// readStatistics asks for all figures of the day, one by one. One that the cloud
// refuses (a right is missing, a node is not seen) is unknown, and does not keep the
// others from being asked.
func (a *account) readStatistics(ctx context.Context, report bridge.Report) error {
	if !a.tree.ready() {
		return nil // the list asks for it
	}
	now := time.Now()
	for _, st := range a.options.Statistics {
		device := a.tree.of(st.Node)
		if device == "" {
			continue
		}
		for _, m := range measures() {
			if !slices.Contains(st.Types, m.kind) {
				continue
			}
			f, err := a.statistic(ctx, st.Node, m.kind, midnight(now), now)
			if err != nil && !rejected(err) {
				return err
			}
			if a.refused.note(device+"/"+m.id, err != nil) {
				a.log.Warn("the cloud refuses a figure", "device", device, "entity", m.id, "err", err)
			}
			value := bridge.Value{}
			if f.known {
				value = bridge.Num(f.value)
			}
			report(bridge.State{Ref: bridge.Ref{Device: device, Entity: m.id}, Value: value})
		}
	}
	return nil
}

// rejected tells that the cloud understood the question, and said no to it: not to
// the token, nor to the address. The status of that is not known.
func rejected(err error) bool {
	f, ok := errors.AsType[*bridge.Failure](err)
	if !ok || f.Reason != bridge.ReasonRejected {
		return false
	}
	switch f.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed:
		return false
	}
	return true
}

// refused remembers which figures the cloud refuses, so that each is told once.
type refused struct {
	mu  sync.Mutex
	all map[string]bool
}

// note tells whether this is new.
func (r *refused) note(name string, is bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.all[name]
	if r.all == nil {
		r.all = map[string]bool{}
	}
	r.all[name] = is
	return is && !was
}
