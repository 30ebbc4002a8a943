package main

import (
	"fmt"
	"net/http"

	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird/doorbirdsim"
)

// switches is the stage door: what a person can make happen to the simulated
// DoorBird cloud while everything is up.
func (s *stage) switches() http.Handler {
	mux := http.NewServeMux()
	on := func(name, says string, do func(*http.Request) error) {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			if err := do(r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			fmt.Fprintln(w, says)
		})
	}
	fault := func(f simkit.Fault) func(*http.Request) error {
		return func(*http.Request) error { s.doorbird.Faults.Add(f); return nil }
	}
	on("ring", "somebody rings", func(r *http.Request) error { return s.doorbird.Ring(r.Context(), doorbirdsim.DemoMAC, "1") })
	on("down", "DoorBird is down until /up", fault(simkit.Fault{Times: simkit.Always, Do: simkit.HTML(502)}))
	on("lose", "the answer to the next relay call will be lost", fault(simkit.Fault{On: "POST /relay/*", Do: simkit.DropAfter}))
	on("revoke", "the sign-in of the front gate is revoked at the vendor", func(*http.Request) error {
		s.doorbird.Issuer.EndUser(doorbirdsim.DemoAdmin)
		return nil
	})
	on("up", "all faults are gone", func(*http.Request) error { s.doorbird.Faults.Clear(); return nil })
	return mux
}
