package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"time"
)

// Driver is one vendor, as listed in vendors.All: a constructor and data, no state.
type Driver struct {
	Kind     string   // the value of `vendor:` in the configuration
	Summary  string   // one line for people
	Defaults Defaults // of the settings that every account has
	// New returns a pointer to the vendor's own options with their defaults set;
	// the account's `options:` are decoded strictly over it.
	New func() Options
}

// Defaults are a vendor's values for settings that every account has.
type Defaults struct {
	BaseURL   string        // where the cloud is; "" makes base_url required
	Grants    []Grant       // those the vendor has; the first is the default
	Scope     string        // the default of `scope`; which words are allowed is the options' Check
	Poll      time.Duration // how often state is read
	PollFloor time.Duration // the least that may be configured
	Keepalive time.Duration // refresh at least this often; 0: never only for that
}

// Options are a vendor's own settings, decoded from `options:`.
type Options interface {
	// Check returns all mistakes joined, each made by [At].
	Check(Settings) error
	// Profile is pure data, read before anything runs: keeper and client are made from it.
	Profile(Settings) Profile
	// Open makes the account's functions. It opens no connection and starts nothing.
	Open(Settings, Env) (Account, error)
}

// Settings are what every account has, whichever vendor it is of. Defaults are
// filled in before a vendor sees them.
type Settings struct {
	ID            string        `yaml:"-"` // the key under `accounts:`
	Vendor        string        `yaml:"vendor"`
	Name          string        `yaml:"name"` // what people read; default: the id
	Area          string        `yaml:"area"` // suggested to Home Assistant
	BaseURL       string        `yaml:"base_url"`
	Grant         Grant         `yaml:"grant"`
	ClientID      string        `yaml:"client_id"`
	ClientSecret  Secret        `yaml:"client_secret"`
	Scope         string        `yaml:"scope"`
	Username      string        `yaml:"username"`
	Password      Secret        `yaml:"password"`
	ExternalToken Secret        `yaml:"external_token"`
	Token         Secret        `yaml:"token"` // made in the vendor's portal
	Poll          time.Duration `yaml:"poll"`
	Keepalive     time.Duration `yaml:"keepalive"`
	SignInBefore  time.Duration `yaml:"sign_in_before"` // after signing in; 0: not known
	RawWrites     bool          `yaml:"raw_writes"`
	Permissions   []Permission  `yaml:"permissions"`

	Operations map[string]Operation `yaml:"operations"`
	Entities   []EntityRule         `yaml:"entities"`
}

// Grant is an OAuth grant type, or token for one made in the vendor's portal.
type Grant string

// The grants of the configuration.
const (
	GrantCode     Grant = "authorization_code"
	GrantClient   Grant = "client_credentials"
	GrantPassword Grant = "password"
	GrantToken    Grant = "token"
)

// Permission is one rule of `permissions:`. A key left out matches all; the
// first match wins; without a match a command is allowed.
type Permission struct {
	Device  string   `yaml:"device"`
	Entity  string   `yaml:"entity"`
	Actions []string `yaml:"actions"`
	Allow   bool     `yaml:"allow"`
}

// Profile is how a cloud is spoken to: data, read before anything runs.
type Profile struct {
	Dialect Dialect
	Origins map[string]Origin // "" is the API itself
	Pace    map[string]Pace   // by lane; "" is the default lane
	GraphQL string            // path of the GraphQL endpoint; "": none
	// Schema is a file with the cloud's GraphQL schema; "": not known. What it does not
	// have is told: operations are switched off, and of the vendor's own Documents (by
	// their place in the account's configuration) it is a warning.
	Schema    string
	Documents map[string]string
	Request   *RawRequest // of the raw call `request`; nil: there is none
	// Renew is a text that a 401 must hold (in WWW-Authenticate or the body) before
	// the token is renewed and the request sent again; "": any 401.
	Renew string
	// Renew403: a read that is answered 403 renews the token too, because the cloud is
	// known to mix up both. A command is never sent again after a 403.
	Renew403 bool
	// RenewPage: a read that is answered with an HTML page renews the token too: the
	// cloud may send its sign-in page instead of a 401.
	RenewPage bool
	// RenewText is a text in a 2xx answer to a read that renews the token too: a
	// GraphQL server may say 200 with `errors`. "": none.
	RenewText string
}

// RawRequest is how the raw call `request` asks.
type RawRequest struct {
	Media string   // content type and Accept; "" is application/json
	Deny  []string // paths below which it may not ask, such as /oauth
}

// Origin is one host that the cloud's API lives on.
type Origin struct {
	Base     string // absolute URL; "{narrow}" stands for Request.Narrow
	Narrowed bool   // the bearer is the one minted for Request.Narrow
	Redirect string // parent domain that a 307 or 308 may lead to, bearer kept
}

// Pace bounds reads on one lane of an account. Commands are never paced.
type Pace struct {
	Every    time.Duration // least time between the starts of two reads
	InFlight int           // reads at the same time; 0 means 4
	Yields   bool          // a command cancels the reads in flight: it must not wait for them at the vendor
}

// Env is what a vendor's functions are made with.
type Env struct {
	Account  string // the account's id
	Identity string // whose account it is (a MAC, a user id), stored with the grant; "" before the first sign-in
	Cloud    Cloud
	// HookURL is where the account's devices call by themselves, secret path
	// included; nil with the page off. The secret is made and kept at its first use.
	HookURL func() (Secret, error)
	Notes   Notes
	Log     *slog.Logger
}

// Notes are small sealed records that a vendor may keep for an account (what a
// hook replaced, say). Load of an unknown name returns nil, nil.
type Notes interface {
	Load(name string) ([]byte, error)
	Save(name string, record []byte) error
}

// Account is what a vendor's options open: functions to be run by the engine.
type Account struct {
	Tasks []Task
	Calls []Call
	Push  *Push // nil: the vendor pushes nothing
}

// Task reads the cloud and reports facts. It runs while the account is online:
// at once, then every Every, or again (after a back-off) when Every is 0.
type Task struct {
	Name  string
	Every time.Duration
	Do    func(context.Context, Report) error
}

// Push takes what the vendor sends to the web listener by itself.
type Push struct {
	Key Secret // of the Authorization header; empty: no partner push
	// Take reads one push. mine=false: it is of another account of this vendor
	// and is offered there.
	Take func(body []byte, at time.Time, report Report) (mine bool, err error)
	// Hook reads one call of a device to the secret path; nil: none.
	Hook func(query url.Values, body []byte, at time.Time, report Report) error
}

// At says where in the account's configuration a mistake is: path is like
// "options.relays[0].name". The configuration maps it to file:line:column.
func At(path, format string, args ...any) error {
	return &PathError{Path: path, Err: fmt.Errorf(format, args...)}
}

// PathError is a mistake at a path below an account's settings.
type PathError struct {
	Path string
	Err  error
}

func (e *PathError) Error() string { return e.Path + ": " + e.Err.Error() }
func (e *PathError) Unwrap() error { return e.Err }

// Image is a picture as the result of a call.
type Image struct {
	Type  string // content type
	Bytes []byte
}

// MarshalJSON gives {"content_type","base64"}, as the Contract says.
func (i Image) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Type  string `json:"content_type"`
		Bytes []byte `json:"base64"`
	}{i.Type, i.Bytes})
}
