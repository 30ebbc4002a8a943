package doorbird

import (
	"context"
	"slices"
	"strconv"
	"time"

	"latchkey/bridge"
)

// indexMax is the oldest picture of a history that may be asked for.
const indexMax = 999

func (a *account) calls() []bridge.Call {
	number := bridge.Arg{Name: "number", Type: bridge.ArgInt, Min: 1, Max: relayMax}
	peripheral := bridge.Arg{Name: "peripheral", Type: bridge.ArgText, Min: 1, Max: 64, Optional: true}
	bell := bridge.Arg{Name: "bell", Type: bridge.ArgInt, Min: 1, Max: bellsMax, Optional: true, Default: int64(1)}
	index := bridge.Arg{Name: "index", Type: bridge.ArgInt, Min: 0, Max: indexMax, Optional: true, Default: int64(newest)}
	return []bridge.Call{
		{Name: "relay", Summary: "pulse a relay: open a door", Args: []bridge.Arg{number, peripheral}, Effect: bridge.Writes, OfEntity: true,
			Do: func(ctx context.Context, o bridge.Order) (any, error) {
				return nil, a.pulse(ctx, Relay{Number: int(o.Args.Int("number")), Peripheral: o.Args.Text("peripheral")})
			}},
		{Name: "light", Summary: "switch the station's light on; it goes off by itself", Effect: bridge.Writes, OfEntity: true,
			Do: func(ctx context.Context, _ bridge.Order) (any, error) { return nil, a.move(ctx, "/live/light", nil) }},
		{Name: "restart", Summary: "restart the station (needs an administrator's grant)", Effect: bridge.Writes, OfEntity: true,
			Do: func(ctx context.Context, _ bridge.Order) (any, error) {
				_, err := a.act(ctx, "/other/restart", nil)
				return nil, err
			}},
		{Name: "snapshot", Summary: "the live picture",
			Do: func(ctx context.Context, o bridge.Order) (any, error) { return orNil(a.watch(ctx, o.Report)) }},
		{Name: "info", Summary: "the station's metadata",
			Do: func(ctx context.Context, _ bridge.Order) (any, error) {
				_, raw, err := a.metadata(ctx)
				if err != nil {
					return nil, err
				}
				return raw, nil
			}},
		{Name: "relays", Summary: "the station's own relays and their names (may need an administrator's grant)",
			Do: func(ctx context.Context, _ bridge.Order) (any, error) { return shown(a.names(ctx)) }},
		{Name: "users", Summary: "the relays that the station's users may trigger (may need an administrator's grant)",
			Do: func(ctx context.Context, _ bridge.Order) (any, error) { return shown(a.allowed(ctx)) }},
		{Name: "ring_picture", Summary: "a picture of a ring, 0 is the newest", Args: []bridge.Arg{bell, index},
			Do: func(ctx context.Context, o bridge.Order) (any, error) {
				n := int(o.Args.Int("bell"))
				return a.past(ctx, o, "ring/"+strconv.Itoa(n), bellID("last_ring", n), a.rings(n))
			}},
		{Name: "motion_picture", Summary: "a picture of a motion, 0 is the newest", Args: []bridge.Arg{index},
			Do: func(ctx context.Context, o bridge.Order) (any, error) {
				return a.past(ctx, o, "motion", "last_motion", true)
			}},
	}
}

// past fetches a picture of the history; the newest is published if there is an
// entity for it.
func (a *account) past(ctx context.Context, o bridge.Order, list, entity string, exists bool) (any, error) {
	link, err := a.link(ctx, list, int(o.Args.Int("index")))
	if err != nil {
		return nil, err
	}
	if link == "" {
		return nil, &bridge.Failure{Reason: bridge.ReasonRejected, Message: "there is no such picture in the history"}
	}
	img, err := a.recorded(ctx, link)
	if err == nil && exists && o.Args.Int("index") == newest && a.described() {
		o.Report(bridge.Picture{Ref: a.ref(entity), Bytes: img.Bytes, Type: img.Type, At: time.Now()})
	}
	return orNil(img, err)
}

// rings tells whether a bell is known.
func (a *account) rings(bell int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return bell == 1 || slices.Contains(a.bells, bell)
}

// orNil keeps an empty picture from looking like a result.
func orNil(img bridge.Image, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return img, nil
}

// shown is a list of relays as the result of a call.
func shown(relays []Relay, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	type one struct {
		Number     int    `json:"number"`
		Peripheral string `json:"peripheral,omitempty"`
		Name       string `json:"name,omitempty"`
	}
	all := make([]one, 0, len(relays))
	for _, r := range relays {
		all = append(all, one(r))
	}
	return all, nil
}
