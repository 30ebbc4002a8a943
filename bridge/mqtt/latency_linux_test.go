package mqtt_test

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"syscall"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/mqtt"
)

// burst is how many commands come at once.
const burst = 4

// BenchmarkCommand measures publish to Take over a stock Mosquitto, each command
// answered by a result, and in turns with it a bare paho client with quick
// acknowledgements. Run it with -benchtime 1000x; the ratios travel between
// machines, the figures do not. "plain" is the bare client without, which shows
// what the quick ones are for (M24).
func BenchmarkCommand(b *testing.B) {
	for _, gap := range []time.Duration{5 * time.Millisecond, 50 * time.Millisecond} {
		b.Run(fmt.Sprintf("gap=%v", gap), func(b *testing.B) {
			ours, quick := newProbe("latchkey/device/gate/a/relay_1/set"), newProbe("quick")
			broker := bridgetest.StartMosquitto(b, bridgetest.MosquittoOptions{})
			startForBenchmark(b, broker.URL(), ours)
			bare(b, broker.URL(), quick, true)
			command(b, broker, gap, ours, quick)
			for name, share := range map[string]float64{"p50": 0.50, "p99": 0.99} {
				b.ReportMetric(ours.quantile(share), "us-"+name)
				b.ReportMetric(ours.quantile(share)/quick.quantile(share), "x-bare-"+name)
			}
		})
		b.Run(fmt.Sprintf("plain/gap=%v", gap), func(b *testing.B) {
			plain := newProbe("plain")
			broker := bridgetest.StartMosquitto(b, bridgetest.MosquittoOptions{})
			bare(b, broker.URL(), plain, false)
			command(b, broker, gap, plain)
			b.ReportMetric(plain.quantile(0.50), "us-p50")
			b.ReportMetric(plain.quantile(0.99), "us-p99")
		})
	}
}

// command sends b.N bursts to each probe, with QoS 0 as most senders do.
func command(b *testing.B, broker bridgetest.Broker, gap time.Duration, probes ...*probe) {
	sender := bare(b, broker.URL(), newProbe("sender"), true)
	tick := time.NewTicker(gap)
	defer tick.Stop()
	b.ResetTimer()
	for range b.N {
		for _, p := range probes {
			<-tick.C
			for range burst {
				sender.Publish(p.topic, 0, false, p.stamp())
			}
			for range burst {
				p.took = append(p.took, <-p.arrived)
			}
		}
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op")
}

// probe times messages that carry when they were sent.
type probe struct {
	topic   string
	began   time.Time
	arrived chan time.Duration
	took    []time.Duration
	result  func() // sends one
}

func newProbe(topic string) *probe {
	return &probe{topic: topic, began: time.Now(), arrived: make(chan time.Duration, 10)}
}

func (p *probe) stamp() string { return time.Since(p.began).String() }

func (p *probe) take(payload []byte) {
	now := time.Since(p.began)
	sent, _ := time.ParseDuration(string(payload))
	p.result()
	p.arrived <- now - sent
}

func (p *probe) quantile(share float64) (microseconds float64) {
	slices.Sort(p.took)
	return float64(p.took[int(float64(len(p.took)-1)*share)].Nanoseconds()) / 1000
}

func startForBenchmark(b *testing.B, broker string, p *probe) {
	ready, source := make(chan struct{}), newTable()
	p.result = func() { source.put(event("latchkey/device/gate/a/relay_1/result", "{}")) }
	client, err := mqtt.New(mqtt.Options{
		Broker: broker, ClientID: "latchkey_bench", Source: source,
		Will:   bridge.Message{Topic: own, Payload: []byte("offline")},
		Routes: []mqtt.Route{{Filter: "latchkey/device/+/+/+/set", Take: func(in bridge.Incoming) { p.take(in.Payload) }}},
		Link:   readyLink(ready),
	})
	if err != nil {
		b.Fatal(err)
	}
	runUntilStopped(b, client)
	<-ready
}

type readyLink chan struct{}

func (readyLink) Subscribing()  {}
func (l readyLink) Subscribed() { close(l) }
func (readyLink) Lost(error)    {}

// bare is the loop to compare with: nothing but paho.
func bare(b *testing.B, broker string, p *probe, quick bool) paho.Client {
	settings := paho.NewClientOptions().AddBroker(broker).SetClientID(p.topic).SetProtocolVersion(4)
	settings.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) {
		conn, err := net.Dial("tcp", u.Host)
		if err != nil || !quick {
			return conn, err
		}
		raw, err := conn.(*net.TCPConn).SyscallConn()
		return quickConn{conn, raw}, err
	})
	client := paho.NewClient(settings)
	p.result = func() { go client.Publish(p.topic+"/result", 1, false, "{}") }
	for _, token := range []func() paho.Token{
		client.Connect,
		func() paho.Token {
			return client.Subscribe(p.topic, 1, func(_ paho.Client, m paho.Message) { p.take(m.Payload()) })
		},
	} {
		if t := token(); !t.WaitTimeout(within) || t.Error() != nil {
			b.Fatalf("bare client: %v", t.Error())
		}
	}
	b.Cleanup(func() { client.Disconnect(250) })
	return client
}

type quickConn struct {
	net.Conn
	raw syscall.RawConn
}

func (c quickConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	_ = c.raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
	return n, err
}
