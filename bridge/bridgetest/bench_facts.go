package bridgetest

import (
	"fmt"
	"slices"

	"latchkey/bridge"
)

// wrong says why the engine would refuse a fact.
func (b *Bench) wrong(f bridge.Fact) string {
	of := func(ref bridge.Ref, kinds ...bridge.Kind) string {
		e := b.known[ref]
		switch {
		case e == nil:
			return "there is no such entity"
		case !slices.Contains(kinds, e.Kind) || e.OfState && kinds[0] != bridge.ImageKind:
			return "the entity takes none"
		}
		return ""
	}
	switch f := f.(type) {
	case bridge.Devices:
		return b.wrongList(f.All)
	case bridge.State:
		kinds := []bridge.Kind{bridge.Lock, bridge.Sensor, bridge.BinarySensor, bridge.Switch, bridge.Number, bridge.Select}
		if f.Attributes != nil && f.Value == (bridge.Value{}) { // of a picture, say
			kinds = append(kinds, bridge.ImageKind, bridge.Event, bridge.Button)
		}
		if e := b.known[f.Ref]; e != nil && len(e.Options) > 0 && f.Value != (bridge.Value{}) && !slices.Contains(e.Options, f.Value.String()) {
			return "the value is none of its options"
		}
		return of(f.Ref, kinds...)
	case bridge.Happened:
		if e := b.known[f.Ref]; e != nil && !slices.Contains(e.Options, f.Type) {
			return "the event has no such type"
		}
		return of(f.Ref, bridge.Event)
	case bridge.Picture:
		return of(f.Ref, bridge.ImageKind)
	case bridge.Reach:
		if b.devices[f.Device] == nil {
			return "there is no such device"
		}
	case bridge.Due:
		if !slices.ContainsFunc(b.Tasks, func(t bridge.Task) bool { return t.Name == f.Task && t.Every > 0 }) {
			return "there is no such task that polls"
		}
	}
	return ""
}

func (b *Bench) wrongList(all []bridge.Device) string {
	fine := func(seen map[string]bool, id string) bool {
		again := seen[id]
		seen[id] = true
		return bridge.IsID(id) && !bridge.IsReservedID(id) && !again
	}
	devices := map[string]bool{}
	for _, d := range all {
		if !fine(devices, d.ID) {
			return fmt.Sprintf("device %q is malformed, reserved or there twice", d.ID)
		}
		entities := map[string]bool{}
		for _, e := range d.Entities {
			if !fine(entities, e.ID) {
				return fmt.Sprintf("entity %q is malformed, reserved or there twice", e.ID)
			}
			for _, v := range e.Verbs {
				if why := b.wrongVerb(v); why != "" {
					return e.ID + ": " + why
				}
			}
		}
	}
	return ""
}

func (b *Bench) wrongVerb(v bridge.Verb) string {
	i := slices.IndexFunc(b.Calls, func(c bridge.Call) bool { return c.Name == v.Call })
	if i < 0 {
		return "there is no call " + v.Call
	}
	for name := range v.Args {
		if !slices.ContainsFunc(b.Calls[i].Args, func(a bridge.Arg) bool { return a.Name == name }) {
			return v.Call + " takes no " + name
		}
	}
	return ""
}
