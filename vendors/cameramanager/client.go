package cameramanager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge"
)

// client speaks the API of one user. Errors are *bridge.Failure.
type client struct {
	cloud    bridge.Cloud
	versions Versions
	stills   Still
}

const pictureLimit = 2 << 20

// listLimit bounds lists and states of all cameras: 10,000 of them have more than 1 MB.
const listLimit = 8 << 20

// read asks for JSON. into may be nil.
func (c client) read(ctx context.Context, version, path string, query url.Values, into any) (json.RawMessage, error) {
	return c.readPath(ctx, rest(version, path), query, into)
}

func (c client) readPath(ctx context.Context, path string, query url.Values, into any) (json.RawMessage, error) {
	return c.ask(ctx, bridge.Request{Path: path, Query: query}, into)
}

// list reads what is about all cameras at once.
func (c client) list(ctx context.Context, version, path string, into any) (json.RawMessage, error) {
	return c.ask(ctx, bridge.Request{Path: rest(version, path), Limit: listLimit}, into)
}

func (c client) ask(ctx context.Context, req bridge.Request, into any) (json.RawMessage, error) {
	reply, err := c.cloud.Read(ctx, req)
	if err != nil {
		return nil, explain(err)
	}
	if into == nil {
		into = new(any)
	}
	if err := json.Unmarshal(reply.Body, into); err != nil {
		return nil, oddAnswer(req.Path)
	}
	return reply.Body, nil
}

func (c client) cameras(ctx context.Context) (raw json.RawMessage, all []camera, err error) {
	raw, err = c.list(ctx, c.versions.Cameras, "/cameras", &all)
	if err == nil && all == nil {
		err = oddAnswer("/cameras")
	}
	for _, one := range all {
		if one.ID == "" { // a list that may be cut short would remove cameras
			return nil, nil, oddAnswer("/cameras")
		}
	}
	return raw, all, err
}

func (c client) statuses(ctx context.Context) (all []json.RawMessage, err error) {
	_, err = c.list(ctx, c.versions.Status, "/cameras/all/status", &all)
	return all, err
}

func (c client) status(ctx context.Context, id string) (json.RawMessage, error) {
	return c.ofCamera(ctx, c.versions.Status, id, "/status", nil, nil)
}

// ofCamera reads a resource of one camera.
func (c client) ofCamera(ctx context.Context, version, id, path string, query url.Values, into any) (json.RawMessage, error) {
	return c.read(ctx, version, "/cameras/"+url.PathEscape(id)+path, query, into)
}

func (c client) recordings(ctx context.Context, id string, from, to time.Time, limit int, into any) (json.RawMessage, error) {
	return c.ofCamera(ctx, c.versions.Recordings, id, "/recordings", url.Values{
		"minTimestamp": {formatTime(from)}, "maxTimestamp": {formatTime(to)}, "limit": {fmt.Sprint(limit)},
	}, into)
}

// still fetches a picture. Refused ones are answered as JSON, perhaps with 200.
func (c client) still(ctx context.Context, id, resolution string) (bridge.Image, error) {
	query := url.Values{}
	if resolution != "" {
		query.Set("resolution", resolution)
	}
	if c.stills.Timestamp {
		query.Set("includeTimestamp", "true")
	}
	reply, err := c.cloud.Read(ctx, bridge.Request{
		Lane: laneStills, Path: rest(c.versions.Snapshot, "/cameras/"+url.PathEscape(id)+"/snapshot"), Query: query,
		Accept: "image/jpeg, */*", Limit: pictureLimit,
	})
	switch {
	case err != nil:
		return bridge.Image{}, explain(err)
	case bytes.HasPrefix(reply.Body, []byte("\xff\xd8\xff")):
		return bridge.Image{Type: "image/jpeg", Bytes: reply.Body}, nil
	case strings.HasPrefix(reply.Type, "image/") && len(reply.Body) > 0:
		return bridge.Image{Type: reply.Type, Bytes: reply.Body}, nil
	}
	return bridge.Image{}, &bridge.Failure{Reason: bridge.ReasonNoAnswer, Status: reply.Status, Message: "the still is no picture"}
}

func oddAnswer(path string) *bridge.Failure {
	return &bridge.Failure{Reason: bridge.ReasonNoAnswer, Message: "the answer to " + path + " is not understood"}
}

// explain adds the vendor's error code, by which its support knows a fault; the
// title beside it is declared unstable and may quote anything.
func explain(err error) error {
	f, ok := errors.AsType[*bridge.Failure](err)
	var e apiError
	if !ok || json.Unmarshal(f.Detail, &e) != nil {
		return err
	}
	code, bad := strconv.ParseInt(string(e.Code), 10, 32)
	if bad != nil {
		return err
	}
	more := *f
	more.Message += fmt.Sprintf(" (CameraManager code %d)", code)
	return &more
}

// absent tells that the cloud does not know what was asked for.
func absent(err error) bool {
	f, ok := errors.AsType[*bridge.Failure](err)
	return ok && (f.Status == http.StatusNotFound || f.Status == http.StatusForbidden)
}
