package cameramanager

import (
	"slices"
	"sync"

	"latchkey/bridge"
)

// fleet is the list of the account's cameras. Facts about any other camera would
// be refused.
type fleet struct {
	mu     sync.Mutex
	order  []string          // the vendor's ids, as listed; nil: not in this run
	device map[string]string // their devices
	early  bool              // states were asked for before there was a list
	events []string          // types of detections; nil: there are none
}

// replace reports a new list, and asks for the states of cameras that are new.
// Under the lock, so that lists arrive in the order in which they were read.
func (f *fleet) replace(list []camera, report bridge.Report) {
	f.mu.Lock()
	defer f.mu.Unlock()
	added := f.early
	known := make(map[string]string, len(list))
	devices := make([]bridge.Device, 0, len(list))
	order := make([]string, 0, len(list))
	for _, c := range list {
		d := describe(c, f.events)
		if known[d.Original] != "" {
			continue
		}
		added = added || f.order != nil && f.device[d.Original] == ""
		known[d.Original] = d.ID
		order = append(order, d.Original)
		devices = append(devices, d)
	}
	f.order, f.device, f.early = order, known, false
	report(bridge.Devices{Source: "cameras", All: devices})
	if added {
		report(bridge.Due{Task: taskStatus})
	}
}

// known tells whether there is a list; asking before makes the states due with it.
func (f *fleet) known() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.early = f.early || f.order == nil
	return f.order != nil
}

// list returns the ids of all cameras.
func (f *fleet) list() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.order
}

// of returns a camera's device, "" if it is not in the list.
func (f *fleet) of(id string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.device[id]
}

// original turns the id of a device, as it stands in topics, into the camera's.
func (f *fleet) original(id string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.device[id] != "" {
		return id
	}
	for original, device := range f.device {
		if device == id {
			return original
		}
	}
	return id
}

// round goes through a list a piece at a time, so that ten thousand cameras do
// not become ten thousand requests at once.
type round struct {
	mu   sync.Mutex
	last string
}

// piece is the number of cameras that one run of a task asks about one by one.
const piece = 100

// take returns the next piece of ids, which may have changed meanwhile.
func (r *round) take(ids []string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(ids) <= piece {
		return ids
	}
	next := slices.Index(ids, r.last) + 1
	out := make([]string, 0, piece)
	for i := range piece {
		out = append(out, ids[(next+i)%len(ids)])
	}
	r.last = out[piece-1]
	return out
}
