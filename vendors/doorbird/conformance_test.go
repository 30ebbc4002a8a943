package doorbird_test

import (
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird"
	"latchkey/vendors/doorbird/doorbirdsim"
)

func TestConformance(t *testing.T) {
	bridgetest.RunVendor(t, bridgetest.Vendor{
		Driver: doorbird.Driver(),
		Sim: func(t testing.TB) simkit.Sim {
			sim := doorbirdsim.New(doorbirdsim.Options{})
			if err := sim.Ring(t.Context(), doorbirdsim.DemoMAC, "1"); err != nil {
				t.Fatal(err)
			}
			return sim
		},
		Settings: "client_id: " + doorbirdsim.DemoClient + "\nclient_secret: " + doorbirdsim.DemoSecret + "\nscope: deviceAdmin",
		Options:  "{push_key: a-key-of-the-partner}",
		Person:   simkit.Person{Name: doorbirdsim.DemoAdmin, Password: "admin"},
		Read:     "info",
		Write:    bridgetest.Command{Name: "relay", Args: bridge.Args{"number": int64(1)}},
		Sent:     bridgetest.Requests{On: "POST /relay/*"},
	})
}
