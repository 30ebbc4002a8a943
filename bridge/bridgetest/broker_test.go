package bridgetest_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"latchkey/bridge/bridgetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestClient(t *testing.T) {
	bridgetest.Brokers(t, func(t *testing.T, b bridgetest.Broker) {
		sender := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		sender.Publish("a/1", "one", true)
		sender.Publish("a/2", "gone", true)
		sender.Publish("a/2", "", true)
		sender.Publish("b", "other", true)
		if diff := cmp.Diff(map[string]string{"a/1": "one"}, sender.Retained("a/#")); diff != "" {
			t.Errorf("retained (-want +got):\n%s", diff)
		}

		c := bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		c.Subscribe("a/#")
		if got := c.Await("a/1", nil, 0); !got.Retained || got.Payload != "one" || got.QoS != 1 {
			t.Errorf("first message: got %+v, want the retained one", got)
		}
		sender.Burst("a/1", "x", "y", "x")
		c.Await("a/1", bridgetest.Payload("y"), time.Minute)
		c.Await("a/1", bridgetest.Payload("x"), 0)
		c.Await("a/1", bridgetest.Payload("x"), 0) // a message is returned once
		if got := len(c.Messages()); got != 4 {
			t.Errorf("%d messages recorded, want 4", got)
		}

		b.Stop()
		b.Start()
		sender = bridgetest.Dial(t, b.URL(), bridgetest.ClientOptions{})
		if kept := sender.Retained("#"); len(kept) != 0 {
			t.Errorf("a restarted broker still has %v", kept)
		}
	})
}

func TestMosquittoOptions(t *testing.T) {
	m := bridgetest.StartMosquitto(t, bridgetest.MosquittoOptions{
		Users: map[string]string{"reader": "r", "writer": "w"},
		ACL:   "user reader\ntopic read allowed\nuser writer\ntopic allowed\ntopic forbidden\n",
	})
	reader := bridgetest.Dial(t, m.URL(), bridgetest.ClientOptions{Username: "reader", Password: "r"})
	writer := bridgetest.Dial(t, m.URL(), bridgetest.ClientOptions{Username: "writer", Password: "w"})
	reader.Subscribe("#")
	writer.Publish("forbidden", "x", false)
	reader.Publish("allowed", "from the reader", false)
	writer.Publish("allowed", "from the writer", false)
	reader.Await("allowed", bridgetest.Payload("from the writer"), 0)
	if got := len(reader.Messages()); got != 1 {
		t.Errorf("got %v, want the one message that the ACL lets through", reader.Messages())
	}

	m.Kill()
	m.Start()
	bridgetest.Dial(t, m.URL(), bridgetest.ClientOptions{Username: "reader", Password: "r"}).Cut()
}
