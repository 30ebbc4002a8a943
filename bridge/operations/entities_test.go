package operations_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
)

// vendor is an account that lists two cameras and a folder, by a task, a call, a
// push and a hook.
func vendor(devices ...bridge.Device) bridge.Account {
	list := bridge.Devices{Source: "nodes", All: devices}
	return bridge.Account{
		Tasks: []bridge.Task{{Name: "nodes", Every: time.Minute, Do: func(_ context.Context, r bridge.Report) error {
			r(list, bridge.Reach{Device: "1001", OK: true})
			return nil
		}}},
		Calls: []bridge.Call{{Name: "nodes", Do: func(_ context.Context, o bridge.Order) (any, error) { o.Report(list); return nil, nil }}},
		Push: &bridge.Push{
			Take: func(_ []byte, _ time.Time, r bridge.Report) (bool, error) { r(list); return true, nil },
			Hook: func(_ url.Values, _ []byte, _ time.Time, r bridge.Report) error { r(list); return nil },
		},
	}
}

func camera(id string) bridge.Device {
	return bridge.Device{ID: id, Original: id, Name: "Camera " + id, Kind: "camera", Facts: map[string]string{"node_id": id, "online": "yes"}, Entities: []bridge.Entity{{ID: "still", Kind: bridge.ImageKind}}}
}

// The sample of NetRex's sheet: a statistic once a camera, a preset on one node.
func netrex() bridge.Settings {
	return bridge.Settings{ID: "cams", Operations: map[string]bridge.Operation{
		"people_today": {GraphQL: "{ statisticDataMetric(from: $f, to: $t, type: peopleCountPassBy, node_id: $n) }", Variables: "{n: .device.node_id, f: 1, t: 2}",
			Result: ".data.statisticDataMetric", For: "camera", Every: 15 * time.Minute},
		"goto_preset": {Write: true, Args: map[string]bridge.ArgRule{"preset": {Type: "int", Min: new(1.0), Max: new(99.0)}},
			GraphQL: "mutation($n: Int!, $p: Int!) { demoGotoPreset(node_id: $n, preset: $p) }", Variables: "{n: .device.node_id, p: .args.preset}", OK: ".data.demoGotoPreset == true"},
	}, Entities: []bridge.EntityRule{
		{ID: "people", Platform: bridge.Sensor, Name: "People today", For: "camera", From: "people_today", Value: ".", StateClass: "total_increasing"},
		{ID: "gate_view", Platform: bridge.Button, Name: "Gate view", For: "1001", Call: "goto_preset", Args: map[string]any{"preset": 3}},
		{ID: "listed", Platform: bridge.BinarySensor, For: "camera", Value: `.online == "yes"`, Category: "diagnostic", Enabled: new(false)},
	}}
}

func TestEntitiesOnAVendorsDevices(t *testing.T) {
	folder := bridge.Device{ID: "1000", Original: "1000", Kind: "folder"}
	ways := map[string]func(*home) error{
		"task": func(h *home) error { return h.poll("nodes") },
		"call": func(h *home) error { _, err := h.ask("nodes", bridge.Device{}, nil); return err },
		"push": func(h *home) error { _, err := h.Push.Take(nil, time.Now(), h.report); return err },
		"hook": func(h *home) error { return h.Push.Hook(nil, nil, time.Now(), h.report) },
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			listed := []bridge.Device{folder, camera("1001"), camera("1002")}
			h := extend(t, netrex(), vendor(listed...), nil)
			if err := way(h); err != nil {
				t.Fatal(err)
			}
			got := map[string][]string{}
			for _, d := range h.facts[0].(bridge.Devices).All {
				for _, e := range d.Entities {
					got[d.ID] = append(got[d.ID], e.ID)
				}
			}
			if diff := cmp.Diff(map[string][]string{"1001": {"still", "people", "gate_view", "listed"}, "1002": {"still", "people", "listed"}}, got); diff != "" {
				t.Errorf("entities (-want +got):\n%s", diff)
			}
			if n := len(listed[1].Entities); n != 1 {
				t.Errorf("the vendor's own list was changed: %d entities", n)
			}
			if got, want := h.shows(), map[string]string{"1001/listed": "ON", "1002/listed": "ON"}; !cmp.Equal(got, want) {
				t.Errorf("states %v, want %v", got, want)
			}
		})
	}
}

