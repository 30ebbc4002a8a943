package operations_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/operations"
)

// fakeCloud answers by method and path, and remembers what was asked.
type fakeCloud struct {
	mu    sync.Mutex
	asked []string
	reply func(verb string, r bridge.Request) (bridge.Reply, error)
}

func (f *fakeCloud) Read(_ context.Context, r bridge.Request) (bridge.Reply, error) {
	return f.take("read", r)
}

func (f *fakeCloud) Act(ctx context.Context, r bridge.Request) (bridge.Reply, error) {
	if err := bridge.Take(ctx); err != nil {
		return bridge.Reply{}, err
	}
	return f.take("act", r)
}

func (f *fakeCloud) take(verb string, r bridge.Request) (bridge.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, written(verb, r))
	if f.reply == nil {
		return answer(`{}`), nil
	}
	return f.reply(verb, r)
}

// written is a request as a line of a golden file.
func written(verb string, r bridge.Request) string {
	line := verb + " " + r.Method + " " + r.Path
	if len(r.Query) > 0 {
		line += "?" + url.Values(r.Query).Encode()
	}
	if r.Accept != "" || r.Media != "" {
		line += fmt.Sprintf(" (accept %s, media %s)", r.Accept, r.Media)
	}
	switch body := r.JSON.(type) {
	case nil:
	case []byte:
		line += " " + string(body)
	default:
		text, _ := json.Marshal(body)
		line += " " + string(text)
	}
	return line
}

func (f *fakeCloud) lines() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.asked, "\n")
}

func answer(body string) bridge.Reply {
	return bridge.Reply{Status: 200, Type: "application/json", Body: []byte(body)}
}

func profile() bridge.Profile {
	return bridge.Profile{GraphQL: "/graphql", Origins: map[string]bridge.Origin{"": {Base: "https://cloud.example/api"}}}
}

// home is an extended account with what it reported.
type home struct {
	bridge.Account
	t     testing.TB
	cloud *fakeCloud
	facts []bridge.Fact
}

func extend(t testing.TB, s bridge.Settings, own bridge.Account, reply func(string, bridge.Request) (bridge.Reply, error)) *home {
	t.Helper()
	h := &home{t: t, cloud: &fakeCloud{reply: reply}}
	a, err := operations.Extend(operations.Options{Settings: s, Profile: profile(), Cloud: h.cloud, Account: own})
	if err != nil {
		t.Fatal(err)
	}
	h.Account = a
	return h
}

func (h *home) report(facts ...bridge.Fact) { h.facts = append(h.facts, facts...) }

// poll runs a task by name.
func (h *home) poll(name string) error {
	h.t.Helper()
	for _, task := range h.Tasks {
		if task.Name == name {
			return task.Do(h.t.Context(), h.report)
		}
	}
	h.t.Fatalf("no task %q", name)
	return nil
}

func (h *home) named(name string) bridge.Call {
	h.t.Helper()
	for _, c := range h.Calls {
		if c.Name == name {
			return c
		}
	}
	h.t.Fatalf("no call %q", name)
	return bridge.Call{}
}

// ask carries a call out as the engine does: with a permit for one write.
func (h *home) ask(name string, d bridge.Device, args bridge.Args) (string, error) {
	h.t.Helper()
	ctx := bridge.NewPermit(time.Now().Add(time.Minute), 1).With(h.t.Context())
	if args == nil {
		args = bridge.Args{}
	}
	v, err := h.named(name).Do(ctx, bridge.Order{Device: d, Args: args, Report: h.report})
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(v)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text), nil
}

// device is the newest description of a device.
func (h *home) device(id string) bridge.Device {
	h.t.Helper()
	for i := len(h.facts) - 1; i >= 0; i-- {
		if list, ok := h.facts[i].(bridge.Devices); ok {
			for _, d := range list.All {
				if d.ID == id {
					return d
				}
			}
		}
	}
	h.t.Fatalf("no device %q in %v", id, h.facts)
	return bridge.Device{}
}

// shows are the newest states, as device/entity = value.
func (h *home) shows() map[string]string {
	all := map[string]string{}
	for _, fact := range h.facts {
		if s, ok := fact.(bridge.State); ok {
			all[s.Device+"/"+s.Entity] = s.Value.String()
		}
	}
	return all
}

func reason(err error) bridge.Reason {
	if f, ok := err.(*bridge.Failure); ok {
		return f.Reason
	}
	return ""
}
