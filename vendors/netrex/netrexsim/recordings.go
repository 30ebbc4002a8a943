package netrexsim

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"latchkey/bridge/simkit"
)

const (
	history   = 7 * 24 * time.Hour // that a camera keeps
	pieceMost = time.Hour          // one recording
	keptIDs   = 10000
)

// recording is made by a query: each asks for fresh ids.
type recording struct {
	id       string
	node     int64
	length   time.Duration
	ready    time.Time // zero: not being prepared
	prepared int       // height
}

var heights = []int{360, 720, 1080}

// Prepared is how many preparations were begun.
func (s *Sim) Prepared() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.prepared
}

// record lists what a camera recorded from one Unix time to another.
func (s *Sim) record(n Node, from, to int64) (all []*recording) {
	now := time.Now()
	start := max(from, now.Add(-history).Unix())
	end := min(to, now.Unix())
	if n.Idle {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.recordings) > keptIDs {
		clear(s.recordings)
	}
	for ; start < end; start += int64(pieceMost / time.Second) {
		s.made++
		rec := &recording{id: "rec-" + strconv.Itoa(s.made), node: n.ID, length: min(time.Duration(end-start)*time.Second, pieceMost)}
		s.recordings[rec.id] = rec
		all = append(all, rec)
	}
	return all
}

var errNoRecording = errors.New("no such recording")

func (s *Sim) recording(g simkit.Grant, id any) (*recording, error) {
	name, _ := id.(string)
	s.mu.Lock()
	rec := s.recordings[name]
	s.mu.Unlock()
	if rec == nil {
		return nil, errNoRecording
	}
	if _, ok := s.find(g, rec.node); !ok {
		return nil, errNoRecording
	}
	return rec, nil
}

func (s *Sim) prepare(g simkit.Grant, id any, height int) (bool, error) {
	rec, err := s.recording(g, id)
	if err != nil {
		return false, err
	}
	if !slices.Contains(heights, height) {
		return false, errors.New("no such output")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.settings.PrepareRefused {
		return false, nil
	}
	wait := s.settings.Prepare
	if wait == 0 {
		wait = 5 * time.Second
	}
	rec.ready, rec.prepared = time.Now().Add(wait), height
	s.prepared++
	return true, nil
}

func (r *run) recording(rec *recording) object {
	r.sim.mu.Lock()
	defer r.sim.mu.Unlock()
	outputs := []object{}
	for _, h := range heights {
		outputs = append(outputs, object{"height": plain(h)})
	}
	var link any // null until it is prepared
	if rec.live() {
		link = r.base + "/download/" + rec.id
	}
	return object{"recording_id": plain(rec.id), "duration": plain(int64(rec.length / time.Second)), "download_url": plain(link), "outputs": plain(outputs)}
}

func (rec *recording) live() bool { return !rec.ready.IsZero() && !time.Now().Before(rec.ready) }

// download is the file of a prepared recording.
func (s *Sim) download(w http.ResponseWriter, r *http.Request) {
	set := s.now()
	if _, ok := s.bearer(r); set.DownloadBearer && !ok {
		s.unknown(w)
		return
	}
	s.mu.Lock()
	rec := s.recordings[r.PathValue("recording")]
	ok := rec != nil && rec.live() && (set.DownloadLife == 0 || time.Since(rec.ready) < set.DownloadLife)
	s.mu.Unlock()
	if !ok {
		page(w, http.StatusNotFound, "Not found")
		return
	}
	w.Header().Set("Content-Type", "video/mp4")
	_, _ = w.Write([]byte("\x00\x00\x00\x18ftypisom\x00\x00\x00\x01isomavc1"))
}
