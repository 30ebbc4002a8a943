package dwspectrum

import (
	"encoding/json"
	"slices"

	"latchkey/bridge"
)

// The ids of a system's devices are kept over a restart: if the cloud lists the
// system as offline then, its cameras are known from the inventory, and nobody else
// could say that they are not reached.

// remembered returns the ids of the system's devices. The lock is held.
func (y *site) remembered() []string {
	if y.noted != nil || y.of.notes == nil {
		return y.noted
	}
	record, err := y.of.notes.Load(y.task("devices"))
	if err == nil && record != nil {
		err = json.Unmarshal(record, &y.noted)
	}
	if err != nil {
		y.of.log.Warn("the devices of a system are not known until it answers", "device", bridge.DeviceID(y.system), "err", err)
	}
	return y.noted
}

// remember notes the devices when they have changed. The lock is held.
func (y *site) remember() {
	before := y.remembered()
	now := make([]string, 0, len(y.devices))
	for _, d := range y.devices {
		now = append(now, d.ID)
	}
	if y.noted = now; y.of.notes == nil || slices.Equal(before, now) {
		return
	}
	record, err := json.Marshal(now)
	if err == nil {
		err = y.of.notes.Save(y.task("devices"), record)
	}
	if err != nil {
		y.of.log.Warn("the devices of a system are not remembered", "device", bridge.DeviceID(y.system), "err", err)
	}
}
