package dwspectrum

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"latchkey/bridge"
)

// taskSystems is the name of the task that lists the systems.
const taskSystems = "systems"

// listEvery is the least time between two listings: the cloud's limits are unknown.
const listEvery = time.Minute

// account is one user's systems at work: what tasks and calls share.
type account struct {
	client
	options *Options
	scope   scope
	path    string // of the listing
	log     *slog.Logger
	notes   bridge.Notes
	sites   []*site // the configured systems, in order

	mu     sync.Mutex
	listed []system
	asked  bool // the cloud was asked where its relay is
}

// Open makes the account's functions.
func (o *Options) Open(s bridge.Settings, env bridge.Env) (bridge.Account, error) {
	granted, err := parseScope(s.Scope, s.BaseURL)
	if err != nil {
		return bridge.Account{}, err
	}
	a := &account{client: client{cloud: env.Cloud}, options: o, scope: granted, path: o.SystemsPath, log: env.Log, notes: env.Notes}
	if a.path == "" {
		a.path = "/api/systems/"
		if !granted.broad() {
			a.path = "/cdb/systems" // lies within the narrowed scope
		}
	}
	var tasks []bridge.Task
	if granted.lists() {
		tasks = append(tasks, bridge.Task{Name: taskSystems, Every: max(s.Poll, listEvery), Do: a.listSystems})
	}
	ids := o.Systems
	if len(ids) == 0 && granted.system != "*" && granted.opens(granted.system) {
		ids = []string{granted.system} // the only one that the grant is for
	}
	for _, id := range ids {
		y := newSite(a, id)
		a.sites = append(a.sites, y)
		task := func(name string, every time.Duration, do func(context.Context, bridge.Report) error) {
			if every > 0 {
				tasks = append(tasks, bridge.Task{Name: y.task(name), Every: every, Do: do})
			}
		}
		task("site", s.Poll, y.poll)
		task("io", o.IO, y.pollPorts)
		task("events", o.Events, y.pollEvents)
		task("stills", o.Stills, y.pollStills)
	}
	return bridge.Account{Tasks: tasks, Calls: a.calls()}, nil
}

// readSystems asks for the account's systems. A list with an entry that names no
// system is none: taken as complete it would remove systems.
func (a *account) readSystems(ctx context.Context) ([]system, error) {
	all, err := list[system](ctx, a.client, a.path, nil)
	for _, one := range all {
		if err == nil && one.ID == "" {
			err = odd(a.path)
		}
	}
	return all, err
}

func (a *account) listSystems(ctx context.Context, report bridge.Report) error {
	all, err := a.readSystems(ctx)
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.listed = all
	a.mu.Unlock()
	for _, y := range a.sites {
		y.heed(all, report)
	}
	a.tell(report)
	a.compareRelay(ctx)
	return nil
}

// tell reports the systems that are listed. Under the lock, so that lists arrive in
// the order in which they were read.
func (a *account) tell(report bridge.Report) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.listed == nil {
		return
	}
	devices := make([]bridge.Device, 0, len(a.listed))
	var states []bridge.Fact
	for _, one := range a.listed {
		var rules []rule
		if y := a.find(string(one.ID)); y != nil {
			rules = y.knownRules()
		}
		d := describeSystem(one, rules)
		if slices.ContainsFunc(devices, func(known bridge.Device) bool { return known.ID == d.ID }) {
			continue
		}
		devices = append(devices, d)
		states = append(append(states, systemFacts(d.ID, one)...), ruleFacts(d.ID, rules)...)
	}
	report(bridge.Devices{Source: "systems", All: devices})
	report(states...)
}

// find returns a configured system; nil: there is none of that id.
func (a *account) find(id string) *site {
	for _, y := range a.sites {
		if sameID(y.system, id) || bridge.DeviceID(y.system) == id {
			return y
		}
	}
	return nil
}

// compareRelay says, once, that the cloud names another relay than the
// configuration (seen: a label of the product may have its own).
func (a *account) compareRelay(ctx context.Context) {
	a.mu.Lock()
	first := !a.asked && len(a.sites) > 0
	a.asked = true
	a.mu.Unlock()
	if !first {
		return
	}
	var settings struct {
		Relay word `json:"trafficRelayHost"`
	}
	if _, err := a.read(ctx, "/api/utils/settings", nil, &settings); err != nil || settings.Relay == "" {
		return
	}
	named := strings.ReplaceAll(string(settings.Relay), "{systemId}", systemMark)
	if relayBase(named) != relayBase(a.options.RelayHost) {
		a.log.Warn("the cloud names another relay than options.relay_host", "reason", fmt.Sprintf("relay_host: %.200q", named))
	}
}
