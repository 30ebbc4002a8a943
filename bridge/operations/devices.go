package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

const (
	devicesMost = 2000             // of one list
	joinTime    = 10 * time.Second // to make values of reported devices
)

func (x *extension) item(device string) (item, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	it, ok := x.items[device]
	return it, ok
}

// devices makes the devices of a list. One that cannot be made spoils the list:
// left out it would count as gone.
func (x *extension) devices(ctx context.Context, o *operation, parent *bridge.Device, items []json.RawMessage) (bridge.Devices, error) {
	list := bridge.Devices{Source: o.source("")}
	if parent != nil {
		list.Source = o.source(parent.ID)
	}
	if len(items) > devicesMost {
		return list, &bridge.Failure{Reason: bridge.ReasonRejected, Message: fmt.Sprintf("the list has %d devices, more than %d", len(items), devicesMost)}
	}
	fresh := make(map[string]item, len(items))
	for i, raw := range items {
		d, it, err := o.device(ctx, raw)
		if err != nil {
			return list, &bridge.Failure{Reason: bridge.ReasonRejected, Message: fmt.Sprintf("device %d of the list: %v", i, err)}
		}
		if parent != nil {
			d.Via = parent.ID
		}
		if _, twice := fresh[d.ID]; !twice {
			list.All = append(list.All, d)
		}
		fresh[d.ID] = it
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, it := range fresh {
		x.items[id] = it
	}
	return list, nil
}

// device makes one device of an item.
func (o *operation) device(ctx context.Context, raw json.RawMessage) (d bridge.Device, it item, err error) {
	value, err := decode(raw)
	if err != nil {
		return d, it, err
	}
	id, _, err := o.id.one(ctx, value)
	if err != nil {
		return d, it, err
	}
	if _, flag := id.(bool); flag || id == nil || id == "" {
		return d, it, errors.New("it has no id")
	}
	text, ok := scalar(id)
	if !ok || len(text) > segmentMost {
		return d, it, errors.New("its id is neither a text nor a number")
	}
	name := text
	if o.label != nil {
		if value, err = decode(raw); err != nil {
			return d, it, err
		}
		label, _, err := o.label.one(ctx, value)
		if err != nil {
			return d, it, err
		}
		if s, ok := scalar(label); ok && s != "" {
			name = shorten(clean(s), 100)
		}
	}
	if value, err = decode(raw); err != nil {
		return d, it, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	object["id"] = id
	seen, err := encodeBody(object)
	if err != nil {
		return d, it, err
	}
	fact, err := encodeBody(id)
	if err != nil {
		return d, it, err
	}
	d = bridge.Device{ID: bridge.DeviceID(text), Original: text, Name: name, Kind: o.kind(), Facts: map[string]string{factID: string(fact)}}
	return d, item{raw, seen}, nil
}

// join is a Report that adds the configuration's entities to the devices that
// pass, and their values.
func (x *extension) join(report bridge.Report) bridge.Report {
	return func(all ...bridge.Fact) {
		var told []bridge.Fact
		for _, fact := range all {
			list, ok := fact.(bridge.Devices)
			if !ok {
				told = append(told, fact)
				continue
			}
			list.All = x.decorate(list.All)
			due := x.remember(list)
			told = append(append(told, list), x.itemFacts(list.All)...)
			told = append(told, due...)
		}
		if report != nil && len(told) > 0 {
			report(told...)
		}
	}
}

// decorate adds entities to devices. The vendor's values are left as they are.
func (x *extension) decorate(devices []bridge.Device) []bridge.Device {
	made := slices.Clone(devices)
	for i, d := range made {
		d.Entities = slices.Clone(d.Entities)
		for _, e := range x.entities {
			if e.on(d) {
				d.Entities = append(d.Entities, e.made)
			}
		}
		made[i] = d
	}
	return made
}

// remember notes a source's devices, and plans runs of operations that have run
// before these devices were there.
func (x *extension) remember(list bridge.Devices) (due []bridge.Fact) {
	x.mu.Lock()
	defer x.mu.Unlock()
	before := x.sources[list.Source]
	x.sources[list.Source] = slices.Clone(list.All)
	for _, d := range before {
		if !slices.ContainsFunc(list.All, func(b bridge.Device) bool { return b.ID == d.ID }) {
			x.forget(d.ID)
		}
	}
	for _, o := range x.operations {
		isNew := func(d bridge.Device) bool {
			known := slices.ContainsFunc(before, func(b bridge.Device) bool { return b.ID == d.ID })
			return !known && matches(o.For, o.from, d)
		}
		if o.For != "" && o.Every > 0 && x.ran[o.name] && slices.ContainsFunc(list.All, isNew) {
			due = append(due, bridge.Due{Task: o.task()})
		}
	}
	return due
}

// forget drops a device that is gone, and what hangs on it, as the engine does.
// The caller holds mu.
func (x *extension) forget(id string) {
	delete(x.items, id)
	for _, e := range x.entities {
		delete(x.said, bridge.Ref{Device: id, Entity: e.ID})
		delete(x.odd, bridge.Ref{Device: id, Entity: e.ID})
	}
	var gone []string
	for source, devices := range x.sources {
		x.sources[source] = slices.DeleteFunc(devices, func(d bridge.Device) bool {
			if d.Via == id {
				gone = append(gone, d.ID)
			}
			return d.Via == id
		})
	}
	for _, child := range gone {
		x.forget(child)
	}
}

// matching are the known devices that a `for` means, in a fixed order.
func (x *extension) matching(target string, of *operation) (found []bridge.Device) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, devices := range x.sources {
		for _, d := range devices {
			if matches(target, of, d) {
				found = append(found, d)
			}
		}
	}
	slices.SortFunc(found, func(a, b bridge.Device) int { return strings.Compare(a.ID, b.ID) })
	return slices.CompactFunc(found, func(a, b bridge.Device) bool { return a.ID == b.ID })
}

// itemFacts are the values that entities take from the device itself.
func (x *extension) itemFacts(devices []bridge.Device) (told []bridge.Fact) {
	ctx, cancel := context.WithTimeout(context.Background(), joinTime)
	defer cancel()
	for _, d := range devices {
		itself := facts(d)
		if it, ok := x.item(d.ID); ok && x.lister(d) != nil {
			itself = it.itself
		}
		for _, e := range x.entities {
			if e.value != nil && e.from == nil && e.on(d) {
				told = append(told, x.valueFacts(ctx, e, d, itself)...)
			}
		}
	}
	return told
}
