package doorbird_test

import (
	"flag"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/doorbird"
	"latchkey/vendors/doorbird/doorbirdsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	bridgetest.Golden(t, *update, name, got)
}

const base = "https://api.doorbird.io"

func settings(scope string) bridge.Settings {
	return bridge.Settings{ID: "gate", Vendor: "doorbird", Name: "Front gate", BaseURL: base, Grant: bridge.GrantCode,
		ClientID: doorbirdsim.DemoClient, ClientSecret: bridge.NewSecret(doorbirdsim.DemoSecret), Scope: scope, Poll: time.Minute}
}

// options are the defaults, changed.
func options(change func(*doorbird.Options)) *doorbird.Options {
	o := doorbird.Driver().New().(*doorbird.Options)
	if change != nil {
		change(o)
	}
	return o
}

// withPush switches the partner push on.
func withPush(o *doorbird.Options) { o.PushKey = bridge.NewSecret("push-key") }

// station is an opened account with what it reported.
type station = bridgetest.Bench

// onSim opens an account of the simulator's demo station.
func onSim(t *testing.T, sim *doorbirdsim.Sim, user string, o *doorbird.Options) *station {
	t.Helper()
	scope := doorbirdsim.Viewer
	if strings.HasSuffix(user, "0000") {
		scope = doorbirdsim.Admin
	}
	token := sim.Issuer.Issue(doorbirdsim.DemoClient, user, scope).Access
	return bridgetest.Open(t, o, settings(scope), bridge.Env{Cloud: bridgetest.Simulated(sim.Handler(), base, token), HookURL: func() (bridge.Secret, error) { return bridge.NewSecret(hookURL), nil }})
}

// hookURL is where the station is told to call.
const hookURL = "https://home.example/hooks/doorbird/gate/CANARY-4711"

// device is the one device in the last list among the facts.
func device(t *testing.T, facts []bridge.Fact) bridge.Device {
	t.Helper()
	for i := len(facts) - 1; i >= 0; i-- {
		if d, ok := facts[i].(bridge.Devices); ok && len(d.All) == 1 {
			return d.All[0]
		}
	}
	t.Fatalf("no list of one device in %v", facts)
	return bridge.Device{}
}

// ids are the entities of a device with their names.
func ids(d bridge.Device) (all []string) {
	for _, e := range d.Entities {
		all = append(all, e.ID+" "+e.Name)
	}
	return all
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}
