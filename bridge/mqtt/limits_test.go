package mqtt_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/mqtt"
)

func TestOversizedIsReportedAndNotSent(t *testing.T) { // M12, M15
	broker := bridgetest.StartEmbedded(t)
	foreign := bridgetest.Dial(t, broker.URL(), bridgetest.ClientOptions{})
	foreign.Subscribe("#")
	long := "latchkey/" + strings.Repeat("x", 392)
	cases := []struct {
		name    string
		message bridge.Message
		code    string // "": sent
	}{
		{"a megabyte", state("latchkey/fits", strings.Repeat("x", 1_000_000)), ""},
		{"one byte more", state("latchkey/big", strings.Repeat("x", 1_000_001)), mqtt.ProblemTooBig},
		{"topic of 400 bytes", state(long[:400], "x"), ""},
		{"topic of 401 bytes", state(long, "x"), mqtt.ProblemBadTopic},
		{"wildcard", state("latchkey/+/x", "x"), mqtt.ProblemBadTopic},
		{"no topic", state("", "x"), mqtt.ProblemBadTopic},
		{"not UTF-8", state("latchkey/\xff", "x"), mqtt.ProblemBadTopic},
	}
	source := newTable()
	client := start(t, mqtt.Options{Broker: broker.URL(), Source: source})
	client.link.await("subscribed")
	codes := make(map[string]string)
	for _, c := range cases {
		source.put(c.message)
		if c.code == "" {
			foreign.Await(c.message.Topic, nil, 0)
			continue
		}
		codes[c.message.Topic] = c.code
	}
	source.put(event("latchkey/end", ""))
	foreign.Await("latchkey/end", nil, 0)
	for _, p := range client.State().Problems {
		if codes[p.Topic] != p.Code {
			t.Errorf("problem of topic %.30q: got %s, want %s", p.Topic, p.Code, codes[p.Topic])
		}
		delete(codes, p.Topic)
	}
	if len(codes) != 0 {
		t.Errorf("not reported: %v", codes)
	}

	source.put(state("latchkey/big", "smaller"))
	foreign.Await("latchkey/big", bridgetest.Payload("smaller"), 0)
	client.stop()
	for _, p := range client.State().Problems {
		if p.Topic == "latchkey/big" {
			t.Errorf("problem stays after a payload that fits: %+v", p)
		}
	}
}

// TestPictureThatCutsTheLink: a broker hangs up on a packet over its own limit;
// the third link must live (M12).
func TestPictureThatCutsTheLink(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartMosquitto(t, bridgetest.MosquittoOptions{Lines: "max_packet_size 100000"})
	picture := func(topic string, size int) bridge.Message {
		return bridge.Message{Topic: topic, Payload: []byte(strings.Repeat("x", size)), Stage: bridge.StagePicture}
	}
	source := newTable(picture("latchkey/small", 1000), picture("latchkey/big", 200_000), picture("latchkey/z", 1000))
	client := start(t, mqtt.Options{Broker: broker.URL(), Source: source})
	client.link.await("lost")
	client.link.await("lost")
	client.link.await("subscribed")
	problems := client.State().Problems
	if len(problems) != 1 || problems[0].Code != mqtt.ProblemCutOff || problems[0].Topic != "latchkey/big" {
		t.Errorf("problems: got %+v, want %s of latchkey/big", problems, mqtt.ProblemCutOff)
	}

	foreign := bridgetest.Dial(t, broker.URL(), bridgetest.ClientOptions{})
	foreign.Subscribe("latchkey/#")
	client.Resend()
	foreign.Await("latchkey/z", nil, 0)
	source.put(picture("latchkey/big", 2000))
	foreign.Await("latchkey/big", nil, 0)
	client.stop()
	if problems := client.State().Problems; len(problems) != 0 {
		t.Errorf("problems after a picture that fits: got %+v, want none", problems)
	}
}

// TestSmallMessagesAreNeverHeldBack: links that break while states are on their
// way say nothing about these states.
func TestSmallMessagesAreNeverHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHand(t)
		client := start(t, mqtt.Options{Broker: "mqtt://broker", Dial: h.dial, Source: newTable(state("latchkey/x", "1"))})
		for round := range 5 {
			conn, _ := h.accept(packets.Accepted)
			for _, want := range []string{own, "latchkey/x"} {
				if p, is := h.read(conn).(*packets.PublishPacket); !is || p.TopicName != want {
					t.Fatalf("round %d: got %v, want a publish on %s", round, p, want)
				}
			}
			conn.Close()
			client.link.await("lost")
		}
		if got := client.Stats().Withheld; got != 0 {
			t.Errorf("%d messages held back, want none", got)
		}
	})
}
