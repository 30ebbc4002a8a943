package main_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/config"
	"latchkey/vendors"
)

// everything is the example with every setting switched on.
func everything(text []byte) string {
	return regexp.MustCompile(`(?m)^( *)#(\S)`).ReplaceAllString(string(text), "$1$2")
}

// config.example.yaml is what people copy: as it stands, and with every setting
// switched on, the real program with the real vendors takes it.
func TestExampleConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("something-secret-enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"as it is":        string(text),
		"all switched on": everything(text),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.yaml")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			code, out, errs := run(t, "", "check", "--config", path)
			if code != 0 || !strings.Contains(out, "is fine") {
				t.Errorf("latchkey check: %d\n%s%s", code, out, errs)
			}
		})
	}
}

// written are a vendor's options as the example has them.
type written map[string]any

func (*written) Check(bridge.Settings) error            { return nil }
func (*written) Profile(bridge.Settings) bridge.Profile { return bridge.Profile{} }
func (*written) Open(bridge.Settings, bridge.Env) (bridge.Account, error) {
	return bridge.Account{}, nil
}

// Every option that a vendor takes stands in the example.
func TestExampleHasEveryOption(t *testing.T) {
	text, err := os.ReadFile("../../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(everything(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	o := config.Options{Path: path, CheckOnly: true}
	takes := map[string]reflect.Type{}
	for _, d := range vendors.All() {
		takes[d.Kind] = reflect.TypeOf(d.New())
		d.New = func() bridge.Options { return &written{} }
		o.Drivers = append(o.Drivers, d)
	}
	c, err := config.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.Accounts {
		has := map[string]any(*a.Options.(*written))
		n := missing(t, a.Vendor+".options", takes[a.Vendor], has)
		if n < 3 {
			t.Errorf("%s: only %d options: the test looks at the wrong thing", a.Vendor, n)
		}
		delete(takes, a.Vendor)
	}
	for vendor := range takes {
		t.Errorf("%s has no account in the example", vendor)
	}
}

// missing tells the options that are not there, and returns how many it looked for.
func missing(t *testing.T, path string, of reflect.Type, has any) (n int) {
	switch of.Kind() {
	case reflect.Pointer:
		return missing(t, path, of.Elem(), has)
	case reflect.Slice:
		list, _ := has.([]any)
		if len(list) == 0 {
			list = []any{nil} // whatever an item takes is missing
		}
		return missing(t, path+"[0]", of.Elem(), list[0])
	case reflect.Struct:
		members, _ := has.(map[string]any)
		for i := range of.NumField() {
			name := of.Field(i).Tag.Get("yaml")
			if name == "" || name == "-" {
				continue
			}
			value, there := members[name]
			if !there {
				t.Errorf("%s.%s is not in the example", path, name)
				continue
			}
			n += 1 + missing(t, path+"."+name, of.Field(i).Type, value)
		}
	}
	return n
}
