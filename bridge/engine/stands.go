package engine

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"latchkey/bridge"
)

// standsFor finds the device that the argument `device` names, and the entity that
// a named call stands for (relay number 1 is relay_1), so that its permission,
// cool-down and slot are shared.
func standsFor(c *command) (bridge.Reason, string) {
	if c.onEntity() {
		return "", ""
	}
	a := c.account
	a.mu.Lock()
	defer a.mu.Unlock()
	id, named := c.args[deviceArg].(string)
	if named {
		d := a.devices[id]
		if d == nil {
			return bridge.ReasonUnknownTarget, fmt.Sprintf("account %q has no device %q", a.ID, shown(id))
		}
		c.device = d.Device
	}
	if !c.call.OfEntity {
		return "", ""
	}
	var found []caller
	for _, d := range a.devices {
		if !named || d.ID == id {
			if match := d.callers(c.call, c.args, named); len(match) > 0 {
				found = append(found, match[0])
			}
		}
	}
	switch len(found) {
	case 0:
		return bridge.ReasonUnknownTarget, fmt.Sprintf("no entity stands for call %q with these arguments", c.call.Name)
	case 1:
		c.device, c.entity, c.verb = found[0].device.Device, found[0].entity, found[0].says
		return "", ""
	}
	return bridge.ReasonUnknownTarget, fmt.Sprintf("several devices have call %q with these arguments", c.call.Name)
}

// caller is an entity that a call may stand for, and the action that it amounts to.
type caller struct {
	device *device
	entity *entity
	says   string
}

// callers are the entities of a device that call with equal arguments. A call with
// more or other arguments is no match: relay 1 of a peripheral is not relay 1 of
// the station. But where a call with AnyArgs names its device, and just one verb
// there calls it, that is the one.
func (d *device) callers(call *bridge.Call, args bridge.Args, named bool) (same []caller) {
	var all []caller
	for i := range d.Entities {
		e := d.entities[d.Entities[i].ID]
		for _, v := range e.verbs {
			if v.call != call {
				continue
			}
			says, equal := v.amounts(args)
			all = append(all, caller{d, e, says})
			if equal {
				same = append(same, caller{d, e, says})
			}
		}
	}
	if len(same) == 0 && named && call.AnyArgs && len(all) == 1 {
		return all
	}
	return same
}

// amounts tells what a call with these arguments amounts to, and whether they are
// the verb's own: the bound ones, and the one that takes the payload.
func (v verb) amounts(args bridge.Args) (says string, equal bool) {
	says, bound := v.Says, len(v.args)
	if value, given := args[v.Value]; given && v.Value != "" {
		says, bound = spelling(value), bound+1
	}
	equal = bound == len(args) && says != ""
	for name, value := range v.args {
		given, ok := args[name]
		equal = equal && ok && reflect.DeepEqual(given, value)
	}
	return says, equal
}

// spelling is how permissions name a value: 7, however its sender writes it.
func spelling(value any) string {
	if f, ok := value.(float64); ok {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return fmt.Sprint(value)
}

// judgeRaw asks a raw call whether these arguments only read.
func judgeRaw(c *command) (err error) {
	if c.call.Raw == nil {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("it could not be judged")
		}
	}()
	effect, err := c.call.Raw(c.args)
	if err != nil {
		return fmt.Errorf("it could not be judged: %v", err)
	}
	c.effect = effect
	return nil
}
