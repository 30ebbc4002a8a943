package generic_test

import (
	"testing"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/generic"
	"latchkey/vendors/generic/genericsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const conformance = `
client_id: ` + genericsim.DemoClient + `
client_secret: "` + genericsim.DemoSecret + `"
scope: units
operations:
  units:
    http: GET /v1/units
    media: application/vnd.api+json
    page: {next: .links.next}
    each: ".data[]"
    device: {id: .id, name: .attributes.label}
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
entities:
  - {id: open, platform: button, name: Open, for: units, call: open, args: {note: latchkey}}
`

func TestConformance(t *testing.T) {
	bridgetest.RunVendor(t, bridgetest.Vendor{
		Driver:   generic.Driver(),
		Sim:      func(testing.TB) simkit.Sim { return genericsim.New(genericsim.Options{}) },
		Settings: conformance,
		Options:  "{oauth: {authorize: {url: /oauth/authorize, pkce: true, echo: true}, token: {url: /oauth/token}}, graphql: /graphql}",
		Person:   simkit.Person{Name: genericsim.DemoUser, Password: genericsim.DemoPassword},
		Read:     "units",
		Write:    bridgetest.Command{Name: "open", Args: bridge.Args{"device": "17", "note": "latchkey"}},
		Sent:     bridgetest.Requests{On: "POST /v1/units/17/openings"},
		Args:     map[string]bridge.Args{"graphql": {"query": "{ unit(id: 17) { label } }"}},
	})
}
