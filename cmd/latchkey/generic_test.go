package main_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/generic/genericsim"
)

// genericHouse is a cloud that no line of Go knows: everything is configuration.
const genericHouse = `instance: home
state_dir: %s/state
mqtt: {broker: %q}
web: {listen: %s}
log: {level: debug, format: text}
accounts:
  house:
    vendor: generic
    base_url: %s
    client_id: %s
    client_secret: "%s"
    scope: units
    options:
      oauth:
        authorize: {url: /oauth/authorize, pkce: true, echo: true}
        token: {url: /oauth/token}
        revoke: [{url: /oauth/revoke}]
        introspect: {url: /oauth/introspect}
      graphql: /graphql
    operations:
      units:
        graphql: "query($after: String) { units(first: 50, after: $after) { edges { node { id label } } pageInfo { endCursor hasNextPage } } }"
        variables: "{after: .page}"
        page: {next: .data.units.pageInfo.endCursor, more: .data.units.pageInfo.hasNextPage}
        each: ".data.units.edges[].node"
        device: {id: .id, name: .label}
        every: 10m
      lockers:
        http: GET /v1/units
        media: application/vnd.api+json
        page: {next: .links.next}
        each: ".data[].attributes.label"
      state:
        for: units
        http: GET /v1/units/{.device.id}
        result: .data.attributes
        every: 1m
      open:
        write: true
        for: units
        http: POST /v1/units/{.device.id}/openings
        media: application/vnd.api+json
        args: {note: {type: string, max: 40, default: by name}}
        body: '{data: {type: "openings", attributes: {note: .args.note}}}'
        ok: ".errors == null"
        result: .data.attributes.state
      broken:
        write: true
        graphql: "mutation($unit: ID!) { demoOpen(unit: $unit) { state } }"
        variables: '{unit: "nowhere"}'
    entities:
      - {id: open, platform: button, name: Open, for: units, call: open, args: {note: latchkey}}
      - {id: label, platform: sensor, name: Label, for: units, value: .label}
      - {id: door, platform: lock, name: Door, for: units, from: state, value: .locked, verbs: [{says: OPEN, call: open, args: {note: lock}}]}
      - {id: battery, platform: sensor, name: Battery, for: "a/b c", from: state, value: .battery, class: battery, unit: "%%"}
`

// Sign in, see the units of two pages, open one once: no vendor code.
func TestGenericCloud(t *testing.T) {
	bridgetest.Brokers(t, func(t *testing.T, broker bridgetest.Broker) {
		h := newHome(t, broker.URL())
		sim := genericsim.New(genericsim.Options{})
		server := httptest.NewServer(sim.Handler())
		t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
		h.write(fmt.Sprintf(genericHouse, h.dir, broker.URL(), h.page, server.URL, genericsim.DemoClient, genericsim.DemoSecret))
		if code, out, errs := h.run("", "check"); code != 0 {
			t.Fatalf("check: %d\n%s%s", code, out, errs)
		}
		h.start()
		signInGeneric(t, h)

		yard := bridge.DeviceID("a/b c")
		value := func(device, entity string) string {
			return topics.Value("house", bridge.Ref{Device: device, Entity: entity})
		}
		h.mqtt.Await("homeassistant/device/latchkey_home_house_17/config", contains(`"Lobby"`), patience)
		h.mqtt.Await(value("17", "label"), bridgetest.Payload("Lobby"), patience)
		h.mqtt.Await(value(yard, "label"), bridgetest.Payload("Yard"), patience) // the second page
		h.mqtt.Await(value(yard, "battery"), bridgetest.Payload("7"), patience)
		h.mqtt.Await(value("17", "door"), bridgetest.Payload("LOCKED"), patience)

		h.ready()
		ref := bridge.Ref{Device: yard, Entity: "open"}
		h.mqtt.Publish(topics.Set("house", ref), "PRESS", false)
		h.mqtt.Await(topics.Result("house", ref), contains(`"reason":"ok"`), patience)
		if got, note := sim.Openings("a/b c"), sim.Note("a/b c"); got != 1 || note != "latchkey" {
			t.Errorf("%d openings with note %q, want 1 with latchkey", got, note)
		}
		h.mqtt.Await(value(yard, "door"), bridgetest.Payload("UNLOCKED"), patience) // read again after the write

		for _, row := range []struct {
			name, args string
			want       bridge.Reason
			data       string
		}{
			{"open", `{"device":"17","note":"latchkey"}`, bridge.ReasonOK, `"accepted"`},
			{"open", `{"device":"nowhere"}`, bridge.ReasonUnknownTarget, ""},
			{"open", `{"device":"18","note":"` + strings.Repeat("x", 41) + `"}`, bridge.ReasonMalformed, ""},
			{"lockers", `{}`, bridge.ReasonOK, `["Lobby","Cellar","Yard"]`},
			{"broken", `{}`, bridge.ReasonRejected, ""},
			{"graphql", `{"query":"{ unit(id: 18) { label } }"}`, bridge.ReasonOK, `{"data":{"unit":{"label":"Cellar"}}}`},
			{"graphql", `{"query":"mutation { demoOpen(unit: 18) { state } }"}`, bridge.ReasonDenied, ""},
			{"graphql", `{"query":"query A { unit(id: 1) { id } } mutation B { demoOpen(unit: 18) { state } }"}`, bridge.ReasonMalformed, ""},
			{"introspect", `{}`, bridge.ReasonOK, ""},
		} {
			r := h.call("house", row.name, row.args)
			if r.Reason != row.want || row.data != "" && string(r.Data) != row.data {
				t.Errorf("%s %.60s: %s %s %s, want %s %s", row.name, row.args, r.Reason, r.Message, r.Data, row.want, row.data)
			}
		}
		if lobby, cellar := sim.Openings("17"), sim.Openings("18"); lobby != 1 || cellar != 0 {
			t.Errorf("openings: lobby %d, cellar %d; want 1 and 0", lobby, cellar)
		}
	})
}

