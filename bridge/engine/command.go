package engine

import (
	"time"

	"latchkey/bridge"
)

// command is one thing asked for, on its way through the checks. The upper part
// is as it came, the lower part is filled in by the checks.
type command struct {
	at       time.Time // receipt, monotonic
	target   bridge.Target
	source   Source
	topic    string
	payload  []byte
	retained bool
	ask      *Ask               // of a local command, which has no topic, payload or flag
	reply    chan bridge.Result // of a local command; capacity 1

	account *account
	device  bridge.Device // zero where the command stands for no device
	entity  *entity       // nil where it stands for none
	call    *bridge.Call  // nil on an entity until its verb is known
	args    bridge.Args
	effect  bridge.Effect
	id      string
	sentAt  time.Time
	action  string // for the result: what was said, or the name of the call
	verb    string // for permissions: the verb it stands for, or CALL
}

func (c *command) local() bool { return c.ask != nil }

// onEntity tells an entity's command from a named call.
func (c *command) onEntity() bool { return c.target.Call == "" }

// ref is the entity a command stands for; the name of the call where it stands
// for none.
func (c *command) ref() bridge.Ref {
	if c.entity != nil {
		return bridge.Ref{Device: c.device.ID, Entity: c.entity.ID}
	}
	return bridge.Ref{Device: c.device.ID, Entity: c.target.Call}
}

// moves tells whether a command would move something, as far as that is known
// before the payload is read.
func (c *command) moves() bool {
	switch {
	case c.call != nil:
		return c.effect == bridge.Writes
	case c.entity != nil:
		return c.entity.moves()
	}
	return false
}

// result is the Contract's answer, all but how it ended.
func (c *command) result() bridge.Result {
	r := bridge.Result{ID: c.id, Account: c.target.Account, Action: c.action, LatencyMS: time.Since(c.at).Milliseconds(), At: time.Now()}
	switch {
	case c.onEntity():
		r.Device, r.Entity = c.target.Ref.Device, c.target.Ref.Entity
	case c.entity != nil:
		r.Device, r.Entity = c.device.ID, c.entity.ID
	}
	return r
}
