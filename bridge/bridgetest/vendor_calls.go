package bridgetest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
)

// soon is within which everything ends when it is cancelled.
const soon = time.Second

// call does a call with its example of arguments.
func (h *home) call(ctx context.Context, name string) error {
	args := h.v.Args[name]
	if name == h.v.Write.Name && args == nil {
		args = h.v.Write.Args
	}
	return h.callWith(ctx, name, args)
}

// callWith does a call directly, past the guard.
func (h *home) callWith(ctx context.Context, name string, args bridge.Args) error {
	i := slices.IndexFunc(h.opened.Calls, func(c bridge.Call) bool { return c.Name == name })
	if i < 0 {
		return fmt.Errorf("there is no call %q", name)
	}
	c := h.opened.Calls[i]
	args = maps.Clone(args)
	if args == nil {
		args = bridge.Args{}
	}
	for _, a := range c.Args {
		if args[a.Name] == nil && a.Default != nil {
			args[a.Name] = a.Default
		} else if args[a.Name] == nil && !a.Optional {
			h.t.Errorf("call %s needs an example of %q: add it to Vendor.Args", name, a.Name)
		}
	}
	permit := bridge.NewPermit(time.Now().Add(patience), c.Steps)
	if c.Effect == bridge.Writes {
		ctx = permit.With(ctx)
	}
	order := bridge.Order{Device: h.deviceOf(name, args.Text("device")), Args: args, Report: func(...bridge.Fact) {}}
	_, err := c.Do(ctx, order)
	if c.Effect == bridge.Writes && err == nil && !permit.Taken() {
		h.t.Errorf("call %s moves something and took no permit: send it by Cloud.Act", name)
	}
	if err == nil && c.Stop != nil {
		err = c.Stop(bridge.NewPermit(time.Now().Add(patience), 1).With(ctx), order)
	}
	return err
}

// deviceOf is the device of this id, else one whose entity calls this.
func (h *home) deviceOf(call, id string) bridge.Device {
	for _, listing := range h.engine.Inventory() {
		for _, d := range listing.Devices {
			if id == d.ID {
				return d
			} else if id != "" {
				continue
			}
			for _, e := range d.Entities {
				if slices.ContainsFunc(e.Verbs, func(v bridge.Verb) bool { return v.Call == call }) {
					return d
				}
			}
		}
	}
	return bridge.Device{}
}

// cancels: the cloud has stopped answering; every task, every call and the engine
// as a whole end within a second all the same.
func cancels(t *testing.T, v Vendor) {
	h := begin(t, v)
	h.spoil(simkit.Hold(nil, nil))
	h.stopEngine() // its own polls
	for _, task := range h.opened.Tasks {
		h.cancelled("task "+task.Name, func(ctx context.Context) { _ = task.Do(ctx, func(...bridge.Fact) {}) })
	}
	for _, c := range h.opened.Calls {
		h.cancelled("call "+c.Name, func(ctx context.Context) { _ = h.call(ctx, c.Name) })
	}
	h.stop()
	asked := len(h.asked())
	h.start()
	if len(h.opened.Tasks) > 0 {
		h.awaitAsked(asked + 1)
	}
	began := time.Now()
	h.stopEngine()
	if took := time.Since(began); took > soon {
		t.Errorf("the engine took %v to stop", took)
	}
}

// cancelled runs something, cancels it once it has asked the cloud (or waits for
// its turn to), and wants it to end.
func (h *home) cancelled(what string, run func(context.Context)) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	defer cancel()
	ended := make(chan struct{})
	arrived, asked := make(chan struct{}), len(h.sim.Log.Of(""))
	go func() { defer close(arrived); _ = h.sim.Log.Wait(ctx, "", asked+1) }()
	go func() { defer close(ended); run(ctx) }()
	select {
	case <-arrived:
	case <-ended:
	case <-time.After(2 * soon): // it waits for its turn
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(soon):
		h.t.Errorf("%s goes on %v after it was cancelled", what, soon)
		<-ended
	}
	<-arrived
}

func (h *home) awaitAsked(n int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	for {
		seen := len(h.sim.Log.Of("")) // before the look, so that what comes beside it is not waited for
		if len(h.asked()) >= n {
			return
		}
		if err := h.sim.Log.Wait(ctx, "", seen+1); err != nil {
			h.t.Fatalf("no task asks: %v\n%s", err, h.log.String())
		}
	}
}

