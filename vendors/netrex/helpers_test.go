package netrex_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/netrex"
	sim "latchkey/vendors/netrex/netrexsim"
)

// The day of the figures is the local one: golden files need a place.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("CET", 3600)
	goleak.VerifyTestMain(m)
}

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	bridgetest.Golden(t, *update, name, got)
}

const base = "https://system2.netrex.cz"

func settings() bridge.Settings {
	return bridge.Settings{ID: "cams", Vendor: "netrex", Name: "Cameras", BaseURL: base, Grant: bridge.GrantCode,
		ClientID: sim.DemoClient, ClientSecret: bridge.NewSecret(sim.DemoSecret), Scope: "read,recordings", Poll: 10 * time.Minute}
}

// options are the defaults, changed.
func options(change ...func(*netrex.Options)) *netrex.Options {
	o := netrex.Driver().New().(*netrex.Options)
	for _, f := range change {
		f(o)
	}
	return o
}

// house is an opened account with what it reported.
type house = bridgetest.Bench

func open(t *testing.T, cloud bridge.Cloud, change ...func(*netrex.Options)) *house {
	t.Helper()
	return bridgetest.Open(t, options(change...), settings(), bridge.Env{Cloud: cloud})
}

// onSim opens the owner's account of a simulator, with a token that does not end.
func onSim(t *testing.T, s *sim.Sim, change ...func(*netrex.Options)) *house {
	t.Helper()
	return open(t, bridgetest.Simulated(s.Handler(), "http://127.0.0.1:8080", s.PortalToken(sim.DemoUser, "read,recordings")), change...)
}

// result is the result of a call as JSON.
func result(t *testing.T, h *house, name string, args bridge.Args) string {
	t.Helper()
	text, err := json.Marshal(h.MustCall(name, args))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// told are the reported values, "1001/listed ON", and events.
func told(facts []bridge.Fact) (all []string) {
	for _, f := range facts {
		switch f := f.(type) {
		case bridge.State:
			all = append(all, f.Device+"/"+f.Entity+" "+f.Value.String())
		case bridge.Happened:
			all = append(all, fmt.Sprintf("%s/%s %s %s %v", f.Device, f.Entity, f.Type, f.ID, f.Attributes))
		}
	}
	return all
}

func devices(facts []bridge.Fact) (all []bridge.Device) {
	for _, f := range facts {
		if d, ok := f.(bridge.Devices); ok {
			all = d.All
		}
	}
	return all
}

func due(facts []bridge.Fact) (tasks []string) {
	for _, f := range facts {
		if d, ok := f.(bridge.Due); ok {
			tasks = append(tasks, fmt.Sprintf("%s in %s", d.Task, d.In))
		}
	}
	return tasks
}

func lines(all []string) string { return strings.Join(all, "\n") + "\n" }
