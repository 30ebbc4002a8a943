package bridge_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
)

func reasonOf(t *testing.T, err error) bridge.Reason {
	t.Helper()
	if err == nil {
		return bridge.ReasonOK
	}
	var f *bridge.Failure
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a *Failure", err)
	}
	return f.Reason
}

func TestPermit(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		if got := reasonOf(t, bridge.Take(context.Background())); got != bridge.ReasonDenied {
			t.Errorf("without a permit: %s, want denied", got)
		}
	})
	t.Run("once, whoever asks", func(t *testing.T) {
		p := bridge.NewPermit(time.Now().Add(time.Minute), 1)
		ctx := p.With(context.Background())
		if p.Taken() {
			t.Error("taken before the first Take")
		}
		var granted atomic.Int32
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if bridge.Take(ctx) == nil {
					granted.Add(1)
				}
			})
		}
		wg.Wait()
		if granted.Load() != 1 || !p.Taken() {
			t.Errorf("granted %d times, want once", granted.Load())
		}
	})
	t.Run("too little time left", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := bridge.NewPermit(time.Now().Add(5*time.Second), 1)
			ctx := p.With(t.Context())
			time.Sleep(4501 * time.Millisecond)
			if got := reasonOf(t, bridge.Take(ctx)); got != bridge.ReasonDeadline || p.Taken() {
				t.Errorf("with 499 ms left: %s, taken %v, want deadline, not taken", got, p.Taken())
			}
		})
	})
}
