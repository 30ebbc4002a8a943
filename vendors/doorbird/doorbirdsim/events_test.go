package doorbirdsim_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/vendors/doorbird/doorbirdsim"
)

// receiver takes pushes and hooks and writes down what came.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex
	got []string
}

func newReceiver(t *testing.T, say func(*http.Request, string) string) *receiver {
	r := &receiver{}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, say(req, string(body)))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

func TestPush(t *testing.T) {
	r := newReceiver(t, func(req *http.Request, body string) string {
		return req.Method + " " + req.Header.Get("Content-Type") + " " + req.Header.Get("Authorization") + " " + body
	})
	at := time.Unix(1760000000, 0)
	const head, wrong = "POST application/json key=KEY ", "POST application/json key=KEY-wrong "
	body := func(user, more string) string {
		return `{"event":"doorbell","eventparam":"1","intercomid":"ghijkl","mac":"1CCAE3A1B2C3",` + more + `"timestamp":1760000000,"user":"` + user + `"}`
	}
	const admin, viewer = doorbirdsim.DemoAdmin, doorbirdsim.DemoViewer
	for _, tt := range []struct {
		name string
		push doorbirdsim.Push
		want []string
	}{
		{"one a user", doorbirdsim.Push{}, []string{head + body(admin, ""), head + body(viewer, "")}},
		{"twice", doorbirdsim.Push{Twice: true}, []string{head + body(admin, ""), head + body(admin, ""), head + body(viewer, ""), head + body(viewer, "")}},
		{"wrong key", doorbirdsim.Push{WrongKey: true}, []string{wrong + body(admin, ""), wrong + body(viewer, "")}},
		{"empty peripheral", doorbirdsim.Push{EmptyPeripheral: true}, []string{head + body(admin, `"peripheral":"",`), head + body(viewer, `"peripheral":"",`)}},
		{"number", doorbirdsim.Push{NumericParam: true}, []string{head + strings.ReplaceAll(body(admin, ""), `"1"`, `1`), head + strings.ReplaceAll(body(viewer, ""), `"1"`, `1`)}},
		{"another station", doorbirdsim.Push{ForeignMAC: "1CCAE3FFFFFF"}, []string{
			head + strings.ReplaceAll(body(admin, ""), "1CCAE3A1B2C3", "1CCAE3FFFFFF"), head + strings.ReplaceAll(body(viewer, ""), "1CCAE3A1B2C3", "1CCAE3FFFFFF")}},
		{"late", doorbirdsim.Push{Late: time.Minute}, []string{
			head + strings.ReplaceAll(body(admin, ""), "1760000000", "1759999940"), head + strings.ReplaceAll(body(viewer, ""), "1760000000", "1759999940")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := seedCloud()
			tt.push.URL, tt.push.Key = r.URL, "KEY"
			s.Change(func(h *doorbirdsim.Habits) { h.Push = tt.push })
			if err := s.Happen(t.Context(), doorbirdsim.Event{Station: doorbirdsim.DemoMAC, Kind: "doorbell", Param: "1", At: at}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, r.all()); diff != "" {
				t.Errorf("pushed (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("unknown station", func(t *testing.T) {
		if err := seedCloud().Ring(t.Context(), "x", "1"); err == nil {
			t.Error("no error")
		}
	})
}

func TestHooks(t *testing.T) {
	r := newReceiver(t, func(req *http.Request, _ string) string { return req.Method + " " + req.URL.String() })
	s := seedCloud()
	admin := append(grant(s, doorbirdsim.DemoAdmin), "Content-Type", "application/json")
	favourite := func(id int, path string) string {
		return fmt.Sprintf(`{"identifier":%d,"title":"latchkey bell 1","value":"%s%s","displayedTitle":"latchkey"}`, id, r.URL, path)
	}
	rule := func(input, param string, outputs ...string) string {
		return fmt.Sprintf(`{"input":"%s","param":"%s","output":[%s]}`, input, param, strings.Join(outputs, ","))
	}
	always := func(id string) string {
		return `{"event":"http","param":"` + id + `","schedule":{"weekdays":[{"from":"82800","to":"82799"}]}}`
	}
	wantJSON(t, send(s, "GET", "/schedules", "", admin...), `[]`)
	wantStatus(t, send(s, "POST", "/favorite/http", favourite(4100, "/bell"), admin...), 200)
	wantStatus(t, send(s, "POST", "/favorite/http", favourite(4101, "/other"), admin...), 200)
	wantJSON(t, send(s, "GET", "/favorites", "", admin...), `{"http":{"0":{"identifier":4100,"title":"latchkey bell 1"},"1":{"identifier":4101,"title":"latchkey bell 1"}},"sip":{}}`)
	wantStatus(t, send(s, "POST", "/schedules", rule("doorbell", "1", always("4100")), admin...), 200)
	wantStatus(t, send(s, "POST", "/schedules", rule("motion", "", always("4101")), admin...), 200)
	wantStatus(t, send(s, "POST", "/schedules", rule("relay", "1", always("4101")), admin...), 200)
	wantJSON(t, send(s, "GET", "/schedules", "", admin...), `[`+rule("doorbell", "1", always("4100"))+`,`+rule("motion", "", always("4101"))+`,`+rule("relay", "1", always("4101"))+`]`)

	for i, step := range []struct {
		happen func() error
		method string
		want   []string
	}{
		{func() error { return s.Ring(t.Context(), doorbirdsim.DemoMAC, "1") }, "", []string{"GET /bell"}},
		{func() error { return s.Ring(t.Context(), doorbirdsim.DemoMAC, "2") }, "", nil},
		{func() error { return s.Motion(t.Context(), doorbirdsim.DemoMAC) }, "POST", []string{"POST /other"}},
		{func() error { return s.Opened(t.Context(), doorbirdsim.DemoMAC, 1) }, "", []string{"GET /other"}},
		{func() error { return s.Opened(t.Context(), doorbirdsim.DemoMAC, 2) }, "", nil},
	} {
		s.Change(func(h *doorbirdsim.Habits) { h.HookMethod = step.method })
		if err := step.happen(); err != nil {
			t.Errorf("step %d: %v", i, err)
		}
		if diff := cmp.Diff(step.want, r.all()); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}

	// A second http output replaces the first; deleting a favourite takes its outputs along.
	wantStatus(t, send(s, "POST", "/schedules", rule("doorbell", "1", always("4100"), `{"event":"notify","param":"","schedule":{"weekdays":[]}}`, always("4101")), admin...), 200)
	if err := s.Ring(t.Context(), doorbirdsim.DemoMAC, "1"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"GET /other"}, r.all()); diff != "" {
		t.Errorf("two http outputs (-want +got):\n%s", diff)
	}
	wantStatus(t, send(s, "DELETE", "/favorite/http/4101", "", admin...), 200)
	if err := s.Ring(t.Context(), doorbirdsim.DemoMAC, "1"); err != nil || r.all() != nil {
		t.Errorf("a deleted favourite is still called (%v)", err)
	}
	wantJSON(t, send(s, "GET", "/schedules", "", admin...), `[{"input":"doorbell","param":"1","output":[{"event":"notify","param":"","schedule":{"weekdays":[]}}]},`+rule("motion", "")+`,`+rule("relay", "1")+`]`)
}

func TestHookTimes(t *testing.T) {
	r := newReceiver(t, func(*http.Request, string) string { return "called" })
	s := seedCloud()
	admin := append(grant(s, doorbirdsim.DemoAdmin), "Content-Type", "application/json")
	wantStatus(t, send(s, "POST", "/favorite/http", `{"identifier":1,"title":"t","value":"`+r.URL+`","displayedTitle":""}`, admin...), 200)
	wantStatus(t, send(s, "POST", "/schedules", `{"input":"doorbell","param":"1","output":[{"event":"http","param":"1","schedule":{"weekdays":[{"from":"0","to":"3599"}]}}]}`, admin...), 200)
	sunday := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]int{-time.Second: 0, 0: 1, 3599 * time.Second: 1, time.Hour: 0} {
		if err := s.Happen(t.Context(), doorbirdsim.Event{Station: doorbirdsim.DemoMAC, Kind: "doorbell", Param: "1", At: sunday.Add(after)}); err != nil {
			t.Fatal(err)
		}
		if got := len(r.all()); got != want {
			t.Errorf("%v into the week: %d calls, want %d", after, got, want)
		}
	}
}

func TestHookRefusals(t *testing.T) {
	s := seedCloud()
	s.Change(func(h *doorbirdsim.Habits) { h.Favourites = 1 })
	admin := append(grant(s, doorbirdsim.DemoAdmin), "Content-Type", "application/json")
	const good = `{"identifier":1,"title":"t","value":"https://example.org/x","displayedTitle":"t"}`
	for i, tt := range []struct {
		route, body string
		want        int
	}{
		{"POST /favorite/http", `{"identifier":1,"title":"t","value":"nowhere","displayedTitle":"t"}`, 400},
		{"POST /favorite/http", `{"identifier":"1"}`, 400},
		{"POST /favorite/http", good, 200},
		{"POST /favorite/http", good, 200}, // the same again
		{"POST /favorite/http", strings.Replace(good, "1", "2", 1), 507},
		{"DELETE /favorite/http/2", "", 404},
		{"DELETE /favorite/http/x", "", 404},
		{"POST /schedules", `{"input":"doorbell","param":"1","output":[{"event":"http","param":"1","schedule":{"weekdays":[{"from":"1","to":"2"}]}}]}`, 400},
		{"POST /schedules", `{"input":"doorbell","param":"1","output":[{"event":"http","param":"2","schedule":{"weekdays":[]}}]}`, 404},
		{"POST /schedules", `{"input":"party","param":"1","output":[]}`, 400},
		{"POST /schedules", `[]`, 400},
	} {
		method, path, _ := strings.Cut(tt.route, " ")
		if w := send(s, method, path, tt.body, admin...); w.Code != tt.want {
			t.Errorf("step %d, %s %s: %d, want %d", i, tt.route, tt.body, w.Code, tt.want)
		}
	}
}
