package engine

import (
	"errors"
	"fmt"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// ErrNoPush says that there is no such account, or that its vendor pushes nothing.
var ErrNoPush = errors.New("nobody here takes this push")

// Push offers what a vendor has pushed to the account, then to the vendor's other
// accounts: one URL may serve all stations of a company. mine=false: it is of none
// of them, which is no error. The caller has checked the key.
func (e *Engine) Push(account string, body []byte, at time.Time) (mine bool, err error) {
	first := e.account(account)
	if account == bridgeAccount || first == nil || first.Bridge.Push == nil || first.Bridge.Push.Take == nil {
		return false, ErrNoPush
	}
	for _, a := range e.sameVendor(first) {
		err := a.guarded("push", func() (err error) {
			mine, err = a.Bridge.Push.Take(body, at, a.report(false))
			return err
		})
		if mine || err != nil {
			return mine, err
		}
	}
	return false, nil
}

// Hook hands a device's call of the secret path to the account. The caller has
// checked the secret.
func (e *Engine) Hook(account string, query url.Values, body []byte, at time.Time) error {
	a := e.account(account)
	if account == bridgeAccount || a == nil || a.Bridge.Push == nil || a.Bridge.Push.Hook == nil {
		return ErrNoPush
	}
	return a.guarded("hook", func() error { return a.Bridge.Push.Hook(query, body, at, a.report(false)) })
}

// sameVendor lists the accounts that may take a push, the named one first.
func (e *Engine) sameVendor(first *account) []*account {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var others []*account
	for _, a := range e.accounts {
		if a != first && a.Vendor == first.Vendor && a.Bridge.Push != nil && a.Bridge.Push.Take != nil {
			others = append(others, a)
		}
	}
	slices.SortFunc(others, func(x, y *account) int { return strings.Compare(x.ID, y.ID) })
	return append([]*account{first}, others...)
}

// guarded runs a function of the vendor. A panic becomes an error: a broken account
// touches no other.
func (a *account) guarded(what string, do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			a.e.log.Error("a vendor's function panicked", "vendor", a.Vendor, "account", a.ID, "what", what, "err", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("%s of account %q panicked", what, a.ID)
		}
	}()
	return do()
}
