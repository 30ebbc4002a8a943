package doorbird

import (
	"encoding/json"
	"slices"
	"strconv"

	"latchkey/bridge"
)

// hooksNote is the note that keeps the hooks with what they changed.
const hooksNote = "hooks"

// hooked is one hook in the station: what there is to undo.
type hooked struct {
	trigger
	Before  []json.RawMessage `json:"before"`         // the rule's outputs without it
	Address string            `json:"address"`        // digest of what the favourite calls; "" until its write was answered
	Half    bool              `json:"half,omitempty"` // the rule's first write was not answered yet
}

// works tells whether the station calls.
func (h hooked) works() bool { return h.Address != "" && !h.Half }

// recallHooks reads the note. Without it the hooks' entities are missing, and
// hooks_install finds the hooks again by the titles of their favourites.
func (a *account) recallHooks() {
	record, err := a.notes.Load(hooksNote)
	if err == nil && record != nil {
		err = json.Unmarshal(record, &a.hooks)
	}
	if err != nil {
		a.hooks = nil
		a.log.Warn("the hooks in the station are not known: call hooks_install again", "err", err)
	}
	a.addHookedBells()
}

// addHookedBells makes bells known that have hooks. The lock is held.
func (a *account) addHookedBells() {
	for _, h := range a.hooks {
		if bell, err := strconv.Atoi(h.Param); err == nil && h.works() && h.Event == onDoorbell && bell >= 2 {
			a.add(bell)
		}
	}
}

// remembered is what is remembered of a trigger's hook; the zero one is nothing.
func (a *account) remembered(t trigger) hooked {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, h := range a.hooks {
		if h.trigger == t {
			return h
		}
	}
	return hooked{}
}

// remember keeps a hook, durably.
func (a *account) remember(h hooked) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keepHooks(append(a.without(h.trigger), h))
}

// forget drops a hook that is no longer ours.
func (a *account) forget(t trigger) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	left := a.without(t)
	if len(left) == len(a.hooks) {
		return nil
	}
	return a.keepHooks(left)
}

// forgetAll drops all hooks.
func (a *account) forgetAll() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keepHooks(nil)
}

func (a *account) without(t trigger) []hooked {
	return slices.DeleteFunc(slices.Clone(a.hooks), func(h hooked) bool { return h.trigger == t })
}

// keepHooks saves before it believes. The lock is held.
func (a *account) keepHooks(all []hooked) error {
	if err := a.notes.Save(hooksNote, encoded(all)); err != nil {
		return &bridge.Failure{Reason: bridge.ReasonNotSent, Message: "what the hooks change could not be kept: " + err.Error()}
	}
	a.hooks = all
	return nil
}

// tells tells whether an event reaches latchkey, so that its entity waits for
// something; param "" is any. The lock is held.
func (a *account) tells(event, param string) bool {
	return a.pushes && event != onRelay || slices.ContainsFunc(a.hooks, func(h hooked) bool {
		return h.Event == event && (param == "" || h.Param == param) && h.works()
	})
}
