package cameramanager

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"latchkey/bridge"
)

const (
	spanMost              = 12 * time.Hour // of one list of recordings
	limitLeast, limitMost = 10, 200
)

// calls are all reads, so each may be repeated after a lost answer.
func (a *account) calls() []bridge.Call {
	// Ids are numbers in all samples and text in topics: both are taken.
	camera := bridge.Arg{Name: "camera", Type: bridge.ArgJSON}
	text := func(name string) bridge.Arg { return bridge.Arg{Name: name, Type: bridge.ArgText, Optional: true} }
	all := []bridge.Call{
		{Name: "self", Summary: "the user of this account",
			Do: a.get(func(bridge.Args) (ask, error) { return ask{version: a.versions.Self, path: "/users/self"}, nil })},
		{Name: "cameras", Summary: "all cameras, read anew", Do: func(ctx context.Context, o bridge.Order) (any, error) {
			raw, err := a.readCameras(ctx, o.Report)
			return shown(raw, err)
		}},
		{Name: "status", Summary: "the state of all cameras, read anew", Do: a.statusCall},
		{Name: "camera", Summary: "one camera", Args: []bridge.Arg{camera},
			Do: a.get(func(args bridge.Args) (ask, error) { return a.about(args, a.versions.Cameras, "", nil) })},
		{Name: "location", Summary: "where a camera is", Args: []bridge.Arg{camera},
			Do: a.get(func(args bridge.Args) (ask, error) { return a.about(args, a.versions.Location, "/location", nil) })},
		{Name: "details", Summary: "one part of what else the cloud knows of a camera",
			Args: []bridge.Arg{camera, {Name: "part", Type: bridge.ArgText, OneOf: parts}}, Do: a.get(a.details)},
		{Name: "snapshot", Summary: "a still of a camera; asked again too soon, the same one",
			Args: []bridge.Arg{camera, text("resolution")}, Do: a.snapshot},
		{Name: "streams", Summary: "stream addresses of a camera, without a token; types: rtsp,hlsHttps,...",
			Args: []bridge.Arg{camera, text("types")}, Do: a.get(a.streams)},
		{Name: "recordings", Summary: "recordings of a camera, oldest first, over at most 12 hours",
			Args: []bridge.Arg{camera, text("from"), text("to"), {Name: "limit", Type: bridge.ArgInt, Optional: true, Default: int64(50)}}, Do: a.listRecordings},
		{Name: "recording", Summary: "one recording with its address, without a token",
			Args: []bridge.Arg{camera, {Name: "id", Type: bridge.ArgJSON}}, Do: a.get(a.oneRecording)},
	}
	if a.rights != "" {
		all = append(all, bridge.Call{Name: "rights", Summary: "what this user may do: ptz, playback, export, ...",
			Do: func(ctx context.Context, _ bridge.Order) (any, error) {
				return shown(a.readPath(ctx, "/rest"+a.rights, nil, nil))
			}})
	}
	return all
}

// ask is one request for JSON.
type ask struct {
	version, path string
	query         url.Values
}

// get makes a call of one request.
func (a *account) get(of func(bridge.Args) (ask, error)) func(context.Context, bridge.Order) (any, error) {
	return func(ctx context.Context, o bridge.Order) (any, error) {
		q, err := of(o.Args)
		if err != nil {
			return nil, err
		}
		return shown(a.read(ctx, q.version, q.path, q.query, nil))
	}
}

// about asks for a resource of the camera that the arguments name.
func (a *account) about(args bridge.Args, version, path string, query url.Values) (ask, error) {
	id, err := a.camera(args)
	return ask{version, "/cameras/" + url.PathEscape(id) + path, query}, err
}

// camera is the id of the camera that the arguments name: the vendor's, or that
// of the device.
func (a *account) camera(args bridge.Args) (string, error) {
	id, err := idOf(args, "camera")
	return a.fleet.original(id), err
}

