package config

import (
	"reflect"
	"slices"
)

// Changes is what differs between two configurations.
type Changes struct {
	Added, Removed, Changed []string // ids of accounts
	Sections                []string // of mqtt, homeassistant, web, commands: what all accounts share
	Log                     bool
	Restart                 []string // of instance, state_dir, store: taken up by the next start only
}

// None tells whether nothing differs.
func (c Changes) None() bool {
	return !c.Log && len(c.Added)+len(c.Removed)+len(c.Changed)+len(c.Sections)+len(c.Restart) == 0
}

// Changed compares with the configuration before. A secret or a certificate that
// changed in its file counts as a change.
func (c *Config) Changed(old *Config) Changes {
	var all Changes
	before := map[string]Account{}
	for _, a := range old.Accounts {
		before[a.ID] = a
	}
	for _, a := range c.Accounts {
		b, known := before[a.ID]
		delete(before, a.ID)
		switch {
		case !known:
			all.Added = append(all.Added, a.ID)
		case !a.Print.Equal(b.Print):
			all.Changed = append(all.Changed, a.ID)
		}
	}
	for _, a := range old.Accounts {
		if _, gone := before[a.ID]; gone {
			all.Removed = append(all.Removed, a.ID)
		}
	}
	compare := func(list *[]string, name string, a, b any) {
		if !reflect.DeepEqual(a, b) {
			*list = append(*list, name)
		}
	}
	compare(&all.Restart, "instance", c.Instance, old.Instance)
	compare(&all.Restart, "state_dir", c.StateDir, old.StateDir)
	compare(&all.Restart, "store", c.Store, old.Store)
	compare(&all.Sections, "mqtt", c.MQTT, old.MQTT)
	compare(&all.Sections, "homeassistant", c.HomeAssistant, old.HomeAssistant)
	compare(&all.Sections, "web", c.Web, old.Web)
	compare(&all.Sections, "commands", c.Commands, old.Commands)
	all.Log = c.Log != old.Log

	tls := c.MQTT.TLS
	for _, file := range []string{tls.CAFile, tls.CertFile, tls.KeyFile} {
		if c.Sources[file] != old.Sources[file] && !slices.Contains(all.Sections, "mqtt") {
			all.Sections = append(all.Sections, "mqtt")
		}
	}
	return all
}
