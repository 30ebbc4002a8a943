package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"latchkey/bridge"
	"latchkey/bridge/config"
	"latchkey/bridge/engine"
	"latchkey/bridge/hass"
	"latchkey/bridge/mqtt"
	"latchkey/bridge/oauth"
	"latchkey/bridge/web"
)

// house is all rooms, built from one configuration of what they share. Accounts
// come and go while it stands.
type house struct {
	*daemon
	keeper   *oauth.Keeper
	engine   *engine.Engine
	hass     *hass.Publisher
	link     *mqtt.Client
	web      *web.Server
	conf     atomic.Pointer[config.Config]
	page     string              // where the page is; "" with the page off
	shown    []mqtt.Problem      // of the link, as last told; touched in its goroutine alone
	openings *openings           // the opening log's writer
	earlier  []bridge.Result     // the last commands of before this house, newest first
	health   chan struct{}       // capacity 1: the health of an account has changed
	joined   joined              // capacity 1: the link came up
	next     chan *config.Config // a configuration that needs a new house; capacity 1
	replace  chan replacement    // a backup that does; capacity 1, sent once
	replacer sync.Once           // who may send it

	mu       sync.Mutex // one change of accounts at a time; guards what follows
	accounts map[string]*tenant
	closing  bool
}

// build makes the rooms. Nothing runs yet but the listeners, which are open so
// that a port in use is told at once.
func (d *daemon) build(c *config.Config) (_ *house, err error) {
	h := &house{daemon: d, accounts: map[string]*tenant{}, next: make(chan *config.Config, 1), health: make(chan struct{}, 1), joined: make(joined, 1), replace: make(chan replacement, 1)}
	h.conf.Store(c)
	h.openings = newOpenings(d.store, d.log)
	if h.earlier, err = earlier(d.store); err != nil {
		return nil, err
	}
	topics := bridge.Topics{Prefix: c.MQTT.Topic}
	h.keeper = oauth.New(oauth.Options{Store: d.store, Transport: d.o.Transport, OnHealth: h.onHealth, Seen: d.clock.Seen, ClockTrusted: d.clock.Trusted, Owner: d.store.InstallationID(), Unread: d.alone != nil && d.alone.looks, Version: d.o.Version, Log: d.log})
	h.engine = engine.New(engine.Options{
		Topics: topics, Version: d.o.Version, Instance: c.Instance,
		Commands:     engine.Commands{MaxAge: c.Commands.MaxAge, Deadline: c.Commands.Deadline, Settle: c.Commands.Settle, Cooldown: c.Commands.Cooldown, RequireEnvelope: c.Commands.RequireEnvelope},
		ClockTrusted: d.clock.Trusted, Audit: func(filter string) { h.link.Resubscribe(filter) },
		Announce: func() { h.hass.Announce() }, Reload: h.reload,
		Inventory:   d.inventory(),
		OnInventory: func(all []bridge.Listing) { h.hass.Inventory(all) }, Opened: h.openings.add, Log: d.log,
	})
	h.hass = hass.New(hass.Options{
		Instance: c.Instance, Prefix: c.HomeAssistant.Prefix, Mode: hass.Mode(c.HomeAssistant.Discovery), Version: d.o.Version, PublicURL: c.Web.PublicURL,
		MaxAge: c.Commands.MaxAge, Topics: topics, BirthTopic: c.HomeAssistant.BirthTopic, Table: h.engine.Table(), Ledger: d.store.Record("documents"),
		Resend: func() { h.link.Resend() }, Found: h.documentProblems, Log: d.log,
	})
	h.link, err = mqtt.New(mqtt.Options{
		Broker: c.MQTT.Broker, Username: c.MQTT.Username, Password: c.MQTT.Password, TLS: mqtt.TLS(c.MQTT.TLS), ClientID: "latchkey_" + c.Instance,
		Will:   bridge.Message{Topic: topics.BridgeState(), Payload: []byte("offline"), Stage: bridge.StageBridge},
		Source: h.engine.Table(), Routes: h.routes(topics), Link: links{h.engine, h.hass, h.joined}, OnProblems: h.linkProblems, Dial: d.o.Dial, Log: d.log,
	})
	if err != nil {
		return nil, fmt.Errorf("mqtt: %w", err)
	}
	if err := h.openWeb(c); err != nil {
		return nil, err
	}
	for _, a := range c.Accounts {
		if err := h.moveIn(a); err != nil {
			return nil, errors.Join(err, h.web.Close())
		}
	}
	return h, nil
}

