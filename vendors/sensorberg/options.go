package sensorberg

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

// Options are the account's `options:`. All have to do with what the vendor's
// texts leave open.
type Options struct {
	OAuth           string            `yaml:"oauth"`             // path of the OAuth server
	GraphQL         string            `yaml:"graphql"`           // path of the endpoint
	ClientAuth      bridge.ClientAuth `yaml:"client_auth"`       // params or basic
	ExternalTokenIn bridge.Place      `yaml:"external_token_in"` // query (without the secret) or form (with it, where there is one)
	PKCE            bool              `yaml:"pkce"`              // in a sign-in by authorization code
	HealthCheck     HealthCheck       `yaml:"health_check"`
	Pace            time.Duration     `yaml:"pace"` // least time between two reads
}

// HealthCheck is how the token is looked at, once every `poll`.
type HealthCheck string

// The health checks.
const (
	CheckTokenInfo HealthCheck = "token_info"
	CheckNone      HealthCheck = "none"
)

// The scopes.
const (
	scopeMe    = "me"    // a user's
	scopeApp   = "app"   // an application's
	scopeBasic = "basic" // an application's with the basic right
)

// Driver is the entry for vendors.All.
func Driver() bridge.Driver {
	return bridge.Driver{
		Kind:    "sensorberg",
		Summary: "Sensorberg Smart Spaces: doors, lockers and rooms, by operations of the configuration",
		Defaults: bridge.Defaults{
			BaseURL: "https://base.sensorberg.com",
			Grants:  []bridge.Grant{bridge.GrantClient, bridge.GrantPassword, bridge.GrantCode},
			Poll:    15 * time.Minute, PollFloor: time.Minute,
		},
		New: func() bridge.Options {
			return &Options{OAuth: "/oauth", GraphQL: "/graphql", ClientAuth: bridge.ClientParams, ExternalTokenIn: bridge.InQuery,
				PKCE: true, HealthCheck: CheckTokenInfo, Pace: 100 * time.Millisecond}
		},
	}
}

var isPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`).MatchString

// Check returns all mistakes.
func (o *Options) Check(s bridge.Settings) error {
	var errs []error
	wrong := func(is bool, path, format string, args ...any) {
		if is {
			errs = append(errs, bridge.At(path, format, args...))
		}
	}
	app := s.Grant == bridge.GrantClient
	wrong(s.ClientID == "", "client_id", "is missing: Sensorberg gives a client id and secret for an application")
	wrong(app && s.ClientSecret.Empty(), "client_secret", "is missing: an application signs in with client id and secret")
	for _, word := range strings.Fields(s.Scope) {
		wrong(!slices.Contains([]string{scopeMe, scopeApp, scopeBasic}, word), "scope", "%q is not known (one of: me, app, basic)", word)
		wrong(app && word == scopeMe, "scope", "me is of a user's token, and client_credentials brings an application's (app or basic)")
	}
	wrong(s.Username != "" && !s.ExternalToken.Empty(), "external_token", "replaces username and password: give either")
	wrong(!isPath(o.OAuth), "options.oauth", "%q is no path such as /oauth", o.OAuth)
	wrong(!isPath(o.GraphQL), "options.graphql", "%q is no path such as /graphql", o.GraphQL)
	wrong(o.ClientAuth != bridge.ClientParams && o.ClientAuth != bridge.ClientBasic, "options.client_auth", "%q is not known (one of: params, basic)", o.ClientAuth)
	wrong(o.ClientAuth == bridge.ClientBasic && s.ClientSecret.Empty(), "options.client_auth", "basic needs a client_secret")
	wrong(o.ExternalTokenIn != bridge.InQuery && o.ExternalTokenIn != bridge.InForm, "options.external_token_in", "%q is not known (one of: query, form)", o.ExternalTokenIn)
	wrong(o.HealthCheck != CheckTokenInfo && o.HealthCheck != CheckNone, "options.health_check", "%q is not known (one of: token_info, none)", o.HealthCheck)
	wrong(o.Pace < 0 || o.Pace > time.Minute, "options.pace", "must be 0 to 1m")
	return errors.Join(errs...)
}
