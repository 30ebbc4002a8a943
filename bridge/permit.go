package bridge

import (
	"context"
	"sync/atomic"
	"time"
)

// Spare is the least time that must be left of a deadline when a write is sent.
const Spare = 500 * time.Millisecond

// Permit allows one command to move something. The guard makes it, [Cloud].Act
// takes it with the token in hand, just before the request goes out: so the
// deadline covers a renewal, and a second request is refused. An error or a
// panic without a classification is judged by [Permit.Taken].
type Permit struct {
	until time.Time
	steps int32
	taken atomic.Int32
}

type permitKey struct{}

// NewPermit allows steps writes until the given time. The time carries Go's
// monotonic reading, so a wall clock that is set meanwhile changes nothing.
func NewPermit(until time.Time, steps int) *Permit {
	return &Permit{until: until, steps: int32(max(steps, 1))}
}

// With puts the permit into the context of one command.
func (p *Permit) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, permitKey{}, p)
}

// Until is the deadline.
func (p *Permit) Until() time.Time { return p.until }

// Taken tells whether a write may have gone out.
func (p *Permit) Taken() bool { return p.taken.Load() > 0 }

// PermitOf returns the context's permit without taking it; nil: there is none.
func PermitOf(ctx context.Context) *Permit {
	p, _ := ctx.Value(permitKey{}).(*Permit)
	return p
}

// Take uses one step of the context's permit. The error is a *Failure: nothing
// was sent and nothing may be sent.
func Take(ctx context.Context) error {
	p := PermitOf(ctx)
	switch {
	case p == nil:
		return &Failure{Reason: ReasonDenied, Message: "not sent: a write outside of a command"}
	case time.Until(p.until) < Spare:
		return &Failure{Reason: ReasonDeadline, Message: "not sent: the deadline of the command is over"}
	case p.taken.Add(1) > p.steps:
		return &Failure{Reason: ReasonDenied, Message: "not sent: the command has already been sent"}
	}
	return nil
}
