package cameramanagersim

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"latchkey/bridge/simkit"
)

// Stills is how many pictures of a camera were rendered.
func (s *Sim) Stills(camera int64) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stills[camera]
}

var resolution = regexp.MustCompile(`^([1-9][0-9]{1,3})x([1-9][0-9]{1,3})$`)

// still renders a picture on demand, which takes a while; only few at once.
func (s *Sim) still(w http.ResponseWriter, r *http.Request, g simkit.Grant) {
	q := r.URL.Query()
	size := resolution.FindStringSubmatch("320x180")
	if q.Has("resolution") {
		size = resolution.FindStringSubmatch(q.Get("resolution"))
	}
	stamp := q.Get("includeTimestamp")
	t := s.now()
	switch {
	case !accepts(r, "image/jpeg") && !accepts(r, "image/*") && !accepts(r, "*/*") && !(t.StillAnyway && accepts(r, "application/json")):
		refuse(w, http.StatusNotAcceptable, "not acceptable")
		return
	case !knows(w, r, "resolution", "includeTimestamp"):
		return
	case size == nil || stamp != "" && stamp != "true" && stamp != "false":
		refuse(w, http.StatusBadRequest, "bad resolution or includeTimestamp")
		return
	}
	c, ok := s.find(w, r, g)
	if !ok {
		return
	}
	if !s.startStill(t) {
		refuse(w, or(t.StillLimitStatus, http.StatusServiceUnavailable), "too many stills at once")
		return
	}
	defer s.endStill()
	if !wait(r, t.renderTime()) {
		return
	}
	s.mu.Lock()
	s.stills[c.ID]++
	n := s.stills[c.ID]
	s.mu.Unlock()
	w.Header().Set("Content-Type", "image/jpeg")
	_, _ = w.Write(picture(number(size[1]), number(size[2]), n))
}

func (s *Sim) startStill(t Settings) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy >= or(t.StillsAtOnce, 2) {
		return false
	}
	s.busy++
	return true
}

func (s *Sim) endStill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
}

func (t Settings) renderTime() time.Duration {
	if t.StillMost == 0 {
		t.StillLeast, t.StillMost = 500*time.Millisecond, 2*time.Second
	}
	return t.StillLeast + rand.N(t.StillMost-t.StillLeast+1)
}

// wait ends early, with false, when the client leaves.
func wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// picture is a grey JPEG whose shade and stripe tell the number of the still.
func picture(width, height, n int) []byte {
	img := image.NewGray(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			shade := uint8(40 + n*16%160)
			if x*16/width == n%16 {
				shade = 250
			}
			img.SetGray(x, y, color.Gray{Y: shade})
		}
	}
	var out bytes.Buffer
	_ = jpeg.Encode(&out, img, nil) // a buffer takes everything
	return out.Bytes()
}

func number(digits string) int {
	n, _ := strconv.Atoi(digits) // of a matched pattern
	return n
}
