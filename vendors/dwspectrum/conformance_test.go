package dwspectrum_test

import (
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/dwspectrum"
	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

func conforming() bridgetest.Vendor {
	anna, berta := simkit.Person{Name: sim.DemoUser, Password: sim.DemoPassword}, simkit.Person{Name: "berta@example.com", Password: "p"}
	of := func(device string, pairs ...any) bridge.Args {
		args := bridge.Args{"device": bridge.DeviceID(device)}
		for i := 0; i < len(pairs); i += 2 {
			args[pairs[i].(string)] = pairs[i+1]
		}
		return args
	}
	camera, io := yard(61), box(61)
	return bridgetest.Vendor{
		Driver: dwspectrum.Driver(),
		Sim: func(testing.TB) simkit.Sim {
			return sim.New(sim.Options{Users: []simkit.User{{Name: anna.Name, Password: anna.Password}, {Name: berta.Name, Password: berta.Password}}})
		},
		Settings: "client_id: latchkey-test",
		Options:  "{systems: [" + sim.System61 + "], relay_host: '{base}/relay/{system}', redirect_domain: localhost, rules: true}",
		Person:   anna,
		Other:    berta,
		Read:     "systems",
		Write:    bridgetest.Command{Name: "trigger", Args: of(camera, "trigger", trigger("71", 61))},
		Sent:     bridgetest.Requests{On: "POST /relay/" + sim.System61 + "/rest/v4/events/triggers"},
		Hops:     2, // the relay sends every one on
		Args: map[string]bridge.Args{
			"ports": of(io), "presets": of(camera), "tours": of(camera), "position": of(camera, "type", "absolute"), "snapshot": of(camera), "ptz_stop": of(camera), "ptz_move": of(camera, "pan", 1.0, "duration", 0.1),
			"ptz_preset": of(camera, "preset", "gate"), "ptz_preset_5x": of(camera, "preset", "gate"), "ptz_position": of(camera, "pan", 0.5, "tilt", 0.5, "zoom", 0.5),
			"ptz_tour": of(camera, "tour", "round"), "bookmark": of(camera, "name", "parcel", "start", "2026-01-02T03:04:05Z"), "recording": of(camera, "enabled", true),
			"output": of(io, "port", "2", "active", true), "generic_event": {"source": "test", "caption": "Bell", "description": "rang"},
			"rule": {"system": sim.System61, "rule": trigger("91", 61), "enabled": true},
		},
	}
}

func TestConformance(t *testing.T) { bridgetest.RunVendor(t, conforming()) }

// The life of a token in ways that the texts leave open.
func TestAnswers(t *testing.T) {
	set := func(change func(*sim.Settings)) func(*sim.Sim) { return func(s *sim.Sim) { s.Change(change) } }
	bridgetest.RunAnswers(t, conforming(), map[string]func(*sim.Sim){
		"other codes and forms": set(func(t *sim.Settings) {
			t.DeadCode, t.ScopeStatus, t.RevokeStatus = "credentialsRemovedPermanently", 401, 204
			t.NumberTimes, t.NoProlongation, t.NoMintRefresh, t.BareInfo = true, true, true, true
		}),
		"OAuth's error": set(func(t *sim.Settings) { t.PortalErrors = "error" }),
		"a detail":      set(func(t *sim.Settings) { t.PortalErrors = "detail" }),
		"no redirect":   set(func(t *sim.Settings) { t.NoRedirect, t.SystemsByCDB = true, true }),
		"the same token": func(s *sim.Sim) {
			s.Issuer.Change(func(r *simkit.Rules) { r.Rotation, r.NoEcho = simkit.RotateSame, true })
		},
	})
}

// What each token and API request looks like on the wire: of 6.1, with a narrowed
// scope at the other token address, and with a password.
func TestRecorded(t *testing.T) {
	v := conforming()
	v.Args[v.Write.Name] = v.Write.Args
	var calls []bridgetest.Command
	for _, name := range []string{"systems", "servers", "devices", "triggers", "rules", "ports", "presets", "tours", "position", "snapshot", "trigger", "output", "ptz_preset", "ptz_move", "ptz_position", "ptz_tour",
		"bookmark", "recording", "generic_event", "rule"} {
		calls = append(calls, bridgetest.Command{Name: name, Args: v.Args[name]})
	}
	golden(t, "recorded.golden", bridgetest.Recorded(t, v, calls...))
	narrowed := v
	narrowed.Settings += "\nscope: '{base}/cdb/oauth2/token cloudSystemId=*'"
	narrowed.Options = strings.Replace(v.Options, "{", "{token_path: /cdb/oauth2/token, ", 1)
	golden(t, "recorded_narrowed.golden", bridgetest.Recorded(t, narrowed))
	password := v
	password.Settings += "\ngrant: password\nusername: " + sim.DemoUser + "\npassword: " + sim.DemoPassword
	password.Person = simkit.Person{}
	golden(t, "recorded_password.golden", bridgetest.Recorded(t, password))
}