// writesOnce: whatever becomes of a command on its way, it is not sent again, but
// after a 401, which proves that nothing was done.
func writesOnce(t *testing.T, v Vendor) {
	h := begin(t, v)
	if v.Write.Name == "" {
		for _, c := range h.opened.Calls {
			if c.Effect == bridge.Writes {
				t.Errorf("call %s writes: name one in Vendor.Write", c.Name)
			}
		}
		return
	}
	if r := h.do(v.Write); r.Reason != bridge.ReasonOK {
		t.Fatalf("%s: %s (%s)", v.Write.Name, r.Reason, r.Message)
	}
	if h.sent() == 0 {
		t.Fatalf("no request matches %+v", v.Sent)
	}
	for _, c := range h.opened.Calls {
		if c.Effect == bridge.Writes {
			_ = h.call(t.Context(), c.Name) // for its permit alone; what the example comes to is the vendor's own test
		}
	}
	total, each := h.sent(), max(v.Hops, 1)
	for _, row := range []struct {
		name string
		do   simkit.Deed
		want bridge.Outcome // "": the vendor's word
		most int
	}{
		{"cut before the work", simkit.DropBefore, bridge.OutcomeUnknown, each},
		{"cut after the work", simkit.DropAfter, bridge.OutcomeUnknown, each},
		{"cut after the headers", simkit.CutAt(0), "", each},
		{"cut in the body", simkit.CutAt(3), "", each},
		{"half an answer", simkit.Malformed, "", each},
		{"a page", simkit.HTML(http.StatusOK), bridge.OutcomeUnknown, each},
		{"no end", simkit.Huge(64 << 20), bridge.OutcomeUnknown, each},
		{"303", simkit.StatusAfter(http.StatusSeeOther, "", "", "Location", "/"), bridge.OutcomeUnknown, each},
		{"307 to a stranger", simkit.Status(http.StatusTemporaryRedirect, "", "", "Location", "http://127.0.0.1:9/"), bridge.OutcomeFailed, each},
		{"403", simkit.HTML(http.StatusForbidden), bridge.OutcomeFailed, each},
		{"408", simkit.HTML(http.StatusRequestTimeout), bridge.OutcomeUnknown, each},
		{"429", simkit.HTML(http.StatusTooManyRequests), bridge.OutcomeFailed, each},
		{"500 after the work", simkit.StatusAfter(http.StatusInternalServerError, "text/html", "<h1>sorry</h1>"), bridge.OutcomeUnknown, each},
		{"502", simkit.HTML(http.StatusBadGateway), bridge.OutcomeUnknown, each},
		{"a 401 that stays", simkit.Status(http.StatusUnauthorized, "application/json", `{"error":"invalid_token"}`, "WWW-Authenticate", `Bearer error="invalid_token"`), bridge.OutcomeFailed, 2 * each},
	} {
		end := h.sim.Faults.Add(simkit.Fault{On: v.Sent.On, Holds: v.Sent.Holds, Times: simkit.Always, Do: row.do})
		r := h.write()
		end()
		if row.want != "" && r.Reason.Outcome() != row.want {
			t.Errorf("%s instead of an answer: %s (%s, %s), want %s", row.name, r.Reason.Outcome(), r.Reason, r.Message, row.want)
		}
		n := h.sent() - total
		if n < 1 || n > row.most {
			t.Errorf("%s: %d requests, want 1 to %d (%s, %s)", row.name, n, row.most, r.Reason, r.Message)
		}
		total += n
	}
	if r := h.write(); r.Reason != bridge.ReasonOK {
		t.Errorf("after all faults: %s (%s)", r.Reason, r.Message)
	}
	if n := h.sent() - total; n < 1 || n > each {
		t.Errorf("after all faults: %d requests, want 1 to %d", n, each)
	}
}

// write does the vendor's write. A connection that the fault before has cut may be
// found dead only now: that press reached nobody, and a person presses again.
func (h *home) write() (r bridge.Result) {
	h.t.Helper()
	before := h.sent()
	for range 3 {
		if r = h.do(h.v.Write); r.Reason != bridge.ReasonNoAnswer || h.sent() > before {
			break
		}
	}
	return r
}

// sent counts the requests of the vendor's write.
func (h *home) sent() (n int) {
	for _, seen := range h.sim.Log.Of(h.v.Sent.On) {
		if strings.Contains(string(seen.Body)+seen.Query.Encode(), h.v.Sent.Holds) {
			n++
		}
	}
	return n
}
