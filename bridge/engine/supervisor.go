package engine

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"latchkey/bridge"
)

const (
	firstBackoff   = 5 * time.Second
	longestBackoff = 5 * time.Minute
	limitedBackoff = time.Minute      // the least, when the vendor says that it is too much
	limitedLongest = 15 * time.Minute // and the most
	taskTime       = 15 * time.Minute // one run of a polled task
	firstTurn      = 30 * time.Second // a task waits for the first run of the one before it
	listenerStable = time.Minute      // a listener that ran so long did not fail
	outageFailures = 3                // in a row, of the tasks polled most often: the vendor is down
	soonestDue     = time.Second
	latestDue      = 24 * time.Hour
)

// supervise runs the account's tasks while its tokens serve, until ctx ends or the
// account is removed.
func (a *account) supervise(ctx context.Context) {
	defer close(a.ended)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		var tasks sync.WaitGroup
		running, stop := context.WithCancel(ctx)
		serves := a.token().Serves()
		if serves {
			a.runTasks(running, &tasks)
		}
		for same := true; same; {
			select {
			case <-a.changed:
				same = a.token().Serves() == serves
			case <-a.left:
				cancel()
				same = false
			case <-ctx.Done():
				same = false
			}
		}
		stop()
		tasks.Wait()
		if ctx.Err() != nil {
			return
		}
	}
}

// runTasks starts the tasks. The first runs follow each other as the vendor
// declares them, so that devices are known before their states are read.
func (a *account) runTasks(ctx context.Context, tasks *sync.WaitGroup) {
	var before chan struct{}
	for _, r := range a.runners {
		previous, done := before, make(chan struct{})
		tasks.Go(func() {
			turn := sync.OnceFunc(func() { close(done) })
			defer turn()
			if previous != nil {
				patience := time.NewTimer(firstTurn)
				defer patience.Stop()
				select {
				case <-previous:
				case <-patience.C:
				case <-ctx.Done():
					return
				}
			}
			if r.task.Every == 0 {
				turn() // a listener has no end to wait for
			}
			r.loop(ctx, turn)
		})
		before = done
	}
}

// runner runs one task again and again.
type runner struct {
	a    *account
	task bridge.Task
	wake chan struct{} // capacity 1: due has changed

	mu       sync.Mutex
	due      time.Time // asked for by a Due; zero: not
	next     time.Time
	failures int       // in a row
	since    time.Time // of the first of them
	good     time.Time // the last success
	based    bool      // the first poll has been good: what happens from now on is news
}

func newRunner(a *account, task bridge.Task) *runner {
	return &runner{a: a, task: task, wake: make(chan struct{}, 1)}
}

func (r *runner) loop(ctx context.Context, ranOnce func()) {
	plan := time.Now()
	for {
		began := time.Now()
		err := r.once(ctx)
		if ctx.Err() != nil {
			return
		}
		ranOnce()
		if r.task.Every == 0 {
			if time.Since(began) >= listenerStable {
				r.ended(nil) // it did work
			} else if err == nil {
				err = errors.New("it ended at once")
			}
		}
		failures := r.ended(err)
		switch now := time.Now(); {
		case err != nil:
			plan = now.Add(backoff(failures, err))
		case r.task.Every == 0:
			plan = now.Add(firstBackoff)
		case !plan.After(now):
			plan = now.Add(r.task.Every + jitter(r.task.Every/20))
		}
		if !r.wait(ctx, plan, err != nil) {
			return
		}
	}
}

// once runs the task.
func (r *runner) once(ctx context.Context) error {
	if r.task.Every > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, taskTime)
		defer cancel()
	}
	// The first good poll is a silent baseline (hazard H12). A listener hears news.
	return r.a.guarded(r.task.Name, func() error { return r.task.Do(ctx, r.a.report(r.task.Every > 0 && !r.based)) })
}

// ended notes how a run went, and says it once when it is lost and once when it is
// back. Trouble with tokens is no failure of the vendor: the account's health shows it.
func (r *runner) ended(err error) (failures int) {
	log := r.a.e.log.With("vendor", r.a.Vendor, "account", r.a.ID, "task", r.task.Name)
	r.mu.Lock()
	before := r.failures
	switch {
	case err == nil:
		r.failures, r.good, r.based = 0, time.Now(), true
	case reasonOf(err) != bridge.ReasonLoginNeeded:
		if r.failures++; r.failures == 1 {
			r.since = time.Now()
		}
	}
	failures = r.failures
	r.mu.Unlock()
	switch {
	case before == 0 && failures > 0:
		log.Warn("task fails, trying again", "err", err)
	case before > 0 && failures == 0:
		log.Info("task works again")
	}
	r.a.judgeOutage()
	return failures
}

// wait sleeps until the plan, or an earlier Due; while a task fails, its back-off
// is not shortened.
func (r *runner) wait(ctx context.Context, plan time.Time, failing bool) bool {
	for {
		r.mu.Lock()
		at := plan
		if !r.due.IsZero() && r.due.Before(at) && !failing {
			at = r.due
		}
		r.next = at
		r.mu.Unlock()
		timer := time.NewTimer(time.Until(at))
		select {
		case <-timer.C:
			r.mu.Lock()
			if !r.due.After(time.Now()) {
				r.due = time.Time{}
			}
			r.mu.Unlock()
			return true
		case <-r.wake:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// dueIn plans a run besides the plan; the soonest asked for wins.
func (r *runner) dueIn(in time.Duration) {
	at := time.Now().Add(min(max(in, soonestDue), latestDue))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.due.IsZero() || at.Before(r.due) {
		r.due = at
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// backoff is full jitter above a floor, so that accounts do not march in step.
func backoff(failures int, err error) time.Duration {
	floor, longest := firstBackoff, longestBackoff
	if reasonOf(err) == bridge.ReasonRateLimited {
		floor, longest = limitedBackoff, limitedLongest
	}
	most := longest
	if failures < 10 {
		most = min(longest, floor<<failures)
	}
	return floor + jitter(most-floor)
}

func jitter(most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return rand.N(most)
}

// reasonOf is the reason of a classified error, "" of any other.
func reasonOf(err error) bridge.Reason {
	var f *bridge.Failure
	if errors.As(err, &f) {
		return f.Reason
	}
	return ""
}
