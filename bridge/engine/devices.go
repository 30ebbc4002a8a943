package engine

import (
	"time"

	"fmt"
	"maps"
	"reflect"
	"slices"

	"latchkey/bridge"
)

// reachFailures is how often a device must be missed before it shows as offline,
// unless the vendor itself says so: one lost answer is no outage.
const reachFailures = 2

// reach is what is known about whether the vendor reaches a device.
type reach struct {
	missed int
	says   bool // the vendor itself has said that it is off
}

// devicesOf takes the complete list of one source: what is absent is gone, and
// what hangs on it.
func (a *account) devicesOf(list bridge.Devices) error {
	a.live[list.Source] = true
	changed, refused := a.replace(list.Source, list.All)
	if changed {
		a.note()
	}
	if refused > 0 {
		return fmt.Errorf("%d parts of the devices of %q are left out", refused, shown(list.Source))
	}
	return nil
}

// restore takes the devices that the inventory holds.
func (a *account) restore(sources map[string][]bridge.Device) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for source, devices := range sources {
		if a.Gone == nil || !a.Gone(source) {
			a.replace(source, devices)
			continue
		}
		for _, d := range devices {
			a.e.table.Clear(deviceTopics(a.e.o.Topics, a.ID, d)...)
		}
	}
	a.note()
}

// replace makes a source's devices those of the list, and counts the parts of it
// that could not be taken. A device moves to another source only from one that has
// not spoken since the start: a newer vendor may name its sources differently.
func (a *account) replace(source string, list []bridge.Device) (changed bool, refused int) {
	listed := make(map[string]bool, len(list))
	for _, d := range list {
		old := a.devices[d.ID]
		bad := !bridge.IsID(d.ID) || bridge.IsReservedID(d.ID) || listed[d.ID]
		if bad || old != nil && old.source != source && a.live[old.source] {
			a.e.log.Warn("device left out: its id is malformed, reserved or taken", "vendor", a.Vendor, "account", a.ID, "device", shown(d.ID))
			refused++
			continue
		}
		listed[d.ID] = true
		if old != nil && old.source == source && reflect.DeepEqual(old.told, d) {
			continue
		}
		made, errs := newDevice(a.e.o.Topics, a.ID, a.calls, source, d)
		for _, err := range errs {
			a.e.log.Warn("part of a device left out", "vendor", a.Vendor, "account", a.ID, "device", d.ID, "err", err)
		}
		refused += len(errs)
		if old != nil {
			made.reach = old.reach
			a.clearLost(old, made)
		}
		a.devices[d.ID] = made
		a.begin(made)
		changed = true
	}
	return a.drop(source, listed) || changed, refused
}

// begin publishes what a new or changed device starts with: that it is there, and
// OFF for sensors that clear themselves, in case a crash left an ON.
func (a *account) begin(d *device) {
	a.showReach(d)
	for i := range d.Entities {
		e := d.entities[d.Entities[i].ID]
		if e.Kind == bridge.BinarySensor && e.OffDelay > 0 && a.holds[bridge.Ref{Device: d.ID, Entity: e.ID}] == nil {
			a.e.table.Put(bridge.Message{Topic: e.valueTopic, Payload: []byte("OFF"), Stage: bridge.StageState})
		}
	}
}

// drop takes away a source's devices that are not listed any more, and all that
// hang on them.
func (a *account) drop(source string, listed map[string]bool) bool {
	gone := make(map[string]bool)
	for more := true; more; {
		more = false
		for id, d := range a.devices {
			if !gone[id] && !listed[id] && (d.source == source || gone[d.Via]) {
				gone[id], more = true, true
			}
		}
	}
	for id := range gone {
		a.e.table.Clear(deviceTopics(a.e.o.Topics, a.ID, a.devices[id].Device)...)
		delete(a.devices, id)
	}
	for ref := range a.holds {
		if gone[ref.Device] {
			a.letGo(ref)
		}
	}
	return len(gone) > 0
}

// clearLost clears the topics of entities that a device no longer has, or has as
// another kind.
func (a *account) clearLost(old, now *device) {
	for id, e := range old.entities {
		if n := now.entities[id]; n == nil || n.Kind != e.Kind || n.OfState != e.OfState {
			a.e.table.Clear(entityTopics(a.e.o.Topics, a.ID, old.ID, *e.Entity)...)
			a.letGo(bridge.Ref{Device: old.ID, Entity: id})
		}
	}
}

// note writes the account's devices into the inventory.
func (a *account) note() {
	sources := make(map[string][]bridge.Device)
	for _, id := range slices.Sorted(maps.Keys(a.devices)) {
		d := a.devices[id]
		sources[d.source] = append(sources[d.source], d.Device)
	}
	a.e.book.set(a.ID, sources)
}

// deviceTopics are the retained topics of a device.
func deviceTopics(topics bridge.Topics, account string, d bridge.Device) []string {
	list := []string{topics.DeviceState(account, d.ID)}
	for _, e := range d.Entities {
		list = append(list, entityTopics(topics, account, d.ID, e)...)
	}
	return list
}

// entityTopics are those of one entity; a picture is kept by no broker, but by the
// table. Whether there were attributes is not remembered over a restart.
func entityTopics(topics bridge.Topics, account, device string, e bridge.Entity) (list []string) {
	ref := bridge.Ref{Device: device, Entity: e.ID}
	if hasState(&e) || e.Kind == bridge.ImageKind {
		list = append(list, topics.Value(account, ref))
	}
	if e.Kind != bridge.Button {
		list = append(list, topics.Attributes(account, ref))
	}
	return list
}

// reached notes whether the vendor reaches a device.
func (a *account) reached(r bridge.Reach) error {
	d := a.devices[r.Device]
	if d == nil {
		return fmt.Errorf("there is no device %q", shown(r.Device))
	}
	if r.OK {
		d.reach = reach{}
	} else {
		d.missed = min(d.missed+1, reachFailures)
		d.says = r.Says
	}
	a.showReach(d)
	return nil
}

// shows tells whether a device shows as online.
func (a *account) shows(d *device) bool {
	return d.missed < reachFailures && !d.says && !a.outage
}

func (a *account) showReach(d *device) {
	a.e.table.Put(bridge.Message{Topic: a.e.o.Topics.DeviceState(a.ID, d.ID), Payload: online(a.shows(d)), Stage: bridge.StageAvailability})
}

// knownOff tells whether the vendor itself says that a device is off: a command
// would be lost on it.
func (a *account) knownOff(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	d := a.devices[id]
	return d != nil && d.says
}

// judgeOutage shows all devices as offline while the vendor is down: the tasks
// that are polled most often have failed several times in a row, and no other has
// succeeded since. A slow task cannot speak for the hours between its runs.
func (a *account) judgeOutage() {
	fastest := time.Duration(0)
	for _, r := range a.runners {
		if every := r.task.Every; every > 0 && (fastest == 0 || every < fastest) {
			fastest = every
		}
	}
	outage := fastest > 0
	var since, good time.Time // of the failing, and of the last success of the others
	for _, r := range a.runners {
		if r.task.Every == 0 {
			continue
		}
		r.mu.Lock()
		if r.task.Every == fastest {
			outage = outage && r.failures >= outageFailures
			since = later(since, r.since)
		} else {
			good = later(good, r.good)
		}
		r.mu.Unlock()
	}
	outage = outage && !good.After(since)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.outage == outage || a.gone {
		return
	}
	a.outage = outage
	for _, d := range a.devices {
		a.showReach(d)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
