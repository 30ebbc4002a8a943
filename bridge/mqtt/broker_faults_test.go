package mqtt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/mqtt"
)

func TestRefusedLogIn(t *testing.T) { // M14
	synctest.Test(t, func(t *testing.T) {
		h := newHand(t)
		client := start(t, mqtt.Options{Broker: "mqtt://broker", Username: "latchkey",
			Password: bridge.NewSecret("canary-password"), Dial: h.dial})
		began, tries := time.Now(), 0
		for ; time.Since(began) < 10*time.Minute; tries++ {
			conn, connect := h.accept(packets.ErrRefusedNotAuthorised)
			if connect.ProtocolVersion != 4 || !connect.CleanSession {
				t.Fatalf("CONNECT: version %d, clean session %t; want 4, true", connect.ProtocolVersion, connect.CleanSession)
			}
			if h.read(conn) != nil {
				t.Fatal("a refused link went on")
			}
		}
		if tries < 15 || tries > 30 {
			t.Errorf("%d CONNECTs in 10 minutes, want about 20", tries)
		}
		err := client.State().Err
		if err == nil || !strings.Contains(err.Error(), "refused the connection") || strings.Contains(err.Error(), "canary") {
			t.Errorf("state: got error %v, want the broker's refusal without the password", err)
		}
	})
}

func TestRefusedFilterIsNamed(t *testing.T) { // M13
	synctest.Test(t, func(t *testing.T) {
		h, filter := newHand(t), "latchkey/device/+/+/+/set"
		client := start(t, mqtt.Options{Broker: "mqtt://broker", Dial: h.dial,
			Routes: []mqtt.Route{{Filter: filter, Take: func(bridge.Incoming) {}}}})
		conn, _ := h.accept(packets.Accepted)
		go h.serve(conn, answers{refuse: filter})
		client.link.await("subscribed")
		problems := client.State().Problems
		if len(problems) != 1 || problems[0].Code != mqtt.ProblemNotSubscribed || problems[0].Topic != filter {
			t.Errorf("problems: got %+v, want %s for %s", problems, mqtt.ProblemNotSubscribed, filter)
		}

		conn.Close()
		conn, _ = h.accept(packets.Accepted)
		go h.serve(conn, answers{})
		client.link.await("subscribed")
		if problems := client.State().Problems; len(problems) != 0 {
			t.Errorf("problems after the filter was granted: got %+v, want none", problems)
		}
	})
}

func TestSilentBrokers(t *testing.T) {
	cases := []struct {
		name   string
		answer answers
		deaf   bool          // reads nothing at all: a stuck socket
		within time.Duration // until the link is given up
	}{
		{name: "stuck socket", deaf: true, within: 30 * time.Second},
		{name: "half-open link of an idle client", answer: answers{noPong: true}, within: 50 * time.Second}, // H4
		{name: "no PUBACK", answer: answers{publish: func(*packets.PublishPacket) bool { return false }}, within: 30 * time.Second},
		{name: "no SUBACK", answer: answers{mute: true}, within: 30 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHand(t)
				client := start(t, mqtt.Options{Broker: "mqtt://broker", Dial: h.dial})
				conn, _ := h.accept(packets.Accepted)
				began := time.Now()
				if !c.deaf {
					go h.serve(conn, c.answer)
				}
				client.link.await("lost")
				if took := time.Since(began); took > c.within {
					t.Errorf("given up after %v, want at most %v", took, c.within)
				}
				conn, _ = h.accept(packets.Accepted)
				go h.serve(conn, answers{})
				client.link.await("subscribed")
			})
		})
	}
}

func TestStopOnAStuckSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source, h := newTable(), newHand(t)
		client := start(t, mqtt.Options{Broker: "mqtt://broker", Source: source, Dial: h.dial})
		conn, _ := h.accept(packets.Accepted)
		stuck := errors.New("stuck")
		go func() {
			defer func() { _ = recover() }()
			h.serve(conn, answers{publish: func(p *packets.PublishPacket) bool {
				if p.TopicName == "latchkey/last" {
					panic(stuck) // reads no more
				}
				return true
			}})
		}()
		client.link.await("subscribed")
		source.put(event("latchkey/last", ""), event("latchkey/more", ""), event("latchkey/more", ""))
		synctest.Wait()
		began := time.Now()
		client.stop()
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("Run ended %v after the stop, want about 2s", took)
		}
	})
}

// TestLossWhileBusy: paho's Publish waits for a writer that has ended with its
// link, and the next attempt must not wait with it.
func TestLossWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var values []bridge.Message
		for i := range 100 {
			values = append(values, state(fmt.Sprintf("latchkey/v%d", i), "x"))
		}
		h := newHand(t)
		client := start(t, mqtt.Options{Broker: "mqtt://broker", Source: newTable(values...), Dial: h.dial})
		for round := range 30 {
			conn, _ := h.accept(packets.Accepted)
			for range round % 10 {
				h.read(conn)
			}
			began := time.Now()
			conn.Close()
			client.link.await("lost")
			if took := time.Since(began); took > 1500*time.Millisecond {
				t.Fatalf("round %d: the loss was noticed after %v, want at most 1.5s", round, took)
			}
		}
	})
}

// TestNewerThanTheResend: a value that changes while everything is sent goes out
// at once, and the older copy in hand never after it.
func TestNewerThanTheResend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var values []bridge.Message
		for i := range 100 {
			values = append(values, state(fmt.Sprintf("latchkey/v%d", i), "old"))
		}
		source, h := newTable(values...), newHand(t)
		client := start(t, mqtt.Options{Broker: "mqtt://broker", Source: source, Dial: h.dial})
		conn, _ := h.accept(packets.Accepted)
		got := make(map[string][]string)
		served := make(chan struct{})
		go func() {
			defer close(served)
			h.serve(conn, answers{publish: func(p *packets.PublishPacket) bool {
				if len(got) == 10 {
					source.put(state("latchkey/v5", "new"), state("latchkey/v99", "new"))
				}
				got[p.TopicName] = append(got[p.TopicName], string(p.Payload))
				return true
			}})
		}()
		client.link.await("subscribed")
		client.stop()
		<-served
		if diff := cmp.Diff([]string{"old", "new"}, got["latchkey/v5"]); diff != "" {
			t.Errorf("value sent before the change (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"new"}, got["latchkey/v99"]); diff != "" {
			t.Errorf("value not sent yet (-want +got):\n%s", diff)
		}
		if len(got) != 101 {
			t.Errorf("%d topics sent, want 101", len(got))
		}
	})
}

func TestWindowAndNoReplay(t *testing.T) { // M7
	synctest.Test(t, func(t *testing.T) {
		var values []bridge.Message
		for i := range 100 {
			values = append(values, state(fmt.Sprintf("latchkey/device/gate/a/v%d", i), "old"))
		}
		source, h := newTable(values...), newHand(t)
		client := start(t, mqtt.Options{Broker: "mqtt://broker", Source: source, Dial: h.dial})
		for round := range 10 {
			conn, _ := h.accept(packets.Accepted)
			var got []*packets.PublishPacket
			served := make(chan struct{})
			go func() {
				defer close(served)
				h.serve(conn, answers{publish: func(p *packets.PublishPacket) bool { got = append(got, p); return false }})
			}()
			client.link.await("lost")
			<-served
			if len(got) != 20 {
				t.Fatalf("round %d: %d publishes unacknowledged, want 20", round, len(got))
			}
			if got[0].TopicName != own {
				t.Errorf("round %d: first publish on %s, want %s", round, got[0].TopicName, own)
			}
			for _, p := range got {
				if p.Dup || p.MessageID > 20 {
					t.Errorf("round %d: %s (id %d) was sent again from an earlier link", round, p.TopicName, p.MessageID)
				}
			}
		}
	})
}