// routes hand commands to the guard and what Home Assistant says to its room.
func (h *house) routes(topics bridge.Topics) []mqtt.Route {
	var all []mqtt.Route
	for _, filter := range topics.CommandFilters() {
		all = append(all, mqtt.Route{Filter: filter, Take: h.engine.Deliver})
	}
	for filter, take := range h.hass.Routes() {
		all = append(all, mqtt.Route{Filter: filter, Take: take})
	}
	return all
}

// links tells several rooms what becomes of the link.
type links []mqtt.Link

func (all links) Subscribing() { all.each(mqtt.Link.Subscribing) }
func (all links) Subscribed()  { all.each(mqtt.Link.Subscribed) }
func (all links) Lost(err error) {
	all.each(func(l mqtt.Link) { l.Lost(err) })
}

func (all links) each(tell func(mqtt.Link)) {
	for _, l := range all {
		tell(l)
	}
}

// run lives until ctx ends (next is nil) or a configuration needs a new house.
// The order of the end: no more commands, then the results out and `offline`,
// then a refresh in flight is finished and saved.
func (h *house) run(ctx context.Context) (next *config.Config, err error) {
	upper, stopUpper := context.WithCancel(ctx)
	defer stopUpper()
	lower, stopLower := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLower()

	var below errgroup.Group
	below.Go(func() error { defer stopUpper(); return h.keeper.Run(lower) })
	below.Go(func() error { return h.openings.run(lower) })
	above, upper := errgroup.WithContext(upper)
	above.Go(func() error { return h.engine.Run(upper) })
	above.Go(func() error { return h.web.Run(upper) })
	above.Go(func() error { return h.watchStore(upper) })
	if h.alone == nil {
		below.Go(func() error { defer stopUpper(); return h.link.Run(lower) })
		above.Go(func() error { return h.hass.Run(upper) })
		above.Go(func() error { config.Watch(upper, h.watchOptions()); return nil })
		above.Go(func() error { return h.hangups(upper) })
		above.Go(func() error { return h.beat(upper) })
		above.Go(func() error { return h.identify(upper) })
		above.Go(func() error { return h.checkRights(upper) })
	}
	above.Go(func() error {
		select {
		case next = <-h.next:
			stopUpper()
		case r := <-h.replace:
			h.replace <- r // for whoever closes the store
			next = h.conf.Load()
			stopUpper()
		case <-upper.Done():
		}
		return nil
	})
	if h.o.Up != nil {
		h.o.Up(h.page)
	}
	h.told(h.notify.Ready)

	errAbove := above.Wait()
	h.mu.Lock()
	h.closing = true
	for _, t := range h.accounts {
		t.cloud.Close()
	}
	h.mu.Unlock()
	if busy := h.keeper.Busy(); busy > 0 {
		h.log.Info("waiting for a refresh in flight", "refreshes", busy)
		h.told(func() error { return h.notify.Status("stopping: waiting for a refresh in flight") })
	}
	stopLower()
	return next, errors.Join(errAbove, below.Wait())
}

// beat feeds systemd's watchdog while the engine moves: a status that cannot be
// had, because something holds its lock, is a daemon that hangs.
func (h *house) beat(ctx context.Context) error {
	every := h.notify.WatchdogEvery()
	if every == 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.engine.Status()
			h.told(h.notify.Alive)
		case <-ctx.Done():
			return nil
		}
	}
}

// linkProblems shows the link's problems beside the engine's, each once.
func (h *house) linkProblems(all []mqtt.Problem) {
	for _, p := range all {
		if !slices.Contains(h.shown, p) {
			h.engine.Problem(p.Code, p.Topic, p.Message)
		}
	}
	h.shown = slices.Clone(all)
}

// documentProblems shows what the validator found: an entity that is missing in
// Home Assistant needs a reason.
func (h *house) documentProblems(all []hass.Finding) {
	for _, f := range all {
		if f.Rule != "W" {
			h.engine.Problem("discovery", f.Topic, f.String())
		}
	}
}

// listenSocket opens the control socket; one that a killed daemon left is removed:
// the store's lock has shown that no other daemon lives.
func (d *daemon) listenSocket(dir string) (net.Listener, error) {
	if d.alone != nil {
		return d.alone.socket, nil
	}
	path := filepath.Join(dir, "latchkey.sock")
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("replace the control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect the control socket: %w", err), l.Close())
	}
	return l, nil
}
