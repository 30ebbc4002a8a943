package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge/config"
)

const household = `
-- config.yaml --
instance: home
mqtt: {username: latchkey, password_file: mqtt}
accounts:
  gate:
    vendor: doorbird
    client_id: x
    client_secret_file: secret
    options: {relays: [{number: 1}], push_key: k}
  house:
    vendor: acme
    base_url: https://acme.example
    operations: {open: {args: {n: {default: 1}}}}
-- mqtt --
p
-- secret --
s
-- new --
s
`

func TestChanged(t *testing.T) {
	load := func(text string) *config.Config {
		t.Helper()
		c, err := config.Load(archive(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before := load(household)
	for _, c := range []struct {
		name     string
		from, to string
		want     config.Changes
	}{
		{"comment", "instance: home", "# home\ninstance:   'home'", config.Changes{}},
		{"order of keys", "vendor: doorbird\n    client_id: x", "client_id: x\n    vendor: doorbird", config.Changes{}},
		{"setting", "client_id: x", "client_id: y", config.Changes{Changed: []string{"gate"}}},
		{"option", "number: 1", "number: 2", config.Changes{Changed: []string{"gate"}}},
		{"option emptied", "[{number: 1}]", "[]", config.Changes{Changed: []string{"gate"}}},
		{"secret inline", "push_key: k", "push_key: l", config.Changes{Changed: []string{"gate"}}},
		{"content of a secret file", "-- secret --\ns", "-- secret --\nt", config.Changes{Changed: []string{"gate"}}},
		{"line end of a secret file", "-- secret --\ns", "-- secret --\ns\n", config.Changes{}},
		{"number becomes text", "default: 1", "default: '1'", config.Changes{Changed: []string{"house"}}},
		{"added", "  house:", "  back: {vendor: doorbird, client_id: z}\n  house:", config.Changes{Added: []string{"back"}}},
		{"renamed", "  gate:", "  door:", config.Changes{Added: []string{"door"}, Removed: []string{"gate"}}},
		{"broker password", "-- mqtt --\np", "-- mqtt --\nq", config.Changes{Sections: []string{"mqtt"}}},
		{"sections", "instance: home", "instance: home\nweb: {listen: \"\"}\nlog: {level: debug}\nhomeassistant: {discovery: off}\ncommands: {settle: 3s}",
			config.Changes{Sections: []string{"homeassistant", "web", "commands"}, Log: true}},
		{"format of the log", "instance: home", "instance: home\nlog: {format: json}", config.Changes{Log: true}},
		{"restart", "instance: home", "instance: flat\nstate_dir: /x\nstore: {key: k}", config.Changes{Restart: []string{"instance", "state_dir", "store"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(household, c.from, c.to, 1)
			if text == household {
				t.Fatal("the case changes nothing")
			}
			got := load(text).Changed(before)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if none := cmp.Equal(c.want, config.Changes{}); got.None() != none {
				t.Errorf("None() = %v, want %v", got.None(), none)
			}
		})
	}
}
