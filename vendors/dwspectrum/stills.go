package dwspectrum

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

// pollStills fetches a still of each camera. One that is refused does not end the
// round.
func (y *site) pollStills(ctx context.Context, report bridge.Report) error {
	cameras, _ := y.known()
	for _, c := range cameras {
		if !c.sees() || c.off() {
			continue
		}
		_, err := y.still(ctx, c.ID, y.of.options.StillSize, report)
		f, _ := errors.AsType[*bridge.Failure](err)
		if ctx.Err() != nil || f != nil && (f.Reason == bridge.ReasonRateLimited || f.Reason == bridge.ReasonLoginNeeded) {
			return err
		}
	}
	return nil
}

// still fetches a picture of a camera and reports it.
func (y *site) still(ctx context.Context, id ident, size string, report bridge.Report) (bridge.Image, error) {
	n, err := y.restVersion(ctx)
	if err != nil {
		return bridge.Image{}, err
	}
	where, query := path(n, "/devices/"+id.escaped()+"/image"), url.Values{"timestampMs": {"-1"}, "format": {"jpg"}}
	switch {
	case n == 1: // 5.0 has no such call: the old one, which all versions have
		where, query = "/ec2/cameraThumbnail", url.Values{"cameraId": {string(id)}, "time": {"latest"}}
	case n == 2:
		query = url.Values{"timestampUs": {"-1"}, "format": {"jpg"}}
	}
	if _, height, ok := strings.Cut(size, "x"); ok && n == 1 {
		query.Set("height", height)
	} else if ok {
		query.Set("size", size)
	}
	img, err := y.picture(ctx, where, query)
	if err == nil && y.has(id) {
		report(bridge.Picture{Ref: bridge.Ref{Device: bridge.DeviceID(string(id)), Entity: "still"}, Bytes: img.Bytes, Type: img.Type, At: time.Now()})
	}
	return img, err
}

// has tells whether a camera with pictures was reported.
func (y *site) has(id ident) bool {
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.ContainsFunc(y.cameras, func(c camera) bool { return c.ID == id && c.sees() })
}
