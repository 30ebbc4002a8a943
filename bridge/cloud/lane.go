package cloud

import (
	"context"

	"golang.org/x/time/rate"

	"latchkey/bridge"
)

// lane paces the reads of one kind. Commands are never paced.
type lane struct {
	slots  chan struct{} // capacity: reads at the same time; when full, a read waits
	starts *rate.Limiter
	yields bool
}

func newLane(p bridge.Pace) *lane {
	slots := p.InFlight
	if slots <= 0 {
		slots = 4
	}
	limit := rate.Inf
	if p.Every > 0 {
		limit = rate.Every(p.Every)
	}
	return &lane{slots: make(chan struct{}, slots), starts: rate.NewLimiter(limit, 1), yields: p.Yields}
}

// enter waits for a slot of the lane and returns how to leave it.
func (l *lane) enter(ctx context.Context) (leave func(), err error) {
	select {
	case l.slots <- struct{}{}:
		return func() { <-l.slots }, nil
	case <-ctx.Done():
		return nil, late("other reads of this account took too long")
	}
}

// pace waits until the next read of the lane may start.
func (l *lane) pace(ctx context.Context) error {
	if l.starts.Wait(ctx) != nil {
		return late("the cloud wants to be asked less often than that")
	}
	return nil
}
