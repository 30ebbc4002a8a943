package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/engine"
)

// What a command sets going for a while is stopped, whatever becomes of the command.
func TestStop(t *testing.T) {
	broken := func(what string, times int) func(h *house) {
		return func(h *house) {
			h.cloud.acts(func(ctx context.Context, doing string) error {
				err := h.cloud.move(ctx, doing)
				if doing == what && times > 0 {
					times--
					return errors.New("EOF")
				}
				return err
			})
		}
	}
	for _, row := range []struct {
		name       string
		set        func(*house)
		moves      int
		stops      int
		reason     string
		stoppedFor time.Duration // after the press
	}{
		{"all is well", func(*house) {}, 1, 1, "ok", time.Second},
		{"the answer is lost", broken("pan", 1), 1, 1, "no_answer", 0},
		{"the first stops fail", broken("stop", 2), 1, 3, "ok", 3 * time.Second},
		{"no stop works", broken("stop", 1000), 1, 5, "no_answer", 5 * time.Second},
		{"a stop that sends twice", func(h *house) {
			h.cloud.acts(func(ctx context.Context, doing string) error {
				err := h.cloud.move(ctx, doing)
				if doing == "stop" {
					_ = h.cloud.move(ctx, doing)
				}
				return err
			})
		}, 1, 1, "ok", time.Second},
		{"it was refused", func(h *house) {
			h.cloud.acts(func(context.Context, string) error {
				return &bridge.Failure{Reason: bridge.ReasonRejected, Status: 404}
			})
		}, 0, 0, "rejected", 0},
		{"the vendor panics after sending", func(h *house) {
			h.cloud.acts(func(ctx context.Context, doing string) error {
				err := h.cloud.move(ctx, doing)
				if doing == "pan" {
					panic("broken vendor")
				}
				return err
			})
		}, 1, 1, "no_answer", 0},
		{"the daemon stops meanwhile", func(h *house) {
			go func() { time.Sleep(100 * time.Millisecond); h.stop() }()
		}, 1, 1, "ok", time.Second},
	} {
		bubble(t, row.name, func(t *testing.T) {
			var h *house
			h = settled(t, func(_ *engine.Options, a *engine.Account) {
				a.Bridge.Calls = append(a.Bridge.Calls, bridge.Call{Name: "pan", Effect: bridge.Writes,
					Do: func(ctx context.Context, _ bridge.Order) (any, error) {
						if err := h.cloud.pulse(ctx, "pan"); err != nil {
							return nil, err
						}
						select {
						case <-time.After(time.Second):
						case <-ctx.Done():
						}
						return nil, nil
					},
					Stop: func(ctx context.Context, _ bridge.Order) error { return h.cloud.pulse(ctx, "stop") }})
			})
			row.set(h)
			pressed := time.Now()
			done := make(chan bridge.Result, 1)
			go func() { done <- h.Do(t.Context(), engine.Ask{Account: "gate", Name: "pan", Args: map[string]any{}}) }()
			r := <-done
			took := time.Since(pressed)
			synctest.Wait()
			if r.Reason != bridge.Reason(row.reason) || h.cloud.moves["pan"] != row.moves || h.cloud.moves["stop"] != row.stops || took != row.stoppedFor {
				t.Errorf("%s (%s), moved %v, after %v; want %s, %d moves, %d stops, after %v", r.Reason, r.Message, h.cloud.moves, took, row.reason, row.moves, row.stops, row.stoppedFor)
			}
		})
	}
}
