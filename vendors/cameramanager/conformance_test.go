package cameramanager_test

import (
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/cameramanager"
	"latchkey/vendors/cameramanager/cameramanagersim"
)

func conforming() bridgetest.Vendor {
	const events = "/v2.4/events"
	camera := bridge.Args{"camera": "4201"}
	return bridgetest.Vendor{
		Driver: cameramanager.Driver(),
		Sim: func(testing.TB) simkit.Sim {
			return cameramanagersim.New(cameramanagersim.Options{Settings: cameramanagersim.Settings{
				StillLeast: time.Millisecond, StillMost: time.Millisecond, EventsPath: events}})
		},
		Settings: "client_id: " + cameramanagersim.DemoClient + "\nclient_secret: " + cameramanagersim.DemoSecret,
		Options:  `{events: {path: "` + events + `"}}`,
		Person:   simkit.Person{Name: cameramanagersim.DemoUser, Password: cameramanagersim.DemoPassword},
		Read:     "cameras",
		Args: map[string]bridge.Args{
			"camera": camera, "location": camera, "snapshot": camera, "streams": camera,
			"details":    {"camera": "4201", "part": "mode"},
			"recordings": {"camera": "4201", "from": "2026-01-02T03:00:00Z", "to": "2026-01-02T04:00:00Z"},
			"recording":  {"camera": "4201", "id": "1"},
		},
	}
}

func TestConformance(t *testing.T) { bridgetest.RunVendor(t, conforming()) }

// The life of a token in ways that the texts leave open.
func TestAnswers(t *testing.T) {
	rules := func(change func(*simkit.Rules)) func(*cameramanagersim.Sim) {
		return func(s *cameramanagersim.Sim) {
			s.Change(func(t *cameramanagersim.Settings) { t.ClientError, t.TextIDs = "invalid_client", true })
			s.Issuer.Change(change)
		}
	}
	bridgetest.RunAnswers(t, conforming(), map[string]func(*cameramanagersim.Sim){
		"a policy that rotates": rules(func(r *simkit.Rules) {
			r.Rotation, r.OldAccess, r.NoEcho = simkit.RotateNew, simkit.OldAccessEnds, true
		}),
		"no refresh token": rules(func(r *simkit.Rules) { r.Rotation, r.SameAccess = simkit.RotateNone, true }),
	})
}

// What each token and API request looks like on the wire.
func TestRecorded(t *testing.T) {
	v := conforming()
	v.Args["details"]["part"] = "connection"
	v.Args["streams"] = bridge.Args{"camera": "4201", "types": "rtsp,hlsHttps"}
	v.Args["snapshot"] = bridge.Args{"camera": "4201", "resolution": "640x360"}
	calls := []bridgetest.Command{{Name: "self"}, {Name: "cameras"}, {Name: "status"}}
	for _, name := range []string{"camera", "location", "details", "snapshot", "streams", "recordings"} {
		calls = append(calls, bridgetest.Command{Name: name, Args: v.Args[name]})
	}
	golden(t, "recorded.golden", bridgetest.Recorded(t, v, calls...))
}

// The form body instead of the query, and a key that has no secret: id and colon.
func TestRecordedForm(t *testing.T) {
	v := conforming()
	v.Settings, v.Options = "client_id: public", "{form_body: true}"
	v.Sim = func(testing.TB) simkit.Sim {
		return cameramanagersim.New(cameramanagersim.Options{Clients: []simkit.Client{{ID: "public"}}})
	}
	golden(t, "recorded_form.golden", bridgetest.Recorded(t, v))
}
