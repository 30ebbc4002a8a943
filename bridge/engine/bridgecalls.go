package engine

import (
	"context"
	"errors"
	"time"

	"latchkey/bridge"
)

const (
	bridgeAccount = "" // of bridge/call/<name>
	announceCall  = "announce"
	reloadCall    = "reload"
	reloadFloor   = 10 * time.Second // between two reloads (hazard H18)
)

// bridgeCalls is the account behind bridge/call/<name>: its commands pass the same
// checks as those that open a door (hazard H18).
func (e *Engine) bridgeCalls() *account {
	announce := bridge.Call{Name: announceCall, Do: func(context.Context, bridge.Order) (any, error) {
		if e.o.Announce == nil {
			return nil, errors.New("nothing is announced here")
		}
		e.o.Announce()
		return nil, nil
	}}
	reload := bridge.Call{Name: reloadCall, Do: func(context.Context, bridge.Order) (any, error) {
		if e.o.Reload == nil {
			return nil, errors.New("nothing can be reloaded here")
		}
		if err := e.o.Reload(); err != nil {
			return nil, &bridge.Failure{Reason: bridge.ReasonRejected, Message: "the configuration was not taken; config_error in bridge/info says why"}
		}
		return nil, nil
	}}
	a, _ := e.newAccount(Account{Bridge: bridge.Account{Calls: []bridge.Call{announce, reload}}})
	return a
}
