package config_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"latchkey/bridge/config"
)

func problems(t *testing.T, err error) []config.Problem {
	t.Helper()
	e, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("got %T %v, want an *Error", err, err)
	}
	return e.Problems
}

func archive(text string) config.Options { return world(txtar.Parse([]byte(text))) }

// What the other commands need is read beside mistakes and missing secrets elsewhere.
const partlyWrong = `
-- config.yaml --
instance: flat
state_dir: ${STATE}
store: {key_file: key}
mqtt: {password_file: missing, broker: 5, topic: a, topic: b, username: !secret x}
web: {password_file: missing, public_url: "https://latchkey.example/", listen: 0.0.0.0:1}
accounts:
  gate: {vendor: doorbird, client_id: x, client_secret_file: secret}
  back: {vendor: nobody, token_file: missing}
-- env --
STATE=/state
-- key --
sealed
-- secret --
s3cret
`

func TestStateDir(t *testing.T) {
	t.Run("beside mistakes", func(t *testing.T) {
		got, err := config.StateDir(archive(partlyWrong))
		if err != nil || got != "/state" {
			t.Errorf("got %q, %v, want /state", got, err)
		}
	})
	t.Run("default", func(t *testing.T) {
		got, err := config.StateDir(archive("-- config.yaml --\n-- env --\nSTATE_DIRECTORY=/var/lib/a:/var/lib/b\n"))
		if err != nil || got != "/var/lib/a" {
			t.Errorf("got %q, %v, want /var/lib/a", got, err)
		}
	})
	t.Run("unset", func(t *testing.T) {
		_, err := config.StateDir(archive("-- config.yaml --\nstate_dir: ${NOT_SET}\n"))
		if got := problems(t, err); len(got) != 1 || got[0].Line != 1 || got[0].Col != 12 {
			t.Errorf("got %v, want one problem at 1:12", err)
		}
	})
	t.Run("no file", func(t *testing.T) {
		if _, err := config.StateDir(archive("-- other --\n")); err == nil {
			t.Error("got no error for a file that is not there")
		}
	})
}

func TestBase(t *testing.T) {
	got, err := config.Base(archive(partlyWrong))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Store{Key: got.Store.Key, KeyFile: "/etc/latchkey/key"}
	if got.Store != want || got.Store.Key.Reveal() != "sealed" || got.StateDir != "/state" || got.Instance != "flat" {
		t.Errorf("got %s", dump(got))
	}
	if _, err := config.Base(archive("-- config.yaml --\nstore: {key_file: missing}\n")); err == nil {
		t.Error("got no error for a key that is not there")
	}
}

func TestLoadOneAccount(t *testing.T) {
	o := archive(partlyWrong)
	o.Account = "gate"
	got, err := config.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Accounts) != 1 || got.Accounts[0].ID != "gate" || got.Accounts[0].ClientSecret.Reveal() != "s3cret" || got.Web.PublicURL != "https://latchkey.example" {
		t.Errorf("got %s", dump(got))
	}
	o.Account = "nobody"
	_, err = config.Load(o)
	if diff := cmp.Diff("/etc/latchkey/config.yaml:6:1: accounts: there is no account \"nobody\"", err.Error()); diff != "" {
		t.Error(diff)
	}
}

// A look at what is stored needs no secret but the store's.
func TestLoadWithoutSecrets(t *testing.T) {
	const text = `
-- config.yaml --
store: {key: "${KEY}"}
mqtt: {password_file: missing, broker: 5}
web: {password: "${UNSET}"}
commands: {deadline: 3s}
accounts:
  gate: {vendor: doorbird, client_id: x, client_secret_file: "${CREDENTIALS_DIRECTORY}/gate"}
  back: {vendor: doorbird, client_id: y, client_secret: "${UNSET}"}
-- env --
KEY=sealed
`
	o := archive(text)
	o.NoSecrets = true
	got, err := config.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Accounts) != 2 || got.Store.Key.Reveal() != "sealed" || got.Commands.Deadline != 3*time.Second {
		t.Errorf("got %s", dump(got))
	}
	for _, a := range got.Accounts {
		if a.ClientSecret.Empty() {
			t.Errorf("account %q seems to have no secret", a.ID)
		}
	}
	o = archive(strings.Replace(text, "vendor: doorbird, client_id: y", "vendor: doorbirt", 1))
	o.NoSecrets = true
	if _, err = config.Load(o); err == nil || len(problems(t, err)) != 1 {
		t.Errorf("got %v, want the one mistake in an account", err)
	}
}
