package oauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// process is a keeper's process that dies at a numbered step: from then on
// nothing that it does has an effect.
type process struct {
	steps, dies atomic.Int64
	vendor      http.RoundTripper
}

var errDead = errors.New("this process is dead")

// step counts one; false: the process is dead.
func (p *process) step() bool {
	n := p.steps.Add(1)
	return p.dies.Load() == 0 || n < p.dies.Load()
}

func (p *process) store(string) error {
	if !p.step() {
		return errDead
	}
	return nil
}

// RoundTrip has two steps: before the vendor acts, and before its reply arrives.
func (p *process) RoundTrip(r *http.Request) (*http.Response, error) {
	if !p.step() {
		return nil, errDead
	}
	res, err := p.vendor.RoundTrip(r)
	if !p.step() {
		return nil, errDead
	}
	return res, err
}

// T1: the process dies at every store and network step of a refresh, against
// every kind of server. What reached us and still serves is never lost, and no
// server is asked more often than the tree allows.
func TestCrashAtEveryStep(t *testing.T) {
	kinds := map[string]func(*vendor){
		"kills the family": func(*vendor) {},
		"once only":        func(v *vendor) { v.kills = false },
		"old access lives": func(v *vendor) { v.oldDies = false },
		"grace":            func(v *vendor) { v.kills, v.grace, v.oldDies = false, true, false },
		"does not rotate":  func(v *vendor) { v.rotates = false },
	}
	points, lost := 0, 0
	for name, kind := range kinds {
		for step := int64(1); ; step++ {
			over := false
			bubble(fmt.Sprintf("%s/%d", name, step), t, func(t *testing.T) {
				v, m := newVendor(), newMemory()
				kind(v)
				p := &process{vendor: v}
				m.before = p.store
				h := signedIn(t, v, m, func(o *oauth.Options, _ *oauth.Account) { o.Transport = p })
				p.steps.Store(0)
				p.dies.Store(step)
				time.Sleep(50 * time.Minute) // the refresh happens in here
				_ = h.end()
				if over = p.steps.Load() < step; over {
					return
				}
				points++
				if !crashed(t, v, m.copy()) {
					lost++
				}
			})
			if over {
				break
			}
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d crash points, %d tokens lost that still served", points, lost)
	if lost > 0 || points < 5*8 {
		t.Errorf("%d tokens lost at %d points, want none at 40 or more", lost, points)
	}
}

// crashed starts again from what the dead process left. It tells whether nothing
// was lost that could still serve.
func crashed(t *testing.T, v *vendor, m *memory) bool {
	stored := m.stored(t, "gate")["pair"].(map[string]any)
	access, refresh := stored["access"].(string), stored["refresh"].(string)
	spent := v.refresh[refresh] == 0
	servesNow := v.serves(access)
	calls := v.count("refresh")

	h := start(t, v, m)
	synctest.Wait()
	if open := m.stored(t, "gate")["intent"] != nil; open && v.count("refresh") != calls {
		t.Error("(a): the journal is open and the access token serves by its life, but the vendor was asked")
	}
	if servesNow {
		h.wantServing()
		h.want(h.Health("gate").State, h.Health("gate").Reason, bridge.ActionNone)
	}
	// The API refuses a dead token, as bridge/cloud would tell.
	if token, err := h.bearer(); err == nil && !v.serves(token) {
		h.Tokens("gate").Refused(bridge.Bearer{Token: bridge.NewSecret(token)})
	}
	time.Sleep(3 * time.Hour)
	synctest.Wait()
	alive := !spent || v.grace
	switch {
	case alive:
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	default:
		// The new pair died with the process that never received it.
		h.want(bridge.LoginNeeded, bridge.HealthLostInFlight, bridge.ActionLogin)
		if n := v.count("refresh") - calls; n > 2 {
			t.Errorf("%d calls for a dead grant, want (b) and perhaps (c)", n)
		}
	}
	return !alive || h.Health("gate").State == bridge.Valid
}

// T8: an end state is stored. 50 restarts make no call, and the problem stays on.
func TestEndStateSurvivesRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		v.mu.Lock()
		v.kill(1)
		v.mu.Unlock()
		time.Sleep(2 * time.Hour)
		h.want(bridge.LoginNeeded, bridge.HealthRevoked, bridge.ActionLogin)
		_ = h.end()
		calls, saves := len(v.calls), m.saves
		for range 50 {
			h := start(t, v, m)
			time.Sleep(5 * time.Minute)
			h.want(bridge.LoginNeeded, bridge.HealthRevoked, bridge.ActionLogin)
			if _, err := h.bearer(); !reasonIs(err, bridge.ReasonLoginNeeded) {
				t.Fatalf("Bearer() = %v, want login_needed", err)
			}
			_ = h.end()
		}
		if len(v.calls) != calls || m.saves != saves {
			t.Errorf("%d calls and %d writes in 50 restarts, want none", len(v.calls)-calls, m.saves-saves)
		}
	})
}

// What waits for a person is told again each day, and asks the vendor nothing.
func TestDailyReminder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor()
		h := signedIn(t, v, newMemory())
		v.mu.Lock()
		v.kill(1)
		v.mu.Unlock()
		time.Sleep(2 * time.Hour)
		h.mu.Lock()
		told, calls := len(h.told), len(v.calls)
		h.mu.Unlock()
		time.Sleep(3*24*time.Hour + time.Minute)
		h.mu.Lock()
		defer h.mu.Unlock()
		if n := len(h.told) - told; n != 3 || len(v.calls) != calls {
			t.Errorf("told %d times in three days, %d calls", n, len(v.calls)-calls)
		}
	})
}

// T18: a storm of restarts, each with a failing refresh, stays in one budget.
func TestRestartStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		h := signedIn(t, v, m)
		_ = h.end()
		time.Sleep(2 * time.Hour)
		fault, calls := counted(say(503, ""))
		v.act(fault)
		for range 1500 { // each asks at once, as a press of a button would
			h := start(t, v, m)
			time.Sleep(6 * time.Second)
			ctx := bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(t.Context())
			_, _ = h.Tokens("gate").Bearer(ctx, "")
			_ = h.end()
		}
		if n := calls.Load(); n < 280 || n > 288+2*40 {
			t.Errorf("%d calls in a storm of restarts, want them inside the budget of a day", n)
		}
		h = start(t, v, m)
		synctest.Wait()
		h.want(bridge.Expired, bridge.HealthVendorDown, bridge.ActionNone)
	})
}
