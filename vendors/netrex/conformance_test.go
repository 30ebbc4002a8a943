package netrex_test

import (
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/netrex"
	sim "latchkey/vendors/netrex/netrexsim"
)

// The vendor itself moves nothing, so the write is an operation of the
// configuration; its mutation is the simulator's invention.
const conformance = `
client_id: ` + sim.DemoClient + `
client_secret: ` + sim.DemoSecret + `
scope: read,recordings,liveview_ptz
operations:
  goto_preset:
    write: true
    needs: liveview_ptz
    for: camera
    args: {preset: {type: int, min: 1, max: 99}}
    graphql: "mutation($n: Int!, $p: Int!) { demoGotoPreset(node_id: $n, preset: $p) }"
    variables: "{n: .device.node_id, p: .args.preset}"
    ok: ".data.demoGotoPreset == true"
entities:
  - {id: gate_view, platform: button, name: Gate view, for: "1001", call: goto_preset, args: {preset: 3}}
`

func conforming() bridgetest.Vendor {
	return bridgetest.Vendor{
		Driver:   netrex.Driver(),
		Sim:      func(testing.TB) simkit.Sim { return sim.New(sim.Options{}) },
		Settings: conformance,
		Options:  "{kinds: [camera, folder], statistics: [{node: 1000, types: [peopleCountPassBy]}]}",
		Person:   simkit.Person{Name: sim.DemoUser, Password: sim.DemoPassword},
		Read:     "cameras",
		Write:    bridgetest.Command{Name: "goto_preset", Args: bridge.Args{"device": "1001", "preset": int64(3)}},
		Sent:     bridgetest.Requests{On: "POST /api/graphql.php", Holds: "demoGotoPreset"},
		Args: map[string]bridge.Args{
			"statistic": {"node": 1001, "type": "peopleCountPassBy"}, "recordings": {"node": 1001}, "recording": {"recording": "r1"}, "prepare_recording": {"recording": "r1"},
			"graphql": {"query": "{ cameraList { node_id } }"},
		},
	}
}

func TestConformance(t *testing.T) { bridgetest.RunVendor(t, conforming()) }

// The life of a token in every way that the texts leave open.
func TestAnswers(t *testing.T) {
	bridgetest.RunAnswers(t, conforming(), map[string]func(*sim.Sim){
		"400": func(s *sim.Sim) {
			s.Change(func(t *sim.Settings) { t.OAuthStatus, t.Dead, t.NoLife = 400, sim.Dead403, true })
		},
		"401": func(s *sim.Sim) {
			s.Change(func(t *sim.Settings) { t.OAuthStatus, t.TextLife = 401, true })
		},
		"the same token":     func(s *sim.Sim) { s.Issuer.Change(func(r *simkit.Rules) { r.Rotation = simkit.RotateSame }) },
		"none in a refresh":  func(s *sim.Sim) { s.Issuer.Change(func(r *simkit.Rules) { r.Rotation = simkit.RotateNone }) },
		"the old one serves": func(s *sim.Sim) { s.Issuer.Change(func(r *simkit.Rules) { r.Rotation = simkit.RotateKeep }) },
		"a page": func(s *sim.Sim) {
			s.Change(func(t *sim.Settings) { t.Dead, t.TokenType, t.NullLists = sim.DeadPage, true, true })
		},
	})
	told := conforming() // errors with 200 are a dead token where the configuration says so
	told.Options = strings.Replace(told.Options, "{", `{dead_token: "access token is not valid", `, 1)
	bridgetest.RunAnswers(t, told, map[string]func(*sim.Sim){"errors": func(s *sim.Sim) { s.Change(func(t *sim.Settings) { t.Dead = sim.DeadErrors }) }})
}

// What each token and API request looks like on the wire: as documented, and with
// the other readings of what the vendor leaves open.
func TestRecorded(t *testing.T) {
	v := conforming()
	calls := []bridgetest.Command{{Name: "nodes"}, {Name: "cameras"}, {Name: "recordings", Args: bridge.Args{"node": 1001, "from": 1767322800, "to": "2026-01-02T04:00:00Z"}}, v.Write, {Name: "graphql", Args: v.Args["graphql"]}}
	golden(t, "recorded.golden", bridgetest.Recorded(t, v, calls...))
	for file, c := range map[string]struct {
		options string
		sim     sim.Settings
	}{
		"recorded_form.golden":  {"{form_body: true, revoke_client: true}", sim.Settings{FormBody: true, RevokeClient: true}},
		"recorded_names.golden": {"{names: {redirect: redirect_url, code: auth_code, refresh: token}}", sim.Settings{OtherNames: true, RefreshName: "token"}},
	} {
		other := v
		other.Options, other.Sim = c.options, func(testing.TB) simkit.Sim { return sim.New(sim.Options{Settings: c.sim}) }
		golden(t, file, bridgetest.Recorded(t, other))
	}
}
