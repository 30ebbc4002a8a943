package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/engine"
)

func TestDo(t *testing.T) {
	call := func(name string, args map[string]any) engine.Ask {
		return engine.Ask{Source: engine.FromCommandLine, Account: "gate", Name: name, Args: args}
	}
	bubble(t, "without a broker, with text for arguments", func(t *testing.T) {
		h := quietly(t, nil)
		for _, row := range []struct {
			ask  engine.Ask
			want bridge.Reason
		}{
			{call("relay", map[string]any{"number": "1"}), "ok"},
			{call("relay", map[string]any{"number": json.RawMessage(`2`)}), "ok"},
			{call("relay", map[string]any{"number": 2}), "too_soon"},
			{call("relay", map[string]any{"number": "7"}), "unknown_target"},
			{call("relay", map[string]any{"number": "one"}), "malformed"},
			{call("relay", map[string]any{"number": json.RawMessage(`{"a":1,"a":2}`)}), "malformed"},
			{call("relay", nil), "malformed"},
			{call("request", map[string]any{"method": json.RawMessage(`7`)}), "denied"}, // understood: a text may look like a number
			{call("request", map[string]any{"method": json.RawMessage(`"GET"`)}), "ok"},
			{call("nothing", nil), "unknown_target"},
			{call("turn", map[string]any{"to": "locked"}), "ok"},
			{call("request", map[string]any{"method": "GET", "json": `{"a":[true]}`}), "ok"},
			{call("request", map[string]any{"method": "POST"}), "denied"},
			{engine.Ask{Account: "gate", Ref: ref("level"), Action: "7"}, "ok"},
			{engine.Ask{Account: "gate", Ref: ref("level"), Action: "x"}, "malformed"},
			{engine.Ask{Account: "gate", Ref: ref("nothing"), Action: "x"}, "unknown_target"},
			{engine.Ask{Account: "elsewhere", Name: "relay"}, "unknown_target"},
			{engine.Ask{Name: "announce"}, "rejected"}, // nobody announces here
			{engine.Ask{}, "unknown_target"},
			{engine.Ask{Account: "gate", Name: "info", ID: "a b"}, "malformed"},
			{engine.Ask{Account: "gate", Name: "info", ID: "a"}, "ok"},
			{engine.Ask{Account: "gate", Name: "info", ID: "a"}, "duplicate"},
			{engine.Ask{Account: "gate", Name: "info", SentAt: time.Now().Add(-time.Hour)}, "stale"},
		} {
			if got := h.Do(t.Context(), row.ask); got.Reason != row.want {
				t.Errorf("%+v: %s (%s), want %s", row.ask, got.Reason, got.Message, row.want)
			}
		}
		if got := h.Do(t.Context(), call("relay", map[string]any{"number": "1"})); got.Entity != "relay_1" || h.cloud.pulses() != 4 {
			t.Errorf("result %+v, %d pulses", got, h.cloud.pulses())
		}
		if last := h.Last(); last[0].Result.Action != "relay" || last[0].Source != engine.FromCommandLine || last[0].Check != "queue" {
			t.Errorf("last command %+v", last[0])
		}
	})
	bubble(t, "nobody waits any more", func(t *testing.T) {
		h := settled(t, nil)
		h.cloud.acts(func(ctx context.Context, what string) error { time.Sleep(time.Second); return h.cloud.move(ctx, what) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if got := h.Do(ctx, call("relay", map[string]any{"number": "1"})); got.Reason != bridge.ReasonNoAnswer {
			t.Errorf("%s, want no_answer", got.Reason)
		}
		time.Sleep(2 * time.Second)
		if got := h.cloud.pulses(); got != 1 {
			t.Errorf("%d pulses, want 1", got)
		}
	})
}

func TestQueue(t *testing.T) {
	slow := func(h *house, takes time.Duration) {
		h.cloud.acts(func(ctx context.Context, what string) error {
			err := h.cloud.move(ctx, what)
			time.Sleep(takes)
			return err
		})
	}
	bubble(t, "one at a time a device, one waiting an entity", func(t *testing.T) {
		h := settled(t, func(o *engine.Options, _ *engine.Account) { o.Commands.Cooldown = time.Millisecond })
		slow(h, time.Second)
		for range 3 {
			h.press(relay1, "PRESS")
			h.press(relay2, "PRESS")
			time.Sleep(10 * time.Millisecond)
		}
		if got := h.cloud.pulses(); got != 1 {
			t.Errorf("%d at the same time, want 1", got)
		}
		time.Sleep(5 * time.Second)
		h.expect(relay1, 3, "busy ok ok")
		h.expect(relay2, 3, "busy busy ok")
	})
	bubble(t, "a picture holds no door up", func(t *testing.T) {
		h := settled(t, func(_ *engine.Options, a *engine.Account) {
			for i := range a.Bridge.Calls {
				if a.Bridge.Calls[i].Name == "snapshot" {
					a.Bridge.Calls[i].Do = func(ctx context.Context, _ bridge.Order) (any, error) { <-ctx.Done(); return nil, ctx.Err() }
				}
			}
		})
		h.press("latchkey/device/gate/d1/refresh_picture/set", "PRESS")
		h.press(relay1, "PRESS")
		h.expect(relay1, 1, "ok")
		time.Sleep(31 * time.Second)
		h.expect("latchkey/device/gate/d1/refresh_picture/set", 1, "no_answer")
	})
	bubble(t, "a stop answers everything", func(t *testing.T) {
		h := settled(t, nil)
		slow(h, 1500*time.Millisecond)
		h.press(relay1, "PRESS")
		h.press(relay2, "PRESS")
		began := time.Now()
		h.stop()
		if took := time.Since(began); took != 1500*time.Millisecond {
			t.Errorf("the stop took %s, want the 1.5 s of the command on its way", took)
		}
		h.broker.take(h.Table().Drain())
		h.expect(relay1, 1, "ok")
		h.expect(relay2, 1, "busy")
		if got := h.Do(t.Context(), engine.Ask{Account: "gate", Name: "info"}); got.Reason != bridge.ReasonBusy {
			t.Errorf("after the stop: %s, want busy", got.Reason)
		}
	})
	bubble(t, "a stop waits two seconds", func(t *testing.T) {
		h := settled(t, nil)
		h.cloud.acts(func(ctx context.Context, what string) error {
			_ = h.cloud.move(ctx, what)
			<-ctx.Done()
			return ctx.Err()
		})
		h.press(relay1, "PRESS")
		began := time.Now()
		h.stop()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the stop took %s, want 2 s", took)
		}
	})
}

func TestPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []string
		take := func(id string) *bridge.Push {
			return &bridge.Push{
				Take: func(body []byte, _ time.Time, _ bridge.Report) (bool, error) {
					got = append(got, id)
					if string(body) == "panic" {
						panic("broken")
					}
					return string(body) == id, nil
				},
				Hook: func(query url.Values, _ []byte, _ time.Time, _ bridge.Report) error {
					got = append(got, "hook "+query.Get("e"))
					return nil
				},
			}
		}
		h := quietly(t, func(_ *engine.Options, a *engine.Account) { a.Bridge.Push = take("gate") })
		for _, a := range []engine.Account{{ID: "b", Vendor: "toy"}, {ID: "a", Vendor: "toy"}, {ID: "c", Vendor: "other"}} {
			a.Bridge.Push = take(a.ID)
			if err := h.Add(a); err != nil {
				t.Fatal(err)
			}
		}
		for _, row := range []struct {
			body string
			mine bool
			want string
		}{{"gate", true, "gate"}, {"b", true, "gate a b"}, {"c", false, "gate a b"}} {
			got = nil
			mine, err := h.Push("gate", []byte(row.body), time.Now())
			if mine != row.mine || err != nil || strings.Join(got, " ") != row.want {
				t.Errorf("push of %s: %v %v, offered to %q; want %v, %q", row.body, mine, err, got, row.mine, row.want)
			}
		}
		if _, err := h.Push("gate", []byte("panic"), time.Now()); err == nil {
			t.Error("a panic is no error")
		}
		if _, err := h.Push("elsewhere", nil, time.Now()); !errors.Is(err, engine.ErrNoPush) {
			t.Errorf("unknown account: %v", err)
		}
		got = nil
		if err := h.Hook("a", url.Values{"e": {"ring"}}, nil, time.Now()); err != nil || strings.Join(got, " ") != "hook ring" {
			t.Errorf("hook: %v %q", err, got)
		}
		if err := h.Hook("", nil, nil, time.Now()); !errors.Is(err, engine.ErrNoPush) {
			t.Errorf("the bridge takes no hook: %v", err)
		}
	})
}
