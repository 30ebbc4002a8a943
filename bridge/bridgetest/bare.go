package bridgetest

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// Bare is the loop that latchkey's speed is compared with: paho with quick
// acknowledgements, one net/http call for each message, and what was said sent
// back as the result. It checks nothing.
type Bare struct {
	Broker string
	Name   string                           // the client id; commands come on Name + "/+"
	Do     func(topic string) *http.Request // results go to topic + "/result"
	// Abreast: calls for different topics go out at the same time, as latchkey's do;
	// else one after the other, as in most such loops.
	Abreast bool
}

// Run runs the loop until ctx ends, as the only thing that its process does.
func (b Bare) Run(ctx context.Context) {
	settings := paho.NewClientOptions().AddBroker(b.Broker).SetClientID(b.Name).SetProtocolVersion(4)
	settings.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) { return dialQuick(u.Host) })
	client := paho.NewClient(settings)
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	workers := map[string]chan paho.Message{} // of paho's goroutine
	work := func(commands <-chan paho.Message) {
		for m := range commands {
			if resp, err := transport.RoundTrip(b.Do(m.Topic())); err == nil {
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			client.Publish(m.Topic()+"/result", 1, false, m.Payload())
		}
	}
	take := func(_ paho.Client, m paho.Message) {
		line := ""
		if b.Abreast {
			line = m.Topic()
		}
		commands := workers[line]
		if commands == nil {
			commands = make(chan paho.Message, 1024)
			workers[line] = commands
			go work(commands)
		}
		commands <- m
	}
	for _, step := range []func() paho.Token{client.Connect, func() paho.Token { return client.Subscribe(b.Name+"/+", 1, take) }} {
		if token := step(); !token.WaitTimeout(patience) || token.Error() != nil {
			log.Fatalf("bare loop: %v", token.Error())
		}
	}
	<-ctx.Done()
}

// BarePublish is the start that latchkey's is compared with: it connects, publishes
// and waits for the acknowledgements, as the only thing that its process does.
func BarePublish(broker string, messages []Message) {
	settings := paho.NewClientOptions().AddBroker(broker).SetClientID("bare").SetProtocolVersion(4)
	settings.SetCustomOpenConnectionFn(func(u *url.URL, _ paho.ClientOptions) (net.Conn, error) { return dialQuick(u.Host) })
	client := paho.NewClient(settings)
	tokens := []paho.Token{client.Connect()}
	tokens[0].WaitTimeout(patience)
	for _, m := range messages {
		tokens = append(tokens, client.Publish(m.Topic, 1, true, m.Payload))
	}
	for _, token := range tokens {
		if !token.WaitTimeout(patience) || token.Error() != nil {
			log.Fatalf("bare start: %v", token.Error())
		}
	}
	client.Disconnect(250)
}
