package sensorberg_test

import (
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/sensorberg"
	sim "latchkey/vendors/sensorberg/sensorbergsim"
)

// What a customer's cloud can do stands in the configuration alone.
const conformance = `
client_id: ` + sim.DemoClient + `
client_secret: "` + sim.DemoSecret + `"
operations:
  units:
    graphql: "query($after: String) { demoUnits(first: 2, after: $after) { edges { node { id label available } } pageInfo { endCursor hasNextPage } } }"
    variables: "{after: .page}"
    page: {next: .data.demoUnits.pageInfo.endCursor, more: .data.demoUnits.pageInfo.hasNextPage}
    each: ".data.demoUnits.edges[].node"
    device: {id: .id, name: .label}
    every: 10m
  open:
    write: true
    http: POST /demo/units/{.device.id}/openings
    for: units
    media: application/vnd.api+json
    body: '{data: {type: "demo_openings", attributes: {note: "latchkey"}}}'
    ok: ".errors == null"
    result: .data.attributes.state
entities:
  - {id: open, platform: button, name: Open, for: units, call: open}
`

func conforming() bridgetest.Vendor {
	return bridgetest.Vendor{
		Driver:   sensorberg.Driver(),
		Sim:      func(testing.TB) simkit.Sim { return sim.New(sim.Options{}) },
		Settings: conformance,
		Read:     "units",
		Write:    bridgetest.Command{Name: "open", Args: bridge.Args{"device": "17"}},
		Sent:     bridgetest.Requests{On: "POST /demo/units/17/openings"},
		Args: map[string]bridge.Args{
			"graphql": {"query": "{ demoUnits(first: 1) { edges { node { id } } } }"}, "request": {"method": "GET", "path": "/demo/units"},
		},
	}
}

// ofPerson is the vendor with a user's grant.
func ofPerson(grant string) bridgetest.Vendor {
	v := conforming()
	v.Settings += grant
	v.Sim = func(testing.TB) simkit.Sim {
		s := sim.New(sim.Options{})
		s.Change(func(h *sim.Habits) { h.PlainRedirects, h.Scope = true, sim.Me })
		return s
	}
	return v
}

func byBrowser() bridgetest.Vendor {
	v := ofPerson("grant: authorization_code\nscope: me\n")
	v.Person = simkit.Person{Name: sim.DemoUser, Password: sim.DemoPassword}
	return v
}

func TestConformance(t *testing.T) {
	t.Run("client credentials", func(t *testing.T) { bridgetest.RunVendor(t, conforming()) })
	t.Run("a person", func(t *testing.T) { bridgetest.RunVendor(t, byBrowser()) })
}

// The life of a token in ways that the texts leave open.
func TestAnswers(t *testing.T) {
	habits := func(change func(*sim.Habits)) func(*sim.Sim) { return func(s *sim.Sim) { s.Change(change) } }
	answers := map[string]func(*sim.Sim){
		"the oldest library": habits(func(h *sim.Habits) { h.Version, h.Refused, h.Scopes = sim.V440, sim.RefusedOAuth, sim.ScopesList }),
		"the newest library": habits(func(h *sim.Habits) { h.Version, h.Refused, h.Scopes = sim.V600, sim.RefusedJSONAPI, sim.ScopesText }),
	}
	t.Run("client credentials", func(t *testing.T) { bridgetest.RunAnswers(t, conforming(), answers) })
	answers["on use"] = habits(func(h *sim.Habits) { h.OnUse, h.Endless = true, true })
	t.Run("a person", func(t *testing.T) { bridgetest.RunAnswers(t, byBrowser(), answers) })
}

// What each token and API request looks like on the wire, by every grant.
func TestRecorded(t *testing.T) {
	v := conforming()
	golden(t, "recorded.golden", bridgetest.Recorded(t, v, bridgetest.Command{Name: "units"}, v.Write, bridgetest.Command{Name: "graphql", Args: v.Args["graphql"]},
		bridgetest.Command{Name: "request", Args: v.Args["request"]}))
	golden(t, "recorded_code.golden", bridgetest.Recorded(t, byBrowser()))
	golden(t, "recorded_password.golden", bridgetest.Recorded(t, ofPerson("grant: password\nusername: "+sim.DemoUser+"\npassword: "+sim.DemoPassword+"\n")))
	external := ofPerson("grant: password\nexternal_token: " + sim.DemoExternal + "\n")
	external.Settings = strings.Replace(strings.Replace(external.Settings, sim.DemoClient, sim.DemoMobile, 1), "client_secret: \""+sim.DemoSecret+"\"\n", "", 1)
	golden(t, "recorded_external.golden", bridgetest.Recorded(t, external))
}
