package doorbirdsim_test

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/vendors/doorbird/doorbirdsim"
)

func urls(t *testing.T, w *httptest.ResponseRecorder) (all []string) {
	t.Helper()
	var list []struct{ URL string }
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || w.Code != 200 {
		t.Fatalf("list %d %s: %v", w.Code, w.Body, err)
	}
	for _, l := range list {
		all = append(all, l.URL)
	}
	return all
}

func firstURL(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	all := urls(t, w)
	if len(all) == 0 {
		t.Fatal("the list is empty")
	}
	return all[0]
}

func TestLiveImage(t *testing.T) {
	s := seedCloud()
	viewer := append(grant(s, doorbirdsim.DemoViewer), "Accept", "image/jpeg")
	one, two := send(s, "GET", "/live/live-image", "", viewer...), send(s, "GET", "/live/live-image", "", viewer...)
	for _, w := range []*httptest.ResponseRecorder{one, two} {
		if _, err := jpeg.Decode(bytes.NewReader(w.Body.Bytes())); err != nil || w.Header().Get("Content-Type") != "image/jpeg" {
			t.Errorf("%d %s, no JPEG: %v", w.Code, w.Header().Get("Content-Type"), err)
		}
	}
	if bytes.Equal(one.Body.Bytes(), two.Body.Bytes()) {
		t.Error("the picture does not change")
	}
	viewer[3] = "application/json"
	wantStatus(t, send(s, "GET", "/live/live-image", "", viewer...), 406)
}

func TestWatchOnlyAfterARing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := doorbirdsim.New(doorbirdsim.Options{Stations: []doorbirdsim.Station{{MAC: "1CCAE3000001",
			Users: []doorbirdsim.User{{Name: "a0001", NoWatch: true}}}}})
		viewer := append(grant(s, "a0001"), "Accept", "image/jpeg")
		wantStatus(t, send(s, "GET", "/live/live-image", "", viewer...), 204)
		if err := s.Ring(t.Context(), "1CCAE3000001", "1"); err != nil {
			t.Fatal(err)
		}
		ring := firstURL(t, send(s, "GET", "/cloud-recording/images/ring/1", "", viewer...))
		if err := s.Motion(t.Context(), "1CCAE3000001"); err != nil {
			t.Fatal(err)
		}
		motion := firstURL(t, send(s, "GET", "/cloud-recording/images/motion", "", viewer...))
		wantStatus(t, send(s, "GET", ring, "", viewer...), 200)
		wantStatus(t, send(s, "GET", motion, "", viewer...), 204)
		time.Sleep(5*time.Minute - 1)
		wantStatus(t, send(s, "GET", "/live/live-image", "", viewer...), 200)
		time.Sleep(time.Nanosecond)
		wantStatus(t, send(s, "GET", "/live/live-image", "", viewer...), 204)
	})
}

func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seedCloud()
		s.Change(func(h *doorbirdsim.Habits) { h.HistoryLag = 5 * time.Second })
		viewer := append(grant(s, doorbirdsim.DemoViewer), "Accept", "image/jpeg")
		list := func() []string { return urls(t, send(s, "GET", "/cloud-recording/images/ring/1", "", viewer...)) }
		if err := s.Ring(t.Context(), doorbirdsim.DemoMAC, "1"); err != nil {
			t.Fatal(err)
		}
		if got := list(); len(got) != 0 {
			t.Errorf("listed at once: %v, want the lag", got)
		}
		time.Sleep(5 * time.Second)
		older := list()
		if err := s.Ring(t.Context(), doorbirdsim.DemoMAC, "1"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		got := list()
		if len(older) != 1 || len(got) != 2 || got[1] != older[0] {
			t.Fatalf("listed %v, then %v, want newest first", older, got)
		}
		if w := send(s, "GET", got[0], "", viewer...); w.Code != 200 || w.Header().Get("Content-Type") != "image/jpeg" {
			t.Errorf("picture: %d", w.Code)
		}
		wantStatus(t, send(s, "GET", got[0], "", "Accept", "image/jpeg"), 401)
		wantStatus(t, send(s, "GET", "/cloud-recording/images/ring/2", "", viewer...), 404)
		s.Change(func(h *doorbirdsim.Habits) { h.PictureBase = "https://foreign.example" })
		if got := list()[0]; got[:31] != "https://foreign.example/cloud-r" {
			t.Errorf("foreign URL %q", got)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	s := seedCloud()
	for range 60 {
		if err := s.Motion(t.Context(), doorbirdsim.DemoMAC); err != nil {
			t.Fatal(err)
		}
	}
	if got := urls(t, send(s, "GET", "/cloud-recording/images/motion", "", grant(s, doorbirdsim.DemoViewer)...)); len(got) != 50 {
		t.Errorf("%d pictures kept, want 50", len(got))
	}
}
