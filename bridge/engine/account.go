package engine

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"latchkey/bridge"
)

// Account is one account of the configuration, as the daemon adds it.
type Account struct {
	ID, Name, Vendor, Area string
	Permissions            []bridge.Permission
	RawWrites              bool
	Bridge                 bridge.Account // the vendor's functions
	// Gone tells of a source that the inventory holds whether the configuration
	// no longer has it (an operation that was taken out): its devices are removed.
	// nil: none.
	Gone func(source string) bool
}

// account is an added account.
type account struct {
	Account
	e       *Engine
	calls   map[string]*bridge.Call
	runners []*runner
	changed chan struct{} // capacity 1: the health has changed
	left    chan struct{} // closed by Remove
	ended   chan struct{} // closed when its supervisor has ended

	mu      sync.Mutex
	gone    bool // removed: facts that still come are ignored
	state   bridge.TokenState
	devices map[string]*device
	holds   map[bridge.Ref]*time.Timer // binary sensors that are ON for a while
	seen    seen                       // events
	live    map[string]bool            // sources that have listed their devices since the start
	outage  bool                       // no task of the account works
}

func (e *Engine) newAccount(o Account) (*account, error) {
	a := &account{
		Account: o, e: e, calls: make(map[string]*bridge.Call, len(o.Bridge.Calls)),
		changed: make(chan struct{}, 1), left: make(chan struct{}), ended: make(chan struct{}),
		devices: make(map[string]*device), live: make(map[string]bool), holds: make(map[bridge.Ref]*time.Timer),
		seen: newSeen(),
	}
	var errs []error
	for i := range o.Bridge.Calls {
		call := &o.Bridge.Calls[i]
		if !bridge.IsID(call.Name) || call.Do == nil || a.calls[call.Name] != nil {
			errs = append(errs, fmt.Errorf("account %q: call %q is malformed or there twice", o.ID, call.Name))
		}
		a.calls[call.Name] = call
	}
	for _, task := range o.Bridge.Tasks {
		if task.Do == nil || slices.ContainsFunc(a.runners, func(r *runner) bool { return r.task.Name == task.Name }) {
			errs = append(errs, fmt.Errorf("account %q: task %q is malformed or there twice", o.ID, task.Name))
		}
		a.runners = append(a.runners, newRunner(a, task))
	}
	return a, errors.Join(errs...)
}

// Add takes an account up: its devices are published as the inventory knows them,
// and its tasks run while its tokens serve. An account of the same id is removed
// first; its devices stay.
func (e *Engine) Add(o Account) error {
	if !bridge.IsID(o.ID) || bridge.IsReservedID(o.ID) {
		return fmt.Errorf("account id %q is malformed or reserved", o.ID)
	}
	a, err := e.newAccount(o)
	if err != nil {
		return err
	}
	e.Remove(o.ID, false)
	e.mu.Lock()
	defer e.mu.Unlock()
	a.restore(e.book.add(o))
	e.accounts[o.ID] = a
	a.tell(e.health[o.ID])
	e.start(a)
	e.info.setAccounts()
	return nil
}

// start begins to supervise an account, once Run has given the context. The
// caller holds e.mu.
func (e *Engine) start(a *account) {
	if e.run != nil && e.run.Err() == nil {
		e.tasks.Go(func() { a.supervise(e.run) })
	} else if e.run != nil {
		close(a.ended)
	}
}

// Remove lets an account go and waits until its tasks have ended. forget also
// takes everything of it off the broker and out of the inventory; otherwise its
// devices wait for the next Add.
func (e *Engine) Remove(id string, forget bool) {
	e.mu.Lock()
	a := e.accounts[id]
	delete(e.accounts, id)
	running := e.run != nil
	e.mu.Unlock()
	if a != nil {
		close(a.left)
		if running {
			<-a.ended
		}
		a.quiet()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if forget {
		delete(e.health, id)
		e.forget(id)
	}
	e.info.setAccounts()
}

// forget takes an account's topics off the broker and its devices out of the
// inventory.
func (e *Engine) forget(id string) {
	e.table.Clear(e.o.Topics.AccountState(id), e.o.Topics.Token(id))
	for _, devices := range e.book.forget(id) {
		for _, d := range devices {
			e.table.Clear(deviceTopics(e.o.Topics, id, d)...)
		}
	}
}

// Health tells how an account's tokens are. It does not block.
func (e *Engine) Health(id string, h bridge.Health) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.health[id] = h
	if a := e.accounts[id]; a != nil {
		a.tell(h)
	}
}

// tell publishes the health and wakes the supervisor.
func (a *account) tell(h bridge.Health) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state = h.State
	topics := a.e.o.Topics
	a.e.table.Put(bridge.Message{Topic: topics.AccountState(a.ID), Payload: online(h.State.Serves()), Stage: bridge.StageAvailability})
	if h.State != "" {
		a.e.table.Put(bridge.Message{Topic: topics.Token(a.ID), Payload: encode(h), Stage: bridge.StageState})
	}
	select {
	case a.changed <- struct{}{}:
	default:
	}
}

// quiet takes no more facts, and ends what would go on by itself.
func (a *account) quiet() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone = true
	for ref, timer := range a.holds {
		timer.Stop()
		a.off(ref)
	}
}

// account finds an added account; "" is the bridge.
func (e *Engine) account(id string) *account {
	if id == bridgeAccount {
		return e.bridge
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.accounts[id]
}

func (a *account) token() bridge.TokenState {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

// device finds a device; nil: there is none.
func (a *account) device(id string) *device {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.devices[id]
}

// online is the payload of an availability topic.
func online(yes bool) []byte {
	if yes {
		return []byte("online")
	}
	return []byte("offline")
}
