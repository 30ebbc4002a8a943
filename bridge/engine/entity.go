package engine

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"latchkey/bridge"
)

// device is a device of an account with what the engine needs at hand. The
// description never changes: a new list makes a new device.
type device struct {
	bridge.Device
	told     bridge.Device // as the vendor listed it, parts that cannot work included
	source   string
	entities map[string]*entity
	reach
}

// entity is an entity with its topics and those of its verbs that can be carried
// out.
type entity struct {
	*bridge.Entity
	valueTopic string
	verbs      []verb // the one that takes any payload last
}

// verb is a verb whose call exists, with its arguments checked and defaults
// filled in.
type verb struct {
	bridge.Verb
	call *bridge.Call
	args bridge.Args
}

// newDevice prepares a device of an account. refused are parts that cannot work
// and are left out.
func newDevice(topics bridge.Topics, account string, calls map[string]*bridge.Call, source string, d bridge.Device) (_ *device, refused []error) {
	made := &device{Device: d, told: d, source: source, entities: make(map[string]*entity, len(d.Entities))}
	made.Entities = make([]bridge.Entity, 0, len(d.Entities))
	for _, e := range d.Entities {
		if !bridge.IsID(e.ID) || bridge.IsReservedID(e.ID) || made.entities[e.ID] != nil {
			refused = append(refused, fmt.Errorf("entity id %q is malformed, reserved or there twice", shown(e.ID)))
			continue
		}
		var verbs []verb
		for _, v := range e.Verbs {
			usable, err := newVerb(calls, d.ID, v)
			if err != nil {
				refused = append(refused, fmt.Errorf("entity %s: %w", e.ID, err))
				continue
			}
			verbs = append(verbs, usable)
		}
		slices.SortStableFunc(verbs, func(a, b verb) int { return min(len(b.Says), 1) - min(len(a.Says), 1) })
		e.Verbs = nil
		for _, v := range verbs {
			e.Verbs = append(e.Verbs, v.Verb)
		}
		made.Entities = append(made.Entities, e)
		made.entities[e.ID] = &entity{nil, topics.Value(account, bridge.Ref{Device: d.ID, Entity: e.ID}), verbs}
	}
	if reflect.DeepEqual(made.Entities, d.Entities) {
		made.Entities = d.Entities // all of it works: the list is not held twice
	}
	for i := range made.Entities {
		made.entities[made.Entities[i].ID].Entity = &made.Entities[i]
	}
	return made, refused
}

func newVerb(calls map[string]*bridge.Call, device string, v bridge.Verb) (verb, error) {
	call := calls[v.Call]
	switch {
	case call == nil:
		return verb{}, fmt.Errorf("verb %q names the unknown call %q", v.Says, v.Call)
	case (v.Says == "") == (v.Value == ""):
		return verb{}, fmt.Errorf("a verb of call %q needs either what it says or where the payload goes", v.Call)
	}
	given := make(map[string]any, len(v.Args)+1)
	for name, value := range v.Args {
		given[name] = value
	}
	var declared []bridge.Arg
	for _, a := range call.Args {
		if _, bound := given[a.Name]; a.Name == deviceArg && !bound {
			given[deviceArg] = device
		}
		if a.Name != v.Value { // comes with each command
			declared = append(declared, a)
		}
	}
	if v.Value != "" && len(declared) == len(call.Args) {
		return verb{}, fmt.Errorf("call %q has no argument %q", v.Call, v.Value)
	}
	args, err := checkArgs(declared, given, canonical)
	return verb{v, call, args}, err
}

// moves tells whether any command on the entity moves something.
func (e *entity) moves() bool {
	return slices.ContainsFunc(e.verbs, func(v verb) bool { return v.call.Effect == bridge.Writes })
}

// actions lists what an entity may be told, for a sentence.
func (e *entity) actions() string {
	var says []string
	for _, v := range e.verbs {
		says = append(says, v.Says)
	}
	return strings.Join(says, ", ")
}

// value reads the free payload of an entity, within the entity's own limits.
func (e *entity) value(v verb, text string) (any, error) {
	i := slices.IndexFunc(v.call.Args, func(a bridge.Arg) bool { return a.Name == v.Value })
	value, err := fromText(v.call.Args[i], text)
	if err != nil {
		return nil, fmt.Errorf("the value %w", err)
	}
	if len(e.Options) > 0 && !slices.Contains(e.Options, text) {
		return nil, fmt.Errorf("the value is none of %q", e.Options)
	}
	if e.Min != nil || e.Max != nil {
		v, err := strict([]byte(text))
		f, ok := number(v)
		if err != nil || !ok || e.Min != nil && f < *e.Min || e.Max != nil && f > *e.Max {
			return nil, fmt.Errorf("the value is outside the range of %q", e.ID)
		}
	}
	return value, nil
}
