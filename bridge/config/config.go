package config

import (
	"log/slog"
	"net/netip"
	"os"
	"time"

	"latchkey/bridge"
)

// Config is a whole configuration, checked. It is never changed after [Load]: a
// change of the file gives a new one.
type Config struct {
	// Instance is part of every unique id in Home Assistant.
	Instance string `yaml:"instance"`
	// StateDir is absolute. Its default is $STATE_DIRECTORY (the first of them),
	// else /var/lib/latchkey.
	StateDir string `yaml:"state_dir"`

	MQTT          MQTT          `yaml:"mqtt"`
	HomeAssistant HomeAssistant `yaml:"homeassistant"`
	Web           Web           `yaml:"web"`
	Commands      Commands      `yaml:"commands"`
	Store         Store         `yaml:"store"`
	Log           Log           `yaml:"log"`

	// Accounts are in the order of the file.
	Accounts []Account `yaml:"-"`
	// Warnings are what is allowed but should be known: a plain-text broker, say.
	Warnings []Problem `yaml:"-"`
	// Sources are the files that this configuration was read from.
	Sources Sources `yaml:"-"`
	// Private are those that hold a secret, sorted: the configuration file itself
	// only if one stands in it.
	Private []string `yaml:"-"`
}

// MQTT is the connection to the broker.
type MQTT struct {
	Broker   string        `yaml:"broker"` // URL: mqtt, mqtts, ws, wss or unix; without credentials
	Username string        `yaml:"username"`
	Password bridge.Secret `yaml:"password"`
	Topic    string        `yaml:"topic"` // prefix of all topics
	TLS      TLS           `yaml:"tls"`
}

// TLS names PEM files; absolute paths, "" where there is none.
type TLS struct {
	CAFile   string `yaml:"ca_file"`
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// HomeAssistant is how Home Assistant is told of devices.
type HomeAssistant struct {
	Discovery  string `yaml:"discovery"` // device | components | off
	Prefix     string `yaml:"prefix"`
	BirthTopic string `yaml:"birth_topic"`
}

// Web is the page and what else listens to HTTP.
type Web struct {
	Listen         string         `yaml:"listen"`     // host:port; "": off
	PublicURL      string         `yaml:"public_url"` // as people reach it; no slash at the end; default: from Listen
	Password       bridge.Secret  `yaml:"password"`
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"` // in the file: addresses or networks
	Metrics        string         `yaml:"metrics"`         // loopback | signed_in | open
	// MakePassword: in a container, where Listen cannot be loopback, and neither a
	// password nor a proxy is configured: one is made on first start, kept in the
	// state folder and printed once.
	MakePassword bool `yaml:"-"`
}

// Commands are the limits of the guard.
type Commands struct {
	MaxAge          time.Duration `yaml:"max_age"`
	Deadline        time.Duration `yaml:"deadline"`
	Settle          time.Duration `yaml:"settle"`
	Cooldown        time.Duration `yaml:"cooldown"`
	RequireEnvelope bool          `yaml:"require_envelope"`
}

// Store is the key that the store is sealed with. Empty: the one in the state
// folder, made on first start.
type Store struct {
	Key     bridge.Secret `yaml:"key"`
	KeyFile string        `yaml:"-"` // the file that Key was read from; "": none
}

// Log is how much is logged and in which form.
type Log struct {
	Level  slog.Level `yaml:"level"`
	Format string     `yaml:"format"` // auto | text | json | color
}

// Account is one account of a vendor.
type Account struct {
	bridge.Settings
	Driver  bridge.Driver
	Options bridge.Options
	// Print is a hash of everything that was configured, values of secrets
	// included: equal prints, equal accounts. It is masked like a secret.
	Print bridge.Secret
}

// Options say what to load and how the world is seen.
type Options struct {
	Path    string // of the configuration file
	Drivers []bridge.Driver
	// CheckOperations judges `operations` and `entities` of an account, with
	// errors made by bridge.At; nil: they are taken as they are. The account's
	// options are decoded, and may still be wrong.
	CheckOperations func(Account) error
	// WarnOperations tells, in the same form, what of them is allowed but odd.
	WarnOperations func(Account) error
	// CheckOnly: a missing CREDENTIALS_DIRECTORY is a warning, and the files below
	// it are not read (`latchkey check` outside of systemd).
	CheckOnly bool
	// Account limits loading to what one account needs: instance, state_dir, store,
	// commands, the addresses of web, and this account. Nothing else is resolved or
	// checked.
	Account string
	// NoSecrets limits it in the same way, with all accounts, whose secrets are not
	// resolved: each that is given has a stand-in.
	NoSecrets bool
	// Getenv looks up the environment; nil: os.LookupEnv. LATCHKEY_CONTAINER (not
	// empty: set by the container image) makes the page listen on all addresses
	// unless told otherwise, see [Web].MakePassword.
	Getenv func(string) (string, bool)
	// ReadFile reads a whole file; nil: regular files up to 16 MiB.
	ReadFile func(string) ([]byte, error)
}

// limited tells whether only what accounts need is loaded.
func (o Options) limited() bool { return o.Account != "" || o.NoSecrets }

func (o Options) withDefaults() Options {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	if o.ReadFile == nil {
		o.ReadFile = readFile
	}
	return o
}

func defaults() Config {
	return Config{
		Instance:      "home",
		MQTT:          MQTT{Broker: "mqtt://127.0.0.1:1883", Topic: "latchkey"},
		HomeAssistant: HomeAssistant{Discovery: "device", Prefix: "homeassistant", BirthTopic: "homeassistant/status"},
		Web:           Web{Listen: "127.0.0.1:8087", Metrics: "loopback"},
		Commands:      Commands{MaxAge: 10 * time.Second, Deadline: 5 * time.Second, Settle: 2 * time.Second, Cooldown: time.Second},
		Log:           Log{Format: "auto"},
	}
}
