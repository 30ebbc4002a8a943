package main_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/generic/genericsim"
)

// genericKnobs is the same cloud with one entity of every kind that takes commands
// beside buttons and locks. What each command sends is the opening's note.
const genericKnobs = `instance: home
state_dir: %s/state
mqtt: {broker: %q}
web: {listen: %s}
accounts:
  house:
    vendor: generic
    base_url: %s
    client_id: %s
    client_secret: "%s"
    grant: client_credentials
    raw_writes: %v
    options: {oauth: {token: {url: /oauth/token}}, graphql: /graphql}
    operations:
      units: {http: GET /v1/units, media: application/vnd.api+json, page: {next: .links.next}, each: ".data[]", device: {id: .id, name: .attributes.label}, every: 10m}
      state: {for: units, http: "GET /v1/units/{.device.id}", result: .data.attributes, every: 1m}
      note:
        write: true
        for: units
        http: POST /v1/units/{.device.id}/openings
        media: application/vnd.api+json
        args: {text: {type: string, max: 40, default: ""}, seconds: {type: number, min: 0.5, max: 60, default: 1}}
        body: '{data: {type: "openings", attributes: {note: (.args.text + " " + (.args.seconds | tostring))}}}'
    entities:
      - {id: held, platform: switch, name: Held open, for: units, from: state, value: "(.locked | not)", verbs: [{says: "ON", call: note, args: {text: "on"}}, {says: "OFF", call: note, args: {text: "off"}}]}
      - {id: mode, platform: select, name: Mode, for: units, options: [short, long], from: state, value: "if .locked then \"short\" else \"long\" end", verbs: [{call: note, value: text}]}
      - {id: seconds, platform: number, name: Seconds, for: units, min: 1, max: 30, step: 0.5, from: state, value: .battery, verbs: [{call: note, value: seconds}]}
`

// A switch, a select and a number of the configuration: each command is sent once
// with its payload where the configuration puts it, what is outside is refused, and
// the state is the cloud's, never a guess.
func TestGenericKnobs(t *testing.T) {
	h := newHome(t, stock(t).URL())
	sim := genericsim.New(genericsim.Options{})
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	configure := func(rawWrites bool) {
		h.write(fmt.Sprintf(genericKnobs, h.dir, h.mqttURL(), h.page, server.URL, genericsim.DemoClient, genericsim.DemoSecret, rawWrites))
	}
	configure(false)
	h.start()
	ref := func(unit, entity string) bridge.Ref {
		return bridge.Ref{Device: bridge.DeviceID(unit), Entity: entity}
	}
	shows := func(unit, entity, want string) {
		t.Helper()
		h.mqtt.Await(topics.Value("house", ref(unit, entity)), bridgetest.Payload(want), patience)
	}
	shows("17", "held", "OFF")
	shows("17", "mode", "short")
	shows("17", "seconds", "80")
	shows("18", "held", "ON")
	h.ready()
	sent := map[string]int{}
	for _, row := range []struct {
		unit, entity, says string
		note               string // that was sent; "": malformed, and nothing is
	}{
		{"17", "held", "TOGGLE", ""},
		{"17", "held", "on", ""},
		{"17", "held", "ON", "on 1"},
		{"18", "held", "OFF", "off 1"},
		{"17", "mode", "medium", ""},
		{"17", "mode", "long", "long 1"},
		{"17", "seconds", "0.5", ""}, // the call takes it, the entity does not
		{"17", "seconds", "30.5", ""},
		{"17", "seconds", "many", ""},
		{"17", "seconds", "1", " 1"},
		{"18", "seconds", "30", " 30"},
		{"a/b c", "seconds", "2.5", " 2.5"},
	} {
		want := bridge.ReasonMalformed
		if row.note != "" {
			want = bridge.ReasonOK
			sent[row.unit]++
		}
		h.mqtt.Publish(topics.Set("house", ref(row.unit, row.entity)), row.says, false)
		r := h.result(topics.Result("house", ref(row.unit, row.entity)), "")
		if r.Reason != want || sim.Openings(row.unit) != sent[row.unit] || row.note != "" && sim.Note(row.unit) != row.note {
			t.Errorf("%s %s %s: %s (%s), %d openings, note %q; want %s, %d, %q", row.unit, row.entity, row.says, r.Reason, r.Message, sim.Openings(row.unit), sim.Note(row.unit), want, sent[row.unit], row.note)
		}
	}
	// What was told to be off is open all the same, and is shown so.
	shows("17", "held", "ON")
	shows("17", "mode", "long")
	for _, m := range h.mqtt.Messages() {
		if m.Topic == topics.Value("house", ref("18", "held")) && m.Payload == "OFF" {
			t.Error("the switch shows what it was told, not what the cloud says")
		}
	}

	const mutation = `{"query":"mutation { demoOpen(unit: 18, note: \"raw\") { state } }"}`
	if r := h.call("house", "graphql", mutation); r.Reason != bridge.ReasonDenied || sim.Log.Count("POST /graphql") != 0 {
		t.Errorf("a raw write: %s (%s), %d requests; want denied, 0", r.Reason, r.Message, sim.Log.Count("POST /graphql"))
	}
	h.stop()
	configure(true)
	h.start()
	h.ready()
	if r := h.call("house", "graphql", mutation); r.Reason != bridge.ReasonOK || string(r.Data) != `{"data":{"demoOpen":{"state":"accepted"}}}` {
		t.Errorf("a raw write, allowed: %s (%s) %s", r.Reason, r.Message, r.Data)
	}
	if n := sim.Log.Count("POST /graphql"); n != 1 || sim.Openings("18") != sent["18"]+1 || sim.Note("18") != "raw" {
		t.Errorf("%d requests, %d openings, note %q; want 1, %d, raw", n, sim.Openings("18"), sim.Note("18"), sent["18"]+1)
	}
}
