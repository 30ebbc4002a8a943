package dwspectrum

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"time"

	"latchkey/bridge"
)

// site is one configured system: asked through the relay with a token of its own.
// Its devices are a source of their own, so that a system that does not answer
// removes nothing of another.
type site struct {
	client
	of *account

	mu       sync.Mutex
	version  string // as the cloud lists it
	off      bool   // as the cloud lists it
	rest     int    // version of the REST API; 0: not known yet
	name     string // as the system says
	cameras  []camera
	devices  []bridge.Device // as reported last
	triggers []trigger
	presets  map[ident][]preset
	rules    []rule
	readAt   time.Time // when those three were read; zero: not yet
	lost     bool      // reported as not reached
	noted    []string  // ids of devices, as kept
	since    time.Time // newest event seen
}

func newSite(a *account, id string) *site {
	return &site{client: client{cloud: a.cloud, system: id}, of: a}
}

// task is the name of one of the system's tasks.
func (y *site) task(name string) string { return name + "_" + bridge.DeviceID(y.system) }

// heed takes what the cloud says of the system.
func (y *site) heed(all []system, report bridge.Report) {
	i := slices.IndexFunc(all, func(one system) bool { return sameID(string(one.ID), y.system) })
	if i < 0 {
		return // not of this account (any more): the system itself will refuse
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	if version := string(all[i].Version); version != y.version {
		y.version, y.rest = version, 0
	}
	was := y.off
	y.off = all[i].Health == "offline"
	switch {
	case y.off && !was:
		y.lose(report, true)
	case was && !y.off:
		report(bridge.Due{Task: y.task("site")})
	}
}

// lose reports that nothing of the system is reached. The lock is held.
func (y *site) lose(report bridge.Report, says bool) {
	for _, id := range y.remembered() {
		report(bridge.Reach{Device: id, Says: says})
	}
	y.lost = true
}

func (y *site) readServers(ctx context.Context, n int) ([]server, error) {
	return list[server](ctx, y.client, path(n, "/servers"), url.Values{"_with": {"id,name,version,status"}})
}

func (y *site) readCameras(ctx context.Context, n int) ([]camera, error) {
	with := "id,name,mac,vendor,model,serverId,status,deviceType,options"
	if y.of.options.Presets && n == 4 {
		with += ",ptz"
	} else if y.of.options.Presets && n == 3 {
		with += ",parameters"
	}
	all, err := list[camera](ctx, y.client, path(n, "/devices"), url.Values{"_with": {with}})
	for _, c := range all {
		if err == nil && c.ID == "" { // a list that may be cut short would remove cameras
			err = odd("/devices")
		}
	}
	return all, err
}

// poll reads the system's servers and cameras, and seldom what can be done there.
func (y *site) poll(ctx context.Context, report bridge.Report) error {
	y.mu.Lock()
	off := y.off
	y.mu.Unlock()
	if off {
		return nil // the cloud says so, and tells when it is back
	}
	err := y.survey(ctx, report)
	if err != nil {
		y.mu.Lock()
		defer y.mu.Unlock()
		if unknown(err) {
			y.rest = 0 // it may have another version by now
		}
		y.lose(report, false)
	}
	return err
}

func (y *site) survey(ctx context.Context, report bridge.Report) error {
	n, err := y.restVersion(ctx)
	if err != nil {
		return err
	}
	servers, err := y.readServers(ctx, n)
	if err != nil {
		return err
	}
	cameras, err := y.readCameras(ctx, n)
	if err != nil {
		return err
	}
	changed, first, err := y.readControls(ctx, n, cameras)
	if err != nil && first {
		return err // a list without them would remove their buttons
	}
	y.tell(n, servers, cameras, report)
	if changed {
		y.of.tell(report)
	}
	return err
}

// tell reports the system's devices. Under the lock, so that lists arrive in the
// order in which they were read.
func (y *site) tell(n int, servers []server, cameras []camera, report bridge.Report) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.cameras = cameras
	devices, states := y.describe(n, servers)
	y.devices = devices
	report(bridge.Devices{Source: y.task("site"), All: devices})
	if y.lost { // a camera without a status is back with its system
		for _, d := range devices {
			report(bridge.Reach{Device: d.ID, OK: true})
		}
	}
	y.lost = false
	report(states...)
	y.remember()
}

func (y *site) knownRules() []rule {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.rules
}

// known lists the cameras of the last poll.
func (y *site) known() ([]camera, int) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.off {
		return nil, y.rest
	}
	return y.cameras, y.rest
}
