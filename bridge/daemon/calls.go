package daemon

import (
	"context"

	"latchkey/bridge"
)

// ownCalls are the named calls that every account has, or every one whose dialect
// can: no vendor writes them.
func (h *house) ownCalls(account string, profile bridge.Profile) []bridge.Call {
	all := []bridge.Call{{
		Name: "refresh", Summary: "renews the access token now", Effect: bridge.Reads,
		Do: func(ctx context.Context, _ bridge.Order) (any, error) {
			if err := h.keeper.Refresh(ctx, account); err != nil {
				return nil, &bridge.Failure{Reason: bridge.ReasonRejected, Message: err.Error()}
			}
			return h.keeper.Health(account), nil
		},
	}}
	if profile.Dialect.Inspect != nil {
		all = append(all, bridge.Call{
			Name: "introspect", Summary: "asks the vendor what it knows of the access token", Effect: bridge.Reads,
			Do: func(ctx context.Context, _ bridge.Order) (any, error) { return h.keeper.Inspect(ctx, account) },
		})
	}
	if profile.Dialect.TokenInfo != nil {
		all = append(all, bridge.Call{
			Name: "token_info", Summary: "asks the vendor what the access token is good for", Effect: bridge.Reads,
			Do: func(ctx context.Context, _ bridge.Order) (any, error) { return h.keeper.TokenInfo(ctx, account) },
		})
	}
	return all
}

// onHealth spreads what the keeper says of an account.
func (h *house) onHealth(account string, health bridge.Health) {
	h.engine.Health(account, health)
	select {
	case h.health <- struct{}{}:
	default: // a look is due anyway
	}
}
