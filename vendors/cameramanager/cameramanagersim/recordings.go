package cameramanagersim

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"latchkey/bridge/simkit"
)

const (
	block   = 15 * time.Minute
	history = 48 * time.Hour
)

// spot is one recording: a block of a quarter of an hour. Every camera that
// records on the cloud has all complete blocks of the last two days.
type spot struct {
	id         int64
	start, end time.Time
}

func (c Camera) recordings(now time.Time) []spot {
	var all []spot
	if !c.RecordingOnCloud {
		return nil
	}
	for at := now.Add(-history).Truncate(block); at.Add(block).Before(now); at = at.Add(block) {
		all = append(all, spot{at.Unix() / int64(block/time.Second), at.UTC(), at.Add(block).UTC()})
	}
	return all
}

// recordings lists oldest first. A minTimestamp is inclusive, so the recording
// that ends just then is listed again on the next page.
func (s *Sim) recordings(w http.ResponseWriter, r *http.Request, g simkit.Grant) {
	if !wantsJSON(w, r, "minTimestamp", "maxTimestamp", "limit", "sortByRecordingIdOrder", "slice", "includeUrlTypes") {
		return
	}
	c, ok := s.find(w, r, g)
	if !ok {
		return
	}
	now, q, t := time.Now(), r.URL.Query(), s.now()
	from, badFrom := timestamp(q.Get("minTimestamp"), now.Add(-12*time.Hour))
	to, badTo := timestamp(q.Get("maxTimestamp"), now)
	limit := 50
	if q.Has("limit") {
		limit, _ = strconv.Atoi(q.Get("limit"))
	}
	switch {
	case badFrom || badTo:
		refuse(w, http.StatusBadRequest, "bad timestamp")
		return
	case limit < 10 || limit > 200:
		refuse(w, http.StatusBadRequest, "limit outside of 10 to 200")
		return
	case to.Sub(from) > 12*time.Hour && !t.LongSpans:
		refuse(w, http.StatusBadRequest, "more than 12 hours")
		return
	}
	list := []any{}
	for _, rec := range c.recordings(now) {
		if len(list) < limit && !rec.end.Before(from) && !rec.start.After(to) {
			list = append(list, s.recordingJSON(r, t, c, rec, q["includeUrlTypes"]))
		}
	}
	simkit.JSON(http.StatusOK, list).Send(w)
}

func (s *Sim) recording(w http.ResponseWriter, r *http.Request, g simkit.Grant) {
	if !wantsJSON(w, r, "includeUrlTypes") {
		return
	}
	if c, rec, ok := s.findRecording(w, r, g); ok {
		simkit.JSON(http.StatusOK, s.recordingJSON(r, s.now(), c, rec, r.URL.Query()["includeUrlTypes"])).Send(w)
	}
}

func (s *Sim) findRecording(w http.ResponseWriter, r *http.Request, g simkit.Grant) (Camera, spot, bool) {
	c, ok := s.find(w, r, g)
	if !ok {
		return c, spot{}, false
	}
	for _, rec := range c.recordings(time.Now()) {
		if strconv.FormatInt(rec.id, 10) == r.PathValue("recording") {
			return c, rec, true
		}
	}
	refuse(w, http.StatusNotFound, "no such recording")
	return c, spot{}, false
}

func (s *Sim) recordingJSON(r *http.Request, t Settings, c Camera, rec spot, types []string) any {
	layout := t.TimeLayout
	if layout == "" {
		layout = "2006-01-02T15:04:05.000-0700"
	}
	m := map[string]any{"recordingId": t.id(rec.id), "cameraId": t.id(c.ID), "startTime": rec.start.Format(layout), "endTime": rec.end.Format(layout)}
	if len(types) == 0 || slices.Contains(types, "mp4Http") {
		m["urls"] = map[string]any{"mp4Http": s.mediaBase("http", r) + "/recording/" + strconv.FormatInt(c.ID, 10) + "/" + strconv.FormatInt(rec.id, 10)}
	}
	return m
}

// mp4 is the file of a recording, or a part of it. [Sim.signedIn] has asked for
// the token already.
func (s *Sim) mp4(w http.ResponseWriter, r *http.Request, g simkit.Grant) {
	if !knows(w, r, "from", "till") {
		return
	}
	_, rec, ok := s.findRecording(w, r, g)
	if !ok {
		return
	}
	from, badFrom := timestamp(r.URL.Query().Get("from"), rec.start)
	till, badTill := timestamp(r.URL.Query().Get("till"), rec.end)
	if badFrom || badTill || from.Before(rec.start) || till.After(rec.end) || till.Before(from) {
		refuse(w, http.StatusBadRequest, "from or till outside of the recording")
		return
	}
	w.Header().Set("Content-Type", "video/mp4")
	_, _ = w.Write([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x01isomavc1"))
}

// timestamp reads an ISO 8601 time with a numeric offset: a Z is refused, and so
// is a plus sign that was not escaped and arrives as a space.
func timestamp(text string, standard time.Time) (at time.Time, bad bool) {
	if text == "" {
		return standard, false
	}
	at, err := time.Parse("2006-01-02T15:04:05-0700", text)
	return at, err != nil
}
