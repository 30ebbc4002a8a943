package dwspectrum

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"latchkey/bridge"
)

// calls are what can be asked for. Those of a camera take its device, those of a
// system its cloud id, which may be left out where one system is configured.
func (a *account) calls() []bridge.Call {
	all := []bridge.Call{{Name: "systems", Summary: "the systems of the account", Do: a.systemsCall}}
	if !a.scope.tokens() { // else it is the daemon's
		all = append(all, bridge.Call{Name: "introspect", Summary: "not within the account's scope",
			Do: func(context.Context, bridge.Order) (any, error) { return nil, outside("introspection") }})
	}
	return append(append(all, a.readingCalls()...), a.movingCalls()...)
}

func text(name string, most int64) bridge.Arg {
	return bridge.Arg{Name: name, Type: bridge.ArgText, Min: 1, Max: most}
}

func optional(a bridge.Arg) bridge.Arg { a.Optional = true; return a }

var (
	deviceArg = text("device", bridge.MaxID)
	systemArg = optional(text("system", bridge.MaxID))

	positionType = bridge.Arg{Name: "type", Type: bridge.ArgText, OneOf: []string{"absolute", "logical"}, Optional: true, Default: "logical"}
)

func (a *account) systemsCall(ctx context.Context, o bridge.Order) (any, error) {
	if !a.scope.lists() {
		return nil, outside("listing systems")
	}
	var all []json.RawMessage
	raw, err := a.read(ctx, a.path, nil, &all)
	if err == nil && all == nil {
		err = odd(a.path) // as the task judges it
	}
	return shown(raw, err)
}

func outside(what string) error {
	return &bridge.Failure{Reason: bridge.ReasonDenied, Message: "not asked: " + what + " is not within the account's scope"}
}

func (a *account) readingCalls() []bridge.Call {
	// ofSystem reads a list of a system, ofDevice something of a device.
	ofSystem := func(rest string, query url.Values, least int) func(context.Context, bridge.Order) (any, error) {
		return func(ctx context.Context, o bridge.Order) (any, error) {
			y, n, err := a.system(ctx, o, least)
			if err != nil {
				return nil, err
			}
			return shown(y.read(ctx, path(n, rest), query, nil))
		}
	}
	ofDevice := func(rest string, least int, passed ...string) func(context.Context, bridge.Order) (any, error) {
		return func(ctx context.Context, o bridge.Order) (any, error) {
			t, err := a.target(ctx, o, least)
			if err != nil {
				return nil, err
			}
			query := url.Values{}
			for _, name := range passed {
				query.Set(name, o.Args.Text(name))
			}
			return shown(t.read(ctx, t.path(rest), query, nil))
		}
	}
	system, device := []bridge.Arg{systemArg}, []bridge.Arg{deviceArg}
	return []bridge.Call{
		{Name: "servers", Summary: "the servers of a system", Args: system, Do: ofSystem("/servers", url.Values{"_with": {"id,name,version,status"}}, 1)},
		{Name: "devices", Summary: "the devices of a system, all that it says of them but secrets", Args: system, Do: ofSystem("/devices", nil, 1)},
		{Name: "triggers", Summary: "the soft triggers of a system (6.1 and newer)", Args: system, Do: ofSystem("/events/triggers", nil, 4)},
		{Name: "rules", Summary: "the event rules of a system (6.1 and newer; needs a power user)", Args: system, Do: ofSystem("/events/rules", nil, 4)},
		{Name: "ports", Summary: "inputs and outputs of a device (6.1 and newer)", Args: device, Do: ofDevice("/io", 4)},
		{Name: "presets", Summary: "PTZ presets of a camera (6.0 and newer)", Args: device, Do: ofDevice("/ptz/presets", 3)},
		{Name: "tours", Summary: "PTZ tours of a camera (6.0 and newer)", Args: device, Do: ofDevice("/ptz/tours", 3)},
		{Name: "position", Summary: "where a PTZ camera looks (6.0 and newer)", Args: []bridge.Arg{deviceArg, positionType}, Do: ofDevice("/ptz/position", 3, "type")},
		{Name: "snapshot", Summary: "a still of a camera", Args: []bridge.Arg{deviceArg, optional(text("size", 16))}, Do: a.snapshot},
		{Name: "recheck", Summary: "read triggers, presets and rules of a system anew, at its next poll", Args: system,
			Do: func(ctx context.Context, o bridge.Order) (any, error) {
				y, err := a.named(o.Args.Text("system"))
				if err != nil {
					return nil, err
				}
				y.again()
				o.Report(bridge.Due{Task: y.task("site")})
				return nil, nil
			}},
	}
}

func (a *account) snapshot(ctx context.Context, o bridge.Order) (any, error) {
	t, err := a.target(ctx, o, 1)
	if err != nil {
		return nil, err
	}
	size := o.Args.Text("size")
	if size == "" {
		size = a.options.StillSize
	} else if !isSize(size) {
		return nil, malformed("size is none such as 1280x720")
	}
	img, err := t.still(ctx, t.id, size, o.Report)
	if err != nil {
		return nil, err
	}
	return img, nil
}

// target is a device of a configured system.
type target struct {
	*site
	n  int // version of the system's REST API
	id ident
}

func (t target) path(rest string) string { return path(t.n, "/devices/"+t.id.escaped()+rest) }

// target finds the device that an order is about. least is the REST version that
// the call needs.
func (a *account) target(ctx context.Context, o bridge.Order, least int) (target, error) {
	y, id := a.find(o.Device.Facts["system"]), ident(o.Device.Facts["id"])
	if y == nil || id == "" || o.Device.Kind != "camera" && o.Device.Kind != "device" {
		return target{}, &bridge.Failure{Reason: bridge.ReasonUnknownTarget, Message: "that is no camera of a configured system"}
	}
	n, err := y.needs(ctx, least)
	return target{y, n, id}, err
}

// named finds a configured system by its cloud id or that of its device.
func (a *account) named(id string) (*site, error) {
	if id == "" && len(a.sites) == 1 {
		return a.sites[0], nil
	}
	if y := a.find(id); y != nil {
		return y, nil
	}
	return nil, &bridge.Failure{Reason: bridge.ReasonUnknownTarget, Message: "there is no such system in options.systems; give one of those as the argument system"}
}

func (a *account) system(ctx context.Context, o bridge.Order, least int) (*site, int, error) {
	y, err := a.named(o.Args.Text("system"))
	if err != nil {
		return nil, 0, err
	}
	n, err := y.needs(ctx, least)
	return y, n, err
}

// needs refuses what the system's version does not have. Nothing is sent then.
func (y *site) needs(ctx context.Context, least int) (int, error) {
	n, err := y.restVersion(ctx)
	if err == nil && n < least {
		err = &bridge.Failure{Reason: bridge.ReasonDenied, Message: fmt.Sprintf("not sent: the system is too old for it (its REST API is version %d, it needs %d)", n, least)}
	}
	return n, err
}

func malformed(format string, args ...any) error {
	return &bridge.Failure{Reason: bridge.ReasonMalformed, Message: "not sent: " + fmt.Sprintf(format, args...)}
}

// shown is the vendor's data as the result of a call, without secrets.
func shown(raw json.RawMessage, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return withoutSecrets(raw)
}
