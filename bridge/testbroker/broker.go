// Package testbroker is an MQTT broker inside the process, for tests and for the
// demo. It listens on 127.0.0.1 or speaks over a pipe, and can do nothing else:
// the library below (mochi) can be ended by one bad packet, so it must never be
// reachable from elsewhere, and cmd/latchkey does not link it.
//
// It keeps everything in memory: a restart forgets retained messages, sessions
// and subscriptions, as a Mosquitto without persistence does. Its goroutines end
// with [Broker.Close], at most a second later.
package testbroker

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
)

// Options choose the port and who may come in.
type Options struct {
	Port int // on 127.0.0.1; 0 takes a free one
	// Username and Password are demanded of every client; both "" let all in.
	Username, Password string
	// NoListener leaves Pipe as the only way in, as virtual time demands.
	NoListener bool
}

// Broker is a running broker. Its methods may be called from any goroutine.
type Broker struct {
	options Options
	serving sync.WaitGroup // the accept loop and one goroutine a link

	mu     sync.Mutex
	server *mqtt.Server // nil: stopped
	socket net.Listener // nil: only pipes
	links  *links
}

// Start starts a broker.
func Start(o Options) (*Broker, error) {
	b := &Broker{options: o}
	return b, b.Restart()
}

// Restart stops the broker, which cuts all links and forgets everything, and
// starts it again on the same port. It also starts one that was closed.
func (b *Broker) Restart() error {
	b.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	server := mqtt.New(&mqtt.Options{
		Logger:                 slog.New(slog.DiscardHandler),
		SysTopicResendInterval: math.MaxInt32, // nobody looks at $SYS
	})
	if err := server.AddHook(b.door()); err != nil {
		return fmt.Errorf("start broker: %w", err)
	}
	if err := server.Serve(); err != nil {
		return fmt.Errorf("start broker: %w", err)
	}
	if !b.options.NoListener {
		socket, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(b.options.Port)))
		if err != nil {
			_ = server.Close()
			return fmt.Errorf("start broker: %w", err)
		}
		b.options.Port, b.socket = socket.Addr().(*net.TCPAddr).Port, socket
	}
	b.server, b.links = server, &links{open: make(map[*tracked]struct{})}
	if b.socket != nil {
		b.serving.Go(b.accepting(b.socket, server, b.links))
	}
	return nil
}

// accepting is the accept loop. The library's own counts a link too late: closing
// then races with one that is just coming in.
func (b *Broker) accepting(socket net.Listener, server *mqtt.Server, links *links) func() {
	return func() {
		for {
			conn, err := socket.Accept()
			if err != nil {
				return
			}
			b.serve(server, links.track(conn))
		}
	}
}

func (b *Broker) serve(server *mqtt.Server, conn net.Conn) {
	b.serving.Go(func() {
		_ = server.EstablishConnection("testbroker", conn) // how a link ended is the client's affair
	})
}

// door is the hook that decides who comes in; inside, everybody may do all.
func (b *Broker) door() (mqtt.Hook, any) {
	if b.options.Username == "" && b.options.Password == "" {
		return new(auth.AllowHook), nil
	}
	return new(auth.Hook), &auth.Options{Ledger: &auth.Ledger{Auth: auth.AuthRules{{
		Username: auth.RString(b.options.Username), Password: auth.RString(b.options.Password), Allow: true,
	}}}}
}

// Addr is host and port, the same after a restart.
func (b *Broker) Addr() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.options.Port))
}

// URL is Addr as latchkey's configuration has it.
func (b *Broker) URL() string { return "mqtt://" + b.Addr() }

// Close cuts all links and stops listening. A closed broker can be restarted.
func (b *Broker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server == nil {
		return
	}
	if b.socket != nil {
		_ = b.socket.Close()
	}
	b.links.cut(true)
	b.serving.Wait()
	_ = b.server.Close()
	b.server, b.socket = nil, nil
}

// DropClients cuts every link, without a word; the broker keeps running.
func (b *Broker) DropClients() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server != nil {
		b.links.cut(false)
	}
}

// Wipe forgets every retained message; nobody is told.
func (b *Broker) Wipe() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server == nil {
		return
	}
	for topic := range b.server.Topics.Retained.GetAll() {
		b.server.Topics.Retained.Delete(topic)
	}
}

// Retained returns what the broker keeps, by topic.
func (b *Broker) Retained() map[string]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := make(map[string]string)
	if b.server == nil {
		return kept
	}
	for topic, packet := range b.server.Topics.Retained.GetAll() {
		if !strings.HasPrefix(topic, "$SYS/") {
			kept[topic] = string(packet.Payload)
		}
	}
	return kept
}

// ErrStopped is returned by Pipe while the broker is closed.
var ErrStopped = errors.New("the broker is stopped")

// Pipe returns the client's end of a link in memory. Writes of the broker are
// buffered as a kernel's are: on a bare net.Pipe two sides that write at the same
// time wait for each other for ever.
func (b *Broker) Pipe() (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.server == nil {
		return nil, ErrStopped
	}
	client, far := net.Pipe()
	b.serve(b.server, b.links.track(newBuffered(far)))
	return client, nil
}