// idOf reads an id, which is a number or text and can stand in a path.
func idOf(args bridge.Args, name string) (string, error) {
	raw, err := json.Marshal(args[name])
	var id word
	if err == nil {
		err = id.UnmarshalJSON(raw)
	}
	if err != nil || id == "" || len(id) > bridge.MaxID || strings.Trim(string(id), "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") != "" {
		return "", malformed("argument %s is no id", name)
	}
	return string(id), nil
}

func (a *account) statusCall(ctx context.Context, o bridge.Order) (any, error) {
	if !a.fleet.known() {
		if _, err := a.readCameras(ctx, o.Report); err != nil {
			return nil, err
		}
	}
	all, err := a.readStatus(ctx, o.Report)
	if err != nil {
		return nil, err
	}
	list := make([]any, len(all))
	for i, raw := range all {
		if list[i], err = shown(raw, nil); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (a *account) snapshot(ctx context.Context, o bridge.Order) (any, error) {
	id, err := a.camera(o.Args)
	if err != nil {
		return nil, err
	}
	resolution := o.Args.Text("resolution")
	switch {
	case resolution == "":
		resolution = a.stills.Resolution
	case !isResolution(resolution):
		return nil, malformed("resolution is none such as 1280x720")
	}
	img, err := a.takeStill(ctx, id, resolution, o.Report)
	if err != nil {
		return nil, err
	}
	return img, nil
}

// parts are the further resources of a camera, whose members are not documented.
var parts = []string{"device_info", "firmware", "connection", "mode", "video_detector", "audio_detector", "pir_detector"}

func (a *account) details(args bridge.Args) (ask, error) {
	part := args.Text("part")
	switch part {
	case "device_info":
		part = "deviceInfo"
	case "connection":
		part = "connection/details"
	case "video_detector", "audio_detector", "pir_detector":
		return a.about(args, a.versions.Detectors, "/detectors/"+strings.TrimSuffix(part, "_detector"), nil)
	}
	return a.about(args, a.versions.Details, "/"+part, nil)
}

func (a *account) streams(args bridge.Args) (ask, error) {
	types := strings.FieldsFunc(args.Text("types"), func(r rune) bool { return r == ',' || r == ' ' })
	return a.about(args, a.versions.Streams, "/streams", typesQuery(types...))
}

func typesQuery(types ...string) url.Values {
	if len(types) == 0 {
		return nil
	}
	return url.Values{"includeUrlTypes": types}
}

func (a *account) oneRecording(args bridge.Args) (ask, error) {
	id, err := idOf(args, "id")
	if err != nil {
		return ask{}, err
	}
	return a.about(args, a.versions.Recordings, "/recordings/"+id, typesQuery("mp4Http"))
}

// listRecordings lists the twelve hours before `to`, or those after `from`.
func (a *account) listRecordings(ctx context.Context, o bridge.Order) (any, error) {
	id, err := a.camera(o.Args)
	if err != nil {
		return nil, err
	}
	to, err := momentOf(o.Args, "to", time.Now())
	if err != nil {
		return nil, err
	}
	from, err := momentOf(o.Args, "from", to.Add(-spanMost))
	if err != nil {
		return nil, err
	}
	if from.After(to) {
		return nil, malformed("from is after to")
	}
	if to.Sub(from) > spanMost {
		to = from.Add(spanMost)
	}
	limit := min(max(o.Args.Int("limit"), limitLeast), limitMost)
	return shown(a.recordings(ctx, id, from, to, int(limit), nil))
}

func momentOf(args bridge.Args, name string, standard time.Time) (time.Time, error) {
	text := args.Text(name)
	if text == "" {
		return standard, nil
	}
	t, err := parseTime(text)
	if err != nil {
		return t, malformed("%s is no time such as 2026-01-02T03:04:05Z", name)
	}
	return t, nil
}

func malformed(format string, args ...any) error {
	return &bridge.Failure{Reason: bridge.ReasonMalformed, Message: "not asked: " + fmt.Sprintf(format, args...)}
}
