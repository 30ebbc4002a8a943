package bridgetest

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"testing"
)

// ports is the last port that was given out, from a random one on: two tests of
// one process never get the same, and two processes hardly ever.
var ports = func() *atomic.Int64 {
	last := new(atomic.Int64)
	last.Store(rand.Int64N(22000))
	return last
}()

// FreePort is a TCP port of 127.0.0.1 on which nothing listens. It is below those
// that the system gives to outgoing connections (32768 and up on Linux), so that
// none of these takes it before the test does, or while its owner restarts.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 10000 + int(ports.Add(1)%22000)
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}
