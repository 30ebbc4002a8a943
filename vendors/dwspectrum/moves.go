package dwspectrum

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"latchkey/bridge"
)

// movingCalls are sent at most once.
func (a *account) movingCalls() []bridge.Call {
	state := bridge.Arg{Name: "state", Type: bridge.ArgText, OneOf: []string{"instant", "started", "stopped"}, Optional: true, Default: "instant"}
	speed := bridge.Arg{Name: "speed", Type: bridge.ArgNumber, Min: 0, Max: 1, Optional: true, Default: 0.5}
	axis := func(name string) bridge.Arg { return bridge.Arg{Name: name, Type: bridge.ArgNumber} }
	flag := func(name string) bridge.Arg { return bridge.Arg{Name: name, Type: bridge.ArgBool} }
	long := func(name string) bridge.Arg { return optional(text(name, 1024)) }
	// of is a command on a device.
	of := func(least int, do func(context.Context, target, bridge.Order) error) func(context.Context, bridge.Order) (any, error) {
		return func(ctx context.Context, o bridge.Order) (any, error) {
			t, err := a.target(ctx, o, least)
			if err != nil {
				return nil, err
			}
			return nil, do(ctx, t, o)
		}
	}
	return []bridge.Call{
		{Name: "trigger", Summary: "fire a soft trigger of a camera", Effect: bridge.Writes, OfEntity: true,
			Args: []bridge.Arg{deviceArg, text("trigger", 300), state}, Do: of(1, fire)},
		{Name: "output", Summary: "switch an output of a device", Effect: bridge.Writes, OfEntity: true,
			Args: []bridge.Arg{deviceArg, text("port", 300), flag("active")}, Do: of(1, setOutput)},
		{Name: "ptz_preset", Summary: "turn a camera to a preset (6.0 and newer)", Effect: bridge.Writes, OfEntity: true,
			Args: []bridge.Arg{deviceArg, text("preset", 300), speed}, Do: of(3, toPreset)},
		// 5.x lists no presets, so that none has an entity to stand for.
		{Name: "ptz_preset_5x", Summary: "turn a camera of version 5 to a preset", Effect: bridge.Writes,
			Args: []bridge.Arg{deviceArg, text("preset", 300), speed}, Do: of(1, toOldPreset)},
		{Name: "ptz_position", Summary: "turn a camera to an absolute or logical position (6.0 and newer)", Effect: bridge.Writes,
			Args: []bridge.Arg{deviceArg, positionType, axis("pan"), axis("tilt"), axis("zoom"), speed},
			Do:   of(3, toPosition)},
		{Name: "ptz_move", Summary: "turn a camera for some seconds (6.0 and newer); pan, tilt, zoom, focus: speeds of -1 to 1", Effect: bridge.Writes,
			Args: append([]bridge.Arg{deviceArg, {Name: "duration", Type: bridge.ArgNumber, Min: 0, Max: moveMost, Optional: true, Default: 1.0}}, speeds()...), Do: of(3, move),
			Stop: func(ctx context.Context, o bridge.Order) error { _, err := of(3, stop)(ctx, o); return err }},
		{Name: "ptz_stop", Summary: "stop a camera that turns (6.0 and newer)", Effect: bridge.Writes, Args: []bridge.Arg{deviceArg}, Do: of(3, stop)},
		{Name: "ptz_tour", Summary: "start a tour of a camera (6.0 and newer)", Effect: bridge.Writes, Args: []bridge.Arg{deviceArg, text("tour", 300)},
			Do: of(3, func(ctx context.Context, t target, o bridge.Order) error {
				return t.act(ctx, "POST", t.path("/ptz/tours/"+ident(o.Args.Text("tour")).escaped()+"/active"), nil, struct{}{})
			})},
		{Name: "bookmark", Summary: "bookmark a part of a camera's archive; start: a time such as 2026-01-02T03:04:05Z, without it the last seconds", Effect: bridge.Writes,
			Args: []bridge.Arg{deviceArg, text("name", 256), long("description"), optional(text("start", 64)),
				{Name: "duration", Type: bridge.ArgInt, Min: 1, Max: 86400, Optional: true, Default: int64(30)}},
			Do: of(1, bookmark)},
		{Name: "recording", Summary: "switch the recording of a camera on or off (6.1 and newer)", Effect: bridge.Writes, Args: []bridge.Arg{deviceArg, flag("enabled")},
			Do: of(4, func(ctx context.Context, t target, o bridge.Order) error {
				type schedule struct {
					Enabled any `json:"isEnabled"`
				}
				err := t.act(ctx, "PATCH", t.path(""), nil, struct {
					Schedule schedule `json:"schedule"`
				}{schedule{o.Args["enabled"]}})
				o.Report(bridge.Due{Task: t.task("site"), In: 2 * time.Second})
				return err
			})},
		{Name: "generic_event", Summary: "send a generic event to a system, for its rules", Effect: bridge.Writes,
			Args: []bridge.Arg{systemArg, long("source"), long("caption"), long("description"), state, {Name: "devices", Type: bridge.ArgJSON, Optional: true}}, Do: a.generic},
		{Name: "rule", Summary: "switch an event rule on or off (6.1 and newer; needs a power user)", Effect: bridge.Writes, OfEntity: true,
			Args: []bridge.Arg{text("system", bridge.MaxID), text("rule", 300), flag("enabled")}, Do: a.setRule},
	}
}

// oldStates are the states of createEvent; an instant one has none (inferred).
var oldStates = map[string]string{"started": "Active", "stopped": "Inactive"}

