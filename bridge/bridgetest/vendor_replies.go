package bridgetest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/engine"
	"latchkey/bridge/simkit"
)

const halfAnswer = "half an answer"

// nonsense are answers that no vendor means.
func nonsense() map[string]simkit.Deed {
	return map[string]simkit.Deed{
		halfAnswer:       simkit.Malformed,
		"an error page":  simkit.HTML(http.StatusInternalServerError),
		"a sign-in page": simkit.HTML(http.StatusOK),
		"no end":         simkit.Huge(64 << 20),
		"a bare number":  simkit.Status(http.StatusOK, "application/json", "7"),
		"null":           simkit.Status(http.StatusOK, "application/json", "null"),
		"no members":     simkit.Status(http.StatusOK, "application/json", "{}"),
		"another host":   simkit.Status(http.StatusTemporaryRedirect, "", "", "Location", "http://127.0.0.1:9/"),
	}
}

// badReplies: the tasks fail, the call fails, and what is known stays.
func badReplies(t *testing.T, v Vendor) {
	var all sync.WaitGroup
	for name, deed := range nonsense() {
		beside(t, &all, name, func(t *testing.T) {
			h := begin(t, v)
			known := h.devices()
			h.stop()
			end := h.spoil(deed)
			h.start()
			failed := 0
			for _, err := range h.firstRuns() {
				if err != nil {
					failed++
				}
			}
			if failed == 0 && len(h.ran) > 0 {
				t.Error("no task noticed")
			}
			if r := h.do(Command{Name: v.Read}); r.Reason == bridge.ReasonOK {
				t.Errorf("%s is ok: %.200s", v.Read, r.Data)
			}
			if diff := cmp.Diff(known, h.devices()); diff != "" {
				t.Errorf("devices after it (-before +after):\n%s", diff)
			}
			end()
		})
	}
	all.Wait()
}

// echoes: refusals may quote the tokens that they were sent, and clouds do. That
// none of it is shown or logged is judged where the home ends.
func echoes(t *testing.T, v Vendor) {
	h := begin(t, v)
	end := h.sim.Faults.Add(simkit.Fault{Times: simkit.Always, Do: func(e *simkit.Exchange) {
		body, _ := io.ReadAll(e.Request.Body) // in memory
		text := fmt.Sprint("Invalid: ", e.Request.RequestURI, e.Request.URL.Query(), e.Request.Header, string(body))
		e.Send(simkit.JSON(http.StatusBadRequest, map[string]any{"error": text, "error_description": text, "title": text, "errors": []any{map[string]any{"message": text, "detail": text}}}))
	}})
	defer end()
	if err := h.keeper.Refresh(t.Context(), one); err == nil {
		t.Error("the refresh is granted")
	}
	for _, c := range []Command{{Name: v.Read}, v.Write} {
		if r := h.do(c); c.Name != "" && r.Reason.Outcome() == bridge.OutcomeOK {
			t.Errorf("%s is ok", c.Name)
		}
	}
	h.out = append(h.out, fmt.Sprintf("%+v", h.keeper.Health(one)))
}

// tooMany: after a 429 nothing is read until the time that the vendor says.
func tooMany(t *testing.T, v Vendor) {
	h := begin(t, v)
	const wait = 2 * time.Second
	end := h.spoil(simkit.Status(http.StatusTooManyRequests, "application/json", "{}", "Retry-After", fmt.Sprint(wait.Seconds())))
	if r := h.do(Command{Name: v.Read}); r.Reason != bridge.ReasonRateLimited {
		t.Errorf("%s came to %s (%s), want rate_limited", v.Read, r.Reason, r.Message)
	}
	end()
	told := len(h.asked())
	limited := time.Now()
	for {
		r := h.do(Command{Name: v.Read})
		if r.Reason == bridge.ReasonOK {
			break
		}
		if r.Reason != bridge.ReasonRateLimited || time.Since(limited) > patience {
			t.Fatalf("%s came to %s (%s)", v.Read, r.Reason, r.Message)
		}
		select {
		case <-time.After(100 * time.Millisecond): // a stubborn caller
		case <-t.Context().Done():
		}
	}
	all := h.asked()
	if gap := all[told].At.Sub(all[told-1].At); gap < wait {
		t.Errorf("asked again after %v, want %v", gap, wait)
	}
}

// restarts: what was there before the first look is no news, and a device is the
// same one after a restart.
func restarts(t *testing.T, v Vendor) {
	h := begin(t, v)
	for _, m := range h.engine.Table().Drain() {
		if m.Stage == bridge.StageEvent {
			t.Errorf("the first poll told as news: %s %.200s", m.Topic, m.Payload)
		}
	}
	before := h.devices()
	if len(before) == 0 {
		t.Error("there is no device")
	}
	h.endAccess() // so that the stored grant is needed
	h.stop()
	h.start()
	for task, err := range h.firstRuns() {
		if err != nil {
			t.Errorf("task %s after the restart: %v", task, err)
		}
	}
	if diff := cmp.Diff(before, h.devices()); diff != "" {
		t.Errorf("ids (-before +after the restart):\n%s", diff)
	}
}

// anyOrder: a task whose forerunner failed runs before there is a list of devices.
// It tells nothing of one that is not reported yet: the engine refuses that (see judge).
func anyOrder(t *testing.T, v Vendor) {
	var all sync.WaitGroup
	for _, task := range begin(t, v).opened.Tasks {
		beside(t, &all, task.Name, func(t *testing.T) {
			h := newHome(t, v)
			h.first = task.Name
			h.start()
			h.firstRuns()
		})
	}
	all.Wait()
}

// devices are the ids of all devices and entities, sorted.
func (h *home) devices() (ids []string) {
	for _, listing := range h.engine.Inventory() {
		for _, d := range listing.Devices {
			ids = append(ids, d.ID)
			for _, e := range d.Entities {
				ids = append(ids, d.ID+"/"+e.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// unknownTargets: a name that does not exist is refused before anybody is asked.
func unknownTargets(t *testing.T, v Vendor) {
	h := begin(t, v)
	device := "nowhere"
	if ids := h.devices(); len(ids) > 0 {
		device, _, _ = strings.Cut(ids[0], "/")
	}
	before := len(h.asked())
	for what, ask := range map[string]engine.Ask{
		"a call":    {Name: "open_sesame"},
		"a device":  {Ref: bridge.Ref{Device: "nowhere", Entity: "relay_1"}, Action: "PRESS"},
		"an entity": {Ref: bridge.Ref{Device: device, Entity: "trapdoor"}, Action: "PRESS"},
	} {
		if r := h.ask(ask); r.Reason != bridge.ReasonUnknownTarget {
			t.Errorf("%s that does not exist: %s (%s), want unknown_target", what, r.Reason, r.Message)
		}
	}
	if n := len(h.asked()) - before; n != 0 {
		t.Errorf("the cloud was asked %d times", n)
	}
}

// place is where a text stands in the configuration, as errors name it.
func (h *home) place(text string) string {
	h.t.Helper()
	path := filepath.Join(h.dir, "config.yaml")
	all, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	before, _, found := strings.Cut(string(all), text)
	if !found {
		h.t.Fatalf("%s does not hold %s", path, text)
	}
	return fmt.Sprintf("config.yaml:%d:%d", strings.Count(before, "\n")+1, len(before)-strings.LastIndex(before, "\n"))
}
