package engine

import (
	"slices"

	"latchkey/bridge"
)

// allowed applies an account's permissions: the first rule that matches wins, and
// without a match a command is allowed. A rule's key left out matches all; a rule
// for a device does not match a command that stands for none.
func allowed(rules []bridge.Permission, ref bridge.Ref, verb string) bool {
	for _, r := range rules {
		if (r.Device == "" || r.Device == ref.Device) && (r.Entity == "" || r.Entity == ref.Entity) &&
			(len(r.Actions) == 0 || slices.Contains(r.Actions, verb)) {
			return r.Allow
		}
	}
	return true
}
