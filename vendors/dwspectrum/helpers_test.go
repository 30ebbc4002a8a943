package dwspectrum_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/dwspectrum"
	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	bridgetest.Golden(t, *update, name, got)
}

const base = "https://dwspectrum.digital-watchdog.com"

func settings() bridge.Settings {
	return bridge.Settings{ID: "site", Vendor: "dwspectrum", Name: "Site", BaseURL: base, Grant: bridge.GrantCode, ClientID: "latchkey-test", Poll: time.Minute}
}

// options are the defaults, changed.
func options(change ...func(*dwspectrum.Options)) *dwspectrum.Options {
	o := dwspectrum.Driver().New().(*dwspectrum.Options)
	for _, f := range change {
		f(o)
	}
	return o
}

func systems(ids ...string) func(*dwspectrum.Options) {
	return func(o *dwspectrum.Options) { o.Systems = ids }
}

// house is an opened account with what it reported.
type house struct {
	*bridgetest.Bench
	cloud *simCloud
	notes *bridgetest.Notes
}

func open(t *testing.T, set bridge.Settings, cloud bridge.Cloud, change ...func(*dwspectrum.Options)) *house {
	t.Helper()
	return reopen(t, set, cloud, &bridgetest.Notes{}, change...)
}

func reopen(t *testing.T, set bridge.Settings, cloud bridge.Cloud, kept *bridgetest.Notes, change ...func(*dwspectrum.Options)) *house {
	t.Helper()
	return &house{Bench: bridgetest.Open(t, options(change...), set, bridge.Env{Cloud: cloud, Notes: kept}), notes: kept}
}

// onSim opens the demo user's account of a simulator.
func onSim(t *testing.T, s *sim.Sim, change ...func(*dwspectrum.Options)) *house {
	t.Helper()
	cloud := &simCloud{sim: s, profile: options(change...).Profile(settings()), issued: s.Issuer.Issue("latchkey-test", sim.DemoUser, sim.DefaultScope), minted: map[string]string{}}
	h := open(t, settings(), cloud, change...)
	h.cloud = cloud
	return h
}

// device is one by the vendor's id.
func (h *house) device(id string) bridge.Device { return h.Device(bridge.DeviceID(id)) }

func hasArg(c bridge.Call, name string) bool {
	for _, a := range c.Args {
		if a.Name == name {
			return true
		}
	}
	return false
}

func task(name, system string) string { return name + "_" + bridge.DeviceID(system) }

// press does what a command on an entity does.
func (h *house) press(t *testing.T, device, entity, says string) error {
	t.Helper()
	all := h.device(device).Entities
	at := slices.IndexFunc(all, func(e bridge.Entity) bool { return e.ID == entity })
	if at < 0 {
		t.Fatalf("no entity %s of %s", entity, device)
	}
	for _, v := range all[at].Verbs {
		if v.Says == says {
			args := bridge.Args{}
			for name, value := range v.Args {
				args[name] = value
			}
			if hasArg(h.Named(v.Call), "device") {
				args["device"] = bridge.DeviceID(device)
			}
			_, err := h.Call(v.Call, args)
			return err
		}
	}
	t.Fatalf("%s takes no %s", entity, says)
	return nil
}

// states are the reported values, reaches and events.
func states(facts []bridge.Fact) (all []string) {
	for _, f := range facts {
		switch f := f.(type) {
		case bridge.State:
			all = append(all, f.Device+"/"+f.Entity+" "+f.Value.String())
		case bridge.Reach:
			all = append(all, fmt.Sprintf("%s reach ok=%v says=%v", f.Device, f.OK, f.Says))
		case bridge.Happened:
			all = append(all, fmt.Sprintf("%s/%s %s", f.Device, f.Entity, f.Type))
		}
	}
	return all
}

func lines(all []string) string { return strings.Join(all, "\n") + "\n" }
