package simkit

import (
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Fault says which requests go wrong, and how.
type Fault struct {
	On    string // as in [Log]: "POST /auth/token", "/live/*", "" any
	Holds string // text that the raw query or the body must hold, such as "grant_type=refresh_token"; "" any
	Skip  int    // so many matching requests are let through first
	Times int    // how many go wrong; 0 is one, negative until removed
	Do    Deed
}

// Always is Fault.Times for a fault that lasts until it is removed.
const Always = -1

// Faults is the list of faults that are switched on. The first that matches a
// request takes it. The zero value has none; it may be changed at any time, from
// any goroutine.
type Faults struct {
	mu  sync.Mutex
	all []*Fault
}

// Add switches a fault on; remove switches it off again.
func (f *Faults) Add(fault Fault) (remove func()) {
	if fault.Times == 0 {
		fault.Times = 1
	}
	one := &fault
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, one)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.all = slices.DeleteFunc(f.all, func(x *Fault) bool { return x == one })
	}
}

// Clear switches all faults off.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = nil
}

// Left is how many faults are still switched on: a test that expects its fault
// to have struck finds 0.
func (f *Faults) Left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.all)
}

// take returns what is to be done with a request, nil for nothing special.
func (f *Faults) take(r *http.Request, body []byte) Deed {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, one := range f.all {
		if !matches(one.On, r.Method, r.URL.Path) || !holds(one.Holds, r, body) {
			continue
		}
		if one.Skip > 0 {
			one.Skip--
			return nil
		}
		if one.Times > 0 {
			if one.Times--; one.Times == 0 {
				f.all = slices.Delete(f.all, i, i+1)
			}
		}
		return one.Do
	}
	return nil
}

func holds(text string, r *http.Request, body []byte) bool {
	return text == "" || strings.Contains(r.URL.RawQuery, text) || strings.Contains(string(body), text)
}
