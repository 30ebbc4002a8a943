package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/engine"
)

var update = flag.Bool("update", false, "write golden files")

func TestHazardsOfCarryingOut(t *testing.T) {
	failing := func(after bool, err error) func(*house) {
		return func(h *house) {
			h.cloud.acts(func(ctx context.Context, what string) error {
				if after {
					_ = h.cloud.move(ctx, what)
				}
				if err == nil {
					panic("broken vendor")
				}
				return err
			})
		}
	}
	for _, row := range []struct {
		name   string
		set    func(*house)
		pulses int
		reason string
		status int
	}{
		{"classified, rejected", failing(true, &bridge.Failure{Reason: bridge.ReasonRejected, Status: 403, Message: "not your door"}), 1, "rejected", 403},
		{"classified, rate limited", failing(true, &bridge.Failure{Reason: bridge.ReasonRateLimited, Status: 429}), 1, "rate_limited", 429},
		{"classified, wrapped", failing(true, fmt.Errorf("relay: %w", &bridge.Failure{Reason: bridge.ReasonNoAnswer, Status: 502})), 1, "no_answer", 502},
		{"classified with a reason of its own invention", failing(true, &bridge.Failure{Reason: "fine"}), 1, "no_answer", 0},
		{"any error after sending", failing(true, errors.New("EOF")), 1, "no_answer", 0},
		{"any error before sending", failing(false, errors.New("no such preset")), 0, "not_sent", 0},
		{"panic after sending", failing(true, nil), 1, "no_answer", 0},
		{"panic before sending", failing(false, nil), 0, "not_sent", 0},
	} {
		bubble(t, "H08_"+row.name, func(t *testing.T) {
			h := settled(t, nil)
			row.set(h)
			h.press(relay1, envelope("PRESS", 0))
			time.Sleep(time.Hour) // nothing is ever repeated
			h.expect(relay1, row.pulses, row.reason)
			if got := h.answers(relay1)[0].Status; got != row.status {
				t.Errorf("status %d, want %d", got, row.status)
			}
		})
	}
	bubble(t, "H08_a vendor that hangs after sending", func(t *testing.T) {
		h := settled(t, nil)
		h.cloud.acts(func(ctx context.Context, what string) error {
			_ = h.cloud.move(ctx, what)
			<-ctx.Done()
			return ctx.Err()
		})
		h.press(relay1, envelope("PRESS", 0))
		time.Sleep(time.Minute)
		h.expect(relay1, 1, "no_answer")
	})
	bubble(t, "H08_a vendor that sends twice", func(t *testing.T) {
		h := settled(t, nil)
		h.cloud.acts(func(ctx context.Context, what string) error {
			return errors.Join(h.cloud.move(ctx, what), h.cloud.move(ctx, what))
		})
		h.press(relay1, envelope("PRESS", 0))
		h.expect(relay1, 1, "no_answer") // the denial of the second is no word about the first
	})
	bubble(t, "H09_a token that comes too late", func(t *testing.T) {
		h := settled(t, nil)
		h.cloud.acts(func(ctx context.Context, what string) error {
			time.Sleep(6 * time.Second)
			return h.cloud.move(ctx, what)
		})
		h.press(relay1, envelope("PRESS", 0))
		time.Sleep(time.Hour)
		h.expect(relay1, 0, "deadline")
	})
	bubble(t, "H09_waiting behind a slow command", func(t *testing.T) {
		h := settled(t, nil)
		asked := ""
		h.cloud.acts(func(ctx context.Context, what string) error {
			asked += what
			err := h.cloud.move(ctx, what)
			time.Sleep(4600 * time.Millisecond)
			return err
		})
		h.press(relay1, envelope("PRESS", 0))
		h.press(relay2, envelope("PRESS", 0))
		time.Sleep(time.Minute)
		h.expect(relay2, 1, "deadline")
		if asked != "relay_1" {
			t.Errorf("the vendor was asked for %s, want relay_1 alone", asked)
		}
	})
	bubble(t, "H09_several steps that move nothing", func(t *testing.T) {
		const install, remove = "latchkey/account/gate/call/install", "latchkey/account/gate/call/remove"
		slow := 4 * time.Second
		var h *house
		h = settled(t, func(_ *engine.Options, a *engine.Account) {
			for _, name := range []string{"install", "remove"} {
				a.Bridge.Calls = append(a.Bridge.Calls, bridge.Call{Name: name, Effect: bridge.Writes, Steps: 3, Do: func(ctx context.Context, _ bridge.Order) (any, error) {
					for range 3 {
						time.Sleep(slow)
						if err := h.cloud.move(ctx, "a rule"); err != nil {
							return nil, err
						}
					}
					return nil, nil
				}})
			}
		})
		h.press(install, `{"args":{}}`)
		h.press(remove, `{"args":{}}`) // waits for the other one longer than the deadline
		time.Sleep(20 * time.Second)
		h.expect(install, 3, "ok")
		h.expect(remove, 3, "deadline")
		slow = 12 * time.Second // as long as a read may take, and no longer
		h.press(install, `{"args":{}}`)
		time.Sleep(time.Minute)
		h.expect(install, 5, "ok deadline")
	})
	bubble(t, "H11_no invented state", func(t *testing.T) {
		h := settled(t, nil)
		h.press(bolt, envelope("UNLOCK", 0))
		h.expect(bolt, 1, "ok")
		if got := h.broker.on("latchkey/device/gate/d1/bolt"); got != nil {
			t.Errorf("published states %q, want none", got)
		}
	})
	bubble(t, "H14_denied", func(t *testing.T) {
		no := func(device, entity string, actions ...string) bridge.Permission {
			return bridge.Permission{Device: device, Entity: entity, Actions: actions}
		}
		h := settled(t, withPermissions(no("", "relay_1"), no("d1", "bolt", "UNLOCK"), bridge.Permission{Entity: "light", Actions: []string{"CALL"}, Allow: true}, no("", "light")))
		for _, denied := range []string{relay1, relay, bolt} {
			payload := map[string]string{relay1: "PRESS", relay: `{"args":{"number":1}}`, bolt: "UNLOCK"}[denied]
			h.press(denied, payload)
			h.expect(denied, 0, "denied")
		}
		h.press(bolt, "LOCK")
		h.expect(bolt, 1, "denied ok")
		h.press(relay2, "PRESS")
		h.press(light, `{"args":{}}`)
		h.expect(light, 3, "ok")
	})
	bubble(t, "H14_raw calls", func(t *testing.T) {
		const request = "latchkey/account/gate/call/request"
		h := settled(t, nil)
		h.press(request, `{"args":{"method":"POST"}}`)
		h.press(request, `{"args":{"method":"GET"}}`)
		h.expect(request, 0, "denied ok")
		h.stop()
		h = settled(t, func(_ *engine.Options, a *engine.Account) { a.RawWrites = true })
		h.press(request, `{"args":{"method":"POST"}}`)
		h.expect(request, 1, "ok")
	})
	bubble(t, "H16_wrong clock", func(t *testing.T) {
		clock := engine.NewClock(time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC))
		h := settled(t, func(o *engine.Options, _ *engine.Account) { o.ClockTrusted = clock.Trusted })
		clock.Seen(time.Now().Add(24*time.Hour), true)
		h.press(relay1, envelope("PRESS", 0))
		h.expect(relay1, 0, "clock")
		h.press(relay1, "PRESS") // has no age to judge
		h.expect(relay1, 1, "clock ok")
		clock.Seen(time.Now().Add(time.Second), true)
		h.press(relay2, envelope("PRESS", 0))
		h.expect(relay2, 2, "ok")
	})
	bubble(t, "H16_wrong clock, what moves nothing", func(t *testing.T) {
		trusted := false
		h := settled(t, func(o *engine.Options, _ *engine.Account) { o.ClockTrusted = func() bool { return trusted } })
		const info, picture = "latchkey/account/gate/call/info", "latchkey/device/gate/d1/refresh_picture/set"
		at := func(id string, off time.Duration) string {
			return fmt.Sprintf(`{"id":%q,"sent_at":%d}`, id, time.Now().Add(off).Unix())
		}
		h.press(info, at("a", 24*time.Hour))
		h.press(info, at("b", -24*time.Hour))
		h.press(info, at("b", 0))
		h.press(picture, envelope("PRESS", time.Hour))
		h.expect(picture, 0, "ok")
		trusted = true
		h.press(info, at("c", 24*time.Hour))
		h.press(info, at("d", -24*time.Hour))
		h.expect(info, 0, "ok ok duplicate clock stale")
	})
	bubble(t, "H14_a value is denied however it is written", func(t *testing.T) {
		const level, dim = "latchkey/device/gate/d1/level/set", "latchkey/account/gate/call/dim"
		h := settled(t, withPermissions(bridge.Permission{Entity: "level", Actions: []string{"7"}}))
		for _, payload := range []string{"7", "7.0", " 7", "70e-1", `{"action":7.0}`, `{"action":"7.0"}`} {
			h.press(level, payload)
		}
		h.press(dim, `{"args":{"level":7.0}}`)
		h.expect(dim, 0, "denied")
		h.press(level, "8")
		h.expect(level, 1, strings.Repeat("denied ", 6)+"ok")
	})
	bubble(t, "H16_a sender that is ahead", func(t *testing.T) {
		h := settled(t, nil)
		h.press(relay1, envelope("PRESS", -4900*time.Millisecond))
		h.press(relay2, envelope("PRESS", -5100*time.Millisecond))
		h.expect(relay2, 1, "clock")
	})
	bubble(t, "H17_the locking side", func(t *testing.T) {
		h := quietly(t, nil)
		h.send(bolt, envelope("LOCK", 0), true)
		h.broker.connect()
		time.Sleep(2 * time.Second)
		h.press(bolt, envelope("LOCK", 0))
		time.Sleep(4 * time.Second)
		h.press(bolt, envelope("LOCK", 11*time.Second))
		payload := envelope("LOCK", 0)
		h.press(bolt, payload)
		time.Sleep(2 * time.Second)
		h.press(bolt, payload)
		h.expect(bolt, 1, "retained settling stale ok duplicate")
	})
	bubble(t, "H19_no secrets in results", func(t *testing.T) {
		h := settled(t, nil)
		const request = "latchkey/account/gate/call/request"
		h.press(request, `{"args":{"method":"GET","json":{"n":12345678901234567,"f":1.5}}}`)
		got := string(h.answers(request)[0].Result)
		if want := `{"echo":{"f":1.5,"n":12345678901234567},"rows":[1,{"id":7}]}`; got != want {
			t.Errorf("result %s, want %s", got, want)
		}
	})
}

