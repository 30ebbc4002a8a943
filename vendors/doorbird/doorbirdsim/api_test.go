package doorbirdsim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird/doorbirdsim"
)

// The sheet's samples.
func TestReads(t *testing.T) {
	s := seedCloud()
	admin := grant(s, doorbirdsim.DemoAdmin)
	wantJSON(t, send(s, "GET", "/metadata", "", admin...), `{"mac":"1CCAE3A1B2C3","intercomTypeName":"Example Station"}`)
	allowed := `{"permissions":{"allowedRelays":[{"id":1},{"id":2},{"id":1,"peripheral":"ghijkl"}]}}`
	wantJSON(t, send(s, "GET", "/users", "", admin...), `[{"admin":true,`+allowed[1:]+`,{"admin":false,`+allowed[1:]+`]`)
	wantJSON(t, send(s, "GET", "/relays/settings", "", admin...), `[{"id":1,"name":"Street door"},{"id":2,"name":"Gate"}]`)
	wantJSON(t, send(s, "GET", "/live/info", "", append(admin, "cloud-mjpg", "active")...),
		`{"image":{"url":"http://example.com/live/live-image"},"video":{"cloud":{"mjpg":{"default":{"host":"video.example","port":6999,"session":"session","key":"video-key"}}}}}`)
	s.Change(func(h *doorbirdsim.Habits) { h.TextNumbers, h.ColonMAC, h.Bare = true, true, true })
	wantJSON(t, send(s, "GET", "/relays/settings", "", admin...), `[{"id":"1","name":"Street door"},{"id":"2","name":"Gate"}]`)
	wantJSON(t, send(s, "GET", "/metadata", "", admin...), `{"mac":"1c:ca:e3:a1:b2:c3"}`)
}

func TestRelay(t *testing.T) {
	const json = "application/json"
	for _, tt := range []struct {
		name, path, media, body string
		habits                  doorbirdsim.Habits
		status                  int
		relay                   int // that fired, 0: none
		peripheral              string
	}{
		{"vendor's sample", "/relay/1", json, "", doorbirdsim.Habits{}, 200, 1, ""},
		{"nothing at all", "/relay/2", "", "", doorbirdsim.Habits{}, 200, 2, ""},
		{"peripheral", "/relay/1", json, `{"peripheral":"ghijkl"}`, doorbirdsim.Habits{}, 200, 1, "ghijkl"},
		{"encoded twice", "/relay/1", json, `"{\"peripheral\":\"ghijkl\"}"`, doorbirdsim.Habits{}, 400, 0, ""},
		{"encoded twice, taken", "/relay/1", json, `"{\"peripheral\":\"ghijkl\"}"`, doorbirdsim.Habits{DoubleEncoded: true}, 200, 1, "ghijkl"},
		{"object where twice is taken", "/relay/1", json, `{"peripheral":"ghijkl"}`, doorbirdsim.Habits{DoubleEncoded: true}, 200, 1, "ghijkl"},
		{"empty peripheral is the station", "/relay/1", json, `{"peripheral":""}`, doorbirdsim.Habits{}, 200, 1, ""},
		{"no peripheral", "/relay/1", json, `{}`, doorbirdsim.Habits{}, 400, 0, ""},
		{"unknown member", "/relay/1", json, `{"peripheral":"ghijkl","x":1}`, doorbirdsim.Habits{}, 400, 0, ""},
		{"unknown relay", "/relay/3", json, "", doorbirdsim.Habits{}, 404, 0, ""},
		{"unknown relay, other status", "/relay/x", json, "", doorbirdsim.Habits{Unlisted: 400}, 400, 0, ""},
		{"unknown peripheral", "/relay/1", json, `{"peripheral":"other"}`, doorbirdsim.Habits{}, 404, 0, ""},
		{"fired, 204", "/relay/1", json, "", doorbirdsim.Habits{CommandReply: doorbirdsim.ReplyNoContent}, 204, 1, ""},
		{"busy", "/relay/1", json, "", doorbirdsim.Habits{Busy: true}, 503, 0, ""},
		{"not reached", "/relay/1", json, "", doorbirdsim.Habits{Unreachable: 502}, 502, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := seedCloud()
			s.Change(func(h *doorbirdsim.Habits) { *h = tt.habits })
			wantStatus(t, send(s, "POST", tt.path, tt.body, append(grant(s, doorbirdsim.DemoViewer), "Content-Type", tt.media)...), tt.status)
			want := 0
			if tt.relay != 0 {
				want = 1
			}
			if got := s.Pulses(tt.relay, tt.peripheral); got != want || s.AllPulses() != want {
				t.Errorf("%d pulses there, %d in all, want %d", got, s.AllPulses(), want)
			}
		})
	}
	t.Run("barred user", func(t *testing.T) {
		s := doorbirdsim.New(doorbirdsim.Options{Stations: []doorbirdsim.Station{{MAC: "1CCAE3000001", Relays: []doorbirdsim.Relay{{ID: 1}},
			Users: []doorbirdsim.User{{Name: "a0001", Barred: []int{1}}}}}})
		wantStatus(t, send(s, "POST", "/relay/1", "", grant(s, "a0001")...), 204)
		if s.AllPulses() != 0 {
			t.Error("a barred user's press fired")
		}
	})
}

