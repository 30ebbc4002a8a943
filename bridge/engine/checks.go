package engine

import (
	"fmt"
	"time"

	"latchkey/bridge"
)

const (
	setSize         = 1 << 10  // of a message on a `set` topic
	callSize        = 64 << 10 // on a `call` topic
	futureTolerance = 5 * time.Second
)

// knownTarget is step 1: the account, and the entity that takes commands or the
// named call, exist.
func knownTarget(g *guard, c *command) (bridge.Reason, string) {
	c.account = g.e.account(c.target.Account)
	if c.account == nil {
		return bridge.ReasonUnknownTarget, fmt.Sprintf("there is no account %q", c.target.Account)
	}
	if !c.onEntity() {
		if c.call = c.account.calls[c.target.Call]; c.call == nil {
			return bridge.ReasonUnknownTarget, fmt.Sprintf("there is no call %q here", c.target.Call)
		}
		c.effect = c.call.Effect
		return "", ""
	}
	device := c.account.device(c.target.Ref.Device)
	if device == nil {
		return bridge.ReasonUnknownTarget, fmt.Sprintf("account %q has no device %q", c.target.Account, c.target.Ref.Device)
	}
	entity := device.entities[c.target.Ref.Entity]
	if entity == nil || len(entity.verbs) == 0 {
		return bridge.ReasonUnknownTarget, fmt.Sprintf("device %q has no %q that takes commands", c.target.Ref.Device, c.target.Ref.Entity)
	}
	c.device, c.entity = device.Device, entity
	return "", ""
}

// notRetained is step 2, before a byte of the payload is looked at: a flagged
// message is a replay. It is taken off the broker, so that it cannot come again
// (hazard H1).
func notRetained(g *guard, c *command) (bridge.Reason, string) {
	if !c.retained {
		return "", ""
	}
	if !g.clears.allow(c.topic) {
		g.e.Problem("retained", c.topic, retainedAgainText)
		return bridge.ReasonRetained, retainedAgainText
	}
	g.e.table.Clear(c.topic)
	g.e.Problem("retained", c.topic, "a command was published with retain; it was refused and taken off the broker")
	return bridge.ReasonRetained, ""
}

// notTooLarge is step 3, before parsing.
func notTooLarge(_ *guard, c *command) (bridge.Reason, string) {
	most := callSize
	if c.onEntity() {
		most = setSize
	}
	if len(c.payload) > most {
		return bridge.ReasonMalformed, fmt.Sprintf("the message has %d bytes, more than %d", len(c.payload), most)
	}
	return "", ""
}

// settled is step 4: what arrives while subscribing and shortly after may be a
// replay without the flag. A local command cannot be one. Judged by the moment of
// arrival, so that a command does not outwait the window in our own queue.
func settled(g *guard, c *command) (bridge.Reason, string) {
	if c.local() {
		return "", ""
	}
	if at := g.acceptsAt(); at.IsZero() || c.at.Before(at) {
		return bridge.ReasonSettling, ""
	}
	if len(c.payload) == 0 && g.clears.settling(c.topic) {
		return bridge.ReasonSettling, ""
	}
	return "", ""
}

// understood is step 5: the exact grammar, a known action, checked arguments, the
// entity that a moving call stands for.
func understood(g *guard, c *command) (bridge.Reason, string) {
	var err error
	if c.onEntity() {
		err = readSet(c)
	} else {
		err = readCall(c)
	}
	if err == nil {
		err = judgeRaw(c)
	}
	if err != nil {
		return bridge.ReasonMalformed, "the message was not understood: " + err.Error()
	}
	if reason, why := standsFor(c); reason != "" {
		return reason, why
	}
	wants := g.limits.RequireEnvelope && !c.local() && (c.onEntity() || c.moves())
	if wants && (c.id == "" || c.sentAt.IsZero()) {
		return bridge.ReasonMalformed, "commands.require_envelope asks for id and sent_at"
	}
	return "", ""
}

// permitted is step 6: the account's permissions, and no raw write unless it is
// allowed.
func permitted(_ *guard, c *command) (bridge.Reason, string) {
	if c.target.Account == bridgeAccount {
		return "", ""
	}
	if c.call.Raw != nil && c.moves() && !c.account.RawWrites {
		return bridge.ReasonDenied, "raw calls of this account only read; set raw_writes to let them write"
	}
	if ref := c.ref(); !allowed(c.account.Permissions, ref, c.verb) {
		return bridge.ReasonDenied, fmt.Sprintf("the permissions of account %q do not allow %s on %q", c.target.Account, c.verb, ref.Entity)
	}
	return "", ""
}

// clockAgrees is step 7. Where a sent_at is given it is judged, with an id or
// without. What moves nothing passes while the clock is not trusted: then nobody
// can tell its age, and it harms nobody (hazard H16).
func clockAgrees(g *guard, c *command) (bridge.Reason, string) {
	switch {
	case c.sentAt.IsZero():
		return "", ""
	case !g.e.o.ClockTrusted():
		if c.moves() {
			return bridge.ReasonClock, ""
		}
		c.sentAt = time.Time{}
	case time.Until(c.sentAt) > futureTolerance:
		return bridge.ReasonClock, fmt.Sprintf("the sender's clock is %s ahead of latchkey's; set both clocks", time.Until(c.sentAt).Round(time.Second))
	}
	return "", ""
}

// fresh is step 8: the age, and the rule for what may be a copy of a press that
// was accepted before a restart. The start is the wall clock less the monotonic
// uptime, so that a clock set later does not move it.
func fresh(g *guard, c *command) (bridge.Reason, string) {
	if c.sentAt.IsZero() {
		return "", ""
	}
	now := time.Now()
	if age := now.Sub(c.sentAt); age > g.limits.MaxAge {
		return bridge.ReasonStale, fmt.Sprintf("the message was %s on its way, more than %s; press again", age.Round(100*time.Millisecond), g.limits.MaxAge)
	}
	start := now.Round(0).Add(-now.Sub(g.e.started))
	if !c.sentAt.After(start.Add(startFloor)) {
		return bridge.ReasonStale, "the message is from before latchkey was ready; press again"
	}
	return "", ""
}

// firstTime is step 9. The id is recorded before any later step may fail.
func firstTime(g *guard, c *command) (bridge.Reason, string) {
	if c.id == "" {
		return "", ""
	}
	switch isNew, room := g.ids.add(c.id, g.idLife); {
	case !isNew:
		return bridge.ReasonDuplicate, ""
	case !room:
		return bridge.ReasonBusy, "too many commands in the last minute; wait a minute"
	}
	return "", ""
}

// admitted is step 10: the cool-down starts and the slot is taken here.
func admitted(g *guard, c *command) (bridge.Reason, string) {
	return g.e.queues.admit(c, g.limits.Cooldown, g.e.carryOut), ""
}
