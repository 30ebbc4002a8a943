package doorbird

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"latchkey/bridge"
)

// hookCalls install calls that the station makes by itself, for those without the
// partner push. They read what is there, change their own part of it and write it
// back; nothing of another system is displaced unless the caller says so.
func (a *account) hookCalls() []bridge.Call {
	replace := bridge.Arg{Name: "replace", Type: bridge.ArgBool, Optional: true, Default: false}
	return []bridge.Call{
		{Name: "hooks_plan", Summary: "what hooks_install would change (needs an administrator's grant)", Args: []bridge.Arg{replace},
			Do: func(ctx context.Context, o bridge.Order) (any, error) {
				p, err := a.plan(ctx, o.Args["replace"] == true)
				return orNothing(p, err)
			}},
		{Name: "hooks_install", Summary: "lets the station call latchkey on rings, motion and openings; replace=true displaces another system's calls",
			Args: []bridge.Arg{replace}, Effect: bridge.Writes, Steps: writesMost, Do: a.install},
		{Name: "hooks_remove", Summary: "takes these calls out again and puts back what they displaced", Effect: bridge.Writes, Steps: writesMost, Do: a.remove},
	}
}

func orNothing(p *plan, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

// install makes the hooks of a plan. Each is remembered before it is written, so
// that whatever interrupts, another hooks_install goes on and hooks_remove restores.
func (a *account) install(ctx context.Context, o bridge.Order) (any, error) {
	p, err := a.plan(ctx, o.Args["replace"] == true)
	if err != nil {
		return nil, err
	}
	leave := func(s step) bool { return s.Do == doLeave }
	if len(p.Hooks) > 0 && !slices.ContainsFunc(p.Hooks, func(s step) bool { return !leave(s) }) {
		return nil, notSent("another system is called on all of it; hooks_plan shows that, and replace=true displaces it")
	}
	defer a.renew(o.Report)
	for i, s := range p.Hooks {
		switch s.Do {
		case doKeep:
		case doLeave:
			err = a.forget(s.trigger) // another system may have displaced ours
		default:
			err = a.installOne(ctx, p, s)
		}
		if err != nil {
			return nil, partly(err, p.written, i, len(p.Hooks), "hooks_install")
		}
	}
	return p, nil
}

func (a *account) installOne(ctx context.Context, p *plan, s step) error {
	before := s.Before
	mine := strconv.Itoa(s.id)
	isMine := func(o json.RawMessage) bool { return called(o) == mine }
	hook := a.remembered(s.trigger)
	if slices.ContainsFunc(before, isMine) && len(s.Others) == 0 { // it was ours already
		if before = hook.Before; before == nil {
			before = slices.DeleteFunc(slices.Clone(s.Before), isMine)
		}
	}
	hook.trigger, hook.Before, hook.Half = s.trigger, before, hook.Half || hook.Address == ""
	if err := a.remember(hook); err != nil {
		return err
	}
	if !s.known {
		title := a.title(p.address, s.trigger)
		err := p.wrote(a.write(ctx, http.MethodPost, "/favorite/http", newFavourite{s.id, title, p.call(s.trigger), title}))
		if hook.Address = p.digest(s.trigger); err == nil {
			err = a.remember(hook)
		}
		if err != nil {
			return err
		}
	}
	if !sameOutputs(s.Before, s.After) {
		if err := p.wrote(a.write(ctx, http.MethodPost, "/schedules", p.setup.rules[s.trigger].with(s.trigger, s.After))); err != nil {
			return err
		}
	}
	hook.Half = false
	return a.remember(hook)
}

// removed is what hooks_remove has done.
type removed struct {
	Hooks      []step `json:"hooks"`
	Favourites int    `json:"favourites"` // deleted
}

// remove takes this account's hooks out, also those that are not remembered.
func (a *account) remove(ctx context.Context, o bridge.Order) (any, error) {
	if a.hookURL == nil {
		return nil, notSent("the page is off (web.listen), so the hooks of this account are not known")
	}
	address, err := a.hookURL()
	if err != nil {
		return nil, err
	}
	now, err := a.setup(ctx)
	if err != nil {
		return nil, err
	}
	own := a.own(address)
	mine := slices.DeleteFunc(slices.Clone(now.book), func(f favourite) bool { return !strings.HasPrefix(f.Title, own) })
	isMine := func(id string) bool {
		return id != "" && slices.ContainsFunc(mine, func(f favourite) bool { return string(f.Identifier) == id })
	}
	out := removed{Hooks: []step{}}
	var touched []trigger
	for _, t := range now.order {
		outputs, _ := now.rules[t].outputs() // setup has read it
		if slices.ContainsFunc(outputs, func(o json.RawMessage) bool { return isMine(called(o)) }) {
			touched = append(touched, t)
		}
	}
	total := len(touched) + len(mine)
	if total > writesMost {
		return nil, notSent("it would take more than %d changes", writesMost)
	}
	defer a.renew(o.Report)
	for i, t := range touched {
		s := step{trigger: t, Do: doRestore}
		s.Before, _ = now.rules[t].outputs()
		s.After = restored(a.remembered(t).Before, s.Before, isMine, now.has)
		if err := a.write(ctx, http.MethodPost, "/schedules", now.rules[t].with(t, s.After)); err != nil {
			return nil, partly(err, i > 0, i, total, "hooks_remove")
		}
		out.Hooks = append(out.Hooks, s)
	}
	for i, f := range mine {
		err := a.write(ctx, http.MethodDelete, "/favorite/http/"+string(f.Identifier), nil)
		if err != nil && !gone(err) {
			return nil, partly(err, len(touched)+i > 0, len(touched)+i, total, "hooks_remove")
		}
		out.Favourites++
	}
	if err := a.forgetAll(); err != nil {
		return nil, partly(err, total > 0, total, total, "hooks_remove")
	}
	return out, nil
}

// restored are a rule's outputs without ours: those of before that are still
// there or that we displaced, in their order, and what came since.
func restored(before, now []json.RawMessage, mine, exists func(id string) bool) (all []json.RawMessage) {
	holds := func(list []json.RawMessage, o json.RawMessage) bool {
		return slices.ContainsFunc(list, func(x json.RawMessage) bool { return sameOutputs([]json.RawMessage{x}, []json.RawMessage{o}) })
	}
	foreign := func(o json.RawMessage) bool { return called(o) != "" && !mine(called(o)) }
	taken := slices.ContainsFunc(now, foreign) // another system has come since: it stays
	for _, o := range before {
		if holds(now, o) && !mine(called(o)) || foreign(o) && !taken && exists(called(o)) {
			all = append(all, o)
		}
	}
	for _, o := range now {
		if !mine(called(o)) && !holds(all, o) {
			all = append(all, o)
		}
	}
	return all
}

// partly says how far a call has come that ended in between. Where it has written
// something, nobody may say that nothing was sent.
func partly(err error, written bool, done, of int, call string) error {
	var f *bridge.Failure
	if !errors.As(err, &f) || done == 0 && !written {
		return err
	}
	more := *f
	more.Message = fmt.Sprintf("%s; %d of %d were done before: call %s again to go on", f.Message, done, of, call)
	if written && (f.Reason.Outcome() == bridge.OutcomeRefused || f.Reason == bridge.ReasonNotSent) {
		more.Reason = bridge.ReasonNoAnswer
	}
	return &more
}

// wrote notes that a write was answered, and explains 507 (LAN API).
func (p *plan) wrote(err error) error {
	p.written = p.written || err == nil
	var f *bridge.Failure
	if !errors.As(err, &f) || f.Status != http.StatusInsufficientStorage {
		return err
	}
	return &bridge.Failure{Reason: bridge.ReasonRejected, Status: f.Status, Message: "the station's list of favourites or rules is full"}
}

// gone tells that a favourite was no longer there.
func gone(err error) bool {
	var f *bridge.Failure
	return errors.As(err, &f) && f.Status == http.StatusNotFound
}
