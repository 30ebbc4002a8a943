package cloud

import (
	"context"
	"errors"
	"sync"
)

// gate lets commands go first: while one is on its way, no read of a lane that
// yields is, because some vendors serve one request at a time and a press must
// not wait behind a poll. The zero value is open.
type gate struct {
	mu       sync.Mutex
	commands int
	open     chan struct{} // closed when the last command has left; nil while the gate is open
	reads    map[*context.CancelCauseFunc]struct{}
}

// errYielded is the cause of a read that made way for a command.
var errYielded = errors.New("made way for a command")

// command ends the yielding reads in flight and keeps new ones out until done is
// called.
func (g *gate) command() (done func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.commands++; g.commands == 1 {
		g.open = make(chan struct{})
	}
	for cancel := range g.reads {
		(*cancel)(errYielded)
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.commands--; g.commands == 0 {
			close(g.open)
			g.open = nil
		}
	}
}

// read waits until no command is on its way. The context it returns ends, with
// the cause errYielded, when one comes; done must be called.
func (g *gate) read(ctx context.Context) (_ context.Context, done func(), err error) {
	for {
		g.mu.Lock()
		open := g.open
		if open == nil {
			break
		}
		g.mu.Unlock()
		select {
		case <-open:
		case <-ctx.Done():
			return nil, nil, late("commands of this account went first")
		}
	}
	defer g.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	if g.reads == nil {
		g.reads = map[*context.CancelCauseFunc]struct{}{}
	}
	g.reads[&cancel] = struct{}{}
	return ctx, func() {
		g.mu.Lock()
		delete(g.reads, &cancel)
		g.mu.Unlock()
		cancel(nil)
	}, nil
}
