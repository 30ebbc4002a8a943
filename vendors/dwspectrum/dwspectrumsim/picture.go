package dwspectrumsim

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"regexp"
	"strconv"
)

var isSize = regexp.MustCompile(`^(-1|[1-9][0-9]{0,3})x([1-9][0-9]{0,3})$`).MatchString

// image answers a JPEG of no declared type, or a JSON error for a camera that is off.
func (a ask) image() {
	c, ok := a.camera()
	if !ok {
		return
	}
	q := a.r.URL.Query()
	stamp := "timestampMs"
	if a.rest == 2 {
		stamp = "timestampUs"
	}
	if size := q.Get("size"); size != "" && !isSize(size) {
		a.invalid()
		return
	}
	if _, err := strconv.ParseInt(q.Get(stamp), 10, 64); err != nil {
		a.missing()
		return
	}
	a.picture(c)
}

func (a ask) thumbnail() {
	q := a.r.URL.Query()
	c := a.system.camera(q.Get("cameraId"))
	switch {
	case q.Get("cameraId") == "":
		a.missing()
	case c == nil:
		a.notFound()
	default:
		a.picture(c)
	}
}

func (a ask) picture(c *Camera) {
	if c.Status == "Offline" || c.Type == "IOModule" {
		vmsError(a.w, http.StatusNotFound, "9", "notFound")
		return
	}
	img := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range img.Pix {
		img.Pix[i] = color.Gray{Y: uint8(i)}.Y
	}
	var out bytes.Buffer
	_ = jpeg.Encode(&out, img, nil) // a buffer takes everything
	a.w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = a.w.Write(out.Bytes())
}
