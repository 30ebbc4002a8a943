package daemon

import (
	"context"
	"time"
)

const (
	// patientWait is for echoes in the background: nobody waits for the answer, and
	// a busy broker must not be taken for one that forbids.
	patientWait = 10 * time.Second
	// rightsEvery bounds how often a link that comes and goes has them asked.
	rightsEvery = time.Minute
)

// joined is the [mqtt.Link] that has the rights asked after each connect.
type joined chan struct{}

func (joined) Subscribing() {}
func (joined) Lost(error)   {}
func (j joined) Subscribed() {
	select {
	case j <- struct{}{}:
	default:
	}
}

// checkRights names what the broker's access rules forbid, which it does not say
// itself (hazard M13), in the log and in bridge/info.
func (h *house) checkRights(ctx context.Context) error {
	for {
		select {
		case <-h.joined:
		case <-ctx.Done():
			return nil
		}
		found, err := askRights(ctx, h.conf.Load(), h.o.Dial, patientWait)
		if err == nil && found.whole {
			h.log.Debug("the broker's access rules were tried", "denied", len(found.denied))
			for _, f := range found.denied {
				h.engine.Problem("access", f.filter, f.message)
			}
		}
		select {
		case <-time.After(rightsEvery):
		case <-ctx.Done():
			return nil
		}
	}
}
