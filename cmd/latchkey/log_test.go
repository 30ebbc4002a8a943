package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/store"
	"latchkey/bridge/web"
)

// The opening log: every press is in it, done or refused, by whichever way it
// came; it outlives a SIGKILL and is proven after it, with and without a daemon.
func TestOpeningLog(t *testing.T) {
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	h.start()
	h.signIn("gate")
	h.ready()
	h.want(h.press(), bridge.ReasonOK, 1)
	for range 20 { // impatience
		h.press()
	}
	h.run("", "call", "gate", "relay", "number=1")
	h.run("", "call", "gate", "info") // moves nothing, so it is not in the log

	all := h.openings(t)
	pressed, refused := 0, 0
	for _, o := range all {
		if o.Account != "gate" || o.Entity == "" || o.At.IsZero() || time.Since(o.At) > time.Minute {
			t.Errorf("record %+v", o)
		}
		switch {
		case o.Reason == bridge.ReasonOK && o.Source == "mqtt" && o.ID != "" && o.Check == "":
			pressed++
		case o.Reason == bridge.ReasonTooSoon && o.Source == "mqtt" && o.Check == "queue":
			refused += max(o.Times, 1)
		}
	}
	if last := all[len(all)-1]; last.Source != "command line" || last.Entity != "relay_1" {
		t.Errorf("the last record is %+v, want the one of the command line", last)
	}
	if pressed == 0 || pressed+refused != 21 || h.doorbird.AllPulses() < pressed {
		t.Errorf("%d presses and %d refusals for %d pulses, want 21 in all", pressed, refused, h.doorbird.AllPulses())
	}
	code, out, _ := h.run("", "log")
	if code != 0 || !strings.Contains(out, "gate "+station+" relay_1 PRESS") || !strings.Contains(out, "too_soon") {
		t.Errorf("%d\n%s", code, out)
	}
	before := h.proof(t, 0)
	if metrics := h.get(t, "/metrics"); !strings.Contains(metrics, "latchkey_openings_logged_total 2") || !strings.Contains(metrics, "latchkey_openings_lost_total 0") {
		t.Errorf("metrics:\n%s", metrics) // 21 and perhaps one more
	}

	t.Run("after SIGKILL", func(t *testing.T) {
		<-time.After(time.Until(all[len(all)-1].At.Add(2100 * time.Millisecond))) // the end of the cool-down is the event; times are whole seconds
		done := h.press()
		for range 20 {
			h.mqtt.Publish(topics.Set("gate", relayOne), envelope("PRESS", newID(), time.Now()), false)
		}
		h.kill()
		p := h.proof(t, 0) // from the store: no daemon runs
		if p.Last < before.Last || len(p.Marks) != 0 {
			t.Errorf("proof %+v, before it %+v", p, before)
		}
		t.Logf("press %s, log ended with %d, then with %d", done.Reason, before.Last, p.Last)
		if got := h.openings(t); uint64(len(got)) != p.Last || got[len(all)-1].Number != all[len(all)-1].Number {
			t.Errorf("%d records, want %d", len(got), p.Last)
		}
	})
	t.Run("on the page after a start", func(t *testing.T) {
		h.start()
		_, out, _ := h.run("", "status", "--json")
		var s web.Status
		if err := json.Unmarshal([]byte(out), &s); err != nil || len(s.Commands) == 0 || s.Commands[len(s.Commands)-1].ID != all[0].ID {
			t.Errorf("%v\n%s", err, out)
		}
		if page := h.get(t, "/"); !strings.Contains(page, "relay_1 PRESS") {
			t.Errorf("the page shows no press:\n%s", page)
		}
		h.stop()
	})
	t.Run("with a record cut out", func(t *testing.T) {
		path := filepath.Join(h.dir, "state", "latchkey.db")
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := []byte("\x00\x00\x00\x00\x00\x00\x00\x01\x01") // number, sealed
		if !bytes.Contains(data, name) {
			t.Fatal("record 1 is not where it should be")
		}
		for at := 0; bytes.Contains(data[at:], name); {
			at += bytes.Index(data[at:], name) + 20
			data[at] ^= 1
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if p := h.proof(t, 1); p.OK() || !strings.Contains(fmt.Sprint(p.Faults), "record 1 ") {
			t.Errorf("faults %q", p.Faults)
		}
	})
}

func (h *home) get(t *testing.T, path string) string {
	t.Helper()
	resp, err := http.Get("http://" + h.page + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// openings is `latchkey log --json`.
func (h *home) openings(t *testing.T) (all []store.Opening) {
	t.Helper()
	code, out, errs := h.run("", "log", "--json")
	if code != 0 {
		t.Fatalf("%d %s", code, errs)
	}
	for lines := json.NewDecoder(strings.NewReader(out)); lines.More(); {
		var o store.Opening
		if err := lines.Decode(&o); err != nil {
			t.Fatalf("%v in\n%s", err, out)
		}
		all = append(all, o)
	}
	if len(all) == 0 {
		t.Fatal("the log is empty")
	}
	return all
}

// proof is `latchkey log --verify`, both ways.
func (h *home) proof(t *testing.T, want int) (p store.Proof) {
	t.Helper()
	if code, out, errs := h.run("", "log", "--verify"); code != want || strings.HasPrefix(out, "proven") != (want == 0) {
		t.Errorf("exit code %d, want %d\n%s%s", code, want, out, errs)
	}
	code, out, errs := h.run("", "log", "--verify", "--json")
	if err := json.Unmarshal([]byte(out), &p); err != nil || code != want {
		t.Errorf("%d, want %d: %v\n%s%s", code, want, err, out, errs)
	}
	return p
}

// A command that reads makes no store.
func TestOpeningLogWithoutStore(t *testing.T) {
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	code, _, errs := h.run("", "log")
	if code != 1 || !strings.Contains(errs, "there is no store yet") {
		t.Errorf("%d %q", code, errs)
	}
	if entries, err := os.ReadDir(filepath.Join(h.dir, "state")); err == nil && len(entries) > 0 {
		t.Errorf("the command made %v", entries)
	}
}
