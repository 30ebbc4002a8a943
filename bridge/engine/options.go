package engine

import (
	"cmp"
	"log/slog"
	"time"

	"latchkey/bridge"
)

// Options of an [Engine]. A nil function is not called.
type Options struct {
	Topics   bridge.Topics
	Version  string
	Instance string
	Commands Commands
	// ClockTrusted tells whether the wall clock can be trusted; nil: always.
	ClockTrusted func() bool
	// Audit subscribes a filter once more, so that a command that was published
	// with retain comes back flagged (hazard H6).
	Audit func(filter string)
	// Announce sends discovery and states again, Reload reads the configuration:
	// the two calls of the bridge.
	Announce func()
	Reload   func() error
	// Opened is told what became of every command on a write, done or refused. It
	// must not block.
	Opened func(Entry)
	// Inventory keeps the devices over a restart; the zero value keeps nothing.
	Inventory Inventory
	// OnInventory is told all accounts with their devices when Run starts and
	// whenever they change; one call at a time.
	OnInventory func([]bridge.Listing)
	Log         *slog.Logger // nil: no log
}

// Commands are the limits of the guard; zero values are the Contract's defaults.
type Commands struct {
	MaxAge          time.Duration // of a sent_at; 10 s
	Deadline        time.Duration // receipt to send; 5 s
	Settle          time.Duration // after subscribing; 2 s
	Cooldown        time.Duration // per entity; 1 s
	RequireEnvelope bool          // refuse plain payloads from MQTT
}

func (c Commands) orDefaults() Commands {
	c.MaxAge = cmp.Or(c.MaxAge, 10*time.Second)
	c.Deadline = cmp.Or(c.Deadline, 5*time.Second)
	c.Settle = cmp.Or(c.Settle, 2*time.Second)
	c.Cooldown = cmp.Or(c.Cooldown, time.Second)
	return c
}

// Entry is one line of the opening log.
type Entry struct {
	Result bridge.Result
	Source Source
	Check  string // name of the check that refused; "" where none did
}

// Source says by which way a command came.
type Source string

// The sources.
const (
	FromMQTT        Source = "mqtt"
	FromCommandLine Source = "command line"
	FromPage        Source = "page"
)
