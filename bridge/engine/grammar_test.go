package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/engine"
)

// TestGrammar gives one message to a fresh cool-down at a time. NOW is the second
// of sending.
func TestGrammar(t *testing.T) {
	const level, info, snapshot = "latchkey/device/gate/d1/level/set", "latchkey/account/gate/call/info", "latchkey/account/gate/call/snapshot"
	const request = "latchkey/account/gate/call/request"
	rows := []struct{ topic, payload, want string }{
		{relay1, `PRESS`, "ok"},
		{relay1, `{"action":"PRESS"}`, "ok"},
		{relay1, " \n{\"action\" : \"PRESS\" }\t", "ok"},
		{relay1, `{"action":"PRESS","id":"A-z.0_9","sent_at":NOW}`, "ok"},
		{relay1, `{"action":"PRESS","id":"b","sent_at":NOW.25}`, "ok"},
		{relay1, `{"action":"PRESS","id":"c"}`, "ok"},
		{relay1, `{"action":"PRESS","sent_at":NOW}`, "ok"},
		{relay1, `{"action":"PRESS","sent_at":5}`, "stale"}, // half an envelope counts as plain, but what it says is judged
		{relay1, `{"action":"PRESS","id":"c"}`, "duplicate"},
		{relay1, ``, ""},
		{relay1, `{}`, "malformed"},
		{relay1, `{"id":"d","sent_at":NOW}`, "malformed"},
		{relay1, `{"Action":"PRESS"}`, "malformed"},
		{relay1, `{"action":"PRESS","ID":"e"}`, "malformed"},
		{relay1, `{"action":"press"}`, "malformed"},
		{relay1, `{"action":""}`, "malformed"},
		{relay1, `{"action":null}`, "malformed"},
		{relay1, `{"action":true}`, "malformed"},
		{relay1, `{"action":["PRESS"]}`, "malformed"},
		{relay1, `{"action":"PRESS","retain":false}`, "malformed"},
		{relay1, `{"action":"PRESS","action":"PRESS"}`, "malformed"},
		{relay1, `{"action":"PRESS","id":"f","id":"g"}`, "malformed"},
		{relay1, `{"action":"PRESS","id":"f","i\u0064":"g"}`, "malformed"},
		{relay1, `{"action":"PRESS"}x`, "malformed"},
		{relay1, `{"action":"PRESS"}{}`, "malformed"},
		{relay1, `{"action":"PRESS",}`, "malformed"},
		{relay1, `{"action":"PRESS"`, "malformed"},
		{relay1, "{\"action\":\"PRESS\xff\"}", "malformed"},
		{relay1, `{"action":"PRESS","id":7}`, "malformed"},
		{relay1, `{"action":"PRESS","id":""}`, "malformed"},
		{relay1, `{"action":"PRESS","id":"a b"}`, "malformed"},
		{relay1, `{"action":"PRESS","id":"` + strings.Repeat("i", 64) + `"}`, "ok"},
		{relay1, `{"action":"PRESS","id":"` + strings.Repeat("i", 65) + `"}`, "malformed"},
		{relay1, `{"action":"PRESS","id":null}`, "malformed"},
		{relay1, `{"action":"PRESS","sent_at":"NOW"}`, "malformed"},
		{relay1, `{"action":"PRESS","sent_at":-1}`, "malformed"},
		{relay1, `{"action":"PRESS","sent_at":NOW000}`, "malformed"}, // milliseconds
		{relay1, `{"action":"PRESS","sent_at":1e999}`, "malformed"},
		{relay1, `{"action":"PRESS","sent_at":"2000-01-01T00:00:00"}`, "malformed"},
		{relay1, `{"action":"PRESS","sent_at":"2000-01-01T5:00:00Z"}`, "malformed"},
		{relay1, `{"action":"PRESS","sent_at":"2000-01-01T00:00:00Z"}`, "stale"},
		{relay1, strings.Repeat(" ", 1007) + `{"action":"PRESS"}`, "malformed"},
		{relay1, strings.Repeat(" ", 1006) + `{"action":"PRESS"}`, "ok"},
		{bolt, `UNLOCK`, "ok"},
		{bolt, `OPEN`, "malformed"},
		{bolt, `TOGGLE`, "malformed"},
		{level, `7`, "ok"},
		{level, `{"action":7}`, "ok"},
		{level, `{"action":"7"}`, "ok"},
		{level, `{"action":7.0}`, "ok"},
		{level, `7.5`, "malformed"},
		{level, `101`, "malformed"},
		{level, `-1`, "malformed"},
		{level, `NaN`, "malformed"},
		{level, `0x10`, "malformed"},
		{level, `{"action":1e400}`, "malformed"},
		{"latchkey/device/gate/d1/mode/set", `night`, "ok"},
		{"latchkey/device/gate/d1/mode/set", `dusk`, "malformed"},
		{"latchkey/device/gate/d1/mode/set", "night\xff", "malformed"},
		{"latchkey/device/gate/d1/label/set", `x`, "unknown_target"},
		{"latchkey/device/gate/d2/relay_1/set", `PRESS`, "unknown_target"},
		{"latchkey/device/elsewhere/d1/relay_1/set", `PRESS`, "unknown_target"},
		{"latchkey/account/gate/call/nothing", `{}`, "unknown_target"},
		{"latchkey/account/elsewhere/call/info", `{}`, "unknown_target"},
		{"latchkey/bridge/call/stop", `{}`, "unknown_target"},
		{relay, `{"args":{"number":1}}`, "ok"},
		{relay, `{"args":{"number":7}}`, "unknown_target"},
		{relay, `{"args":{"number":1,"peripheral":"ghijkl"}}`, "unknown_target"}, // another door
		{relay, `{"args":{"number":0}}`, "malformed"},
		{relay, `{"args":{"number":"1"}}`, "malformed"},
		{relay, `{"args":{"number":1.5}}`, "malformed"},
		{relay, `{"args":{"number":1,"number":2}}`, "malformed"},
		{relay, `{"args":{"Number":1}}`, "malformed"},
		{relay, `{"args":{"number":1,"more":1}}`, "malformed"},
		{relay, `{"args":{}}`, "malformed"},
		{relay, `{"args":[]}`, "malformed"},
		{relay, `{"args":null}`, "malformed"},
		{relay, `{"number":1}`, "malformed"},
		{relay, `PRESS`, "malformed"},
		{relay, ``, "malformed"},
		{info, ``, "ok"},
		{info, `{}`, "ok"},
		{info, `{"args":{}}`, "ok"},
		{info, `{"id":"h","sent_at":NOW,"args":{}}`, "ok"},
		{info, `{"args":{"x":1}}`, "malformed"},
		{info, `{"action":"info"}`, "malformed"},
		{info, `null`, "malformed"},
		{info, `{"args":{}}` + strings.Repeat(" ", 64<<10), "malformed"},
		{snapshot, `{"args":{}}`, "ok"},
		{request, "{\"args\":{\"method\":\"GET\",\"json\":\"\xff\"}}", "malformed"},
		{request, `{"args":{"method":"GET","json":{"a":[1,{"b":null}]}}}`, "ok"},
		{request, "{\"args\":{\"method\":\"GET\",\"json\":\"\xff\"}}", "malformed"},
		{request, `{"args":{"method":"GET","json":{"a":{"b":1,"b":2}}}}`, "malformed"},
		{request, "{\"args\":{\"method\":\"GET\",\"json\":\"\xff\"}}", "malformed"},
		{request, `{"args":{"method":"GET","json":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}`, "malformed"},
		{request, "{\"args\":{\"method\":\"GET\",\"json\":\"\xff\"}}", "malformed"},
		{request, `{"args":{"method":"` + strings.Repeat("G", 257) + `"}}`, "malformed"},
	}
	synctest.Test(t, func(t *testing.T) {
		h := settled(t, nil)
		for _, row := range rows {
			time.Sleep(2 * time.Second)
			before := len(h.answers(row.topic))
			h.press(row.topic, strings.ReplaceAll(row.payload, "NOW", fmt.Sprint(time.Now().Unix())))
			got := ""
			for _, a := range h.answers(row.topic)[before:] {
				got += a.Reason
			}
			if got != row.want {
				t.Errorf("%s %.120q: %q, want %q", row.topic, row.payload, got, row.want)
			}
		}
	})
}

