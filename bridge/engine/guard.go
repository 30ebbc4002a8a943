package engine

import (
	"context"
	"runtime"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"latchkey/bridge"
)

// handOver is how many commands wait for the guard at most; more are counted and
// reported (hazard H20).
const handOver = 1024

// guard passes commands through the checks, in one goroutine and in order of
// arrival. Nothing it does waits: what passes goes into the queue of its device.
type guard struct {
	e       *Engine
	checks  []check
	arrived chan *command
	limits  Commands
	idLife  time.Duration // how long an id is remembered
	ids     *ids
	clears  *clears
	chatter rate.Sometimes // log lines of refusals
	alarm   rate.Sometimes // about what overflows

	mu      sync.Mutex
	accepts time.Time // when commands are taken; zero: not known yet
}

// A check lets a command pass, or says why not. why is a sentence for people; ""
// stands for the reason's own.
type check struct {
	name   string
	passes func(*guard, *command) (reason bridge.Reason, why string)
}

// arrival are steps 1 to 10 of hazards section 4: fail closed, cheap first. The
// order is part of what is promised. Steps 11 to 13 are in execute.go.
func arrival() []check {
	return []check{
		{"target", knownTarget},
		{"retained", notRetained},
		{"size", notTooLarge},
		{"settle", settled},
		{"grammar", understood},
		{"permission", permitted},
		{"clock", clockAgrees},
		{"age", fresh},
		{"id", firstTime},
		{"queue", admitted},
	}
}

func newGuard(e *Engine) *guard {
	return &guard{
		e: e, checks: arrival(), arrived: make(chan *command, handOver), ids: newIDs(), clears: newClears(),
		limits:  e.o.Commands,
		idLife:  max(e.o.Commands.MaxAge+futureTolerance+e.o.Commands.Deadline, time.Minute),
		chatter: rate.Sometimes{First: 10, Interval: time.Second}, alarm: rate.Sometimes{Interval: time.Hour},
	}
}

func (g *guard) deliver(in bridge.Incoming) {
	now := time.Now()
	if in.At.IsZero() || in.At.After(now) {
		in.At = now
	}
	target, ok := g.e.o.Topics.ParseCommand(in.Topic)
	if !ok {
		g.e.tally.add(&g.e.tally.badTopic)
		return
	}
	c := &command{at: in.At, target: target, source: FromMQTT, topic: in.Topic, payload: in.Payload, retained: in.Retained, action: target.Call}
	select {
	case g.arrived <- c:
	default:
		g.e.overflows()
	}
	select {
	case <-g.e.stopping: // the guard may have left
		g.turnAway()
	default:
	}
}

// run judges commands until ctx ends, and refuses those that are left.
func (g *guard) run(ctx context.Context) {
	for {
		select {
		case c := <-g.arrived:
			g.take(c)
		case <-ctx.Done():
			g.stop()
			return
		}
	}
}

// stop refuses everything that waits, here and in the queues.
func (g *guard) stop() {
	close(g.e.stopping)
	for _, c := range g.e.queues.close() {
		g.e.refuse(c, "queue", bridge.ReasonBusy, stoppingText)
	}
	g.turnAway()
}

// turnAway refuses what has arrived, for the link outlives the guard.
func (g *guard) turnAway() {
	for {
		select {
		case c := <-g.arrived:
			if len(c.payload) == 0 && !c.local() && g.swallows(c) {
				continue
			}
			g.name(c)
			if reason, why := knownTarget(g, c); reason != "" {
				g.e.refuse(c, "target", reason, why)
				continue
			}
			g.e.refuse(c, "queue", bridge.ReasonBusy, stoppingText)
		default:
			return
		}
	}
}

func (g *guard) take(c *command) {
	if !c.local() {
		if len(c.payload) == 0 && g.swallows(c) {
			return
		}
		if !c.retained {
			g.e.audit.want(c.target)
		}
	}
	for _, check := range g.checks {
		if reason, why := check.passes(g, c); reason != "" {
			g.name(c)
			g.e.refuse(c, check.name, reason, why)
			return
		}
	}
}

// name reads the id of a command that was refused before it was understood, so that
// its sender finds the answer. A replay and what is too large stay unread (hazard H1).
func (g *guard) name(c *command) {
	if large, _ := notTooLarge(g, c); c.args == nil && c.id == "" && !c.local() && !c.retained && large == "" {
		_, _ = envelope(c)
	}
}

// swallows tells whether an empty message is no command: the echo of our own
// clearing, or anybody's clearing of a `set` topic (hazard H22).
func (g *guard) swallows(c *command) bool {
	if g.clears.echo(c.topic, g.limits.Settle) {
		g.e.tally.add(&g.e.tally.ownClear)
		return true
	}
	if c.onEntity() {
		g.e.tally.add(&g.e.tally.emptySet)
		return true
	}
	return false
}

// settle sets when commands are taken; zero: not before the next call.
func (g *guard) settle(at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accepts = at
}

func (g *guard) acceptsAt() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.accepts
}

// overflows counts a command that came faster than it could be judged or answered.
func (e *Engine) overflows() {
	e.tally.add(&e.tally.overflow)
	e.guard.alarm.Do(func() {
		e.Problem("overflow", "", "commands came faster than they could be answered; some were only counted")
	})
}

// refuse ends a command that a check has stopped.
func (e *Engine) refuse(c *command, check string, reason bridge.Reason, why string) {
	r := c.result()
	r.Reason, r.Message = reason, why
	if why == "" {
		r.Message = sentence(reason)
	}
	e.finish(c, r, check)
}

// finish is the one place where a command ends: exactly one result, counted,
// logged and told to whoever asked. Where refusals come faster than the link takes
// their results they are counted only, as what overflows the hand-over is.
func (e *Engine) finish(c *command, r bridge.Result, check string) {
	entry := Entry{r, c.source, check}
	switch {
	case c.local():
		e.tally.result(entry)
		c.reply <- r
	case r.Reason.Outcome() == bridge.OutcomeRefused && e.table.crowded():
		e.overflows()
	default:
		e.tally.result(entry)
		e.table.Put(bridge.Message{Topic: e.o.Topics.ResultTopic(c.target), Payload: encodeResult(r), Stage: bridge.StageResult})
		runtime.Gosched() // the link sends it first; the rest is for later
	}
	if c.moves() && e.o.Opened != nil {
		e.o.Opened(entry)
	}
	if r.Reason == bridge.ReasonOK {
		e.log.Info("command done", "account", r.Account, "device", r.Device, "entity", r.Entity, "action", r.Action,
			"id", r.ID, "source", string(c.source), "latency_ms", r.LatencyMS)
		return
	}
	e.guard.chatter.Do(func() {
		e.log.Warn("command not done", "account", r.Account, "device", r.Device, "entity", r.Entity, "action", r.Action,
			"id", r.ID, "source", string(c.source), "reason", string(r.Reason), "check", check)
	})
}