func TestResultData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := settled(t, nil)
		const rows, picture = "latchkey/account/gate/call/rows", "latchkey/device/gate/d1/refresh_picture/set"
		h.press(rows, `{"args":{"n":262142}}`)
		h.press(rows, `{"args":{"n":262143}}`)
		a := h.answers(rows)
		if len(a) != 2 || len(a[0].Result) != 256<<10 || string(a[1].Result) != "null" || a[1].Outcome != "ok" || !strings.Contains(a[1].Message, "262145 bytes") {
			t.Errorf("results of 256 KiB and one byte more: %d bytes, %.40s with %q", len(a[0].Result), a[1].Result, a[1].Message)
		}
		h.press(picture, "PRESS")
		if a := h.answers(picture); len(a) != 1 || a[0].Reason != "ok" || string(a[0].Result) != "null" {
			t.Errorf("a button's result holds data: %+v", a)
		}
	})
}

// TestReasons reaches every reason of the Contract and keeps its text (H21).
func TestReasons(t *testing.T) {
	texts := map[string]string{}
	note := func(list []answer) {
		for _, a := range list {
			texts[a.Reason+" ("+a.Outcome+")"] = a.Message
		}
	}
	fails := func(r bridge.Reason) func(*house) {
		return func(h *house) {
			h.cloud.acts(func(context.Context, string) error { return &bridge.Failure{Reason: r} })
			h.press(relay1, envelope("PRESS", 0))
		}
	}
	health := func(s bridge.TokenState) func(*house) {
		return func(h *house) { h.Health("gate", bridge.Health{State: s}); h.press(relay1, envelope("PRESS", 0)) }
	}
	synctest.Test(t, func(t *testing.T) {
		for _, reach := range []func(*house){
			func(h *house) { h.press(relay1, envelope("PRESS", 0)); h.press(relay1, envelope("PRESS", 0)) },
			func(h *house) { h.broker.lose(); h.send(relay1, "PRESS", true); h.broker.connect() },
			func(h *house) { h.broker.lose(); h.broker.connect(); h.press(relay1, envelope("PRESS", 0)) },
			func(h *house) { h.press(relay1, `{"action":"PRESS","action":"PRESS"}`) },
			func(h *house) { h.press("latchkey/device/gate/d1/relay_7/set", "PRESS") },
			func(h *house) { h.press(relay1, envelope("PRESS", -time.Minute)) },
			func(h *house) { h.press(relay1, envelope("PRESS", 12*time.Second)) },
			func(h *house) {
				p := envelope("PRESS", 0)
				h.press(relay1, p)
				time.Sleep(time.Second)
				h.press(relay1, p)
			},
			func(h *house) {
				h.cloud.acts(func(context.Context, string) error { time.Sleep(4 * time.Second); return nil })
				for range 3 {
					h.press(relay1, envelope("PRESS", 0))
					time.Sleep(time.Second)
				}
				time.Sleep(time.Minute)
			},
			health(bridge.SignedOut), health(bridge.LoginNeeded), health(bridge.Misconfigured), health(bridge.Expired),
			fails(bridge.ReasonOffline), fails(bridge.ReasonDeadline), fails(bridge.ReasonRejected), fails(bridge.ReasonRateLimited),
			fails(bridge.ReasonNotSent), fails(bridge.ReasonNoAnswer),
		} {
			h := settled(t, nil)
			reach(h)
			synctest.Wait()
			note(h.answers(relay1))
			note(h.answers("latchkey/device/gate/d1/relay_7/set"))
			h.stop()
		}
		denied := settled(t, withPermissions(bridge.Permission{Entity: "relay_1"}))
		denied.press(relay1, "PRESS")
		note(denied.answers(relay1))
	})
	var lines []string
	for reason, text := range texts {
		lines = append(lines, reason+": "+text+"\n")
	}
	slices.Sort(lines)
	if len(lines) != 18 {
		t.Errorf("%d reasons reached, want 18", len(lines))
	}
	bridgetest.Golden(t, *update, "reasons.txt", strings.Join(lines, ""))
}

func TestResultObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := settled(t, nil)
		h.press(relay, `{"id":"x-1","sent_at":"2000-01-01T01:00:06+01:00","args":{"number":2}}`)
		h.press("latchkey/account/gate/call/snapshot", "")
		var lines []string
		for _, topic := range []string{"latchkey/account/gate/result/relay", "latchkey/account/gate/result/snapshot"} {
			lines = append(lines, h.broker.on(topic)...)
		}
		bridgetest.Golden(t, *update, "results.txt", strings.Join(lines, "\n")+"\n")
		if !json.Valid([]byte(lines[0])) {
			t.Error("no JSON")
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.opened) != 1 || h.opened[0].Result.Entity != "relay_2" || h.opened[0].Source != engine.FromMQTT {
			t.Errorf("opening log %+v, want one entry of relay_2 by mqtt", h.opened)
		}
	})
}