// The fault that every command test needs: the door has moved, nobody says so.
func TestPulseThenDrop(t *testing.T) {
	s := seedCloud()
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	s.Faults.Add(simkit.Fault{On: "POST /relay/*", Do: simkit.DropAfter})
	req, _ := http.NewRequest(http.MethodPost, srv.URL+"/relay/1", strings.NewReader(""))
	bearer := grant(s, doorbirdsim.DemoViewer)
	req.Header.Set(bearer[0], bearer[1])
	if resp, err := srv.Client().Do(req); err == nil {
		_ = resp.Body.Close()
		t.Errorf("answered %s, want a cut", resp.Status)
	}
	if got := s.Pulses(1, ""); got != 1 {
		t.Errorf("%d pulses, want exactly 1", got)
	}
}

func TestViewerOnAdminPaths(t *testing.T) {
	for _, tt := range []struct{ set, want int }{{0, 403}, {401, 401}, {204, 204}} {
		s := seedCloud()
		s.Change(func(h *doorbirdsim.Habits) { h.NotAdmin = tt.set })
		viewer := grant(s, doorbirdsim.DemoViewer)
		for _, route := range []string{"GET /users", "GET /relays/settings", "GET /favorites", "POST /favorite/http",
			"DELETE /favorite/http/1", "GET /schedules", "POST /schedules", "POST /other/restart"} {
			method, path, _ := strings.Cut(route, " ")
			wantStatus(t, send(s, method, path, "{}", append(viewer, "Content-Type", "application/json")...), tt.want)
		}
		if s.Restarts() != 0 {
			t.Error("a viewer restarted the station")
		}
		s.Change(func(h *doorbirdsim.Habits) { h.AdminPaths = []string{} })
		wantStatus(t, send(s, "GET", "/users", "", viewer...), 200)
	}
}

func TestOtherCommands(t *testing.T) {
	s := seedCloud()
	wantStatus(t, send(s, "POST", "/live/light", "", grant(s, doorbirdsim.DemoViewer)...), 200)
	wantStatus(t, send(s, "POST", "/other/restart", "", grant(s, doorbirdsim.DemoAdmin)...), 200)
	if s.Lights() != 1 || s.Restarts() != 1 {
		t.Errorf("%d lights and %d restarts, want 1 and 1", s.Lights(), s.Restarts())
	}
}

// Two stations never see each other's data.
func TestGrantIsOfOneStation(t *testing.T) {
	one := doorbirdsim.Station{MAC: "1CCAE3000001", Relays: []doorbirdsim.Relay{{ID: 1}}, Users: []doorbirdsim.User{{Name: "a0001"}}}
	two := doorbirdsim.Station{MAC: "1CCAE3000002", Relays: []doorbirdsim.Relay{{ID: 2}}, Users: []doorbirdsim.User{{Name: "b0001"}}}
	s := doorbirdsim.New(doorbirdsim.Options{Stations: []doorbirdsim.Station{one, two}})
	if err := s.Motion(t.Context(), one.MAC); err != nil {
		t.Fatal(err)
	}
	a, b := grant(s, "a0001"), grant(s, "b0001")
	wantJSON(t, send(s, "GET", "/metadata", "", b...), `{"mac":"1CCAE3000002"}`)
	wantStatus(t, send(s, "POST", "/relay/1", "", b...), 404)
	wantJSON(t, send(s, "GET", "/cloud-recording/images/motion", "", b...), `[]`)
	url := firstURL(t, send(s, "GET", "/cloud-recording/images/motion", "", a...))
	wantStatus(t, send(s, "GET", url, "", append(a, "Accept", "image/jpeg")...), 200)
	wantStatus(t, send(s, "GET", url, "", append(b, "Accept", "image/jpeg")...), 404)
	wantStatus(t, send(s, "GET", "/metadata", "", grant(s, "stranger")...), 401)
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seedCloud()
		s.Change(func(h *doorbirdsim.Habits) { h.Paced = true })
		viewer := grant(s, doorbirdsim.DemoViewer)
		for i, step := range []struct {
			wait time.Duration
			want int
		}{{0, 200}, {999 * time.Millisecond, 429}, {time.Second, 200}} {
			time.Sleep(step.wait)
			w := send(s, "GET", "/metadata", "", viewer...)
			if w.Code != step.want || (w.Code == 429) != (w.Header().Get("Retry-After") == "1") {
				t.Errorf("step %d: %d, Retry-After %q, want %d", i, w.Code, w.Header().Get("Retry-After"), step.want)
			}
		}
	})
}

func TestUnreachableAfterADelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seedCloud()
		s.Change(func(h *doorbirdsim.Habits) { h.Unreachable, h.Delay = 504, 20*time.Second })
		start := time.Now()
		wantStatus(t, send(s, "POST", "/relay/1", "", grant(s, doorbirdsim.DemoViewer)...), 504)
		if took := fmt.Sprint(time.Since(start)); took != "20s" || s.AllPulses() != 0 {
			t.Errorf("took %s with %d pulses, want 20s and 0", took, s.AllPulses())
		}
	})
}
