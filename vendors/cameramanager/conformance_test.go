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

func TestConformance(t *testing.T) {
	const events = "/v2.4/events"
	camera := bridge.Args{"camera": "4201"}
	bridgetest.RunVendor(t, bridgetest.Vendor{
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
	})
}
