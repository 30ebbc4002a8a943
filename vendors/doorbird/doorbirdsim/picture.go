package doorbirdsim

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge/simkit"
)

// afterRing is how long after a ring anybody may watch.
const afterRing = 5 * time.Minute

// picture is one of the history.
type picture struct {
	id, of string // of: the station's MAC
	kind   string // doorbell | motion
	bell   string
	at     time.Time
	jpeg   []byte
}

// frame makes a new picture, different from all before.
func (s *Sim) frame() []byte {
	s.frames++
	img := image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	for y := range 180 {
		for x := range 320 {
			c := color.YCbCrModel.Convert(color.RGBA{uint8(x + 5*s.frames), uint8(y), uint8(128 + s.frames), 255}).(color.YCbCr)
			img.Y[img.YOffset(x, y)] = c.Y
			img.Cb[img.COffset(x, y)], img.Cr[img.COffset(x, y)] = c.Cb, c.Cr
		}
	}
	for bit := range 16 { // the frame's number as bars, lowest bit at the left
		if s.frames>>bit&1 == 0 {
			continue
		}
		for y := range 20 {
			for x := range 16 {
				img.Y[img.YOffset(20*bit+x, y)] = 255
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 60}); err != nil {
		panic(err) // a picture of our own, into memory
	}
	return b.Bytes()
}

func (s *Sim) liveImage(c call) *simkit.Answer {
	if c.user.NoWatch && !time.Now().Before(c.at.lastRing.Add(afterRing)) {
		return status(http.StatusNoContent)
	}
	return jpegAnswer(c, s.frame())
}

// recorded serves a picture of the history to its own station's grants.
func (s *Sim) recorded(c call) *simkit.Answer {
	p, ok := s.pictures[c.PathValue("picture")]
	switch {
	case !ok || p.of != c.at.MAC:
		return c.unlisted()
	case c.user.NoWatch && p.kind == "motion":
		return status(http.StatusNoContent)
	}
	return jpegAnswer(c, p.jpeg)
}

func jpegAnswer(c call, b []byte) *simkit.Answer {
	if !strings.Contains(c.Header.Get("Accept"), "image/jpeg") {
		return status(http.StatusNotAcceptable)
	}
	return &simkit.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"image/jpeg"}}, Body: b}
}

func (s *Sim) ringPictures(c call) *simkit.Answer {
	bell := c.PathValue("bell")
	if n, err := strconv.Atoi(bell); err != nil || n < 1 || n > c.at.Bells {
		return c.unlisted()
	}
	return s.list(c, func(p picture) bool { return p.kind == "doorbell" && p.bell == bell })
}

func (s *Sim) motionPictures(c call) *simkit.Answer {
	return s.list(c, func(p picture) bool { return p.kind == "motion" })
}

// list is newest first and lags behind the event.
func (s *Sim) list(c call, which func(picture) bool) *simkit.Answer {
	base := c.habits.PictureBase
	if base == "" {
		base = simkit.Base(c.Request)
	}
	all := []link{}
	for _, p := range c.at.history {
		if which(p) && time.Since(p.at) >= c.habits.HistoryLag {
			all = append(all, link{base + "/cloud-recording/" + p.id})
		}
	}
	return simkit.JSON(http.StatusOK, all)
}

// keptPictures bounds a station's history.
const keptPictures = 50

// keep adds a picture to the station's history.
func (s *Sim) keep(st *station, e Event) {
	p := picture{id: newToken(""), of: st.MAC, kind: e.Kind, bell: e.Param, at: e.At, jpeg: s.frame()}
	s.pictures[p.id] = p
	st.history = append([]picture{p}, st.history...)
	if len(st.history) > keptPictures {
		delete(s.pictures, st.history[keptPictures].id)
		st.history = st.history[:keptPictures]
	}
}
