package cameramanagersim_test

import (
	"bytes"
	"image/jpeg"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	sim "latchkey/vendors/cameramanager/cameramanagersim"
)

func TestStills(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, sim.Options{})
		token := c.grant().Access
		still := func(target, accept string) reply {
			return c.do("GET", target, "", "Authorization", "Bearer "+token, "Accept", accept)
		}
		start := time.Now()
		first := still("/rest/v2.0/cameras/4201/snapshot?resolution=64x48&includeTimestamp=true", "image/jpeg, */*")
		if took := time.Since(start); took < 500*time.Millisecond || took > 2*time.Second {
			t.Errorf("took %s", took)
		}
		img, err := jpeg.Decode(strings.NewReader(first.body))
		if err != nil || img.Bounds().Dx() != 64 || img.Bounds().Dy() != 48 || first.header.Get("Content-Type") != "image/jpeg" {
			t.Fatalf("HTTP %d, %v", first.status, err)
		}
		if again := still("/rest/v2.4/cameras/4201/snapshot?resolution=64x48", "*/*"); bytes.Equal([]byte(again.body), []byte(first.body)) {
			t.Error("the picture never changes")
		}
		for target, want := range map[string]int{
			"/rest/v2.0/cameras/4201/snapshot?resolution=big":     400,
			"/rest/v2.0/cameras/4201/snapshot?includeTimestamp=1": 400,
			"/rest/v2.0/cameras/4201/snapshot?at=now":             400,
			"/rest/v2.0/cameras/1/snapshot":                       404,
			"/rest/v2.3/cameras/4201/snapshot":                    404,
		} {
			if got := still(target, "image/jpeg"); got.status != want {
				t.Errorf("%s: HTTP %d, want %d", target, got.status, want)
			}
		}
		if got := still("/rest/v2.0/cameras/4201/snapshot", "application/json"); got.status != 406 {
			t.Errorf("Accept JSON: HTTP %d, want 406", got.status)
		}
		c.Change(func(s *sim.Settings) { s.StillAnyway = true })
		if got := still("/rest/v2.0/cameras/4201/snapshot", "application/json"); got.status != 200 {
			t.Errorf("Accept JSON by setting: HTTP %d, want 200", got.status)
		}
		if n := c.Stills(4201); n != 3 || c.Stills(4202) != 0 {
			t.Errorf("%d stills counted, want 3", n)
		}
	})
}

func TestStillsAtOnce(t *testing.T) {
	for _, status := range []int{0, 429, 500} {
		synctest.Test(t, func(t *testing.T) {
			c := open(t, sim.Options{Settings: sim.Settings{StillLimitStatus: status}})
			token := c.grant().Access
			var mu sync.Mutex
			got := map[int]int{}
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() {
					r := c.do("GET", "/rest/v2.0/cameras/4201/snapshot", "", "Authorization", "Bearer "+token, "Accept", "*/*")
					mu.Lock()
					defer mu.Unlock()
					got[r.status]++
				})
			}
			wg.Wait()
			want := map[int]int{200: 2, status: 3}
			if status == 0 {
				want = map[int]int{200: 2, 503: 3}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
		})
	}
}

type recording struct {
	RecordingID        int64 `json:"recordingId"`
	CameraID           int64 `json:"cameraId"`
	StartTime, EndTime string
	URLs               map[string]string
}

const stamp = "2006-01-02T15:04:05.000-0700"