func TestRequireEnvelope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := settled(t, func(o *engine.Options, _ *engine.Account) { o.Commands.RequireEnvelope = true })
		for _, plain := range []string{"PRESS", `{"action":"PRESS"}`, `{"action":"PRESS","id":"a"}`, fmt.Sprintf(`{"action":"PRESS","sent_at":%d}`, time.Now().Unix())} {
			h.press(relay1, plain)
		}
		h.expect(relay1, 0, "malformed malformed malformed malformed")
		h.press(light, `{"args":{}}`)
		h.expect(light, 0, "malformed")
		h.press("latchkey/account/gate/call/info", "")
		h.expect("latchkey/account/gate/call/info", 0, "ok")
		h.press(relay1, envelope("PRESS", 0))
		h.expect(relay1, 1, "malformed malformed malformed malformed ok")
		if got := h.Do(t.Context(), engine.Ask{Account: "gate", Name: "relay", Args: map[string]any{"number": "2"}}); got.Reason != bridge.ReasonOK {
			t.Errorf("a local call without an envelope: %s, want ok", got.Reason)
		}
	})
}

// TestCallsNameTheirDevice: an operation with `for` takes the topic's id of its
// device and stands for the one entity there that calls it.
func TestCallsNameTheirDevice(t *testing.T) {
	const open = "latchkey/account/gate/call/open"
	setup := func(t *testing.T) (*house, *[]bridge.Order) {
		var orders []bridge.Order
		h := settled(t, func(_ *engine.Options, a *engine.Account) {
			a.Bridge.Calls = append(a.Bridge.Calls, bridge.Call{Name: "open", Effect: bridge.Writes, OfEntity: true, AnyArgs: true,
				Args: []bridge.Arg{{Name: "device", Type: bridge.ArgText}, {Name: "note", Type: bridge.ArgText, Optional: true, Default: "latchkey"}},
				Do:   func(_ context.Context, o bridge.Order) (any, error) { orders = append(orders, o); return nil, nil }})
			unit := func(id string) bridge.Device {
				return bridge.Device{ID: id, Entities: []bridge.Entity{{ID: "open", Kind: bridge.Button, Verbs: []bridge.Verb{{Says: "PRESS", Call: "open"}}}}}
			}
			a.Bridge.Tasks[0].Do = func(_ context.Context, report bridge.Report) error {
				report(bridge.Devices{Source: "units", All: []bridge.Device{unit("u1"), unit("u2")}})
				return nil
			}
			a.Permissions = []bridge.Permission{{Device: "u2", Entity: "open", Actions: []string{"PRESS"}}}
		})
		return h, &orders
	}
	bubble(t, "by topic", func(t *testing.T) {
		h, orders := setup(t)
		h.press("latchkey/device/gate/u1/open/set", "PRESS")
		if len(*orders) != 1 || (*orders)[0].Device.ID != "u1" || (*orders)[0].Args.Text("device") != "u1" || (*orders)[0].Args.Text("note") != "latchkey" {
			t.Fatalf("orders %+v, want one of u1", *orders)
		}
	})
	bubble(t, "by name", func(t *testing.T) {
		h, orders := setup(t)
		h.press(open, `{"args":{"device":"u1","note":"other"}}`)
		h.press(open, `{"args":{"device":"u2"}}`)
		h.press(open, `{"args":{"device":"u3"}}`)
		h.press(open, `{"args":{}}`)
		h.press("latchkey/device/gate/u1/open/set", "PRESS")
		if got := h.reasons(open); got != "ok denied unknown_target malformed" {
			t.Errorf("results %q", got)
		}
		if got := h.reasons("latchkey/device/gate/u1/open/set"); got != "too_soon" {
			t.Errorf("the entity's own cool-down: %q, want too_soon", got)
		}
		if a := h.answers(open)[0]; len(*orders) != 1 || a.Device != "u1" || a.Entity != "open" || a.Action != "open" {
			t.Errorf("orders %+v, answer %+v", *orders, a)
		}
	})
	bubble(t, "a vendor's call must have the very arguments", func(t *testing.T) {
		fired := ""
		h := settled(t, func(_ *engine.Options, a *engine.Account) {
			a.Bridge.Calls = append(a.Bridge.Calls, bridge.Call{Name: "trigger", Effect: bridge.Writes, OfEntity: true,
				Args: []bridge.Arg{{Name: "device", Type: bridge.ArgText}, {Name: "trigger", Type: bridge.ArgText}},
				Do:   func(_ context.Context, o bridge.Order) (any, error) { fired += o.Args.Text("trigger"); return nil, nil }})
			one := bridge.Device{ID: "d1", Entities: []bridge.Entity{{ID: "lamp", Kind: bridge.Button, Verbs: []bridge.Verb{{Says: "PRESS", Call: "trigger", Args: bridge.Args{"trigger": "lamp"}}}}}}
			a.Bridge.Tasks[0].Do = func(_ context.Context, report bridge.Report) error {
				report(bridge.Devices{Source: "toy", All: []bridge.Device{one}})
				return nil
			}
			a.Permissions = []bridge.Permission{{Entity: "lamp", Allow: true}, {}}
		})
		const trigger = "latchkey/account/gate/call/trigger"
		h.press(trigger, `{"args":{"device":"d1","trigger":"gate"}}`) // is no lamp, though the one trigger known here
		h.press(trigger, `{"args":{"device":"d1","trigger":"lamp"}}`)
		if got := h.reasons(trigger); got != "unknown_target ok" || fired != "lamp" {
			t.Errorf("results %q, fired %q; want unknown_target for the gate", got, fired)
		}
	})
	bubble(t, "a call that names none must have the very arguments", func(t *testing.T) {
		h := settled(t, func(_ *engine.Options, a *engine.Account) {
			one := station()
			one.Entities = one.Entities[:1]
			a.Bridge.Tasks[0].Do = func(_ context.Context, report bridge.Report) error {
				report(bridge.Devices{Source: "toy", All: []bridge.Device{one}})
				return nil
			}
		})
		h.press(relay, `{"args":{"number":2}}`)
		h.expect(relay, 0, "unknown_target")
	})
}
