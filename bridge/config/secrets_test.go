package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"latchkey/bridge/config"
)

// However a secret is written, no mistake quotes it: the text of an error is
// logged and published.
func TestMistakesQuoteNoSecret(t *testing.T) {
	const canary = "CANARY5f2b"
	forms := []string{
		"%s", "'%s", "\"%s", "*%s", "&%s", "!%s", "!%s x", "!<%s> x", "@%s", "`%s", "%%%s", "{%s", "{%s}", "[%s", "[%s]", "|%s", ">%s", "#%s", "- %s", "? %s", ": %s",
		"%s: x", "x: %s", "${%s", "${%s-x}", "a${1%s}", "%s\n    x: y", "\n  %s", "\"\\q%s\"", "\"%s\" x", "<<%s", "%s\x07", "[%s]: x", "{%s: {}}",
	}
	places := []string{
		"mqtt:\n  username: u\n  password: %s\n", "web:\n  password: %s\n", "store:\n  key: %s\n",
		"accounts:\n  gate:\n    vendor: doorbird\n    client_secret: %s\n", "accounts:\n  gate:\n    vendor: doorbird\n    options:\n      push_key: %s\n",
		"mqtt:\n  broker: mqtt://u:%s@h\n", "web:\n  public_url: http://u:%s@h\n", "accounts:\n  gate:\n    vendor: doorbird\n    base_url: https://%s@h\n",
	}
	refused := 0
	for _, place := range places {
		for _, form := range forms {
			text := fmt.Sprintf(place, fmt.Sprintf(form, canary)) + "bad key: 1\n"
			_, err := config.Load(world(&txtar.Archive{Files: []txtar.File{{Name: "config.yaml", Data: []byte(text)}}}))
			if err == nil {
				t.Fatalf("taken, so the test shows nothing:\n%s", text)
			}
			refused++
			if strings.Contains(err.Error(), canary) {
				t.Errorf("the secret is quoted:\n%s\n%s", text, err)
			}
		}
	}
	t.Logf("%d ways of writing a secret wrong", refused)
}

// Which files hold secrets, so that somebody can look at their rights.
func TestPrivate(t *testing.T) {
	for text, want := range map[string][]string{
		"instance: home\n": nil,
		"mqtt: {username: u, password: '${TOKEN}'}\n-- env --\nTOKEN=x\n":                                                 nil,
		"mqtt: {username: u, password_file: p}\n-- p --\nx\n":                                                             {folder + "/p"},
		"mqtt: {username: u, password: p}\n":                                                                              {folder + "/config.yaml"},
		"accounts: {gate: {vendor: doorbird, client_id: x, client_secret: y, options: {push_key_file: k}}}\n-- k --\nx\n": {folder + "/config.yaml", folder + "/k"},
	} {
		c, err := config.Load(archive("\n-- config.yaml --\n" + text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, c.Private); diff != "" {
			t.Errorf("%s-want +got:\n%s", text, diff)
		}
	}
}
