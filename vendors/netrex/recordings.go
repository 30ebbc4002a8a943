package netrex

import (
	"context"
	"slices"
	"sync"
	"time"

	"latchkey/bridge"
)

const (
	lookFirst   = 5 * time.Second // after the preparation was begun
	lookLater   = 30 * time.Second
	preparesMax = 20  // at once
	seenMax     = 500 // recordings that a query has named, newest last
)

// shelf holds the recordings that queries have named, and those being prepared. It
// lives in memory: after a restart a preparation is asked for anew.
type shelf struct {
	mu      sync.Mutex
	seen    []named
	pending []preparation
}

// named is a recording and whose it is: an id says neither.
type named struct {
	id      string
	node    ID
	heights []int64
}

type preparation struct {
	id     string
	node   ID
	height int64
	since  time.Time
}

func (s *shelf) note(node ID, all []recording) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range all {
		s.seen = append(s.seen, named{string(r.ID), node, r.heights()})
	}
	s.seen = slices.Clone(s.seen[max(len(s.seen)-seenMax, 0):])
}

func (s *shelf) find(id string) (named, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.IndexFunc(s.seen, func(n named) bool { return n.id == id })
	if at < 0 {
		return named{id: id}, false
	}
	return s.seen[at], true
}

// begin adds a preparation; false: there are too many. One that runs begins anew.
func (s *shelf) begin(p preparation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = slices.DeleteFunc(s.pending, func(have preparation) bool { return have.id == p.id })
	if len(s.pending) >= preparesMax {
		return false
	}
	s.pending = append(s.pending, p)
	return true
}

func (s *shelf) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = slices.DeleteFunc(s.pending, func(have preparation) bool { return have.id == id })
}

func (s *shelf) list() []preparation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.pending)
}

// startPreparing asks the cloud to prepare a recording. What comes of it is an event.
func (a *account) startPreparing(ctx context.Context, o bridge.Order) (any, error) {
	r, known := a.shelf.find(o.Args.Text("recording"))
	height := o.Args.Int("height")
	switch {
	case height == 0 && len(r.heights) == 0:
		return nil, malformed("argument height is missing: one of the recording's heights, see the call recordings")
	case height == 0:
		height = slices.Max(r.heights)
	case known && !slices.Contains(r.heights, height):
		return nil, malformed("argument height is none of the recording's: %v", r.heights)
	}
	if o.Args["node"] != nil {
		var err error
		if r.node, err = a.nodeOf(o.Args); err != nil {
			return nil, err
		}
	}
	p := preparation{r.id, r.node, height, time.Now()}
	if !a.shelf.begin(p) {
		return nil, &bridge.Failure{Reason: bridge.ReasonBusy, Message: "not asked: too many recordings are being prepared"}
	}
	if err := a.prepare(ctx, p.id, height); err != nil {
		a.shelf.end(p.id)
		return nil, err
	}
	o.Report(bridge.Due{Task: taskRecordings, In: lookFirst})
	return map[string]any{"recording_id": p.id, "height": height, "ready": false}, nil
}

// watch looks at what is being prepared, until it is ready, refused or given up.
func (a *account) watch(ctx context.Context, report bridge.Report) (err error) {
	var next time.Duration
	for _, p := range a.shelf.list() {
		r, problem := a.recording(ctx, p.id)
		file := ""
		if problem == nil && r.Link != "" && a.options.Save != "" {
			file, problem = a.save(ctx, p, r)
		}
		switch {
		case problem == nil && r.Link != "":
			a.tell(p, prepared, r, file, report)
		case rejected(problem) || time.Since(p.since) > a.options.RecordingWait:
			if problem != nil {
				a.log.Warn("a recording is given up", "id", p.id, "err", problem)
			}
			a.tell(p, failed, r, "", report)
		case problem != nil:
			return problem // the engine tries again
		case next == 0 || time.Since(p.since) < time.Minute:
			if next = lookLater; time.Since(p.since) < time.Minute {
				next = lookFirst
			}
		}
	}
	if next > 0 {
		report(bridge.Due{Task: taskRecordings, In: next})
	}
	return nil
}

// tell reports the end of a preparation.
func (a *account) tell(p preparation, event string, r recording, file string, report bridge.Report) {
	a.shelf.end(p.id)
	device := a.tree.of(p.node)
	if device == "" || !a.tree.camera(p.node) {
		a.log.Info("a recording of no known camera has been prepared", "id", p.id, "reason", event)
		return
	}
	attributes := map[string]any{"recording_id": p.id, "height": p.height}
	if r.Duration.known {
		attributes["duration"] = r.Duration.value
	}
	if file != "" {
		attributes["file"] = file
	}
	if a.options.Links && r.Link != "" {
		attributes["download_url"] = string(r.Link)
	}
	report(bridge.Happened{Ref: bridge.Ref{Device: device, Entity: "recording_ready"}, Type: event, ID: p.id + "/" + event, At: time.Now(), Attributes: attributes})
}

// shown is a recording as the result of a call. Its address is as good as a key,
// so it is withheld unless the owner wants it.
func (a *account) shown(r recording) map[string]any {
	m := map[string]any{"recording_id": string(r.ID), "ready": r.Link != "", "heights": r.heights()}
	if r.Duration.known {
		m["duration"] = r.Duration.value
	}
	if a.options.Links && r.Link != "" {
		m["download_url"] = string(r.Link)
	}
	return m
}
