package cloud_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"latchkey/bridge"
)

// A burst of commands to different devices leaves its connections to the next one:
// dialling again was a fifth of the work of a burst.
func TestBurstKeepsItsConnections(t *testing.T) {
	const together = 64
	var dialled, inside atomic.Int32
	all := make(chan struct{}) // closed when a whole burst is on its way
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if inside.Add(1) == together {
			close(all)
		}
		<-all
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			dialled.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	c := open(t, s.URL)
	for range 2 {
		var burst sync.WaitGroup
		for range together {
			burst.Go(func() {
				if _, err := c.Act(command(t.Context()), bridge.Request{Path: "/open"}); err != nil {
					t.Error(err)
				}
			})
		}
		burst.Wait()
	}
	if n := dialled.Load(); n != together {
		t.Errorf("%d connections for two bursts of %d, want %d", n, together, together)
	}
}
