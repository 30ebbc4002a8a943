package cameramanagersim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"latchkey/bridge/simkit"
)

// streamURLs are the keys of a stream's URLs and what they look like; %s is host
// and port. rtspHttp and rtspHttps have schemes of the same odd name.
var streamURLs = [][2]string{
	{"rtsp", "rtsp://%s/stream/rtsp/open"},
	{"rtspHttp", "rtspHttp://%s/stream/rtsp/open"}, {"rtspHttps", "rtspHttps://%s/stream/rtsp/open"},
	{"hlsHttp", "http://%s/stream/hls/getPlaylist"}, {"hlsHttps", "https://%s/stream/hls/getPlaylist"},
	{"multipartHttp", "http://%s/stream/multipart/open"}, {"multipartHttps", "https://%s/stream/multipart/open"},
	{"multipartaudioHttp", "http://%s/stream/multipartaudio/open"}, {"multipartaudioHttps", "https://%s/stream/multipartaudio/open"},
	{"mjpegHttp", "http://%s/stream/mjpeg/open"}, {"mjpegHttps", "https://%s/stream/mjpeg/open"},
	{"audioPushHttp", "http://%s/stream/audio/push"}, {"audioPushHttps", "https://%s/stream/audio/push"},
}

// streams lists URLs that carry no token.
func (s *Sim) streams(w http.ResponseWriter, r *http.Request, g simkit.Grant) {
	if !wantsJSON(w, r, "includeUrlTypes") {
		return
	}
	c, ok := s.find(w, r, g)
	if !ok {
		return
	}
	types := r.URL.Query()["includeUrlTypes"]
	urls := map[string]string{}
	for _, u := range streamURLs {
		if len(types) == 0 || slices.Contains(types, u[0]) {
			urls[u[0]] = fmt.Sprintf(u[1], s.mediaHost(r)) + fmt.Sprintf("?camera_id=%d", c.ID)
		}
	}
	if len(types) > len(urls) {
		refuse(w, http.StatusBadRequest, "unknown URL type")
		return
	}
	simkit.JSON(http.StatusOK, []any{map[string]any{"streamId": map[string]any{"value": 0}, "urls": urls}}).Send(w)
}

// media stands for every stream: that it answers proves the token.
func (s *Sim) media(w http.ResponseWriter, _ *http.Request, _ simkit.Grant) {
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write([]byte("media"))
}

// mediaHost is another name of the host that the request came to, so that a
// client which sends its token to any host is found out.
func (s *Sim) mediaHost(r *http.Request) string {
	if host := s.now().MediaHost; host != "" {
		return host
	}
	if port, local := strings.CutPrefix(r.Host, "127.0.0.1"); local {
		return "localhost" + port
	}
	return "node1." + r.Host
}

func (s *Sim) mediaBase(scheme string, r *http.Request) string {
	return scheme + "://" + s.mediaHost(r)
}

// elsewhere is what is there only where a path is set: the real ones are not known.
func (s *Sim) elsewhere(w http.ResponseWriter, r *http.Request, g simkit.Grant) {
	t := s.now()
	switch path := strings.TrimPrefix(r.URL.Path, "/rest"); {
	case path == "" || path != t.EventsPath && path != t.RightsPath:
		refuse(w, http.StatusNotFound, "no such resource")
	case !wantsJSON(w, r):
	case path == t.EventsPath:
		s.events(w, g)
	default:
		simkit.JSON(http.StatusOK, map[string]any{"ptz": false, "microphone": false, "playback": true, "export": true, "deleteRecording": false, "lockRecording": false}).Send(w)
	}
}

func (s *Sim) events(w http.ResponseWriter, g simkit.Grant) {
	list := []any{}
	for i, c := range s.of(g) {
		list = append(list, map[string]any{
			"eventId": 990000 + i, "cameraId": c.ID, "type": "example", "source": "example",
			"timestamp": time.Now().Add(-time.Minute).UTC().Format("2006-01-02T15:04:05.000-0700"), "duration": 10,
		})
	}
	simkit.JSON(http.StatusOK, list).Send(w)
}
