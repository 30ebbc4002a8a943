package cameramanager

import (
	"context"
	"encoding/json"
	"time"

	"latchkey/bridge"
)

func (a *account) listCameras(ctx context.Context, report bridge.Report) error {
	_, err := a.readCameras(ctx, report)
	return err
}

func (a *account) readCameras(ctx context.Context, report bridge.Report) (json.RawMessage, error) {
	raw, list, err := a.cameras(ctx)
	if err == nil {
		a.fleet.replace(list, report)
	}
	return raw, err
}

func (a *account) pollStatus(ctx context.Context, report bridge.Report) error {
	if !a.fleet.known() {
		return nil // the list asks for it
	}
	_, err := a.readStatus(ctx, report)
	return err
}

// readStatus asks for all states at once, and one by one for cameras that the
// answer leaves out; for all of them where the cloud has no such answer (it was
// seen in demo code only).
func (a *account) readStatus(ctx context.Context, report bridge.Report) ([]json.RawMessage, error) {
	all, err := a.statuses(ctx)
	if err != nil && !absent(err) {
		return nil, err
	}
	seen := make(map[string]bool, len(all))
	for _, raw := range all {
		seen[a.tellStatus(raw, report)] = true
	}
	var missing []string
	for _, id := range a.fleet.list() {
		if !seen[id] {
			missing = append(missing, id)
		}
	}
	for _, id := range a.single.take(missing) {
		raw, err := a.status(ctx, id)
		if absent(err) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, err
		}
		a.tellStatus(raw, report)
		all = append(all, raw)
	}
	return all, nil
}

// tellStatus reports one state and returns whose it is.
func (a *account) tellStatus(raw json.RawMessage, report bridge.Report) string {
	var s status
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	if device := a.fleet.of(string(s.Camera)); device != "" {
		report(s.facts(device)...)
	}
	return string(s.Camera)
}

const (
	lastWindow = time.Hour // in which the newest recording is looked for
	pageLimit  = 200
	pagesMost  = 5
)

func (a *account) lastRecordings(ctx context.Context, report bridge.Report) error {
	for _, id := range a.latest.take(a.fleet.list()) {
		end, err := a.lastRecording(ctx, id)
		switch {
		case absent(err):
		case err != nil:
			return err
		case !end.IsZero():
			report(bridge.State{Ref: bridge.Ref{Device: a.fleet.of(id), Entity: "last_recording"}, Value: bridge.Moment(end)})
		}
	}
	return nil
}

// lastRecording is the end of the newest recording, zero if there is none within
// the window. Lists come oldest first; the next page starts at the last end.
func (a *account) lastRecording(ctx context.Context, id string) (last time.Time, err error) {
	now := time.Now()
	from := now.Add(-lastWindow)
	for range pagesMost {
		var list []recording
		if _, err := a.recordings(ctx, id, from, now, pageLimit, &list); err != nil {
			return last, err
		}
		for _, r := range list {
			if r.End.After(last) {
				last = r.End.Time
			}
		}
		if len(list) < pageLimit || !last.After(from) {
			break
		}
		from = last
	}
	return last, nil
}

// refreshStills fetches a still of each camera. One that is refused does not end
// the round: it may just be offline.
func (a *account) refreshStills(ctx context.Context, report bridge.Report) error {
	for _, id := range a.unbid.take(a.fleet.list()) {
		if _, err := a.takeStill(ctx, id, a.stills.Resolution, report); ctx.Err() != nil || heldBack(err) {
			return err
		}
	}
	return nil
}
