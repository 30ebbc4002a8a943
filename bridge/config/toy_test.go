package config_test

import (
	"errors"
	"fmt"
	"time"

	"latchkey/bridge"
)

// drivers mimic the vendors' options: one with relays and a push key, one with
// every type that an option may have.
func drivers() []bridge.Driver {
	return []bridge.Driver{
		{Kind: "doorbird", New: func() bridge.Options { return &stationOptions{Picture: true} }, Defaults: bridge.Defaults{
			BaseURL: "https://api.doorbird.io", Grants: []bridge.Grant{bridge.GrantCode}, Scope: "deviceViewer",
			Poll: time.Minute, PollFloor: 30 * time.Second, Keepalive: 168 * time.Hour,
		}},
		{Kind: "cameramanager", New: func() bridge.Options { return &cameraOptions{Stills: "off"} }, Defaults: bridge.Defaults{
			BaseURL: "https://rest.cameramanager.com", Grants: []bridge.Grant{bridge.GrantCode}, Scope: "read", Poll: time.Minute, PollFloor: 30 * time.Second,
		}},
		{Kind: "acme", New: func() bridge.Options { return &acmeOptions{Life: time.Hour, Extra: map[string]int{"kept": 1}} }, Defaults: bridge.Defaults{
			Grants: []bridge.Grant{bridge.GrantClient, bridge.GrantPassword, bridge.GrantToken},
		}},
	}
}

type noFunctions struct{}

func (noFunctions) Profile(bridge.Settings) bridge.Profile { return bridge.Profile{} }
func (noFunctions) Open(bridge.Settings, bridge.Env) (bridge.Account, error) {
	return bridge.Account{}, nil
}

type stationOptions struct {
	noFunctions
	Relays  []relay       `yaml:"relays"`
	PushKey bridge.Secret `yaml:"push_key"`
	Picture bool          `yaml:"picture"`
}

type relay struct {
	Number     int    `yaml:"number"`
	Name       string `yaml:"name"`
	Peripheral string `yaml:"peripheral"`
}

func (o *stationOptions) Check(s bridge.Settings) error {
	var errs []error
	for i, r := range o.Relays {
		if r.Number < 1 {
			errs = append(errs, bridge.At(fmt.Sprintf("options.relays[%d].number", i), "is a relay from 1 on"))
		}
	}
	if s.ClientID == "" {
		errs = append(errs, bridge.At("client_id", "is missing: the vendor gives one"))
	}
	return errors.Join(errors.Join(errs...), nil)
}

type cameraOptions struct {
	noFunctions
	Stills string `yaml:"stills"`
}

func (o *cameraOptions) Check(bridge.Settings) error {
	if o.Stills != "off" && o.Stills != "on_request" {
		return fmt.Errorf("stills: %w", bridge.At("options.stills", "is off or on_request"))
	}
	return nil
}

type acmeOptions struct {
	noFunctions
	nested  `yaml:",inline"`
	Life    time.Duration     `yaml:"life"`
	Ratio   float64           `yaml:"ratio"`
	Count   uint8             `yaml:"count"`
	Limit   *int              `yaml:"limit"`
	Params  map[string]string `yaml:"params"`
	Extra   map[string]int    `yaml:"extra"`
	Since   time.Time         `yaml:"since"`
	Plain   string            // without a tag: plain
	Broken  chan int          `yaml:"broken"`
	Skipped string            `yaml:"-"`
}

type nested struct {
	Site struct {
		Host string        `yaml:"host"`
		Key  bridge.Secret `yaml:"key"`
	} `yaml:"site"`
}

func (o *acmeOptions) Check(bridge.Settings) error {
	if o.Ratio > 1 {
		return errors.Join(errors.New("without a place"), bridge.At("options.ratio", "is above 1"), bridge.At("options.site.host.deeper[3].still", "is nowhere"))
	}
	return nil
}
