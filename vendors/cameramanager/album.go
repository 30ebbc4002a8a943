package cameramanager

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"latchkey/bridge"
)

// albumMost bounds the pictures that are kept for asking again; the oldest go
// first. Their cameras then refuse until their interval is over.
const albumMost = 8 << 20

// album keeps each camera's last still for a while: the cloud renders them on
// demand, only few at once, and wants each to be fetched once.
type album struct {
	rules Still
	turns chan struct{} // capacity: stills fetched at once; when full, the next waits

	mu   sync.Mutex
	last map[string]*page // by camera; forgotten when its rest is over
	size int              // of all pictures
}

// page is what became of the last still of a camera.
type page struct {
	at, until  time.Time // until then the camera is left alone
	resolution string
	image      bridge.Image // no bytes: it was refused, is being fetched or was dropped
}

func newAlbum(rules Still) *album {
	return &album{rules: rules, turns: make(chan struct{}, rules.Slots), last: map[string]*page{}}
}

// takeStill returns a still of a camera: the last one within its interval, else a
// new one, which is reported.
func (a *account) takeStill(ctx context.Context, id, resolution string, report bridge.Report) (bridge.Image, error) {
	select {
	case a.album.turns <- struct{}{}:
		defer func() { <-a.album.turns }()
	case <-ctx.Done():
		return bridge.Image{}, &bridge.Failure{Reason: bridge.ReasonDeadline, Message: "not asked in time: other stills took too long"}
	}
	if img, known, err := a.album.find(id, resolution); known {
		return img, err
	}
	img, err := a.still(ctx, id, resolution)
	a.album.keep(id, resolution, img, err)
	if device := a.fleet.of(id); err == nil && device != "" {
		report(bridge.Picture{Ref: bridge.Ref{Device: device, Entity: "still"}, Bytes: img.Bytes, Type: img.Type, At: time.Now()})
	}
	return img, err
}

// find looks for a picture that still serves. known is false when the camera may
// be asked; then it counts as being asked.
func (b *album) find(id, resolution string) (img bridge.Image, known bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	for id, p := range b.last {
		if !now.Before(p.until) {
			b.drop(id)
		}
	}
	p := b.last[id]
	switch {
	case p == nil:
		b.last[id] = &page{at: now, until: now.Add(b.rules.Interval)}
		return bridge.Image{}, false, nil
	case p.image.Bytes != nil && p.resolution == resolution:
		return p.image, true, nil
	}
	return bridge.Image{}, true, &bridge.Failure{Reason: bridge.ReasonTooSoon,
		Message: fmt.Sprintf("the cloud was asked for a still of this camera %s ago: again in %s", now.Sub(p.at).Round(time.Second), p.until.Sub(now).Round(time.Second))}
}

// keep notes how asking ended. A refusal by the cloud gives the camera a rest; a
// request that came to nothing does not.
func (b *album) keep(id, resolution string, img bridge.Image, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(id)
	f, _ := errors.AsType[*bridge.Failure](err)
	now := time.Now()
	switch {
	case err == nil:
		b.last[id] = &page{now, now.Add(b.rules.Interval), resolution, img}
		b.size += len(img.Bytes)
	case f != nil && f.Status >= 400:
		b.last[id] = &page{at: now, until: now.Add(b.rules.Rest)}
	}
	for b.size > albumMost {
		b.shrink()
	}
}

// shrink lets the oldest picture go, not the memory of when it was taken.
func (b *album) shrink() {
	var oldest *page
	for _, p := range b.last {
		if p.image.Bytes != nil && (oldest == nil || p.at.Before(oldest.at)) {
			oldest = p
		}
	}
	b.size -= len(oldest.image.Bytes)
	oldest.image = bridge.Image{}
}

func (b *album) drop(id string) {
	if p := b.last[id]; p != nil {
		b.size -= len(p.image.Bytes)
		delete(b.last, id)
	}
}

// heldBack tells that the cloud wants no more requests for now.
func heldBack(err error) bool {
	f, ok := errors.AsType[*bridge.Failure](err)
	return ok && (f.Reason == bridge.ReasonRateLimited || f.Reason == bridge.ReasonLoginNeeded)
}
