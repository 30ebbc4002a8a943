package operations

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"latchkey/bridge"
)

// Options say which account is extended. Log nil: nothing is logged.
type Options struct {
	Settings bridge.Settings
	Profile  bridge.Profile
	Cloud    bridge.Cloud
	Account  bridge.Account // as the vendor has opened it
	Log      *slog.Logger
}

// extension is what an extended account remembers between runs.
type extension struct {
	*rules
	cloud bridge.Cloud
	log   *slog.Logger

	mu      sync.Mutex
	sources map[string][]bridge.Device // as last reported since the start
	items   map[string]item            // of operations' devices, by device id
	said    map[bridge.Ref]string      // last event without an id
	odd     map[bridge.Ref]bool        // entities whose value could not be made
	ran     map[string]bool            // operations that have run by themselves
}

// item is what `each` gave for a device.
type item struct {
	itself json.RawMessage // for `value`
	device json.RawMessage // for requests: with the id
}

// Extend adds the operations and entities of the configuration, and the raw
// calls, to a vendor's account. The error is Check's: it has to do with what is
// only known now, such as the names of the vendor's calls.
func Extend(o Options) (bridge.Account, error) {
	calls := o.Account.Calls
	if calls == nil {
		calls = []bridge.Call{}
	}
	compiled, err := read(o.Settings, &o.Profile, calls)
	if err != nil {
		return bridge.Account{}, fmt.Errorf("account %q: %w", o.Settings.ID, err)
	}
	x := &extension{rules: compiled, cloud: o.Cloud, log: o.Log,
		sources: make(map[string][]bridge.Device), items: make(map[string]item), said: make(map[bridge.Ref]string),
		odd: make(map[bridge.Ref]bool), ran: make(map[string]bool)}
	if x.log == nil {
		x.log = slog.New(slog.DiscardHandler)
	}
	a := bridge.Account{Tasks: slices.Clone(o.Account.Tasks), Calls: slices.Clone(o.Account.Calls), Push: o.Account.Push}
	if len(x.operations)+len(x.entities) > 0 {
		x.wrap(&a)
	}
	a.Calls = append(a.Calls, rawCalls(o.Profile, o.Cloud, a.Calls)...)
	for _, op := range x.operations {
		call := op.call()
		call.Do = func(ctx context.Context, order bridge.Order) (any, error) { return x.ordered(ctx, op, order) }
		a.Calls = append(a.Calls, call)
		if op.Every > 0 && op.off == nil {
			a.Tasks = append(a.Tasks, bridge.Task{Name: op.task(), Every: op.Every, Do: func(ctx context.Context, report bridge.Report) error {
				return x.poll(ctx, op, x.join(report))
			}})
		}
	}
	return a, nil
}

// wrap lets everything that the vendor reports pass by.
func (x *extension) wrap(a *bridge.Account) {
	for i, t := range a.Tasks {
		a.Tasks[i].Do = func(ctx context.Context, report bridge.Report) error { return t.Do(ctx, x.join(report)) }
	}
	for i, c := range a.Calls {
		a.Calls[i].Do = func(ctx context.Context, order bridge.Order) (any, error) {
			order.Report = x.join(order.Report)
			return c.Do(ctx, order)
		}
	}
	if a.Push == nil {
		return
	}
	push := *a.Push
	a.Push = &push
	if take := push.Take; take != nil {
		push.Take = func(body []byte, at time.Time, report bridge.Report) (bool, error) {
			return take(body, at, x.join(report))
		}
	}
	if hook := push.Hook; hook != nil {
		push.Hook = func(query url.Values, body []byte, at time.Time, report bridge.Report) error {
			return hook(query, body, at, x.join(report))
		}
	}
}

// ordered runs an operation because somebody asked.
func (x *extension) ordered(ctx context.Context, o *operation, order bridge.Order) (any, error) {
	var device *bridge.Device
	if order.Device.ID != "" {
		device = &order.Device
	}
	if o.off != nil {
		return nil, &bridge.Failure{Reason: bridge.ReasonUnknownTarget, Message: fmt.Sprintf("not sent: operation %q does not fit the cloud's schema: %v", o.name, o.off)}
	}
	if o.For != "" && (device == nil || !matches(o.For, o.from, *device)) {
		return nil, &bridge.Failure{Reason: bridge.ReasonUnknownTarget, Message: fmt.Sprintf("not sent: operation %q is not for this device", o.name)}
	}
	report := x.join(order.Report)
	result, err := x.run(ctx, o, device, order.Args, report)
	if o.Write && (err == nil || reasonOf(err) == bridge.ReasonNoAnswer) {
		report(x.dueAfter(o)...)
	}
	if err != nil {
		return nil, err
	}
	return result.shown(o.Public), nil
}

// poll runs an operation by itself, once for each of its devices. That some
// devices fail is logged; it is a failure of the task when all do, or when the
// cloud wants to be left alone.
func (x *extension) poll(ctx context.Context, o *operation, report bridge.Report) error {
	defer func() {
		x.mu.Lock()
		x.ran[o.name] = true
		x.mu.Unlock()
	}()
	if o.For == "" {
		_, err := x.run(ctx, o, nil, o.defaults(), report)
		return err
	}
	devices := x.matching(o.For, o.from)
	var failed error
	failures := 0
	for _, d := range devices {
		_, err := x.run(ctx, o, &d, o.defaults(), report)
		if err == nil {
			continue
		}
		failed, failures = err, failures+1
		switch reasonOf(err) {
		case bridge.ReasonRateLimited, bridge.ReasonLoginNeeded, bridge.ReasonOffline:
			return err
		}
		if ctx.Err() != nil {
			return err
		}
		x.log.Debug("operation failed for a device", "device", d.ID, "reason", o.name, "err", err)
	}
	if failures < len(devices) {
		return nil
	}
	return failed
}

func (o *operation) defaults() bridge.Args {
	args := make(bridge.Args)
	for _, a := range o.args {
		if a.Default != nil {
			args[a.Name] = a.Default
		}
	}
	return args
}

// settleTime is how long after a write its entities' values are read again.
const settleTime = 2 * time.Second

// dueAfter plans to read again what entities show that call this operation.
func (x *extension) dueAfter(o *operation) (facts []bridge.Fact) {
	for _, e := range x.entities {
		source := e.from
		if source == nil {
			source = e.of
		}
		calls := slices.ContainsFunc(e.made.Verbs, func(v bridge.Verb) bool { return v.Call == o.name })
		if !calls || e.value == nil || source == nil || source.Every == 0 {
			continue
		}
		if due := (bridge.Due{Task: source.task(), In: settleTime}); !slices.Contains(facts, bridge.Fact(due)) {
			facts = append(facts, due)
		}
	}
	return facts
}
