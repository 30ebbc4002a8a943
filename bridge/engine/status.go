package engine

import (
	"maps"
	"slices"
	"time"

	"latchkey/bridge"
)

// Status is the engine at a glance, for the page, `latchkey status` and readiness.
type Status struct {
	StartedAt   time.Time
	AcceptsAt   time.Time // when commands are taken; zero: not known yet
	ConfigError string
	Problems    []Problem // of the last day, oldest first
	Accounts    []AccountStatus
}

// AccountStatus is one account, by id.
type AccountStatus struct {
	ID, Name, Vendor string
	Health           bridge.Health
	Outage           bool // none of its tasks works
	Devices          []DeviceStatus
	Tasks            []TaskStatus
}

// DeviceStatus is one device, by id. Values are the entities' newest states.
type DeviceStatus struct {
	bridge.Device
	Online bool
	Values map[string]string
}

// TaskStatus is one task of an account.
type TaskStatus struct {
	Name     string
	Failures int       // in a row
	Next     time.Time // when it runs again, as planned last; in the past while it runs or waits for its account
}

// Status returns a snapshot.
func (e *Engine) Status() Status {
	s := Status{StartedAt: e.started, AcceptsAt: e.guard.acceptsAt()}
	e.info.mu.Lock()
	s.ConfigError, s.Problems = e.info.configError, e.info.current()
	e.info.mu.Unlock()
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, id := range slices.Sorted(maps.Keys(e.accounts)) {
		a := e.accounts[id].status()
		a.Health = e.health[id]
		s.Accounts = append(s.Accounts, a)
	}
	return s
}

func (a *account) status() AccountStatus {
	s := AccountStatus{ID: a.ID, Name: a.Name, Vendor: a.Vendor}
	for _, r := range a.runners {
		r.mu.Lock()
		s.Tasks = append(s.Tasks, TaskStatus{r.task.Name, r.failures, r.next})
		r.mu.Unlock()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s.Outage = a.outage
	for _, id := range slices.Sorted(maps.Keys(a.devices)) {
		d := a.devices[id]
		device := DeviceStatus{Device: d.Device, Online: a.shows(d), Values: make(map[string]string)}
		for _, e := range d.entities {
			if hasState(e.Entity) {
				device.Values[e.ID] = a.e.table.text(e.valueTopic)
			}
		}
		s.Devices = append(s.Devices, device)
	}
	return s
}
