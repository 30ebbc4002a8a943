package cameramanager_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/cameramanager"
	sim "latchkey/vendors/cameramanager/cameramanagersim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	bridgetest.Golden(t, *update, name, got)
}

const base = "https://rest.cameramanager.com"

func settings() bridge.Settings {
	return bridge.Settings{ID: "cams", Vendor: "cameramanager", Name: "Cameras", BaseURL: base, Grant: bridge.GrantCode,
		ClientID: sim.DemoClient, ClientSecret: bridge.NewSecret(sim.DemoSecret), Scope: "read", Poll: time.Minute}
}

// options are the defaults, changed.
func options(change ...func(*cameramanager.Options)) *cameramanager.Options {
	o := cameramanager.Driver().New().(*cameramanager.Options)
	for _, f := range change {
		f(o)
	}
	return o
}

// house is an opened account with what it reported.
type house = bridgetest.Bench

func open(t *testing.T, cloud bridge.Cloud, change ...func(*cameramanager.Options)) *house {
	t.Helper()
	return bridgetest.Open(t, options(change...), settings(), bridge.Env{Cloud: cloud})
}

// onSim opens anna's account of a simulator.
func onSim(t *testing.T, s *sim.Sim, change ...func(*cameramanager.Options)) *house {
	t.Helper()
	return open(t, bridgetest.Simulated(s.Handler(), "http://127.0.0.1:8080", s.Issuer.Issue(sim.DemoClient, sim.DemoUser, "read").Access), change...)
}

// states are the reported values, "4201/recording ON", and reaches, "4201 online".
func states(facts []bridge.Fact) (all []string) {
	for _, f := range facts {
		switch f := f.(type) {
		case bridge.State:
			all = append(all, f.Device+"/"+f.Entity+" "+f.Value.String())
		case bridge.Reach:
			all = append(all, fmt.Sprintf("%s online=%v says=%v", f.Device, f.OK, f.Says))
		}
	}
	return all
}

func devices(facts []bridge.Fact) (all []bridge.Device, lists int) {
	for _, f := range facts {
		if d, ok := f.(bridge.Devices); ok {
			all, lists = d.All, lists+1
		}
	}
	return all, lists
}

func due(facts []bridge.Fact) (tasks []string) {
	for _, f := range facts {
		if d, ok := f.(bridge.Due); ok {
			tasks = append(tasks, d.Task)
		}
	}
	return tasks
}

func lines(all []string) string { return strings.Join(all, "\n") + "\n" }
