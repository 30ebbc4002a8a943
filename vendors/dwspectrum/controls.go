package dwspectrum

import (
	"context"
	"slices"
	"time"

	"latchkey/bridge"
)

const (
	seldom      = 10 * time.Minute // triggers, presets and rules are read so often
	presetsMost = 100              // cameras that are asked for presets in one round
)

// readControls reads triggers, presets and rules, when it is time. What this user
// may not see is as good as not there; what cannot be read stays as it was. changed
// tells whether the rules did, first that nothing was read before.
func (y *site) readControls(ctx context.Context, n int, cameras []camera) (changed, first bool, err error) {
	y.mu.Lock()
	readAt, presets := y.readAt, y.presets
	y.mu.Unlock()
	first = readAt.IsZero()
	if time.Since(readAt) < seldom {
		return false, first, nil
	}
	triggers, err := y.readTriggers(ctx, n)
	if err != nil && !absent(err) {
		return false, first, err
	}
	if y.of.options.Presets && n >= 3 {
		presets = y.readPresets(ctx, n, cameras, presets)
	}
	var rules []rule
	if y.of.options.Rules && n >= 4 {
		if rules, err = list[rule](ctx, y.client, "/rest/v4/events/rules", nil); err != nil && !absent(err) {
			return false, first, err
		}
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	same := slices.EqualFunc(y.rules, rules, func(a, b rule) bool {
		return a.ID == b.ID && a.Comment == b.Comment && bridge.OrZero(a.Enabled) == bridge.OrZero(b.Enabled)
	})
	y.triggers, y.presets, y.rules, y.readAt = triggers, presets, rules, time.Now()
	return !same, first, nil
}

// readPresets asks the cameras that have presets. One that does not answer keeps
// those that it had.
func (y *site) readPresets(ctx context.Context, n int, cameras []camera, before map[ident][]preset) map[ident][]preset {
	presets := map[ident][]preset{}
	for _, c := range cameras {
		if !c.presets() || len(presets) == presetsMost {
			continue
		}
		all, err := list[preset](ctx, y.client, path(n, "/devices/"+c.ID.escaped()+"/ptz/presets"), nil)
		if err != nil {
			all = before[c.ID]
		}
		presets[c.ID] = all
	}
	return presets
}

// again makes the next poll read the controls too.
func (y *site) again() {
	y.mu.Lock()
	defer y.mu.Unlock()
	if !y.readAt.IsZero() {
		y.readAt = time.Unix(1, 0)
	}
}
