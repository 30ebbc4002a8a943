package cameramanager

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

// Events says where detections are asked for: their fields are documented, their
// path and types are not, so there are none until somebody knows the path.
type Events struct {
	Path  string            `yaml:"path"`  // below /rest, such as /v2.4/cameras/{camera}/events; "": off
	Every time.Duration     `yaml:"every"` // how often; what is older than half a minute when it is seen is no news any more
	Types map[string]string `yaml:"types"` // the cloud's types, as Home Assistant is to know them
}

// placeholder stands in a path for each camera's id. Without it one list is about
// all of them.
const placeholder = "{camera}"

// otherEvent is the type of events that Types does not name.
const otherEvent = "other"

// kinds are the types of the detection entity; nil: there is none.
func (e Events) kinds() []string {
	if e.Path == "" {
		return nil
	}
	all := append(slices.Collect(maps.Values(e.Types)), otherEvent)
	slices.Sort(all)
	return slices.Compact(all)
}

// pollEvents tells what is new. That it is, and not history, is for the engine to
// judge, by the id and the time.
func (a *account) pollEvents(ctx context.Context, report bridge.Report) error {
	if !strings.Contains(a.events.Path, placeholder) {
		return a.readEvents(ctx, a.events.Path, "", report)
	}
	for _, id := range a.heard.take(a.fleet.list()) {
		if err := a.readEvents(ctx, strings.ReplaceAll(a.events.Path, placeholder, url.PathEscape(id)), id, report); err != nil && !absent(err) {
			return err
		}
	}
	return nil
}

func (a *account) readEvents(ctx context.Context, path, camera string, report bridge.Report) error {
	var list []event
	if _, err := a.readPath(ctx, "/rest"+path, nil, &list); err != nil {
		return err
	}
	for _, e := range list {
		of := camera
		if of == "" {
			of = string(e.Camera)
		}
		if device := a.fleet.of(of); device != "" && e.ID != "" && !e.At.IsZero() {
			report(e.happened(device, a.events.Types))
		}
	}
	return nil
}

func (e event) happened(device string, types map[string]string) bridge.Fact {
	kind := types[string(e.Type)]
	if kind == "" {
		kind = otherEvent
	}
	attributes := map[string]any{}
	for name, value := range map[string]word{"type": e.Type, "source": e.Source, "object": e.Object, "duration": e.Duration} {
		if value != "" {
			attributes[name] = string(value)
		}
	}
	return bridge.Happened{Ref: bridge.Ref{Device: device, Entity: "detection"}, Type: kind, ID: string(e.ID), At: e.At.Time, Attributes: attributes}
}
