package doorbird

import (
	"context"
	"fmt"
	"time"

	"latchkey/bridge"
)

const (
	day = 24 * time.Hour
	// historyEvery reads the history besides what rings and motion ask for: without
	// push and hooks nothing does. Pictures are fetched where they are new ones.
	historyEvery = 10 * time.Minute
	// newest is the index of a history's newest picture (seen).
	newest = 0
)

func (a *account) tasks(poll time.Duration) []bridge.Task {
	every := a.options.Picture.Every
	if every == 0 {
		every = day
	}
	return []bridge.Task{
		{Name: "station", Every: poll, Do: a.look},
		{Name: "live", Every: every, Do: func(ctx context.Context, report bridge.Report) error {
			if a.early("live") {
				return nil
			}
			_, err := a.watch(ctx, report)
			return noPicture(err)
		}},
		{Name: "last_ring", Every: historyEvery, Do: a.lastRings},
		{Name: "last_motion", Every: historyEvery, Do: func(ctx context.Context, report bridge.Report) error {
			return a.history(ctx, report, "last_motion", album{"motion", "last_motion"})
		}},
	}
}

// look tells whether the station is reached and what it has. /metadata comes
// last: after it answered, a refusal before it was about rights and not about the
// token.
func (a *account) look(ctx context.Context, report bridge.Report) error {
	relays, fresh, listErr := a.list(ctx)
	m, _, err := a.metadata(ctx)
	switch {
	case unreachable(err):
		a.reached(report, false)
		return nil
	case err != nil:
		return err
	}
	mac := bridge.MAC(m.MAC)

	a.mu.Lock()
	defer a.mu.Unlock()
	if a.mac != "" && a.mac != mac {
		return fmt.Errorf("another station answers (%s instead of %s): sign in again with a user of the right one", mac, a.mac)
	}
	if listErr != nil && a.meta.MAC == "" { // nothing is known yet to fall back on
		return listErr
	}
	changed := a.meta != m
	a.mac, a.meta = mac, m
	if listErr == nil && fresh {
		a.relays, a.listed = relays, time.Now()
	}
	if fresh && listErr == nil || changed {
		report(a.devices())
	}
	report(bridge.Reach{Device: mac, OK: true})
	for _, task := range a.waiting {
		report(bridge.Due{Task: task})
	}
	a.waiting = nil
	if unreachable(listErr) {
		return nil
	}
	return listErr
}

// list reads which relays there are, once an hour; a viewer's grant, which most
// likely may not, once a day. fresh is false where it was not time.
func (a *account) list(ctx context.Context) (relays []Relay, fresh bool, err error) {
	every := time.Hour
	if !a.admin {
		every = day
	}
	a.mu.Lock()
	due := time.Since(a.listed) >= every
	a.mu.Unlock()
	if !due {
		return nil, false, nil
	}
	allowed, err1 := a.allowed(ctx)
	if err1 != nil && !forbidden(err1) {
		return nil, true, err1
	}
	names, err2 := a.names(ctx)
	if err2 != nil && !forbidden(err2) {
		return nil, true, err2
	}
	if err1 != nil {
		a.log.Info("this grant may not list the station's relays: those of the configuration are used", "err", err1)
	}
	return merge(a.options.Relays, allowed, names), true, nil
}

// reached reports what was seen of the station; the engine judges it.
func (a *account) reached(report bridge.Report, ok bool) {
	if mac := a.station(); mac != "" {
		report(bridge.Reach{Device: mac, OK: ok})
	}
}
