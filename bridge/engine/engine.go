package engine

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"latchkey/bridge"
)

// Engine guards commands and supervises accounts.
type Engine struct {
	o       Options
	log     *slog.Logger
	table   *Table
	started time.Time // of the process; the reading that counts is the monotonic one
	guard   *guard
	queues  *queues
	audit   *audit
	info    *info
	book    *book
	tally   tally
	bridge  *account // of the calls of the bridge itself

	mu       sync.RWMutex
	accounts map[string]*account
	health   map[string]bridge.Health // as told, also of accounts that are not added yet
	run      context.Context          // nil until Run; accounts are started in it
	tasks    sync.WaitGroup           // the supervisors of accounts

	calls    context.Context // of commands in flight; outlives run by grace
	stopping chan struct{}   // closed when commands are no longer taken
	stopped  chan struct{}   // closed when the last one has ended
}

const (
	// grace is how long a stop waits for commands that are on their way.
	grace = 2 * time.Second
	// startFloor is the least age of the process before it takes commands. It is
	// as long as a sender's clock may be ahead, so that a copy of a press accepted
	// before a restart is always stale (hazards section 2).
	startFloor = futureTolerance
)

// New makes an engine. Call it when the process starts: a command sent before
// that moment is refused as stale. Accounts that are known when [Engine.Run]
// starts are added before.
func New(o Options) *Engine {
	o.Commands = o.Commands.orDefaults()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ClockTrusted == nil {
		o.ClockTrusted = func() bool { return true }
	}
	e := &Engine{
		o: o, log: o.Log, table: newTable(), started: time.Now(),
		accounts: make(map[string]*account), health: make(map[string]bridge.Health),
		stopping: make(chan struct{}), stopped: make(chan struct{}),
	}
	e.queues = newQueues()
	e.audit = newAudit(o.Topics, o.Audit)
	e.info = &info{e: e}
	e.book = newBook(o.Inventory, e.log)
	e.guard = newGuard(e)
	e.bridge = e.bridgeCalls()
	return e
}

// Run works until ctx ends. It then refuses what still waits, gives commands on
// their way two seconds, stops the tasks and returns when everything has ended.
func (e *Engine) Run(ctx context.Context) error {
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	e.calls = calls
	e.table.Put(bridge.Message{Topic: e.o.Topics.BridgeState(), Payload: []byte("online"), Stage: bridge.StageBridge})
	e.info.publish()
	e.begin(ctx)

	var wg sync.WaitGroup
	wg.Go(func() { e.guard.run(ctx) })
	wg.Go(func() { e.audit.run(ctx) })
	wg.Go(func() { e.book.run(ctx, e.o.OnInventory) })
	wg.Wait()

	late := time.AfterFunc(grace, cancel)
	defer late.Stop()
	e.queues.wait()
	close(e.stopped)

	e.mu.Lock() // no Add is about to start an account any more
	accounts := slices.Collect(maps.Values(e.accounts))
	e.mu.Unlock()
	e.tasks.Wait()
	for _, a := range accounts {
		a.quiet()
	}
	return nil
}

// begin starts the accounts that were added so far, and takes off the broker what
// the inventory holds of others.
func (e *Engine) begin(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.run = ctx
	for _, id := range e.book.accounts() {
		if e.accounts[id] == nil {
			e.forget(id)
		}
	}
	for _, a := range e.accounts {
		e.start(a)
	}
}

// Table is what bridge/mqtt sends from and other rooms put their messages into.
func (e *Engine) Table() *Table { return e.table }

// Deliver takes one message from the broker. It never blocks: what overflows is
// counted and reported once.
func (e *Engine) Deliver(in bridge.Incoming) { e.guard.deliver(in) }

// Subscribing says that the link is open and the command filters are about to be
// subscribed: from now on commands are refused. Events go out.
func (e *Engine) Subscribing() {
	e.audit.forget()
	e.guard.settle(time.Time{})
	e.table.link(true)
	e.info.publish()
}

// Subscribed says that the broker has confirmed all filters: commands are taken
// when the settle time is over, and not before the process is five seconds old.
func (e *Engine) Subscribed() {
	at := time.Now().Add(e.o.Commands.Settle)
	if floor := e.started.Add(startFloor); at.Before(floor) {
		at = floor
	}
	e.guard.settle(at)
	e.info.publish()
}

// Lost says that the link is gone: events that wait are dropped.
func (e *Engine) Lost(error) {
	e.guard.clears.reset()
	e.table.link(false)
}
