// Package daemon wires the rooms of bridge together and runs them: store, keeper,
// engine, MQTT, Home Assistant, web and the watch over the configuration. It
// knows no vendor: cmd/latchkey and cmd/latchkey-demo hand theirs in.
//
// One life of the process holds the store open. Inside it a house is built from
// one configuration (house.go). A changed file moves accounts in and out of the
// standing house; a change of what all share (broker, page, limits) builds a new
// one beside the same store. `instance`, `state_dir` and `store` wait for a
// restart. A command that finds no daemon has a house of its own (alone.go).
//
// Goroutines: [Run] owns all of them and returns when they have ended. A stop
// takes two seconds, or up to twenty while a refresh is in flight (hazard T24).
package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/config"
	"latchkey/bridge/engine"
	"latchkey/bridge/logging"
	"latchkey/bridge/store"
	"latchkey/bridge/systemd"
	"latchkey/bridge/web"
)

// Why a daemon ended, for errors.Is; any other error may pass with a restart.
var (
	ErrConfig = errors.New("the configuration cannot be used")           // exit 2
	ErrStop   = errors.New("a restart does not help: look at the above") // exit 3
)

// Options of a daemon.
type Options struct {
	Config  string // path of the configuration file
	Drivers []bridge.Driver
	Version string
	Out     io.Writer                   // of the log
	Getenv  func(string) (string, bool) // nil: the process's environment
	Hangup  <-chan os.Signal            // asks for a look at the configuration; nil: never
	// Transport reaches the clouds and their OAuth servers; nil: own ones.
	Transport http.RoundTripper
	// Dial reaches the broker; nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Up is called whenever a house stands, with the page's address ("" with the
	// page off): with port 0 nobody else knows it. nil: nobody asks.
	Up func(page string)
}

// daemon is what outlives a house.
type daemon struct {
	o        Options
	alone    *alone // nil: this is a daemon
	log      *slog.Logger
	setLog   func(slog.Level, string)
	redact   *logging.Redactor
	store    *store.Store
	notify   *systemd.Notifier
	clock    *engine.Clock
	started  time.Time
	replaced atomic.Pointer[web.Replaced] // the last backup that took the store's place
}

// Run is the daemon, from reading the configuration until ctx ends.
func Run(ctx context.Context, o Options) error {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	d := &daemon{o: o, started: time.Now(), clock: engine.NewClock(built()), redact: new(logging.Redactor), notify: systemd.New(systemd.Options{Getenv: o.Getenv})}
	d.replaced.Store(&web.Replaced{})
	c, err := config.Load(d.configOptions())
	if err != nil {
		return fmt.Errorf("%w\n%v", ErrConfig, err)
	}
	d.log, d.setLog = logging.New(logging.Options{Level: c.Log.Level, Format: c.Log.Format, Out: o.Out, Getenv: o.Getenv, Redactor: d.redact})
	d.warn(c, nil)
	if err := d.openStore(c); err != nil {
		return err
	}
	defer func() { d.closeStore() }()
	d.clearUploads(c)
	defer d.told(d.notify.Stopping)
	var before *config.Config // what the last house was built from
	for {
		h, err := d.build(c)
		if err != nil && before != nil {
			h, err = d.rebuild(before, c, err)
		}
		if err != nil {
			return err
		}
		before = h.conf.Load()
		next, err := h.run(ctx)
		if next == nil {
			return err
		}
		c = next
		select {
		case r := <-h.replace:
			if err := d.replaceStore(c, r); err != nil {
				return err
			}
		default:
			d.log.Info("the configuration is taken up: what all accounts share has changed")
		}
	}
}

// rebuild builds the house of before, because the changed configuration turned out
// to be of no use: its address is taken, say. It is not tried again before the file
// changes once more.
func (d *daemon) rebuild(before, c *config.Config, why error) (*house, error) {
	d.log.Error("the changed configuration is not in force", "err", why)
	again := *before
	again.Sources = c.Sources
	h, err := d.build(&again)
	if err == nil {
		h.engine.ConfigError(why.Error())
	}
	return h, err
}

func (d *daemon) configOptions() config.Options {
	return config.Options{Path: d.o.Config, Drivers: d.o.Drivers, Getenv: d.o.Getenv, CheckOperations: CheckOperations, WarnOperations: WarnOperations}
}

// warn logs the warnings of a configuration that the one before did not have.
func (d *daemon) warn(c *config.Config, told []config.Problem) {
	for _, w := range c.Warnings {
		if !slices.Contains(told, w) {
			d.log.Warn("configuration", "reason", w.String())
		}
	}
}

// told tells systemd; that it did not hear is worth a line and nothing else.
func (d *daemon) told(tell func() error) {
	if err := tell(); err != nil {
		d.log.Debug("systemd was not told", "err", err)
	}
}

// built is when this program's sources were committed: no clock can be before it
// (hazard H16). Zero where the build does not say.
func built() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			at, _ := time.Parse(time.RFC3339, strings.TrimSpace(s.Value)) // zero: not known
			return at
		}
	}
	return time.Time{}
}
