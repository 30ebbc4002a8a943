package mqtt_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/mqtt"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	own    = "latchkey/bridge/state"
	within = 15 * time.Second // for events that are certain to come
)

// table is a toy of the engine's.
type table struct {
	changed chan struct{}

	mu    sync.Mutex
	kept  []bridge.Message // one a topic, no events
	fresh []bridge.Message // one a topic, events as they come
	sent  []bridge.Message
	calls int // of Urgent
	due   int // the call that brings result; 0: none
}

func newTable(messages ...bridge.Message) *table {
	t := &table{changed: make(chan struct{}, 1)}
	t.put(bridge.Message{Topic: own, Payload: []byte("online"), Stage: bridge.StageBridge})
	t.put(messages...)
	return t
}

func state(topic, payload string) bridge.Message {
	return bridge.Message{Topic: topic, Payload: []byte(payload), Stage: bridge.StageState}
}

func event(topic, payload string) bridge.Message {
	return bridge.Message{Topic: topic, Payload: []byte(payload), Stage: bridge.StageEvent}
}

func (t *table) put(messages ...bridge.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range messages {
		same := func(other bridge.Message) bool { return other.Topic == m.Topic }
		if m.Stage != bridge.StageEvent {
			t.kept = append(slices.DeleteFunc(t.kept, same), m)
			t.fresh = slices.DeleteFunc(t.fresh, same)
		}
		t.fresh = append(t.fresh, m)
	}
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// byStage is the order of sending: results first, then as the stages are declared.
func byStage(a, b bridge.Message) int {
	stages := int(bridge.StageResult) + 1
	return (int(a.Stage)+1)%stages - (int(b.Stage)+1)%stages
}

func (t *table) Changed() <-chan struct{} { return t.changed }

func (t *table) Drain() []bridge.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	fresh := t.fresh
	t.fresh = nil
	slices.SortStableFunc(fresh, byStage)
	return fresh
}

func (t *table) Urgent() []bridge.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.calls++; t.calls != t.due {
		return nil
	}
	return []bridge.Message{{Topic: "result", Payload: []byte("ok"), Stage: bridge.StageResult}}
}

func (t *table) All() []bridge.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.SortedStableFunc(slices.Values(t.kept), byStage)
}

func (t *table) Sent(m bridge.Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = append(t.sent, m)
}

func (t *table) acknowledged() []bridge.Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.sent)
}

// watcher is the Link of a test.
type watcher struct {
	t    *testing.T
	seen chan string // subscribing, subscribed, lost
}

func (w *watcher) Subscribing() { w.seen <- "subscribing" }
func (w *watcher) Subscribed()  { w.seen <- "subscribed" }
func (w *watcher) Lost(error)   { w.seen <- "lost" }

// await waits for the next event of a kind, passing over others.
func (w *watcher) await(want string) {
	w.t.Helper()
	late := time.After(2 * time.Hour) // virtual in most tests; else the test's own limit
	for {
		select {
		case got := <-w.seen:
			if got == want {
				return
			}
		case <-late:
			w.t.Fatalf("the link was never %s", want)
		}
	}
}

// running is a client under test.
type running struct {
	*mqtt.Client
	link *watcher
	stop func() // ends Run and waits for it
}

// start runs a client with the test's usual options filled in.
func start(t *testing.T, o mqtt.Options) running {
	t.Helper()
	if o.ClientID == "" {
		o.ClientID = "latchkey_test"
	}
	if o.Source == nil {
		o.Source = newTable()
	}
	o.Will = bridge.Message{Topic: own, Payload: []byte("offline")}
	w := &watcher{t, make(chan string, 10_000)}
	o.Link = w
	c, err := mqtt.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return running{c, w, runUntilStopped(t, c)}
}

func runUntilStopped(t testing.TB, c *mqtt.Client) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: got %v, want nil", err)
		}
	})
	t.Cleanup(stop)
	return stop
}