func signInGeneric(t *testing.T, h *home) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	who := simkit.Person{Name: genericsim.DemoUser, Password: genericsim.DemoPassword, Client: &http.Client{Jar: jar}}
	back, err := who.Allow(context.Background(), "http://"+h.page+"/accounts/house/login")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := who.Client.Get(back)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	h.mqtt.Await(topics.Token("house"), contains(`"state":"valid"`), patience)
}

// doorbirdByHand is DoorBird's cloud, described in the configuration alone.
const doorbirdByHand = `vendor: generic
    options:
      oauth:
        authorize: {url: /auth/authorize, echo: true}
        token: {url: /auth/token, client: params}
        revoke: [{url: /auth/revoke, client: params, params: {token: "{access_token}"}}]
    operations:
      station: {http: GET /metadata, each: ".", device: {id: .mac, name: .intercomTypeName}, every: 1m}
      relay: {write: true, for: station, http: "POST /relay/{.args.number}", args: {number: {type: int, min: 1, max: 9}}}
    entities:
      - {id: relay_1, platform: button, name: Gate, for: station, call: relay, args: {number: 1}}
      - {id: type, platform: sensor, name: Type, for: station, value: .intercomTypeName}`

// One of the five clouds without its driver: the simulator of DoorBird, strict as
// ever, signs a person in, names its station, opens once, renews a token that ended,
// and gives up a grant.
func TestGenericSpeaksDoorBird(t *testing.T) {
	h := newHome(t, stock(t).URL())
	h.edit(func(text string) string { return strings.Replace(text, "vendor: doorbird", doorbirdByHand, 1) })
	h.start()
	h.signIn("gate")
	h.mqtt.Await("homeassistant/device/latchkey_home_gate_"+station+"/config", contains(`"Gate"`), patience)
	h.mqtt.Await(topics.Value("gate", bridge.Ref{Device: station, Entity: "type"}), bridgetest.Payload("Example Station"), patience)
	h.ready()
	if r := h.press(); r.Reason != bridge.ReasonOK || h.doorbird.AllPulses() != 1 || h.doorbird.Pulses(1, "") != 1 {
		t.Errorf("press: %s (%s), %d pulses of relay 1, %d of all, want one", r.Reason, r.Message, h.doorbird.Pulses(1, ""), h.doorbird.AllPulses())
	}
	if r := h.call("gate", "relay", `{"device":"`+station+`","number":10}`); r.Reason != bridge.ReasonMalformed {
		t.Errorf("relay 10: %s (%s), want malformed", r.Reason, r.Message)
	}
	h.aged()
	h.doorbird.Issuer.EndAccess()
	if r := h.call("gate", "station", `{}`); r.Reason != bridge.ReasonOK || !strings.Contains(string(r.Data), "1CCAE3A1B2C3") {
		t.Errorf("after the token ended: %s (%s) %s", r.Reason, r.Message, r.Data)
	}
	if code, out, errs := h.run("", "logout", "gate"); code != 0 || !strings.Contains(out+errs, "revoked") {
		t.Errorf("logout: %d %s%s", code, out, errs)
	}
	if n := h.doorbird.AllPulses(); n != 1 {
		t.Errorf("%d pulses at the end, want 1", n)
	}
}
