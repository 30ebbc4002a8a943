package dwspectrum

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"latchkey/bridge"
)

// moveMost is how many seconds a camera may turn: other commands to it wait so
// long, and a press that waits longer than its deadline is refused.
const moveMost = 3

var axes = []string{"pan", "tilt", "zoom", "focus"}

func speeds() (all []bridge.Arg) {
	for _, axis := range axes {
		all = append(all, bridge.Arg{Name: axis, Type: bridge.ArgNumber, Min: -1, Max: 1, Optional: true})
	}
	return all
}

// move turns a camera, which would go on until it is stopped (documented): see
// stop, which the engine sends after it.
func move(ctx context.Context, t target, o bridge.Order) error {
	given := bridge.Args{}
	for _, axis := range axes {
		if v, ok := o.Args[axis].(float64); ok && v != 0 {
			given[axis] = v
		}
	}
	if len(given) == 0 {
		return malformed("give pan, tilt, zoom or focus a speed other than 0")
	}
	if err := t.act(ctx, "POST", t.path("/ptz/move"), nil, given); err != nil {
		return err
	}
	seconds, _ := o.Args["duration"].(float64)
	select {
	case <-time.After(time.Duration(seconds * float64(time.Second))):
	case <-ctx.Done():
	}
	return nil
}

func stop(ctx context.Context, t target, _ bridge.Order) error {
	return t.act(ctx, "DELETE", t.path("/ptz/move"), nil, nil)
}

func toPreset(ctx context.Context, t target, o bridge.Order) error {
	return t.act(ctx, "POST", t.path("/ptz/presets/"+ident(o.Args.Text("preset")).escaped()+"/activate"), nil, struct {
		Speed any `json:"speed"` // required
	}{o.Args["speed"]})
}

func toOldPreset(ctx context.Context, t target, o bridge.Order) error {
	if t.n >= 3 {
		return &bridge.Failure{Reason: bridge.ReasonDenied, Message: "not sent: the system is newer than version 5, where it is ptz_preset"}
	}
	speed, _ := o.Args["speed"].(float64)
	return t.act(ctx, "GET", "/api/ptz", url.Values{"cameraId": {string(t.id)}, "command": {"ActivatePresetPtzCommand"}, "presetId": {o.Args.Text("preset")},
		"speed": {strconv.FormatFloat(speed, 'f', -1, 64)}}, nil)
}

func toPosition(ctx context.Context, t target, o bridge.Order) error {
	return t.act(ctx, "POST", t.path("/ptz/position"), nil, struct {
		Type  string `json:"type"`
		Pan   any    `json:"pan"`
		Tilt  any    `json:"tilt"`
		Zoom  any    `json:"zoom"`
		Speed any    `json:"speed"`
	}{o.Args.Text("type"), o.Args["pan"], o.Args["tilt"], o.Args["zoom"], o.Args["speed"]})
}
