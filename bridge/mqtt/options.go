package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"

	"latchkey/bridge"
)

// Options describe the link. Broker, ClientID, Will.Topic and Source are needed; a
// Guest has no Will.
type Options struct {
	Broker   string // mqtt://host[:1883], mqtts://host[:8883], ws://, wss://host[:port][/mqtt], unix:///path
	Username string // "": anonymous
	Password bridge.Secret
	TLS      TLS
	ClientID string // fixed, so that the broker replaces our old link by the new one
	// Will is published, retained, by the broker when the link breaks and by Run
	// when it ends. Its topic is also watched: when somebody else writes there,
	// what was last sent on it is sent again (M2).
	Will bridge.Message
	// Guest is a link that only looks around: it has no will, and says nothing when
	// it ends.
	Guest  bool
	Source Source
	Routes []Route
	Link   Link // nil: nobody wants to know
	// OnProblems gets the whole list whenever it changes, from Run's goroutine; it
	// must not block. nil: only [Client.State] tells.
	OnProblems func([]Problem)
	// Dial opens the socket below TLS and WebSocket; nil is a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	Log  *slog.Logger // nil: silent
}

// TLS names PEM files; they are read again for each connection, so that a
// renewed certificate is taken up. It applies to mqtts and wss. The least
// version is 1.2, and the certificate must be of the host in the URL.
type TLS struct {
	CAFile            string // "": the system's
	CertFile, KeyFile string // of this client; both or neither
}

// Source is the table of last values that Run sends from. Its methods are called
// from Run's goroutine alone.
type Source interface {
	// Changed is ready when Drain has something.
	Changed() <-chan struct{}
	// Drain returns what changed since, newest per topic, events last.
	Drain() []bridge.Message
	// Urgent returns what goes before anything that a Drain or All has brought.
	Urgent() []bridge.Message
	// All returns everything that is kept, ordered by Stage; no events.
	All() []bridge.Message
	// Sent says that the broker has acknowledged a message; also one on the will's
	// topic that is not from here.
	Sent(bridge.Message)
}

// Route hands the messages of one filter to Take, one at a time in the order of
// arrival and never at the same time as another route. Take must not block. No
// topic may match two filters: a broker may deliver it twice (H7), and the first
// route gets it.
type Route struct {
	Filter string
	Take   func(bridge.Incoming)
}

// Link is told, from Run's goroutine, what becomes of the link. Its methods must
// not block. Lost may come without the other two.
type Link interface {
	Subscribing() // before SUBSCRIBE goes out: from now on messages may come
	Subscribed()  // every filter is answered
	Lost(error)   // the link broke; not called when Run ends
}

// check returns all mistakes at once.
func (o *Options) check() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.ClientID == "" || strings.ContainsAny(o.ClientID, "/+#") {
		add("client id %q: must not be empty nor hold / + #", o.ClientID)
	}
	if o.Username == "" && !o.Password.Empty() {
		add("a password needs a username")
	}
	if reason := topicFault(o.Will.Topic); reason != "" && !o.Guest {
		add("will topic: %s", reason)
	}
	if o.Source == nil {
		add("no source of messages")
	}
	seen := map[string]bool{o.Will.Topic: true}
	for _, route := range o.Routes {
		if seen[route.Filter] {
			add("two routes for filter %q", route.Filter)
		}
		if route.Take == nil {
			add("route %q: no taker", route.Filter)
		}
		seen[route.Filter] = true
	}
	return errors.Join(errs...)
}
