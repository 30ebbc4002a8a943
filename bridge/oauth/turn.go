package oauth

import (
	"context"
	"time"

	"latchkey/bridge"
)

// tryEnter takes the turn if it is free. Keeper.mu is held.
func (k *Keeper) tryEnter(a *account) bool {
	select {
	case a.turn <- struct{}{}:
		k.inside++
		return true
	default:
		return false
	}
}

// serves tells whether the account's access token does now.
func (k *Keeper) serves(a *account) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return a.serves(time.Now())
}

// enter takes the turn of an account for a person's request.
func (k *Keeper) enter(ctx context.Context, a *account) error {
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return &bridge.Failure{Reason: bridge.ReasonDeadline, Message: "another request of this account is still in flight"}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closing || a.gone {
		<-a.turn
		return &bridge.Failure{Reason: bridge.ReasonOffline, Message: "latchkey is stopping or has let the account go"}
	}
	k.inside++
	return nil
}

// leave ends the turn, wakes who waits and plans what comes next.
func (k *Keeper) leave(a *account) {
	k.mu.Lock()
	defer k.mu.Unlock()
	<-a.turn
	k.inside--
	k.release(a)
	k.settle(a)
	k.forget(a)
}

// release wakes all who wait for an end of the turn.
func (k *Keeper) release(a *account) {
	if a.done != nil {
		close(a.done)
		a.done = nil
	}
}

// update changes an account under the lock and plans anew.
func (k *Keeper) update(a *account, change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
	k.settle(a)
}