func fire(ctx context.Context, t target, o bridge.Order) error {
	trigger, state := o.Args.Text("trigger"), o.Args.Text("state")
	if t.n >= 4 {
		return t.act(ctx, "POST", "/rest/v4/events/triggers", nil, struct {
			Trigger string `json:"triggerId"`
			Device  ident  `json:"deviceId"`
			State   string `json:"state"`
		}{trigger, t.id, state})
	}
	query := url.Values{"event_type": {"softwareTriggerEvent"}, "inputPortId": {trigger}, "eventResourceId": {string(t.id)}}
	if old := oldStates[state]; old != "" {
		query.Set("state", old)
	}
	return t.act(ctx, "GET", "/api/createEvent", query, nil)
}

func setOutput(ctx context.Context, t target, o bridge.Order) error {
	port, active := o.Args.Text("port"), o.Args["active"] == true
	if t.n >= 4 {
		type one struct {
			Active bool `json:"isActive"`
		}
		err := t.act(ctx, "PATCH", t.path("/io"), nil, map[string]map[string]one{"ports": {port: {active}}})
		if t.of.options.IO > 0 {
			o.Report(bridge.Due{Task: t.task("io"), In: time.Second})
		}
		return err
	}
	params, err := json.Marshal(struct {
		Port     string `json:"relayOutputId"`
		Duration int64  `json:"durationMs"`
	}{port, t.resets(port)})
	if err != nil {
		return malformed("the port cannot be written as JSON")
	}
	toggle := "inactive"
	if active {
		toggle = "active"
	}
	return t.act(ctx, "POST", "/api/executeEventAction", nil, struct {
		Action  string   `json:"actionType"`
		Toggle  string   `json:"toggleState"`
		Devices []string `json:"resourceIds"`
		Params  string   `json:"params"` // JSON inside of text
	}{"cameraOutputAction", toggle, []string{"{" + string(t.id) + "}"}, string(params)})
}

// resets is after how many milliseconds an output falls back; 0: it does not.
func (t target) resets(port string) int64 {
	cameras, _ := t.known()
	for _, c := range cameras {
		for _, p := range c.Options.Ports {
			if c.ID == t.id && string(p.ID) == port {
				return max(p.Reset.int(), 0)
			}
		}
	}
	return 0
}

func bookmark(ctx context.Context, t target, o bridge.Order) error {
	length := time.Duration(o.Args.Int("duration")) * time.Second
	start := time.Now().Add(-length)
	if text := o.Args.Text("start"); text != "" {
		var err error
		if start, err = time.Parse(time.RFC3339, text); err != nil {
			return malformed("start is no time such as 2026-01-02T03:04:05Z")
		}
	}
	return t.act(ctx, "POST", t.path("/bookmarks"), nil, struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Start       int64  `json:"startTimeMs"`
		Length      int64  `json:"durationMs"`
	}{o.Args.Text("name"), o.Args.Text("description"), start.UnixMilli(), length.Milliseconds()})
}

// generic sends a generic event: nothing is seen of it without a rule for it.
func (a *account) generic(ctx context.Context, o bridge.Order) (any, error) {
	y, n, err := a.system(ctx, o, 1)
	if err != nil {
		return nil, err
	}
	source, caption, description, state := o.Args.Text("source"), o.Args.Text("caption"), o.Args.Text("description"), o.Args.Text("state")
	if source == "" && caption == "" && description == "" {
		return nil, malformed("a generic event needs a source, a caption or a description")
	}
	devices, err := y.originals(o.Args["devices"])
	if err != nil {
		return nil, err
	}
	if n >= 4 {
		return nil, y.act(ctx, "POST", "/rest/v4/events/generic", nil, struct {
			State       string  `json:"state"`
			Source      string  `json:"source"`
			Caption     string  `json:"caption"`
			Description string  `json:"description"`
			Devices     []ident `json:"deviceIds,omitempty"`
		}{state, source, caption, description, devices})
	}
	query := url.Values{"source": {source}, "caption": {caption}, "description": {description}}
	if old := oldStates[state]; old != "" {
		query.Set("state", old)
	}
	if len(devices) > 0 {
		metadata, err := json.Marshal(map[string][]ident{"cameraRefs": devices})
		if err != nil {
			return nil, malformed("devices cannot be written as JSON")
		}
		query.Set("metadata", string(metadata))
	}
	return nil, y.act(ctx, "GET", "/api/createEvent", query, nil)
}

// devicesMost bounds the devices of one generic event.
const devicesMost = 100

// originals turns a list of device ids, as they stand in topics, into the system's.
func (y *site) originals(v any) ([]ident, error) {
	if v == nil {
		return nil, nil
	}
	given, ok := v.([]any)
	if !ok || len(given) > devicesMost {
		return nil, malformed("devices is no list of at most %d ids", devicesMost)
	}
	known := map[string]ident{}
	cameras, _ := y.known()
	for _, c := range cameras {
		known[string(c.ID)], known[bridge.DeviceID(string(c.ID))] = c.ID, c.ID
	}
	var all []ident
	for _, one := range given {
		text, _ := one.(string)
		id, ok := known[text]
		if !ok {
			return nil, malformed("devices holds %.64q, which is no device of the system", text)
		}
		all = append(all, id)
	}
	return all, nil
}

func (a *account) setRule(ctx context.Context, o bridge.Order) (any, error) {
	y, _, err := a.system(ctx, o, 4)
	if err != nil {
		return nil, err
	}
	err = y.act(ctx, "PATCH", "/rest/v4/events/rules/"+ident(o.Args.Text("rule")).escaped(), nil, struct {
		Enabled any `json:"enabled"`
	}{o.Args["enabled"]})
	y.again()
	o.Report(bridge.Due{Task: y.task("site"), In: time.Second})
	return nil, err
}
