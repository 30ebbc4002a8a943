package config_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/config"
)

// example is config.example.yaml: as it is, or with every setting switched on.
func example(t *testing.T, all bool) string {
	t.Helper()
	data, err := os.ReadFile("../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !all {
		return string(data)
	}
	return regexp.MustCompile(`(?m)^( *)#(\S)`).ReplaceAllString(string(data), "$1$2")
}

// anything takes any options: what the real vendors take is tested where they are.
type anything map[string]any

func (*anything) Check(bridge.Settings) error            { return nil }
func (*anything) Profile(bridge.Settings) bridge.Profile { return bridge.Profile{} }
func (*anything) Open(bridge.Settings, bridge.Env) (bridge.Account, error) {
	return bridge.Account{}, nil
}

func loadExample(text string) (*config.Config, error) {
	o := archive("-- config.yaml --\n" + text)
	o.CheckOnly = true
	o.Drivers = nil
	for _, kind := range vendorsIn(text) {
		o.Drivers = append(o.Drivers, bridge.Driver{Kind: kind, New: func() bridge.Options { return &anything{} }, Defaults: bridge.Defaults{
			BaseURL: "https://cloud.example", Grants: []bridge.Grant{bridge.GrantCode, bridge.GrantClient, bridge.GrantToken},
		}})
	}
	return config.Load(o)
}

// vendorsIn are the kinds that the text names: one an account.
func vendorsIn(text string) (kinds []string) {
	for _, found := range regexp.MustCompile(`(?m)^    vendor: (\w+)`).FindAllStringSubmatch(text, -1) {
		kinds = append(kinds, found[1])
	}
	return kinds
}

func TestExample(t *testing.T) {
	t.Run("as it is", func(t *testing.T) {
		c, err := loadExample(example(t, false))
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Accounts) != 2 || c.Accounts[0].ID != "gate" || c.Accounts[1].ID != "yard" {
			t.Errorf("got %s", dump(c))
		}
	})
	t.Run("all switched on", func(t *testing.T) {
		c, err := loadExample(example(t, true))
		if err != nil {
			t.Fatal(err)
		}
		if all := vendorsIn(example(t, true)); len(c.Accounts) != len(all) || len(all) < 6 {
			t.Errorf("got %d accounts, want one for each of %v:\n%s", len(c.Accounts), all, dump(c))
		}
		// What is switched off shows defaults: switching on changes nothing above the accounts.
		as, err := loadExample(example(t, false))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Changed(as); len(got.Sections)+len(got.Restart) != 0 {
			t.Errorf("not the defaults: %+v", got)
		}
	})
}

// Every setting is in the example.
func TestExampleIsComplete(t *testing.T) {
	text := example(t, true)
	names := map[string]bool{}
	collect(reflect.TypeFor[config.Config](), names)
	collect(reflect.TypeFor[bridge.Settings](), names)
	if len(names) < 60 {
		t.Fatalf("only %d names: the test looks at the wrong thing", len(names))
	}
	for name := range names {
		if !regexp.MustCompile(`(^|[\s{#])`+name+`(_file)?:`).MatchString(text) && !spelledOut(text, name) {
			t.Errorf("%s is not in the example", name)
		}
	}
}

// spelledOut: settings of one grant only are named in a sentence.
func spelledOut(text, name string) bool {
	_, sentence, _ := strings.Cut(text, "# By grant, instead:")
	sentence, _, _ = strings.Cut(sentence, "options:")
	return regexp.MustCompile(`\b` + name + `\b`).MatchString(sentence)
}

func collect(t reflect.Type, names map[string]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collect(t.Elem(), names)
	case reflect.Struct:
		for i := range t.NumField() {
			if name := t.Field(i).Tag.Get("yaml"); name != "" && name != "-" {
				names[name] = true
				collect(t.Field(i).Type, names)
			}
		}
	}
}
