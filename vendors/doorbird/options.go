package doorbird

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/bridge"
)

// The scopes, of which an account has exactly one.
const (
	viewer = "deviceViewer"
	admin  = "deviceAdmin"
)

// The forms of a request that names a controller's relay.
const (
	bodyObject = "object" // {"peripheral":"id"}
	bodyString = "string" // the same, encoded once more as a JSON string
)

// bellsMax bounds the bells of a station.
const bellsMax = 99

// Options are the account's `options:`.
type Options struct {
	// Relays are those that the grant may not list itself, and names of your own.
	// Relay 1 is always there.
	Relays         []Relay       `yaml:"relays"`
	PeripheralBody string        `yaml:"peripheral_body"` // object | string
	PushKey        bridge.Secret `yaml:"push_key"`        // of the partner push; empty: no rings and no motion
	Bells          int           `yaml:"bells"`           // bell buttons; one that rings is added by itself
	Picture        Picture       `yaml:"picture"`

	// Where the OAuth server is, below base_url: the vendor prints relative addresses.
	Authorize string `yaml:"authorize"`
	Token     string `yaml:"token"`
	Revoke    string `yaml:"revoke"`
}

// Relay is one relay of the station or of a paired controller.
type Relay struct {
	Number     int    `yaml:"number"`
	Peripheral string `yaml:"peripheral"` // the controller's id; "": the station's own
	Name       string `yaml:"name"`
}

// Picture says when pictures are fetched without being asked for.
type Picture struct {
	Every time.Duration   `yaml:"every"` // the live picture; 0: at start, once a day and when somebody rings
	After []time.Duration `yaml:"after"` // a ring or motion, the history is read: it lags behind
}

// Driver is the entry for vendors.All.
func Driver() bridge.Driver {
	return bridge.Driver{
		Kind:    "doorbird",
		Summary: "DoorBird door stations: relays, light, pictures, rings and motion",
		Defaults: bridge.Defaults{
			BaseURL: "https://api.doorbird.io",
			Grants:  []bridge.Grant{bridge.GrantCode},
			Scope:   viewer, Poll: time.Minute, PollFloor: 30 * time.Second,
			Keepalive: 7 * 24 * time.Hour, // the life of a refresh token is unknown
		},
		New: func() bridge.Options {
			return &Options{
				PeripheralBody: bodyObject, Bells: 1,
				Picture:   Picture{After: []time.Duration{5 * time.Second, 20 * time.Second}},
				Authorize: "/auth/authorize", Token: "/auth/token", Revoke: "/auth/revoke",
			}
		},
	}
}

// Check returns all mistakes.
func (o *Options) Check(s bridge.Settings) error {
	errs := []error{
		wrongIf(s.ClientID == "", "client_id", "is missing: DoorBird gives a client id and secret to companies on request"),
		wrongIf(s.ClientSecret.Empty(), "client_secret", "is missing: DoorBird gives a client id and secret to companies on request"),
		wrongIf(s.Scope != viewer && s.Scope != admin, "scope", "%q is not known (one of: %s, %s)", s.Scope, viewer, admin),
		wrongIf(!slices.Contains([]string{bodyObject, bodyString}, o.PeripheralBody), "options.peripheral_body",
			"%q is not known (one of: %s, %s)", o.PeripheralBody, bodyObject, bodyString),
		wrongIf(o.Bells < 1 || o.Bells > bellsMax, "options.bells", "must be 1 to %d", bellsMax),
		wrongIf(o.Picture.Every != 0 && o.Picture.Every < 30*time.Second, "options.picture.every", "must be 0 or at least 30s"),
		wrongIf(len(o.Picture.After) > 5, "options.picture.after", "has more than 5 times"),
		checkPath("options.authorize", o.Authorize), checkPath("options.token", o.Token), checkPath("options.revoke", o.Revoke),
	}
	for i, d := range o.Picture.After {
		at := fmt.Sprintf("options.picture.after[%d]", i)
		errs = append(errs, wrongIf(d < time.Second || d > time.Hour, at, "must be 1s to 1h"),
			wrongIf(i > 0 && d <= o.Picture.After[max(i, 1)-1], at, "must be later than the one before"))
	}
	for i, r := range o.Relays {
		at := fmt.Sprintf("options.relays[%d]", i)
		same := func(other Relay) bool { return other.Number == r.Number && other.Peripheral == r.Peripheral }
		errs = append(errs,
			wrongIf(r.Number < 1 || r.Number > relayMax, at+".number", "must be 1 to %d", relayMax),
			wrongIf(!bridge.IsID(relayID(r)), at+".peripheral", "is too long for an id"),
			wrongIf(utf8.RuneCountInString(r.Name) > 128, at+".name", "is longer than 128 characters"),
			wrongIf(slices.ContainsFunc(o.Relays[:i], same), at, "is there twice"))
	}
	return errors.Join(errs...)
}

func checkPath(at, path string) error {
	return wrongIf(!strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?# "), at, "%q is no path below base_url, such as /auth/token", path)
}

func wrongIf(wrong bool, path, format string, args ...any) error {
	if !wrong {
		return nil
	}
	return bridge.At(path, format, args...)
}

// Profile says how the cloud is spoken to.
func (o *Options) Profile(s bridge.Settings) bridge.Profile {
	base := strings.TrimSuffix(s.BaseURL, "/")
	ask := func(path string, params ...bridge.Param) bridge.Ask {
		return bridge.Ask{URL: base + path, In: bridge.InForm, Client: bridge.ClientParams, Params: params}
	}
	exchange := ask(o.Token,
		bridge.Param{Name: "grant_type", Text: "authorization_code"},
		bridge.Param{Name: "code", From: bridge.FieldCode},
		bridge.Param{Name: "redirect_uri", From: bridge.FieldRedirect})
	refresh := ask(o.Token,
		bridge.Param{Name: "grant_type", Text: "refresh_token"},
		bridge.Param{Name: "refresh_token", From: bridge.FieldRefreshToken})
	// The vendor promises the end of the access token alone. Whether revoke takes the
	// refresh token too is unknown, so it is offered as well.
	offered := ask(o.Revoke, bridge.Param{Name: "token", From: bridge.FieldRefreshToken})
	offered.Optional = true
	return bridge.Profile{
		Dialect: bridge.Dialect{
			Grant: s.Grant, ClientID: s.ClientID, Secret: s.ClientSecret, Scope: s.Scope,
			Authorize: &bridge.Authorize{URL: base + o.Authorize, Echo: true, Params: []bridge.Param{
				{Name: "response_type", Text: "code"},
				{Name: "client_id", From: bridge.FieldClientID},
				{Name: "scope", From: bridge.FieldScope},
			}},
			Exchange: &exchange,
			Refresh:  &refresh,
			Revoke: []bridge.Ask{
				ask(o.Revoke, bridge.Param{Name: "token", From: bridge.FieldAccessToken}),
				offered,
			},
			Identity: &bridge.Identity{URL: base + "/metadata", Member: "mac"},
			Reading:  bridge.Reading{Life: time.Hour},
		},
		Origins: map[string]bridge.Origin{"": {Base: base}},
		Pace:    map[string]bridge.Pace{"": {Every: time.Second, InFlight: 1, Yields: true}},
	}
}
