package dwspectrum

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

// Options are the account's `options:`.
type Options struct {
	// Systems are the cloud ids of the systems whose cameras are wanted; the others
	// are listed with their state of health alone.
	Systems []string `yaml:"systems"`
	// RelayHost is where a system is reached: "{system}" stands for its id. A host, or
	// a URL (plain http on this machine alone).
	RelayHost string `yaml:"relay_host"`
	// RedirectDomain is the only domain that the relay may send calls on to.
	RedirectDomain string `yaml:"redirect_domain"`
	// Rest is the version of the systems' REST API, 1 to 4; 0: asked of each system.
	Rest int `yaml:"rest"`

	Stills    time.Duration `yaml:"stills"`     // a still of each camera, unasked; 0: on request alone
	StillSize string        `yaml:"still_size"` // such as 1280x720; "": the camera's own
	IO        time.Duration `yaml:"io"`         // how often inputs and outputs are read; 0: never
	Events    time.Duration `yaml:"events"`     // how often the event log is read; 0: never
	Presets   bool          `yaml:"presets"`    // a button for each PTZ preset
	Rules     bool          `yaml:"rules"`      // a switch for each event rule (needs a power user)

	// What the vendor's texts leave open, or other labels of the product have otherwise.
	TokenPath   string `yaml:"token_path"`
	SystemsPath string `yaml:"systems_path"` // "": /api/systems/, with a narrowed scope /cdb/systems
	ReturnParam string `yaml:"return_param"` // name of the address to come back to after the sign-in
	StateInURL  bool   `yaml:"state_in_url"` // state travels inside of that address, so that it comes back for sure
}

// Driver is the entry for vendors.All.
func Driver() bridge.Driver {
	return bridge.Driver{
		Kind:    "dwspectrum",
		Summary: "DW Spectrum by way of DW Cloud: systems, cameras, pictures, soft triggers, inputs and outputs",
		Defaults: bridge.Defaults{
			BaseURL: "https://dwspectrum.digital-watchdog.com",
			Grants:  []bridge.Grant{bridge.GrantCode, bridge.GrantPassword},
			Poll:    time.Minute, PollFloor: 30 * time.Second,
			Keepalive: 7 * 24 * time.Hour, // the life of a refresh token is unknown
		},
		New: func() bridge.Options {
			return &Options{
				RelayHost: systemMark + ".relay.vmsproxy.com", RedirectDomain: "vmsproxy.com",
				StillSize: "1280x720", IO: 20 * time.Second, Events: 30 * time.Second, Presets: true,
				TokenPath: "/oauth/token/", ReturnParam: "redirect_url", StateInURL: true,
			}
		},
	}
}

// systemMark stands for a system's id in RelayHost.
const systemMark = "{system}"

var (
	isSize   = regexp.MustCompile(`^[1-9][0-9]{1,3}x[1-9][0-9]{1,3}$`).MatchString
	isDomain = regexp.MustCompile(`^([a-z0-9-]+\.)*[a-z0-9-]+$`).MatchString
	isName   = regexp.MustCompile(`^[A-Za-z0-9_]+$`).MatchString
	isSystem = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`).MatchString
)

// Check returns all mistakes.
func (o *Options) Check(s bridge.Settings) error {
	scope, scopeErr := parseScope(s.Scope, s.BaseURL)
	errs := []error{
		wrongIf(s.ClientID == "" || strings.ContainsAny(s.ClientID, " \t\r\n") || len(s.ClientID) > 64, "client_id",
			"must be a name of your own without spaces, such as latchkey-my-home: DW Cloud wants a stable one that nobody else uses"),
		wrongIf(!s.ClientSecret.Empty(), "client_secret", "is not used: DW Cloud has no client secrets"),
		scopeErr,
		checkRelay(o.RelayHost),
		wrongIf(!isDomain(o.RedirectDomain), "options.redirect_domain", "%q is no domain such as vmsproxy.com", o.RedirectDomain),
		wrongIf(o.Rest < 0 || o.Rest > 4, "options.rest", "must be 1 to 4, or 0 to ask each system"),
		checkEvery("options.stills", o.Stills, time.Minute, 24*time.Hour),
		wrongIf(o.StillSize != "" && !isSize(o.StillSize), "options.still_size", "%q is no size such as 1280x720", o.StillSize),
		checkEvery("options.io", o.IO, 5*time.Second, 59*time.Second), // above that the monitoring lapses
		checkEvery("options.events", o.Events, 10*time.Second, time.Hour),
		checkPath("options.token_path", o.TokenPath),
		wrongIf(!isName(o.ReturnParam), "options.return_param", "%q is no name such as redirect_url", o.ReturnParam),
	}
	if o.SystemsPath != "" {
		errs = append(errs, checkPath("options.systems_path", o.SystemsPath))
	}
	for i, id := range o.Systems {
		at := fmt.Sprintf("options.systems[%d]", i)
		errs = append(errs,
			wrongIf(!isSystem(id), at, "%q is no cloud id of a system: `latchkey call %s systems` lists them", id, s.ID),
			wrongIf(slices.ContainsFunc(o.Systems[:i], func(other string) bool { return sameID(other, id) }), at, "is there twice"))
		if scopeErr == nil {
			errs = append(errs, wrongIf(!scope.opens(id), at, "is not within the account's scope %q, and a scope never widens: widen it and sign in again", s.Scope))
		}
	}
	return errors.Join(errs...)
}

func checkRelay(host string) error {
	const at = "options.relay_host"
	u, err := url.Parse(strings.ReplaceAll(relayBase(host), systemMark, "x"))
	local := err == nil && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
	switch {
	case !strings.Contains(host, systemMark):
		return bridge.At(at, "must hold %s, which stands for the system's id", systemMark)
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return bridge.At(at, "%q is no host such as %s.relay.vmsproxy.com", host, systemMark)
	case u.Scheme != "https" && !(u.Scheme == "http" && local):
		return bridge.At(at, "must be https (plain http only to this machine)")
	}
	return nil
}

// relayBase is the relay's address, with systemMark in it.
func relayBase(host string) string {
	if !strings.Contains(host, "://") {
		host = "https://" + host
	}
	return strings.TrimSuffix(host, "/")
}

func checkEvery(at string, every, least, most time.Duration) error {
	return wrongIf(every != 0 && (every < least || every > most), at, "must be 0 (never) or %s to %s", least, most)
}

func checkPath(at, path string) error {
	return wrongIf(!strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?# "), at, "%q is no path below base_url, such as /oauth/token/", path)
}

func wrongIf(wrong bool, path, format string, args ...any) error {
	if !wrong {
		return nil
	}
	return bridge.At(path, format, args...)
}
