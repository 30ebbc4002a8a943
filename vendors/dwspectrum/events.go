package dwspectrum

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

var eventTypes = []string{"motion", "input", "analytics", "generic", "disconnect", "other"}

const (
	eventsBack = 15 * time.Minute // the first look goes back so far: clocks differ
	eventsMost = 200              // at a time
)

// pollEvents reads what rules have written to the system's event log (6.1 and
// newer). What no rule logs is not there.
func (y *site) pollEvents(ctx context.Context, report bridge.Report) error {
	cameras, n := y.known()
	if len(cameras) == 0 || n < 4 {
		return nil
	}
	y.mu.Lock()
	if y.since.IsZero() {
		y.since = time.Now().Add(-eventsBack)
	}
	since := y.since
	y.mu.Unlock()
	all, err := list[logRecord](ctx, y.client, "/rest/v4/events/log", url.Values{
		"startTimeMs": {fmt.Sprint(since.UnixMilli())}, "limit": {fmt.Sprint(eventsMost)}, "order": {"asc"},
	})
	if absent(err) {
		return nil // this user may not see the log
	}
	if err != nil {
		return err
	}
	devices := make(map[ident]bool, len(cameras))
	for _, c := range cameras {
		devices[c.ID] = true
	}
	for _, r := range all {
		if r.At.After(since) {
			since = r.At.Time
		}
		id := r.device(devices)
		if id == "" || r.At.IsZero() {
			continue
		}
		kind := r.kind()
		report(bridge.Happened{Ref: bridge.Ref{Device: bridge.DeviceID(string(id)), Entity: "event"}, Type: category(kind), At: r.At.Time,
			ID: fmt.Sprintf("%d %s %s %s", r.At.UnixMilli(), id, kind, r.Rule), Attributes: map[string]any{"vendor_type": kind, "at": bridge.Second(r.At.Time)}})
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	y.since = since
	return nil
}

// device finds the camera that a record is about. Which member names it is not
// documented, so it is the one that holds the id of a known camera.
func (r logRecord) device(known map[ident]bool) ident {
	for _, name := range slices.Sorted(maps.Keys(r.Data)) {
		values, isList := r.Data[name].([]any)
		if !isList {
			values = []any{r.Data[name]}
		}
		for _, v := range values {
			if text, ok := v.(string); ok && known[bare(text)] {
				return bare(text)
			}
		}
	}
	return ""
}

// kind is the vendor's word for what happened (seen as type and as eventType); ""
// where it is no word.
func (r logRecord) kind() string {
	for _, name := range []string{"type", "eventType"} {
		if text, ok := r.Data[name].(string); ok && len(text) <= 64 && isName(text) {
			return text
		}
	}
	return ""
}

// category takes both spellings: motion, and cameraMotionEvent.
func category(kind string) string {
	kind = strings.ToLower(kind)
	for _, one := range eventTypes {
		if strings.Contains(kind, one) {
			return one
		}
	}
	if strings.Contains(kind, "userdefined") {
		return "generic"
	}
	return "other"
}

// readTriggers lists the soft triggers. Before 6.1 they stand in the event rules.
func (y *site) readTriggers(ctx context.Context, n int) ([]trigger, error) {
	if n >= 4 {
		return list[trigger](ctx, y.client, "/rest/v4/events/triggers", nil)
	}
	rules, err := list[oldRule](ctx, y.client, "/ec2/getEventRules", nil)
	var all []trigger
	for _, r := range rules {
		var c condition
		if r.Event != "softwareTriggerEvent" || r.Disabled || json.Unmarshal([]byte(r.Condition), &c) != nil || c.Trigger == "" {
			continue
		}
		t := trigger{ID: c.Trigger, Name: c.Name}
		t.Devices.IDs, t.Devices.All = r.Devices, len(r.Devices) == 0
		all = append(all, t)
	}
	return all, err
}

// pollPorts reads inputs and outputs (6.1 and newer). A read starts a monitoring
// that lapses after a minute.
func (y *site) pollPorts(ctx context.Context, report bridge.Report) error {
	cameras, n := y.known()
	if n < 4 {
		return nil
	}
	for _, c := range cameras {
		if len(c.Options.Ports) == 0 || c.off() {
			continue
		}
		var now portStates
		_, err := y.read(ctx, "/rest/v4/devices/"+c.ID.escaped()+"/io", nil, &now)
		if absent(err) {
			continue
		}
		if err != nil {
			return err
		}
		y.tellPorts(c.ID, now, report)
	}
	return nil
}

// tellPorts reports the ports that have entities with a state.
func (y *site) tellPorts(id ident, now portStates, report bridge.Report) {
	y.mu.Lock()
	defer y.mu.Unlock()
	device := bridge.DeviceID(string(id))
	i := slices.IndexFunc(y.devices, func(d bridge.Device) bool { return d.ID == device })
	if i < 0 {
		return
	}
	for port, state := range now.Ports {
		for _, e := range y.devices[i].Entities {
			fits := e.Kind == bridge.BinarySensor && e.ID == slug("input", string(port)) || e.Kind == bridge.Switch && e.ID == slug("output", string(port))
			if fits && state.Active != nil {
				report(bridge.State{Ref: bridge.Ref{Device: device, Entity: e.ID}, Value: bridge.Bool(*state.Active)})
			}
		}
	}
}
