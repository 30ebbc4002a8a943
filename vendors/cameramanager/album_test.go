package cameramanager_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/cameramanager"
	sim "latchkey/vendors/cameramanager/cameramanagersim"
)

func snapshot(h *house, camera any) (bridge.Image, error) {
	v, err := h.Call("snapshot", bridge.Args{"camera": camera})
	img, _ := v.(bridge.Image)
	return img, err
}

func pictures(facts []bridge.Fact) (all []bridge.Picture) {
	for _, f := range facts {
		if p, ok := f.(bridge.Picture); ok {
			all = append(all, p)
		}
	}
	return all
}

// A still is fetched once a minute, whoever asks: by number, by id or by press.
func TestStillIsCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Options{})
		h := onSim(t, s)
		h.MustRun("cameras")
		all, _ := devices(h.Take())
		press := all[0].Entities[10].Verbs[0].Args["camera"]
		first, err := snapshot(h, 4201)
		if err != nil || first.Type != "image/jpeg" {
			t.Fatal(err)
		}
		if p := pictures(h.Take()); len(p) != 1 || p[0].Device != "4201" || p[0].Entity != "still" || !bytes.Equal(p[0].Bytes, first.Bytes) || !p[0].At.Equal(time.Now()) {
			t.Errorf("published %v, want the one picture, now", p)
		}
		for _, camera := range []any{"4201", press, int64(4201), 4201.0} {
			if again, err := snapshot(h, camera); err != nil || !bytes.Equal(again.Bytes, first.Bytes) {
				t.Errorf("asked for %v: another picture, %v", camera, err)
			}
		}
		if s.Stills(4201) != 1 || len(pictures(h.Take())) != 0 {
			t.Errorf("%d stills rendered, want 1, published once", s.Stills(4201))
		}
		_, err = h.Call("snapshot", bridge.Args{"camera": 4201, "resolution": "64x48"})
		if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonTooSoon {
			t.Errorf("in another size: %s, want too_soon", f.Reason)
		}
		time.Sleep(time.Minute)
		if again, err := snapshot(h, 4201); err != nil || bytes.Equal(again.Bytes, first.Bytes) || s.Stills(4201) != 2 {
			t.Errorf("a minute later: %v, %d rendered, want a new picture", err, s.Stills(4201))
		}
		if _, err := snapshot(h, 4202); err != nil || s.Stills(4202) != 1 {
			t.Errorf("another camera: %v", err)
		}
	})
}

// The cloud renders few at once: twenty callers have one slot, and those of the
// same camera share a picture.
func TestStillsOneAtATime(t *testing.T) {
	for _, slots := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			s := sim.New(sim.Options{Settings: sim.Settings{StillsAtOnce: slots}})
			h := onSim(t, s, func(o *cameramanager.Options) { o.Stills.Slots = slots })
			h.MustRun("cameras")
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					if _, err := snapshot(h, 4201+i%3); err != nil && (slots == 1 || bridgetest.Failed(t, err).Reason != bridge.ReasonTooSoon) {
						t.Errorf("with %d slots: %v", slots, err)
					}
				})
			}
			wg.Wait()
			for camera := range int64(3) {
				if n := s.Stills(4201 + camera); n != 1 {
					t.Errorf("camera %d rendered %d times, want once", 4201+camera, n)
				}
			}
		})
	}
}

// After a refusal by the cloud a camera is left alone for two minutes; the last
// picture stays. A lost answer does not count.
func TestStillRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Options{})
		h := onSim(t, s)
		h.MustRun("cameras")
		h.Take()
		const on = "GET /rest/v2.0/cameras/4201/snapshot"
		s.Faults.Add(simkit.Fault{On: on, Do: simkit.Status(503, "application/json", `{"code":21,"title":"busy"}`)})
		_, err := snapshot(h, 4201)
		if f := bridgetest.Failed(t, err); f.Status != 503 || !strings.Contains(f.Message, "CameraManager code 21") {
			t.Errorf("got %+v, want the cloud's refusal with its code", f)
		}
		time.Sleep(2*time.Minute - time.Second)
		_, err = snapshot(h, 4201)
		if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonTooSoon || !strings.Contains(f.Message, "again in 1s") || s.Log.Count(on) != 1 {
			t.Errorf("got %s %q after %d requests, want too_soon after 1", f.Reason, f.Message, s.Log.Count(on))
		}
		if len(h.Take()) > 0 {
			t.Error("something was published")
		}
		time.Sleep(time.Second)
		s.Faults.Add(simkit.Fault{On: on, Do: simkit.DropAfter})
		if _, err := snapshot(h, 4201); bridgetest.Failed(t, err).Reason != bridge.ReasonNoAnswer {
			t.Errorf("got %v, want no_answer", err)
		}
		if _, err := snapshot(h, 4201); err != nil {
			t.Errorf("right after a lost answer: %v", err)
		}
	})
}

