package doorbird_test

import (
	"net/http"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird"
	"latchkey/vendors/doorbird/doorbirdsim"
)

func conforming() bridgetest.Vendor {
	return bridgetest.Vendor{
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
	}
}

func TestConformance(t *testing.T) { bridgetest.RunVendor(t, conforming()) }

// The life of a token in ways that the texts leave open.
func TestAnswers(t *testing.T) {
	habits := func(change func(*doorbirdsim.Habits)) func(*doorbirdsim.Sim) {
		return func(s *doorbirdsim.Sim) { s.Change(change) }
	}
	bridgetest.RunAnswers(t, conforming(), map[string]func(*doorbirdsim.Sim){
		"a revocation ends all": habits(func(h *doorbirdsim.Habits) {
			h.RevokeEndsRefresh, h.RevokeReply, h.Dead = true, doorbirdsim.ReplyNoContent, simkit.JSON(401, map[string]string{"error": "invalid_token"})
		}),
		"JSON and pages": habits(func(h *doorbirdsim.Habits) {
			h.RevokeReply, h.Dead = doorbirdsim.ReplyJSON, &simkit.Answer{Status: 401, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html>Sign in</html>")}
		}),
		"both old tokens die": func(s *doorbirdsim.Sim) {
			s.Issuer.Change(func(r *simkit.Rules) { r.OldAccess, r.ReuseKills = simkit.OldAccessEnds, true })
		},
	})
}

// What each token and API request looks like on the wire.
func TestRecorded(t *testing.T) {
	calls := []bridgetest.Command{{Name: "relay", Args: bridge.Args{"number": int64(1)}}, {Name: "relay", Args: bridge.Args{"number": int64(1), "peripheral": "ghijkl"}}}
	for _, name := range []string{"light", "restart", "snapshot", "info", "relays", "users", "hooks_install", "hooks_remove"} {
		calls = append(calls, bridgetest.Command{Name: name})
	}
	golden(t, "recorded.golden", bridgetest.Recorded(t, conforming(), calls...))
}
