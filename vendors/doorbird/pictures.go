package doorbird

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"latchkey/bridge"
)

// early tells whether a task about pictures runs before their entities are there;
// look asks for it again as soon as they are.
func (a *account) early(task string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.meta.MAC != "" {
		return false
	}
	if !slices.Contains(a.waiting, task) {
		a.waiting = append(a.waiting, task)
	}
	return true
}

// watch fetches the live picture and publishes it. Without the right to watch the
// last picture stays, and an attribute says so.
func (a *account) watch(ctx context.Context, report bridge.Report) (bridge.Image, error) {
	img, err := a.live(ctx)
	if !a.described() {
		return img, err
	}
	ref := a.ref("live")
	switch {
	case err == nil:
		a.reached(report, true)
		report(bridge.Picture{Ref: ref, Bytes: img.Bytes, Type: img.Type, At: time.Now()})
	case errors.Is(err, errNotNow):
		a.reached(report, true)
		report(bridge.State{Ref: ref, Attributes: map[string]any{"may_watch": false}})
	case unreachable(err):
		a.reached(report, false)
	}
	return img, err
}

// noPicture is the end of a task about pictures: what was reported as a fact, or
// is simply so, is no failure.
func noPicture(err error) error {
	if unreachable(err) || forbidden(err) {
		return nil
	}
	return err
}

// album is one list of the history and the entity that shows its newest picture.
type album struct{ list, entity string }

func (a *account) lastRings(ctx context.Context, report bridge.Report) error {
	var albums []album
	a.mu.Lock()
	for _, bell := range append([]int{1}, a.bells...) {
		albums = append(albums, album{"ring/" + strconv.Itoa(bell), bellID("last_ring", bell)})
	}
	a.mu.Unlock()
	return a.history(ctx, report, "last_ring", albums...)
}

// history publishes the newest picture of each album, where it is another one than
// before. Until the picture of the last event is there, the task is asked for again.
func (a *account) history(ctx context.Context, report bridge.Report, task string, albums ...album) error {
	if a.early(task) {
		return nil
	}
	var errs []error
	found := false
	for _, one := range albums {
		fresh, err := a.last(ctx, report, one)
		errs, found = append(errs, noPicture(err)), found || fresh
	}
	a.again(task, found, report)
	return errors.Join(errs...)
}

func (a *account) last(ctx context.Context, report bridge.Report, of album) (fresh bool, err error) {
	link, err := a.link(ctx, of.list, newest)
	if err != nil || link == "" {
		return false, err
	}
	a.mu.Lock()
	known := a.links[of.list] == link
	a.mu.Unlock()
	if known {
		return false, nil
	}
	img, err := a.recorded(ctx, link)
	if err != nil {
		return false, err
	}
	a.mu.Lock()
	a.links[of.list] = link
	a.mu.Unlock()
	report(bridge.Picture{Ref: a.ref(of.entity), Bytes: img.Bytes, Type: img.Type, At: time.Now()})
	return true, nil
}

// soon asks for a history some seconds after an event, when it has caught up: by
// how much it lags is unknown, so it may take several looks.
func (a *account) soon(task string, report bridge.Report) {
	if after := a.options.Picture.After; len(after) > 0 {
		a.mu.Lock()
		a.looks[task] = 1
		a.mu.Unlock()
		report(bridge.Due{Task: task, In: after[0]})
	}
}

// again asks for the next look, unless the picture is there or was not waited for.
func (a *account) again(task string, found bool, report bridge.Report) {
	after := a.options.Picture.After
	a.mu.Lock()
	done := a.looks[task]
	next := done > 0 && done < len(after) && !found
	a.looks[task] = 0
	if next {
		a.looks[task] = done + 1
	}
	a.mu.Unlock()
	if next {
		report(bridge.Due{Task: task, In: after[done] - after[done-1]})
	}
}
