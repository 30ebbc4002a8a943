package sensorberg_test

import (
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

func TestConformance(t *testing.T) {
	vendor := bridgetest.Vendor{
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
	t.Run("client credentials", func(t *testing.T) { bridgetest.RunVendor(t, vendor) })
	t.Run("a person", func(t *testing.T) {
		vendor.Settings += "grant: authorization_code\nscope: me\n"
		vendor.Person = simkit.Person{Name: sim.DemoUser, Password: sim.DemoPassword}
		vendor.Sim = func(testing.TB) simkit.Sim {
			s := sim.New(sim.Options{})
			s.Change(func(h *sim.Habits) { h.PlainRedirects, h.Scope = true, sim.Me })
			return s
		}
		bridgetest.RunVendor(t, vendor)
	})
}
