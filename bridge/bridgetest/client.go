package bridgetest

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// ClientOptions are who a foreign client is.
type ClientOptions struct {
	ID                 string // "": one of its own
	Username, Password string
	KeepSession        bool // connects without CleanSession
	Reconnect          bool // connects again whenever the link breaks, as most programs do
	// On is told every message that was subscribed to, one at a time; nil: nobody is.
	On     func(Message)
	Quick  bool // acknowledges at once, so that it never waits for a broker that delays (hazard M24)
	Forget bool // records nothing; On is told
	// Dial replaces the socket, for pipes; the URL is then not looked at.
	Dial func() (net.Conn, error)
}

// Message is one message as a foreign client got it.
type Message struct {
	Topic, Payload string
	Retained       bool
	QoS            byte
}

// String is the message as a failed test shows it.
func (m Message) String() string { return fmt.Sprintf("%s %.300q", m.Topic, m.Payload) }

// Client is some other program on the broker: it publishes, records what it
// subscribed to, and fails the test when it cannot.
type Client struct {
	t       testing.TB
	options ClientOptions
	url     string
	paho    paho.Client
	conn    atomic.Pointer[net.Conn]
	losses  atomic.Int64

	mu    sync.Mutex
	all   []Message
	taken []bool        // by Await, per message
	news  chan struct{} // closed and replaced with each message
}

// patience bounds every wait whose caller names no other time.
const patience = 15 * time.Second

var lastClient atomic.Int64 // makes ids that differ

// Dial connects a foreign client; the test's end disconnects it.
func Dial(t testing.TB, broker string, o ClientOptions) *Client {
	t.Helper()
	if o.ID == "" {
		o.ID = fmt.Sprintf("foreign%d", lastClient.Add(1))
	}
	c := &Client{t: t, options: o, url: broker, news: make(chan struct{})}
	settings := paho.NewClientOptions().AddBroker(broker).SetClientID(o.ID).
		SetProtocolVersion(4).SetCleanSession(!o.KeepSession).SetAutoReconnect(o.Reconnect).
		SetUsername(o.Username).SetPassword(o.Password).SetConnectTimeout(patience).
		SetConnectionLostHandler(func(paho.Client, error) { c.losses.Add(1) }).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) { c.record(m) })
	settings.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (conn net.Conn, err error) {
		switch {
		case o.Dial != nil:
			conn, err = o.Dial()
		case o.Quick:
			conn, err = dialQuick(u.Host)
		default:
			conn, err = net.Dial("tcp", u.Host)
		}
		c.conn.Store(&conn)
		return conn, err
	})
	c.paho = paho.NewClient(settings)
	c.wait("connect", c.paho.Connect())
	t.Cleanup(c.Close)
	return c
}

func (c *Client) wait(what string, token paho.Token) {
	c.t.Helper()
	if !token.WaitTimeout(patience) {
		c.t.Fatalf("foreign client: %s: no answer within %v", what, patience)
	}
	if err := token.Error(); err != nil {
		c.t.Fatalf("foreign client: %s: %v", what, err)
	}
}

// Publish sends with QoS 1 and waits until the broker has it. An empty payload
// with retained clears the topic.
func (c *Client) Publish(topic, payload string, retained bool) {
	c.t.Helper()
	c.Begin(topic, payload, retained)()
}

// Begin publishes as Publish does; wait waits for the broker, which may have
// stopped moving.
func (c *Client) Begin(topic, payload string, retained bool) (wait func()) {
	token := c.paho.Publish(topic, 1, retained, payload)
	return func() { c.t.Helper(); c.wait("publish "+topic, token) }
}

// Send publishes with QoS 0, as most senders do, and does not wait.
func (c *Client) Send(topic, payload string) { c.paho.Publish(topic, 0, false, payload) }

// Burst publishes payloads in order without waiting between them.
func (c *Client) Burst(topic string, payloads ...string) {
	c.t.Helper()
	var tokens []paho.Token
	for _, payload := range payloads {
		tokens = append(tokens, c.paho.Publish(topic, 1, false, payload))
	}
	for _, token := range tokens {
		c.wait("publish "+topic, token)
	}
}

// Subscribe records from now on what matches the filter, retained messages first.
func (c *Client) Subscribe(filter string) {
	c.t.Helper()
	token := c.paho.Subscribe(filter, 1, nil)
	c.wait("subscribe "+filter, token)
	if token.(*paho.SubscribeToken).Result()[filter] == 0x80 {
		c.t.Fatalf("foreign client: subscribe %s: refused", filter)
	}
}

func (c *Client) record(got paho.Message) {
	m := Message{got.Topic(), string(got.Payload()), got.Retained(), got.Qos()}
	if c.options.On != nil {
		defer c.options.On(m)
	}
	if c.options.Forget {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, m)
	c.taken = append(c.taken, false)
	close(c.news)
	c.news = make(chan struct{})
}

// Messages returns everything recorded, in order of arrival.
func (c *Client) Messages() []Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}

// Await waits for a message on topic that matches (nil: any) and that no earlier
// Await returned. within 0 is 15 s.
func (c *Client) Await(topic string, match func(Message) bool, within time.Duration) Message {
	c.t.Helper()
	if within == 0 {
		within = patience
	}
	late := time.NewTimer(within)
	defer late.Stop()
	for seen := 0; ; {
		c.mu.Lock()
		for ; seen < len(c.all); seen++ {
			if m := c.all[seen]; !c.taken[seen] && m.Topic == topic && (match == nil || match(m)) {
				c.taken[seen] = true
				c.mu.Unlock()
				return m
			}
		}
		news := c.news
		c.mu.Unlock()
		select {
		case <-news:
		case <-late.C:
			got := c.Messages()
			c.t.Fatalf("nothing that matches on %s within %v; the last of %d:\n%v", topic, within, len(got), got[max(0, len(got)-100):])
		}
	}
}

// Skip makes Await wait for what comes from now on.
func (c *Client) Skip() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.taken {
		c.taken[i] = true
	}
}

// Payload matches a message by its payload, for Await.
func Payload(want string) func(Message) bool {
	return func(m Message) bool { return m.Payload == want }
}

// Retained returns what the broker keeps under a filter, by topic. It asks with a
// connection of its own, so that this client records nothing.
func (c *Client) Retained(filter string) map[string]string {
	c.t.Helper()
	o := c.options
	o.ID, o.KeepSession = "", false
	asker := Dial(c.t, c.url, o)
	defer asker.Close()
	// Retained copies are queued by SUBSCRIBE, so they come before a message that
	// is published after its answer.
	end := "bridgetest/" + asker.options.ID
	asker.Subscribe(end)
	asker.Subscribe(filter)
	asker.Publish(end, "end", false)
	asker.Await(end, nil, 0)
	kept := make(map[string]string)
	for _, m := range asker.Messages() {
		if m.Retained && m.Payload != "" && !strings.HasPrefix(m.Topic, "$SYS/") {
			kept[m.Topic] = m.Payload
		}
	}
	return kept
}

// Losses is how often the link broke.
func (c *Client) Losses() int { return int(c.losses.Load()) }

// Cut breaks the link without a DISCONNECT.
func (c *Client) Cut() { _ = (*c.conn.Load()).Close() }

// Close disconnects in good order; twice does no harm.
func (c *Client) Close() { c.paho.Disconnect(250) }
