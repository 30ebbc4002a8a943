package doorbird

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/bridge"
)

const (
	// firstFavourite is where free identifiers are looked for: a known client takes
	// 1000 and up (seen).
	firstFavourite = 4100
	// hooksMost bounds the hooks of a station, writesMost what one call may write.
	hooksMost, writesMost = 60, 2 * hooksMost
)

// What becomes of a hook.
const (
	doAdd     = "add"
	doKeep    = "keep"
	doReplace = "replace" // displaces another system's call
	doLeave   = "leave"   // another system's call is there, and stays
	doRestore = "restore"
)

// plan is what hooks_install would do, and what it has done.
type plan struct {
	Hooks   []step `json:"hooks"`
	Warning string `json:"warning,omitempty"`

	address bridge.Secret // what stations call, without query
	setup   setup
	written bool // some of it, by this call
}

// step is one hook: the outputs of its rule as they are and as they are to be.
type step struct {
	trigger
	Do     string            `json:"do"`
	Others []string          `json:"others,omitempty"` // systems that are called now
	Before []json.RawMessage `json:"before"`
	After  []json.RawMessage `json:"after"`

	id    int  // of the favourite
	known bool // it is there, with the address of now
	whole bool // all of it was answered
}

// plan reads what the station does by itself and says what hooks would change.
func (a *account) plan(ctx context.Context, replace bool) (*plan, error) {
	if a.hookURL == nil {
		return nil, notSent("the page is off (web.listen), so a station has nothing to call")
	}
	address, err := a.hookURL()
	if err != nil {
		return nil, err
	}
	p := &plan{Hooks: []step{}, address: address, Warning: unreachableFor(address)}
	if p.setup, err = a.setup(ctx); err != nil {
		return nil, err
	}
	triggers := a.wanted(p.setup)
	if len(triggers) > hooksMost {
		return nil, notSent("the station has more than %d bells and relays", hooksMost)
	}
	taken := map[int]bool{}
	for _, f := range p.setup.book {
		taken[f.Identifier.int()] = true
	}
	free := firstFavourite
	for _, t := range triggers {
		s := step{trigger: t}
		there := false
		if s.id, there = p.setup.find(a.title(address, t)); !there {
			for taken[free] {
				free++
			}
			s.id, taken[free] = free, true
		}
		hook := a.remembered(t)
		s.known = there && hook.Address == p.digest(t)
		s.whole = s.known && !hook.Half
		s.weigh(p.setup, replace)
		p.Hooks = append(p.Hooks, s)
	}
	return p, nil
}

// weigh decides. One http output fits an event and time: a second one would
// silently replace another system's (LAN API).
func (s *step) weigh(now setup, replace bool) {
	outputs, _ := now.rules[s.trigger].outputs() // setup has read it
	s.Before = append([]json.RawMessage{}, outputs...)
	mine, here := strconv.Itoa(s.id), false
	for _, o := range s.Before {
		switch to := called(o); {
		case to == mine && !here:
			here = true
			s.After = append(s.After, o) // with the hours that somebody may have given it
		case to != "" && to != mine:
			s.Others = append(s.Others, now.name(to))
		case to == "":
			s.After = append(s.After, o)
		}
	}
	if !here {
		s.After = append(s.After, always(s.id))
	}
	switch {
	case len(s.Others) > 0 && !replace:
		s.Do, s.After = doLeave, s.Before
	case len(s.Others) > 0:
		s.Do = doReplace
	case here && s.whole:
		s.Do = doKeep
	default:
		s.Do = doAdd
	}
}

// wanted are the triggers to hook, the most wanted first: bells and relays that
// are known, and those that the station has rules for. Where rings and motion are
// pushed, hooks would tell them twice.
func (a *account) wanted(s setup) (all []trigger) {
	a.mu.Lock()
	defer a.mu.Unlock()
	add := func(event, param string) {
		if t := (trigger{event, param}); !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	listed := func(event string) {
		for _, t := range s.order {
			if t.Event == event && t.wellFormed() {
				add(event, t.Param)
			}
		}
	}
	if !a.pushes {
		for _, bell := range append([]int{1}, a.bells...) {
			add(onDoorbell, strconv.Itoa(bell))
		}
		listed(onDoorbell)
		if listed(onMotion); all[len(all)-1].Event != onMotion {
			add(onMotion, "")
		}
	}
	relays := a.relays
	if relays == nil {
		relays = merge(a.options.Relays, nil, nil)
	}
	for _, r := range relays {
		if r.Peripheral == "" { // how a rule names a controller's relay is unknown
			add(onRelay, strconv.Itoa(r.Number))
		}
	}
	listed(onRelay)
	return all
}

// wellFormed tells whether a hook can tell this trigger.
func (t trigger) wellFormed() bool {
	switch t.Event {
	case onDoorbell:
		n := word(t.Param).int()
		return n >= 1 && n <= bellsMax
	case onMotion:
		return true
	case onRelay:
		return t.Param != "" && len(t.Param) <= bridge.MaxID
	}
	return false
}

// own is how the titles of this account's favourites begin. Part of the secret's
// digest keeps installations apart whose accounts have the same name.
func (a *account) own(address bridge.Secret) string {
	text := address.Reveal()
	sum := sha256.Sum256([]byte(text[strings.LastIndexByte(text, '/')+1:]))
	return "latchkey " + a.id + " " + hex.EncodeToString(sum[:3]) + " "
}

func (a *account) title(address bridge.Secret, t trigger) string {
	return strings.TrimSpace(a.own(address) + t.Event + " " + t.Param)
}

// call is what the station calls on a trigger.
func (p *plan) call(t trigger) string {
	return p.address.Reveal() + "?" + url.Values{"event": {t.Event}, "param": {t.Param}}.Encode()
}

// digest tells whether that has changed, since a favourite's address is not read.
func (p *plan) digest(t trigger) string {
	sum := sha256.Sum256([]byte(p.call(t)))
	return hex.EncodeToString(sum[:8])
}

// unreachableFor warns of an address that only this machine has.
func unreachableFor(address bridge.Secret) string {
	u, err := url.Parse(address.Reveal())
	if err != nil || u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback() {
		return ""
	}
	return "web.public_url is " + cmp.Or(u.Host, "empty") + ", which no door station can reach: set it to an address in your network"
}

func notSent(format string, args ...any) *bridge.Failure {
	return &bridge.Failure{Reason: bridge.ReasonNotSent, Message: "not sent: " + fmt.Sprintf(format, args...)}
}