func TestRecordings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // starts at midnight UTC
		c := open(t, sim.Options{})
		token := c.grant().Access
		list := func(query string) (out []recording) {
			c.get(token, "/rest/v2.4/cameras/4201/recordings"+query, &out)
			return out
		}
		at := func(d time.Duration) string { return url.QueryEscape(time.Now().Add(d).UTC().Format(stamp)) }

		all := list("")
		if len(all) != 48 || !strings.HasSuffix(all[0].StartTime, "+0000") || all[0].StartTime >= all[1].StartTime || all[0].CameraID != 4201 {
			t.Fatalf("%d recordings, first %+v, want 48, oldest first", len(all), all)
		}
		first := list("?limit=10&minTimestamp=" + at(-11*time.Hour))
		next := list("?limit=10&minTimestamp=" + url.QueryEscape(first[9].EndTime))
		if len(first) != 10 || len(next) != 10 || next[0].RecordingID != first[9].RecordingID {
			t.Errorf("the second page starts with %+v, want the last of the first again: %+v", next[0], first[9])
		}
		if one := list("?minTimestamp=" + at(-35*time.Minute) + "&maxTimestamp=" + at(-31*time.Minute)); len(one) != 1 {
			t.Errorf("%d recordings within four minutes, want 1", len(one))
		}
		var one recording
		c.get(token, "/rest/v2.4/cameras/4201/recordings/"+strconv.FormatInt(all[0].RecordingID, 10)+"?includeUrlTypes=mp4Http", &one)
		if diff := cmp.Diff(all[0], one); diff != "" {
			t.Errorf("the single one (-list +got):\n%s", diff)
		}

		for _, query := range []string{
			"minTimestamp=" + time.Now().UTC().Format("2006-01-02T15:04:05Z"),
			"minTimestamp=" + time.Now().UTC().Format(stamp), // a raw + arrives as a space
			"maxTimestamp=now", "limit=9", "limit=201", "limit=many",
			"minTimestamp=" + at(-13*time.Hour),
		} {
			if status := c.status(token, "/rest/v2.4/cameras/4201/recordings?"+query); status != 400 {
				t.Errorf("%s: HTTP %d, want 400", query, status)
			}
		}
		c.Change(func(s *sim.Settings) { s.LongSpans = true; s.TimeLayout = time.RFC3339 })
		if long := list("?limit=200&minTimestamp=" + at(-13*time.Hour)); len(long) < 52 || !strings.HasSuffix(long[0].EndTime, "Z") {
			t.Errorf("%d recordings in 13 hours, first %+v", len(long), long[0])
		}
		c.Set(4201, func(k *sim.Camera) { k.RecordingOnCloud = false })
		if none := list(""); len(none) != 0 {
			t.Errorf("%d recordings of a camera that does not record", len(none))
		}
	})
}

func TestMP4(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, sim.Options{})
		token := c.grant().Access
		var all []recording
		c.get(token, "/rest/v2.4/cameras/4201/recordings", &all)
		u, err := url.Parse(all[0].URLs["mp4Http"])
		if err != nil || u.Hostname() != "localhost" || strings.Contains(u.RawQuery, "token") {
			t.Fatalf("mp4 at %s, want another host than the API's and no token", u)
		}
		start, _ := time.Parse(stamp, all[0].StartTime)
		part := func(from, till time.Duration) string {
			return "&from=" + url.QueryEscape(start.Add(from).Format(stamp)) + "&till=" + url.QueryEscape(start.Add(till).Format(stamp))
		}
		for query, want := range map[string]int{
			"": 401, "access_token=x": 401, "access_token=" + token: 200,
			"access_token=" + token + part(time.Minute, 2*time.Minute):      200,
			"access_token=" + token + part(-time.Minute, time.Minute):       400,
			"access_token=" + token + part(time.Minute, 16*time.Minute):     400,
			"access_token=" + token + part(2*time.Minute, time.Minute):      400,
			"access_token=" + token + "&from=yesterday":                     400,
			"access_token=" + token + "&from=" + start.Format(time.RFC3339): 400,
			"access_token=" + token + "&speed=2":                            400,
		} {
			if got := c.do("GET", u.Path+"?"+query, ""); got.status != want {
				t.Errorf("%s: HTTP %d, want %d", query, got.status, want)
			}
		}
	})
}

func TestStreams(t *testing.T) {
	c := open(t, sim.Options{})
	token := c.grant().Access
	var all []struct {
		StreamID struct{ Value int } `json:"streamId"`
		URLs     map[string]string
	}
	c.get(token, "/rest/v2.0/cameras/4201/streams", &all)
	if len(all) != 1 || len(all[0].URLs) != 13 || all[0].URLs["rtspHttp"] != "rtspHttp://localhost:8080/stream/rtsp/open?camera_id=4201" {
		t.Fatalf("streams: %+v", all)
	}
	u, _ := url.Parse(all[0].URLs["hlsHttps"])
	for query, want := range map[string]int{"": 401, "&access_token=" + token: 200} {
		if got := c.do("GET", u.RequestURI()+query, ""); got.status != want {
			t.Errorf("media%s: HTTP %d, want %d", query, got.status, want)
		}
	}
	all[0].URLs = nil
	c.get(token, "/rest/v2.3/cameras/4201/streams?includeUrlTypes=rtsp&includeUrlTypes=hlsHttps", &all)
	if len(all[0].URLs) != 2 {
		t.Errorf("asked for two types, got %v", all[0].URLs)
	}
	if status := c.status(token, "/rest/v2.3/cameras/4201/streams?includeUrlTypes=vhs"); status != 400 {
		t.Errorf("unknown type: HTTP %d, want 400", status)
	}
	c.Change(func(s *sim.Settings) { s.MediaHost = "node.example" })
	if c.get(token, "/rest/v2.2/cameras/4201/streams", &all); !strings.HasPrefix(all[0].URLs["rtsp"], "rtsp://node.example/") {
		t.Errorf("media host: %v", all[0].URLs["rtsp"])
	}
}
