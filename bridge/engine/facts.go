package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"latchkey/bridge"
)

const (
	stateMost      = 255     // characters of a state: Home Assistant takes no more
	attributesMost = 16384   // bytes: its recorder drops more
	pictureMost    = 1000000 // bytes (hazard M12): a broker may cut the link over a larger one
)

// report takes facts of the account's vendor. silent: events are known from now
// on but not told, as on the first poll. What fits no device or entity is refused
// and counted; it never ends anything.
func (a *account) report(silent bool) bridge.Report {
	return func(facts ...bridge.Fact) {
		for _, fact := range facts {
			if err := a.take(fact, silent); err != nil {
				a.e.tally.add(&a.e.tally.refusedFacts)
				a.e.log.Debug("fact refused", "vendor", a.Vendor, "account", a.ID, "err", err)
			}
		}
	}
}

func (a *account) take(fact bridge.Fact, silent bool) error {
	if due, ok := fact.(bridge.Due); ok {
		return a.dueTask(due)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gone {
		return nil
	}
	switch fact := fact.(type) {
	case bridge.Devices:
		return a.devicesOf(fact)
	case bridge.State:
		return a.stateOf(fact)
	case bridge.Happened:
		return a.happened(fact, silent)
	case bridge.Picture:
		return a.picture(fact)
	case bridge.Reach:
		return a.reached(fact)
	}
	return fmt.Errorf("unknown fact %T", fact)
}

// entity finds the entity that a fact is about.
func (a *account) entity(ref bridge.Ref) (*entity, error) {
	if d := a.devices[ref.Device]; d != nil && d.entities[ref.Entity] != nil {
		return d.entities[ref.Entity], nil
	}
	return nil, fmt.Errorf("there is no entity %q of device %q", shown(ref.Entity), shown(ref.Device))
}

// hasState tells whether an entity has a retained value of its own.
func hasState(e *bridge.Entity) bool {
	switch e.Kind {
	case bridge.Button, bridge.Event, bridge.ImageKind:
		return false
	}
	return !e.OfState
}

func (a *account) stateOf(s bridge.State) error {
	e, err := a.entity(s.Ref)
	if err != nil {
		return err
	}
	unknown := s.Value == bridge.Value{}
	switch {
	case !hasState(e.Entity) && (!unknown || s.Attributes == nil):
		return fmt.Errorf("entity %s of kind %s has no state", e.ID, e.Kind)
	case !unknown && !e.Kind.Shows(s.Value):
		return fmt.Errorf("a %s cannot show %q (entity %s)", e.Kind, shown(s.Value.String()), e.ID)
	case len(e.Options) > 0 && !unknown && !slices.Contains(e.Options, s.Value.String()):
		return fmt.Errorf("the value of entity %s is none of its options", e.ID) // Home Assistant would drop it
	}
	if err := a.attributes(s.Ref, s.Attributes); err != nil {
		return err
	}
	if hasState(e.Entity) {
		a.e.table.Put(bridge.Message{Topic: e.valueTopic, Payload: []byte(shortened(s.Value.String())), Stage: bridge.StageState})
		a.hold(s.Ref, e, s.Value)
	}
	return nil
}

// attributes publishes an entity's attributes; nil leaves them as they are.
func (a *account) attributes(ref bridge.Ref, attributes map[string]any) error {
	if attributes == nil {
		return nil
	}
	payload, err := json.Marshal(attributes)
	switch {
	case err != nil:
		return fmt.Errorf("attributes of entity %s: %v", ref.Entity, err)
	case len(payload) > attributesMost:
		return fmt.Errorf("attributes of entity %s have %d bytes, more than %d", ref.Entity, len(payload), attributesMost)
	}
	a.e.table.Put(bridge.Message{Topic: a.e.o.Topics.Attributes(a.ID, ref), Payload: payload, Stage: bridge.StageState})
	return nil
}

func shortened(text string) string {
	if utf8.RuneCountInString(text) <= stateMost {
		return text
	}
	return string([]rune(text)[:stateMost-1]) + "…"
}

// hold publishes OFF by itself a while after a sensor's ON, where the vendor
// reports no end (motion). A new ON holds it longer, and is sent again for Home
// Assistant's own clock.
func (a *account) hold(ref bridge.Ref, e *entity, value bridge.Value) {
	if e.Kind != bridge.BinarySensor || e.OffDelay <= 0 {
		return
	}
	timer := a.holds[ref]
	switch {
	case value != bridge.Bool(true):
		a.letGo(ref)
	case timer != nil && timer.Reset(time.Duration(e.OffDelay)*time.Second):
		a.e.table.again(e.valueTopic)
	default:
		var mine *time.Timer
		mine = time.AfterFunc(time.Duration(e.OffDelay)*time.Second, func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.holds[ref] == mine {
				a.off(ref)
			}
		})
		a.holds[ref] = mine
	}
}

// letGo forgets a hold without an OFF.
func (a *account) letGo(ref bridge.Ref) {
	if timer := a.holds[ref]; timer != nil {
		timer.Stop()
		delete(a.holds, ref)
	}
}

// off ends a hold.
func (a *account) off(ref bridge.Ref) {
	delete(a.holds, ref)
	if e, err := a.entity(ref); err == nil {
		a.e.table.Put(bridge.Message{Topic: e.valueTopic, Payload: []byte("OFF"), Stage: bridge.StageState})
	}
}

// picture keeps the newest picture of an entity in the table.
func (a *account) picture(p bridge.Picture) error {
	e, err := a.entity(p.Ref)
	switch {
	case err != nil:
		return err
	case e.Kind != bridge.ImageKind:
		return fmt.Errorf("entity %s is no picture", e.ID)
	case len(p.Bytes) == 0:
		return fmt.Errorf("the picture of entity %s is empty", e.ID)
	case len(p.Bytes) > pictureMost:
		a.e.Problem("picture", e.valueTopic, fmt.Sprintf("a picture has %d bytes, more than %d, and was not sent", len(p.Bytes), pictureMost))
		return nil
	}
	a.e.table.Put(bridge.Message{Topic: e.valueTopic, Payload: p.Bytes, Stage: bridge.StagePicture})
	if !p.At.IsZero() {
		return a.attributes(p.Ref, map[string]any{"at": bridge.Second(p.At)})
	}
	return nil
}

// dueTask plans a task besides its plan.
func (a *account) dueTask(due bridge.Due) error {
	for _, r := range a.runners {
		if r.task.Name == due.Task && r.task.Every > 0 {
			r.dueIn(due.In)
			return nil
		}
	}
	return fmt.Errorf("there is no task %q that polls", shown(due.Task))
}
