package dwspectrum_test

import (
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/dwspectrum"
	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

func TestConformance(t *testing.T) {
	camera := bridge.DeviceID(yard(61))
	of := func(pairs ...any) bridge.Args {
		args := bridge.Args{"device": camera}
		for i := 0; i < len(pairs); i += 2 {
			args[pairs[i].(string)] = pairs[i+1]
		}
		return args
	}
	bridgetest.RunVendor(t, bridgetest.Vendor{
		Driver: dwspectrum.Driver(),
		Sim: func(testing.TB) simkit.Sim {
			return sim.New(sim.Options{Users: []simkit.User{{Name: sim.DemoUser, Password: sim.DemoPassword}, {Name: "berta@example.com", Password: "p"}}})
		},
		Settings: "client_id: latchkey-test",
		Options:  "{systems: [" + sim.System61 + "], relay_host: '{base}/relay/{system}', redirect_domain: localhost, rules: true}",
		Person:   simkit.Person{Name: sim.DemoUser, Password: sim.DemoPassword},
		Other:    simkit.Person{Name: "berta@example.com", Password: "p"},
		Read:     "systems",
		Write:    bridgetest.Command{Name: "trigger", Args: of("trigger", trigger("71", 61))},
		Sent:     bridgetest.Requests{On: "POST /relay/" + sim.System61 + "/rest/v4/events/triggers"},
		Hops:     2, // the relay sends every one on
		Args: map[string]bridge.Args{
			"ports": of(), "presets": of(), "tours": of(), "snapshot": of(), "ptz_stop": of(), "ptz_move": of("pan", 1.0), "ptz_preset": of("preset", "gate"), "ptz_preset_5x": of("preset", "gate"),
			"ptz_position": of("pan", 0.5, "tilt", 0.5, "zoom", 0.5), "ptz_tour": of("tour", "round"), "bookmark": of("name", "parcel"),
			"recording": of("enabled", true), "output": of("port", "2", "active", true), "generic_event": {"source": "test", "caption": "Bell", "description": "rang"},
			"rule": {"system": sim.System61, "rule": "1", "enabled": true},
		},
	})
}