func TestAnOperationRunsOnceADevice(t *testing.T) {
	h := extend(t, netrex(), vendor(camera("1001"), camera("1002")), func(verb string, r bridge.Request) (bridge.Reply, error) {
		if strings.Contains(string(r.JSON.([]byte)), "1002") {
			return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Message: "no"}
		}
		return answer(`{"data":{"statisticDataMetric":42,"demoGotoPreset":true}}`), nil
	})
	if err := h.poll("operation:people_today"); err != nil || h.cloud.lines() != "" {
		t.Errorf("before there are devices: %v, asked %q", err, h.cloud.lines())
	}
	if err := h.poll("nodes"); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(h.facts, bridge.Fact(bridge.Due{Task: "operation:people_today"})) {
		t.Errorf("devices came after the first run, and it is not due again: %v", h.facts)
	}
	if err := h.poll("operation:people_today"); err != nil {
		t.Errorf("one of two devices failed, and so did the task: %v", err)
	}
	if got := h.shows()["1001/people"]; got != "42" {
		t.Errorf("people %q, want 42", got)
	}
	const query = `read POST /graphql {"query":"{ statisticDataMetric(from: 1, to: 2, type: peopleCountPassBy, node_id: %s) }"}`
	if diff := cmp.Diff(fmt.Sprintf(query+"\n"+query, "1001", "1002"), h.cloud.lines()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	h.cloud.asked = nil
	if _, err := h.ask("goto_preset", h.device("1001"), bridge.Args{"preset": int64(3)}); err != nil {
		t.Fatal(err)
	}
	if got, want := h.cloud.lines(), `act POST /graphql {"query":"mutation($n: Int!, $p: Int!) { demoGotoPreset(node_id: $n, preset: $p) }","variables":{"n":1001,"p":3}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := h.ask("people_today", bridge.Device{ID: "1000", Original: "1000", Kind: "folder"}, nil); reason(err) != bridge.ReasonUnknownTarget {
		t.Errorf("for a folder: %v, want %s", err, bridge.ReasonUnknownTarget)
	}
	t.Run("all devices fail", func(t *testing.T) {
		h := extend(t, netrex(), vendor(camera("1002")), func(string, bridge.Request) (bridge.Reply, error) {
			return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Message: "no"}
		})
		_ = h.poll("nodes")
		if err := h.poll("operation:people_today"); reason(err) != bridge.ReasonRejected {
			t.Errorf("got %v, want %s", err, bridge.ReasonRejected)
		}
	})
}

// A list that cannot be read whole removes nothing.
func TestListsOfDevices(t *testing.T) {
	for name, row := range map[string]struct {
		body string
		want []string // nil: an error, and no fact
	}{
		"empty":            {`[]`, []string{}},
		"numbers and text": {`[{"id":17},{"id":"17b"},{"id":"AA:BB:CC:DD:EE:FF"},{"id":123456789012345678901}]`, []string{"17", "17b", "aabbccddeeff", "123456789012345678901"}},
		"twice":            {`[{"id":17},{"id":17}]`, []string{"17"}},
		"without id":       {`[{"id":17},{}]`, nil},
		"an object as id":  {`[{"id":{}}]`, nil},
		"no list":          {`{"error":1}`, nil},
		"of others":        {`<html>`, nil},
		"too many":         {"[" + strings.Repeat(`{"id":1},`, 2000) + `{"id":2}]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := bridge.Settings{Operations: map[string]bridge.Operation{"units": {HTTP: "GET /u", Each: ".[]", Device: &bridge.DeviceRule{ID: ".id"}, Every: time.Minute}}}
			h := extend(t, s, bridge.Account{}, func(string, bridge.Request) (bridge.Reply, error) { return answer(row.body), nil })
			err := h.poll("operation:units")
			if row.want == nil {
				if err == nil || len(h.facts) > 0 {
					t.Errorf("got %v and %v, want an error and no fact", err, h.facts)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := []string{}
			for _, d := range h.facts[0].(bridge.Devices).All {
				got = append(got, d.ID)
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Devices of devices: a list of its own for each parent, which they hang on.
func TestDevicesOfDevices(t *testing.T) {
	s := theExample()
	s.Operations["doors"] = bridge.Operation{HTTP: "GET /u/{.device.id}/doors", For: "units", Each: ".[]", Device: &bridge.DeviceRule{ID: ".", Name: `"Door " + .`}, Every: time.Minute}
	s.Entities = append(s.Entities, bridge.EntityRule{ID: "itself", Platform: bridge.Sensor, For: "doors", Value: "."})
	h := extend(t, s, bridge.Account{}, func(verb string, r bridge.Request) (bridge.Reply, error) {
		if strings.HasSuffix(r.Path, "/doors") {
			return answer(`["d` + strings.TrimSuffix(strings.TrimPrefix(r.Path, "/u/"), "/doors") + `"]`), nil
		}
		return units(verb, r)
	})
	for _, task := range []string{"operation:units", "operation:doors"} {
		if err := h.poll(task); err != nil {
			t.Fatal(err)
		}
	}
	door := h.device("d17")
	if door.Via != "17" || door.Name != "Door d17" || h.shows()["d17/itself"] != "d17" {
		t.Errorf("got %+v, shows %v", door, h.shows())
	}
	var sources []string
	for _, fact := range h.facts {
		if list, ok := fact.(bridge.Devices); ok {
			sources = append(sources, list.Source)
		}
	}
	if want := []string{"operation:units", "operation:doors/17", "operation:doors/" + bridge.DeviceID("a/b")}; !cmp.Equal(sources, want) {
		t.Errorf("sources %q, want %q", sources, want)
	}
}

func TestValues(t *testing.T) {
	png := "\x89PNG\r\n\x1a\n"
	set := func(level int) map[string]any { return map[string]any{"level": level} }
	onOff := bridge.EntityRule{Platform: bridge.Switch, Verbs: []bridge.VerbRule{{Says: "ON", Call: "set", Args: set(1)}, {Says: "OFF", Call: "set", Args: set(0)}}}
	choice := bridge.EntityRule{Platform: bridge.Select, Options: []string{"a", "b"}, Verbs: []bridge.VerbRule{{Says: "a", Call: "set", Args: set(1)}, {Says: "b", Call: "set", Args: set(2)}}}
	rows := []struct {
		name string
		rule bridge.EntityRule
		item string
		want []bridge.Fact
	}{
		{"text", bridge.EntityRule{Platform: bridge.Sensor}, `"a"`, []bridge.Fact{bridge.State{Value: bridge.Text("a")}}},
		{"whole number", bridge.EntityRule{Platform: bridge.Sensor}, `123456789012345678901`, []bridge.Fact{bridge.State{Value: bridge.Text("123456789012345678901")}}},
		{"number", bridge.EntityRule{Platform: bridge.Number, Verbs: []bridge.VerbRule{{Value: "level", Call: "set"}}}, `21.50`, []bridge.Fact{bridge.State{Value: bridge.Text("21.5")}}},
		{"no number", bridge.EntityRule{Platform: bridge.Number, Verbs: []bridge.VerbRule{{Value: "level", Call: "set"}}}, `"21"`, []bridge.Fact{bridge.State{}}},
		{"locked", bridge.EntityRule{Platform: bridge.Lock, Verbs: []bridge.VerbRule{{Says: "OPEN", Call: "set", Args: map[string]any{"level": 1}}}}, `true`, []bridge.Fact{bridge.State{Value: bridge.Text("LOCKED")}}},
		{"a lock of another word", bridge.EntityRule{Platform: bridge.Lock, Verbs: []bridge.VerbRule{{Says: "OPEN", Call: "set", Args: map[string]any{"level": 1}}}}, `"closed"`, []bridge.Fact{bridge.State{}}},
		{"fraction", bridge.EntityRule{Platform: bridge.Sensor}, `21.50`, []bridge.Fact{bridge.State{Value: bridge.Text("21.5")}}},
		{"null", bridge.EntityRule{Platform: bridge.Sensor}, `null`, []bridge.Fact{bridge.State{}}},
		{"nothing", bridge.EntityRule{Platform: bridge.Sensor, Value: "empty"}, `1`, []bridge.Fact{}},
		{"an object", bridge.EntityRule{Platform: bridge.Sensor}, `{"a":1}`, []bridge.Fact{bridge.State{}}},
		{"an error", bridge.EntityRule{Platform: bridge.Sensor, Value: ".a.b"}, `{"a":1}`, []bridge.Fact{bridge.State{}}},
		{"a URL", bridge.EntityRule{Platform: bridge.Sensor}, `"https://x.example/?token=1"`, []bridge.Fact{bridge.State{Value: bridge.Text("***")}}},
		{"a long text", bridge.EntityRule{Platform: bridge.Sensor}, `"` + strings.Repeat("é", 256) + `"`, []bridge.Fact{bridge.State{Value: bridge.Text(strings.Repeat("é", 256)), Attributes: map[string]any{"value": strings.Repeat("é", 256)}}}},
		{"none of its options", bridge.EntityRule{Platform: bridge.Sensor, Options: []string{"a"}}, `"b"`, []bridge.Fact{bridge.State{}}},
		{"a switch", onOff, `true`, []bridge.Fact{bridge.State{Value: bridge.Bool(true)}}},
		{"a switch in the vendor's words", onOff, `"OFF"`, []bridge.Fact{bridge.State{Value: bridge.Text("OFF")}}},
		{"a switch of another word", onOff, `"open"`, []bridge.Fact{bridge.State{}}},
		{"an option of a select", choice, `"a"`, []bridge.Fact{bridge.State{Value: bridge.Text("a")}}},
		{"no option of a select", choice, `"c"`, []bridge.Fact{bridge.State{}}},
		{"true", bridge.EntityRule{Platform: bridge.BinarySensor}, `true`, []bridge.Fact{bridge.State{Value: bridge.Bool(true)}}},
		{"OFF", bridge.EntityRule{Platform: bridge.BinarySensor}, `"OFF"`, []bridge.Fact{bridge.State{Value: bridge.Bool(false)}}},
		{"neither", bridge.EntityRule{Platform: bridge.BinarySensor}, `"open"`, []bridge.Fact{bridge.State{}}},
		{"base64", bridge.EntityRule{Platform: bridge.ImageKind}, `"` + base64.StdEncoding.EncodeToString([]byte(png)) + `"`, []bridge.Fact{bridge.Picture{Bytes: []byte(png), Type: "image/png"}}},
		{"a data URL", bridge.EntityRule{Platform: bridge.ImageKind}, `"data:image/png;base64,` + base64.StdEncoding.EncodeToString([]byte(png)) + `"`, []bridge.Fact{bridge.Picture{Bytes: []byte(png), Type: "image/png"}}},
		{"no picture", bridge.EntityRule{Platform: bridge.ImageKind}, `"aGVsbG8="`, nil},
		{"a picture of this cloud", bridge.EntityRule{Platform: bridge.ImageKind}, `"https://cloud.example/p.png"`, []bridge.Fact{bridge.Picture{Bytes: []byte(png), Type: "image/png"}}},
		{"a picture of another", bridge.EntityRule{Platform: bridge.ImageKind}, `"https://evil.example/p.png"`, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			row.rule.ID, row.rule.For, row.rule.From = "e", "camera", "read"
			s := bridge.Settings{Operations: map[string]bridge.Operation{"read": {HTTP: "GET /item"},
				"set": {HTTP: "POST /set", Write: true, Args: map[string]bridge.ArgRule{"level": {Type: "number"}}}}, Entities: []bridge.EntityRule{row.rule}}
			h := extend(t, s, vendor(camera("1001")), func(_ string, r bridge.Request) (bridge.Reply, error) {
				if strings.HasSuffix(r.Path, ".png") {
					return bridge.Reply{Status: 200, Type: "image/png", Body: []byte(png)}, nil
				}
				return answer(row.item), nil
			})
			_ = h.poll("nodes")
			h.facts = nil
			if _, err := h.ask("read", bridge.Device{}, nil); err != nil {
				t.Fatal(err)
			}
			want := []bridge.Fact{}
			for _, fact := range row.want {
				switch fact := fact.(type) {
				case bridge.State:
					fact.Ref = bridge.Ref{Device: "1001", Entity: "e"}
					want = append(want, fact)
				case bridge.Picture:
					fact.Ref = bridge.Ref{Device: "1001", Entity: "e"}
					want = append(want, fact)
				}
			}
			if got := append([]bridge.Fact{}, h.facts...); !cmp.Equal(want, got, cmp.Comparer(func(a, b bridge.Value) bool { return a == b })) {
				t.Errorf("got %v, want %v", got, want)
			}
			if got := h.cloud.lines(); strings.Contains(got, "evil") {
				t.Errorf("asked %s", got)
			}
		})
	}
}

// An address in a state is masked, unless its operation is public: one that is read
// for it, or the one that lists the devices.
func TestPublicValues(t *testing.T) {
	const link = "https://x.example/a"
	for _, public := range []bool{false, true} {
		want := map[bool]string{true: link, false: "***"}[public]
		s := bridge.Settings{Operations: map[string]bridge.Operation{
			"units": {HTTP: "GET /u", Each: ".[]", Device: &bridge.DeviceRule{ID: ".id"}, Every: time.Minute, Public: public},
			"read":  {HTTP: "GET /r", Public: public},
		}, Entities: []bridge.EntityRule{{ID: "listed", Platform: bridge.Sensor, For: "units", Value: ".url"}, {ID: "read", Platform: bridge.Sensor, For: "units", From: "read", Value: ".[0].url"}}}
		h := extend(t, s, bridge.Account{}, func(string, bridge.Request) (bridge.Reply, error) {
			return answer(`[{"id":17,"url":"` + link + `"}]`), nil
		})
		if err := h.poll("operation:units"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ask("read", bridge.Device{}, nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"17/listed": want, "17/read": want}, h.shows()); diff != "" {
			t.Errorf("public %v (-want +got):\n%s", public, diff)
		}
	}
}

func TestEvents(t *testing.T) {
	s := bridge.Settings{Operations: map[string]bridge.Operation{"read": {HTTP: "GET /log"}, "open": {HTTP: "POST /open", Write: true}}, Entities: []bridge.EntityRule{
		{ID: "log", Platform: bridge.Event, For: "camera", From: "read", Options: []string{"opened", "closed"}},
		{ID: "done", Platform: bridge.Event, For: "camera", From: "open", Options: []string{"accepted", "failed"}},
	}}
	reply := ""
	h := extend(t, s, vendor(camera("1001")), func(string, bridge.Request) (bridge.Reply, error) { return answer(reply), nil })
	_ = h.poll("nodes")
	happened := func(call, body string) (types []string) {
		reply, h.facts = body, nil
		if _, err := h.ask(call, camera("1001"), nil); err != nil {
			t.Fatal(err)
		}
		for _, fact := range h.facts {
			if e, ok := fact.(bridge.Happened); ok {
				types = append(types, fmt.Sprint(e.Entity, " ", e.Type, " ", e.ID, " ", e.Attributes))
			}
		}
		return types
	}
	for _, row := range []struct {
		call, body string
		want       []string
	}{
		{"read", `"opened"`, []string{"log opened  map[]"}},
		{"read", `"opened"`, nil}, // the same as before
		{"read", `"closed"`, []string{"log closed  map[]"}},
		{"read", `null`, nil},
		{"read", `"broken"`, nil}, // none of its types
		{"read", `[{"type":"opened","id":7,"at":1700000000,"who":"x"},{"type":"closed","id":8}]`, []string{"log opened 7 map[who:x]", "log closed 8 map[]"}},
		{"read", `[{"type":"opened"}]`, nil}, // could not be told from an old one
		{"open", `"accepted"`, []string{"done accepted  map[]"}},
		{"open", `"accepted"`, []string{"done accepted  map[]"}}, // a second opening
	} {
		if got := happened(row.call, row.body); !cmp.Equal(got, row.want) {
			t.Errorf("%s %s: %q, want %q", row.call, row.body, got, row.want)
		}
	}
	if e, ok := h.facts[0].(bridge.Happened); !ok || e.At.IsZero() {
		t.Errorf("an event without a time: %v", h.facts)
	}
}

// After a write, what its entity shows is read again; after one that was never
// sent it is not.
func TestDueAfterAWrite(t *testing.T) {
	s := theExample()
	s.Operations["state"] = bridge.Operation{HTTP: "GET /s/{.device.id}", For: "units", Every: time.Minute}
	s.Entities = append(s.Entities, bridge.EntityRule{ID: "door", Platform: bridge.Lock, For: "units", From: "state", Value: ".locked", Verbs: []bridge.VerbRule{{Says: "OPEN", Call: "open", Args: map[string]any{"note": "x"}}}})
	due := bridge.Fact(bridge.Due{Task: "operation:state", In: 2 * time.Second})
	for name, row := range map[string]struct {
		err  error
		want bool
	}{
		"ok":        {nil, true},
		"no answer": {&bridge.Failure{Reason: bridge.ReasonNoAnswer}, true},
		"not sent":  {&bridge.Failure{Reason: bridge.ReasonNotSent}, false},
	} {
		h := extend(t, s, bridge.Account{}, func(string, bridge.Request) (bridge.Reply, error) { return answer(`{}`), row.err })
		_, _ = h.ask("open", bridge.Device{ID: "17", Original: "17", Kind: "operation:units", Facts: map[string]string{"id": `"17"`}}, bridge.Args{"note": "x"})
		if got := slices.Contains(h.facts, due); got != row.want {
			t.Errorf("%s: due %v, want %v (%v)", name, got, row.want, h.facts)
		}
	}
}
