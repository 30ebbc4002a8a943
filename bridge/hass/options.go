package hass

import (
	"log/slog"
	"time"

	"latchkey/bridge"
)

// Mode says in which form entities are announced.
type Mode string

// The modes of the setting homeassistant.discovery.
const (
	ModeDevice     Mode = "device"     // one document a device, for Home Assistant 2024.12 and newer
	ModeComponents Mode = "components" // one document an entity with plain payloads, for openHAB and Domoticz
	ModeOff        Mode = "off"
)

// Options say what is described, and where it goes. Describe and Check need
// those above Table only.
type Options struct {
	Instance   string        // part of every unique id
	Prefix     string        // "" is homeassistant
	Mode       Mode          // "" is device
	Version    string        // of latchkey
	PublicURL  string        // of the page; left out of documents where it is loopback
	MaxAge     time.Duration // of a command, and so its message_expiry_interval; 0 is 10 s
	Topics     bridge.Topics
	BirthTopic string // "" is homeassistant/status
	// Canaries are secrets that no document may hold: one that does is refused. For
	// tests and the demo: a short password would match innocent words.
	Canaries []bridge.Secret

	Table  Table
	Ledger Ledger // nil: nothing is remembered over a restart
	// Resend sends the whole table again; nil: nobody does.
	Resend func()
	// Found is told all findings of the validator whenever they change, from the
	// goroutine of Run; nil: they are only logged.
	Found func([]Finding)
	Log   *slog.Logger // nil: silent
}

// Table is where documents go: the engine's table of last values.
type Table interface {
	Put(...bridge.Message)
	Clear(topics ...string)
}

// Ledger keeps what Home Assistant may know from us. Load of nothing is nil, nil.
type Ledger interface {
	Load() ([]byte, error)
	Save([]byte) error
}

func (o Options) withDefaults() Options {
	if o.Prefix == "" {
		o.Prefix = "homeassistant"
	}
	if o.Mode == "" {
		o.Mode = ModeDevice
	}
	if o.MaxAge == 0 {
		o.MaxAge = 10 * time.Second
	}
	if o.Topics.Prefix == "" {
		o.Topics.Prefix = "latchkey"
	}
	if o.BirthTopic == "" {
		o.BirthTopic = "homeassistant/status"
	}
	if o.Resend == nil {
		o.Resend = func() {}
	}
	if o.Found == nil {
		o.Found = func([]Finding) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}