func TestStillIsNoPicture(t *testing.T) {
	for _, c := range []struct {
		kind, body string
		ok         bool
	}{
		{"application/json", `{"code":1,"title":"example"}`, false},
		{"text/html", "<html>busy</html>", false},
		{"image/jpeg", "", false},
		{"", "\xff\xd8\xff\xe0 jpeg", true},
		{"application/octet-stream", "\xff\xd8\xff\xe0 jpeg", true},
		{"image/png", "\x89PNG", true},
	} {
		h := open(t, &bridgetest.FakeCloud{Answer: func(bridge.Request) (bridge.Reply, error) {
			return bridge.Reply{Status: 200, Type: c.kind, Body: []byte(c.body)}, nil
		}})
		_, err := snapshot(h, "4201")
		if (err == nil) != c.ok {
			t.Errorf("%s %q: %v, want a picture: %v", c.kind, c.body, err, c.ok)
		}
		if len(pictures(h.Take())) > 0 {
			t.Error("a picture of a camera that is not listed was published")
		}
	}
}

func TestStillWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Options{Settings: sim.Settings{StillLeast: time.Minute, StillMost: time.Minute}})
		h := onSim(t, s)
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = snapshot(h, 4201) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		for _, c := range h.Calls {
			if c.Name == "snapshot" {
				_, err := c.Do(ctx, bridge.Order{Args: bridge.Args{"camera": 4202}, Report: h.Report})
				if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonDeadline || s.Stills(4202) != 0 {
					t.Errorf("got %s, want deadline", f.Reason)
				}
			}
		}
		wg.Wait()
	})
}

// Kept pictures are bounded; a camera whose picture had to go is left alone too.
func TestAlbumIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		big := append([]byte("\xff\xd8\xff"), make([]byte, 1<<20)...)
		h := open(t, &bridgetest.FakeCloud{Answer: func(bridge.Request) (bridge.Reply, error) {
			return bridge.Reply{Status: 200, Body: big}, nil
		}})
		for camera := range 20 {
			if _, err := snapshot(h, camera); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		kept := 0
		for camera := range 20 {
			if _, err := snapshot(h, camera); err == nil {
				kept++
			} else if bridgetest.Failed(t, err).Reason != bridge.ReasonTooSoon {
				t.Errorf("camera %d: %v, want too_soon", camera, err)
			}
		}
		if kept != 7 { // of a good megabyte each, in 8 MiB
			t.Errorf("%d pictures kept, want 7", kept)
		}
		time.Sleep(time.Minute)
		if _, err := snapshot(h, 0); err != nil {
			t.Errorf("a minute later: %v", err)
		}
	})
}

func TestStillsUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := sim.New(sim.Options{})
		h := onSim(t, s, func(o *cameramanager.Options) {
			o.Stills.Every, o.Stills.Resolution, o.Stills.Timestamp = time.Hour, "64x48", true
		})
		h.MustRun("cameras")
		h.Take()
		s.Faults.Add(simkit.Fault{On: "GET /rest/v2.0/cameras/4201/snapshot", Do: simkit.Status(500, "", "")})
		h.MustRun("stills")
		var got []string
		for _, p := range pictures(h.Take()) {
			got = append(got, p.Device)
		}
		if fmt.Sprint(got) != "[4202 4203]" {
			t.Errorf("pictures of %v, want those of the others", got)
		}
		if q := s.Log.Last("").Query; q.Get("resolution") != "64x48" || q.Get("includeTimestamp") != "true" {
			t.Errorf("asked with %v", q)
		}
		time.Sleep(time.Hour)
		s.Faults.Add(simkit.Fault{On: "GET /rest/v2.0/cameras/4201/snapshot", Do: simkit.Status(429, "", "")})
		if err := h.Run("stills"); bridgetest.Failed(t, err).Reason != bridge.ReasonRateLimited || s.Stills(4202) != 1 {
			t.Errorf("got %v, want the round to end with rate_limited", err)
		}
	})
}
