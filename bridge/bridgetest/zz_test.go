package bridgetest_test
import ("testing";"time";"latchkey/bridge/bridgetest")
func TestZZ(t *testing.T) {
	for range 20 {
	m := bridgetest.StartMosquitto(t, bridgetest.MosquittoOptions{})
	b := time.Now()
	m.Stop()
	t.Log(time.Since(b))
	}
}
