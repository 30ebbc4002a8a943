package engine_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/engine"
)

// TestClock runs in a bubble, where it is 2000-01-01.
func TestClock(t *testing.T) {
	day := 24 * time.Hour
	for _, row := range []struct {
		name  string
		built time.Duration // from now
		seen  []time.Duration
		proof bool
		want  bool
	}{
		{"no cloud heard yet", -day, nil, true, true},
		{"from before the build", day, nil, true, false},
		{"from before the build, and a cloud agrees", day, []time.Duration{0}, true, false},
		{"a cloud is a day ahead", -day, []time.Duration{day}, true, false},
		{"a cloud is a day behind", -day, []time.Duration{-day}, true, false},
		{"until one agrees", -day, []time.Duration{day, 29 * time.Second}, true, true},
		{"31 s", -day, []time.Duration{31 * time.Second}, true, false},
		{"anybody can say so without proof", -day, []time.Duration{day}, false, true},
	} {
		bubble(t, "H16_"+row.name, func(t *testing.T) {
			c := engine.NewClock(time.Now().Add(row.built).Round(0))
			for _, off := range row.seen {
				c.Seen(time.Now().Add(off).Round(0), row.proof)
			}
			if got := c.Trusted(); got != row.want {
				t.Errorf("trusted %v, want %v", got, row.want)
			}
		})
	}
	if !engine.NewClock(time.Time{}).Trusted() {
		t.Error("without a build time: not trusted")
	}
}

// TestSettle presses plainly at moments after the start, with a broker that
// confirms the subscription at once.
func TestSettle(t *testing.T) {
	for _, row := range []struct {
		name            string
		connects, press time.Duration // after the start
		want            string
	}{
		{"at once", 0, 0, "settling"},
		{"never less than 5 s after a start", 0, 4999 * time.Millisecond, "settling"},
		{"5 s after a start", 0, 5 * time.Second, "ok"},
		{"late link, too soon", 20 * time.Second, 21999 * time.Millisecond, "settling"},
		{"late link", 20 * time.Second, 22 * time.Second, "ok"},
	} {
		bubble(t, row.name, func(t *testing.T) {
			h := quietly(t, nil)
			time.Sleep(row.connects)
			h.broker.connect()
			time.Sleep(row.press - row.connects)
			h.press(relay1, "PRESS")
			if got := h.reasons(relay1); got != row.want {
				t.Errorf("%q, want %q", got, row.want)
			}
		})
	}
	bubble(t, "between SUBSCRIBE and its confirmation", func(t *testing.T) {
		h := settled(t, nil)
		h.Subscribing()
		time.Sleep(time.Minute)
		h.press(relay1, "PRESS")
		h.expect(relay1, 0, "settling")
	})
	bubble(t, "arrived in the window, judged after it", func(t *testing.T) {
		h := settled(t, nil)
		h.broker.lose()
		h.broker.connect()
		at := time.Now()
		time.Sleep(3 * time.Second)
		h.Deliver(bridge.Incoming{Topic: relay1, Payload: []byte("PRESS"), At: at})
		h.expect(relay1, 0, "settling")
	})
	bubble(t, "bridge/info says when", func(t *testing.T) {
		h := quietly(t, nil)
		accepts := func() (v *time.Time) {
			var info struct {
				At *time.Time `json:"accepts_commands_at"`
			}
			if err := json.Unmarshal([]byte(h.broker.kept(topics.BridgeInfo())), &info); err != nil {
				t.Fatal(err)
			}
			return info.At
		}
		time.Sleep(500 * time.Millisecond)
		h.broker.connect()
		synctest.Wait()
		start := time.Now().Add(-500 * time.Millisecond)
		if got := accepts(); got == nil || !got.Equal(start.Add(5*time.Second)) {
			t.Errorf("after the start: %v, want %v", got, start.Add(5*time.Second))
		}
		time.Sleep(10 * time.Second)
		h.broker.lose()
		h.broker.connect()
		synctest.Wait()
		if got := accepts(); got == nil || !got.Equal(start.Add(13*time.Second)) { // 12.5 s, never promised too early
			t.Errorf("after a reconnect: %v, want %v", got, start.Add(13*time.Second))
		}
	})
}

func TestInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := settled(t, nil)
		h.Problem("picture", "a/topic", "too large")
		time.Sleep(time.Second)
		h.Problem("picture", "a/topic", "too large again")
		h.ConfigError("config.yaml:3:1: unknown key")
		synctest.Wait()
		bridgetest.Golden(t, *update, "info.json", h.broker.kept(topics.BridgeInfo())+"\n")
		time.Sleep(25 * time.Hour)
		if got := h.Status(); len(got.Problems) != 0 || got.ConfigError == "" {
			t.Errorf("a day later: %+v", got.Problems)
		}
		for i := range 100 {
			h.Problem("code", string(rune('a'+i)), "x")
		}
		if got := len(h.Status().Problems); got != 20 {
			t.Errorf("%d problems kept, want 20", got)
		}
	})
}

func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, report := reporting(t, nil)
		report(bridge.State{Ref: ref("label"), Value: bridge.Text("Gate")})
		s := h.Status()
		if len(s.Accounts) != 1 || len(s.Accounts[0].Devices) != 1 || s.AcceptsAt.IsZero() {
			t.Fatalf("status %+v", s)
		}
		a := s.Accounts[0]
		if d := a.Devices[0]; a.Health.State != bridge.Valid || !d.Online || d.Values["label"] != "Gate" {
			t.Errorf("account %+v", a)
		}
	})
}
