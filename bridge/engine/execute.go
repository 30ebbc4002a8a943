package engine

import (
	"context"
	"errors"
	"time"

	"latchkey/bridge"
)

const (
	// answerTime is how long the answer to a write may take beyond the deadline,
	// which bounds the sending alone.
	answerTime = 15 * time.Second
	// readTime is how long a read may take from its receipt; it may turn pages. So
	// may a call of several steps, which moves nothing, once it was begun in time.
	readTime = 30 * time.Second
)

// departure are steps 11 and 12 of hazards section 4, judged when it is the
// command's turn. They are about writes: a read is told the same by its cloud
// client, and a refresh must go through while no token serves.
func departure() []departing {
	return []departing{
		{"token", tokenServes},
		{"reach", notKnownOff},
		{"deadline", inTime},
	}
}

// departing is a check of a command that is about to be carried out.
type departing struct {
	name   string
	passes func(*command, *bridge.Permit) bridge.Reason
}

// tokenServes lets `expired` pass: the client tries one refresh inside the deadline.
func tokenServes(c *command, _ *bridge.Permit) bridge.Reason {
	switch c.account.token() {
	case bridge.SignedOut, bridge.LoginNeeded, bridge.Misconfigured:
		return bridge.ReasonLoginNeeded
	}
	return ""
}

func notKnownOff(c *command, _ *bridge.Permit) bridge.Reason {
	if c.account.knownOff(c.device.ID) {
		return bridge.ReasonOffline
	}
	return ""
}

func inTime(_ *command, p *bridge.Permit) bridge.Reason {
	if time.Until(p.Until()) < bridge.Spare {
		return bridge.ReasonDeadline
	}
	return ""
}

// carryOut is steps 11 to 13: send once, whatever happens.
func (e *Engine) carryOut(c *command) {
	ctx, until := e.calls, c.at.Add(readTime)
	var permit *bridge.Permit // nil: a read
	if c.moves() {
		permit = bridge.NewPermit(c.at.Add(e.o.Commands.Deadline), c.call.Steps)
		for _, check := range departure() {
			if reason := check.passes(c, permit); reason != "" {
				e.refuse(c, check.name, reason, "")
				return
			}
		}
		if c.call.Steps > 1 {
			permit = bridge.NewPermit(until, c.call.Steps)
		}
		ctx, until = permit.With(ctx), permit.Until().Add(answerTime)
	}
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()

	var data any
	order := bridge.Order{Device: c.device, Args: c.args, Report: c.account.report(false)}
	err := c.account.guarded(c.call.Name, func() (err error) {
		data, err = c.call.Do(ctx, order)
		return err
	})
	r := c.result()
	if err != nil {
		r.Reason, r.Message, r.Status = judge(err, ctx, permit)
		if r.Message == "" {
			r.Message = sentence(r.Reason)
		}
		e.log.Debug("call ended with an error", "account", r.Account, "device", r.Device, "entity", r.Entity, "err", err)
	} else {
		r.Reason = bridge.ReasonOK
		if !c.onEntity() { // a picture has its own topic; a button's result is small
			r.Data, r.Message = resultData(data)
		}
	}
	if o := r.Reason.Outcome(); c.call.Stop != nil && (o == bridge.OutcomeOK || o == bridge.OutcomeUnknown) && !e.halt(ctx, c, order) {
		r.Reason, r.Message = bridge.ReasonNoAnswer, "it may go on: latchkey could not stop it"
	}
	e.finish(c, r, "")
}

const (
	// haltTime is how long latchkey tries to stop what a command has set going. It
	// fits into a stop of the daemon, between grace and a refresh in flight.
	haltTime = 5 * time.Second
	haltGap  = time.Second
)

// halt stops what a command has set going, whatever has become of its context.
func (e *Engine) halt(ctx context.Context, c *command, order bridge.Order) bool {
	until := time.Now().Add(haltTime)
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	for {
		err := c.account.guarded(c.call.Name, func() error { return c.call.Stop(bridge.NewPermit(until, 1).With(ctx), order) })
		if err == nil {
			return true
		}
		e.log.Warn("what a call has set going could not be stopped", "account", c.target.Account, "device", c.device.ID, "action", c.call.Name, "err", err)
		if time.Until(until) < haltGap+bridge.Spare {
			return false
		}
		time.Sleep(haltGap)
	}
}

// judge is the one place where an error of a call becomes a reason. What is not
// classified is judged by the permit: once it is taken the request may have gone
// out, and nobody may say that it did not.
func judge(err error, ctx context.Context, permit *bridge.Permit) (reason bridge.Reason, message string, status int) {
	var f *bridge.Failure
	sent := permit != nil && permit.Taken()
	switch {
	case errors.As(err, &f) && known(f.Reason) && !(sent && f.Reason == bridge.ReasonDenied): // a second request was denied; the first went out
		return f.Reason, f.Message, f.Status
	case sent:
		return bridge.ReasonNoAnswer, "", 0
	case permit == nil && ctx.Err() != nil:
		return bridge.ReasonNoAnswer, "the cloud did not answer in time; nothing was moved", 0
	case ctx.Err() != nil:
		return bridge.ReasonDeadline, "", 0
	case permit == nil:
		return bridge.ReasonRejected, "the call failed; the log says more", 0
	}
	return bridge.ReasonNotSent, "the call failed before anything was sent; the log says more", 0
}
