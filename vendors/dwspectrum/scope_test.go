package dwspectrum_test

import (
	"strings"
	"testing"

	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

// A grant with a narrowed scope, end to end: its token is used at its system as it
// is, or mints without listing.
func TestNarrowedScopes(t *testing.T) {
	for _, c := range []struct {
		scope   string
		sources int
		mints   int
	}{
		{"cloudSystemId=" + sim.System61, 1, 0},
		{base + "/cdb/oauth2/token cloudSystemId=*", 1, 1},
		{base + "/cdb/oauth2/token " + base + "/cdb/system cloudSystemId=*", 2, 1},
	} {
		s := sim.New(sim.Options{Settings: sim.Settings{SystemsByCDB: true}})
		set := settings()
		set.Scope = c.scope
		o := options(systems(sim.System61))
		cloud := &simCloud{sim: s, profile: o.Profile(set), issued: s.Issuer.Issue("latchkey-test", sim.DemoUser, c.scope), minted: map[string]string{}}
		h := open(t, set, cloud, systems(sim.System61))
		for _, task := range h.Tasks {
			if err := task.Do(t.Context(), h.Report); err != nil {
				t.Errorf("%s: task %s: %v", c.scope, task.Name, err)
			}
		}
		if len(h.Sources()) != c.sources || cloud.mints != c.mints {
			t.Errorf("%s: %d sources, %d tokens minted; want %d and %d", c.scope, len(h.Sources()), cloud.mints, c.sources, c.mints)
		}
		if _, err := h.Call("systems", nil); (err == nil) != (c.sources == 2) {
			t.Errorf("%s: systems: %v", c.scope, err)
		}
		if root := h.device(sim.System61); (root.Kind == "system") != (c.scope[0] == 'c' || c.sources == 2 || !strings.Contains(c.scope, "system ")) {
			t.Errorf("%s: the system's device is %+v", c.scope, root)
		}
	}
}
