package main_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/web"
)

// The other commands beside a running daemon, one after the other as a person
// types them.
func TestCommands(t *testing.T) {
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	h.start()

	t.Run("health", func(t *testing.T) {
		if code, out, errs := h.run("", "health"); code != 0 || out != "ok\n" {
			t.Errorf("%d %q %q", code, out, errs)
		}
	})
	t.Run("status says that a person is needed", func(t *testing.T) {
		code, out, _ := h.run("", "status")
		if code != 1 || !strings.Contains(out, "signed_out") || !strings.Contains(out, "-> login") {
			t.Errorf("%d\n%s", code, out)
		}
	})
	t.Run("login waits for the browser", func(t *testing.T) {
		h.login(t, "gate")
		h.mqtt.Await(topics.Token("gate"), contains(`"state":"valid"`), patience)
	})
	t.Run("login by pasting", func(t *testing.T) {
		h.paste(t, "yard", func(back *url.URL) string { return back.String() })
		h.mqtt.Await(topics.Token("yard"), contains(`"state":"valid"`), patience)
	})
	t.Run("login by pasting the code", func(t *testing.T) { h.paste(t, "yard", func(back *url.URL) string { return back.Query().Get("code") }) })
	t.Run("status says that all is well", func(t *testing.T) {
		h.mqtt.Await(topics.DeviceState("gate", station), bridgetest.Payload("online"), patience)
		code, out, errs := h.run("", "status")
		if code != 0 || !strings.Contains(out, "Front gate") || !strings.Contains(out, "valid") {
			t.Errorf("%d\n%s%s", code, out, errs)
		}
		code, out, _ = h.run("", "status", "--json")
		var s web.Status
		if err := json.Unmarshal([]byte(out), &s); err != nil || code != 0 || len(s.Accounts) != 2 || s.Accounts[0].Token.State != bridge.Valid {
			t.Errorf("--json: %d %v\n%s", code, err, out)
		}
	})
	t.Run("call", func(t *testing.T) {
		for _, c := range []struct {
			args   []string
			code   int
			reason bridge.Reason
		}{
			{[]string{"gate", "info"}, 0, bridge.ReasonOK},
			{[]string{"gate", "relay", "number=1"}, 0, bridge.ReasonOK},
			{[]string{"gate", "relay", "number=7"}, 1, bridge.ReasonUnknownTarget},
			{[]string{"gate", "relay", "number=one"}, 1, bridge.ReasonMalformed},
			{[]string{"gate", "relay"}, 1, bridge.ReasonMalformed},
			{[]string{"yard", "camera", "camera=4201"}, 0, bridge.ReasonOK},
			{[]string{"yard", "nothing"}, 1, bridge.ReasonUnknownTarget},
			{[]string{"nobody", "info"}, 1, bridge.ReasonUnknownTarget},
			{[]string{"gate", "refresh"}, 0, bridge.ReasonOK},
		} {
			code, out, errs := h.run("", append([]string{"call"}, c.args...)...)
			var r bridge.Result
			if err := json.Unmarshal([]byte(out), &r); err != nil || code != c.code || r.Reason != c.reason {
				t.Errorf("call %v: %d %s %s, want %d %s", c.args, code, out, errs, c.code, c.reason)
			}
		}
		if n := h.doorbird.Pulses(1, ""); n != 1 {
			t.Errorf("the relay fired %d times, want once", n)
		}
	})
	t.Run("logout revokes and forgets", func(t *testing.T) {
		code, out, errs := h.run("", "logout", "yard")
		if code != 0 || !strings.Contains(out, "revoked") {
			t.Errorf("%d %s%s", code, out, errs)
		}
		h.mqtt.Await(topics.Token("yard"), contains(`"state":"signed_out"`), patience)
		if n := h.cameras.Log.Count("DELETE /rest/v2.0/users/self/tokens/current"); n != 1 {
			t.Errorf("revoked %d times at the vendor, want once", n)
		}
	})
	t.Run("usage", func(t *testing.T) {
		for _, args := range [][]string{{"login"}, {"call", "gate"}, {"call", "gate", "relay", "number"}, {"logout"}, {"status", "more"}, {"nonsense"}, {"run", "--nonsense"}} {
			if code, _, errs := h.run("", args...); code != 2 || errs == "" {
				t.Errorf("%v: exit %d, %q, want 2 with words", args, code, errs)
			}
		}
	})
}

// login runs `latchkey login`, opens what it prints, and reads how it ends.
func (h *home) login(t *testing.T, account string) {
	cmd := exec.Command(program, "login", account, "--config", h.config())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at := strings.TrimSpace(lines.Text()); strings.HasPrefix(at, "http://"+h.page) {
			h.returnFrom(account, at)
			break
		}
	}
	rest, _ := io.ReadAll(out)
	if err := cmd.Wait(); err != nil || !strings.Contains(string(rest), "signed in") {
		t.Errorf("login %s: %v\n%s", account, err, rest)
	}
}

// paste runs `latchkey login --paste`: the browser ends on an address that it
// cannot reach, and the person brings back what take takes of it.
func (h *home) paste(t *testing.T, account string, take func(back *url.URL) string) {
	cmd := exec.Command(program, "login", account, "--paste", "--config", h.config())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if at := strings.TrimSpace(lines.Text()); strings.HasPrefix(at, "http://") {
			back, err := h.person(account).Allow(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			address, err := url.Parse(back)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(in, take(address)+"\n"); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	rest, _ := io.ReadAll(out)
	if err := cmd.Wait(); err != nil || !strings.Contains(string(rest), "signed in") {
		t.Errorf("login --paste %s: %v\n%s", account, err, rest)
	}
}

func TestWithoutDaemon(t *testing.T) {
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	for args, says := range map[string]string{"health": "no running latchkey answers", "status": "no store yet", "login gate": "no store yet", "logout gate": "no store yet", "call gate info": "no store yet"} {
		code, _, errs := h.run("", strings.Fields(args)...)
		if code != 1 || !strings.Contains(errs, says) || !strings.Contains(errs, "systemctl start latchkey") {
			t.Errorf("%v: exit %d, %q", args, code, errs)
		}
	}
	if _, err := os.Stat(filepath.Join(h.dir, "state")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a command has made the state folder: %v", err)
	}
	if code, out, errs := runWith(t, []string{"LATCHKEY_CONFIG=" + h.config()}, "", "check"); code != 0 || !strings.Contains(out, h.config()+" is fine: 2 accounts") {
		t.Errorf("check of $LATCHKEY_CONFIG: %d %q %q", code, out, errs)
	}
	if code, out, errs := runWith(t, []string{"LATCHKEY_CONFIG="}, "", "check"); code != 2 || !strings.Contains(out, "/etc/latchkey/config.yaml: ") {
		t.Errorf("check of the default: %d %q %q", code, out, errs)
	}
	if code, out, _ := run(t, "", "version"); code != 0 || !regexp.MustCompile(`^latchkey \S+, commit \S+, go1\.\d+`).MatchString(out) {
		t.Errorf("version: %d %q", code, out)
	}
}

// What is wrong with a configuration or a store is said with its place, and the
// exit code tells systemd whether a restart may help.
func TestWhatDoesNotStart(t *testing.T) {
	start := func(h *home) (int, string) {
		h.t.Helper()
		code, out, errs := h.run("", "run")
		return code, out + errs
	}
	for _, c := range []struct {
		name  string
		spoil func(h *home)
		code  int
		says  []string
	}{
		{"no configuration", func(h *home) { _ = os.Remove(h.config()) }, 2, []string{"config.yaml"}},
		{"mistakes", func(h *home) {
			h.edit(func(s string) string {
				return strings.Replace(s, "instance: home", "instanse: home\ncommands: {max_age: soon}", 1) + "  tree:\n    vendor: acme\n"
			})
		}, 2, []string{"config.yaml:1:1", "instance", "config.yaml:2:", "max_age", "acme", "doorbird"}},
		{"missing secret file", func(h *home) {
			h.edit(func(s string) string {
				return strings.Replace(s, "client_secret: ", "client_secret_file: /nowhere/", 1)
			})
		}, 2, []string{"client_secret_file", "/nowhere/"}},
		{"unset name", func(h *home) {
			h.edit(func(s string) string {
				return strings.Replace(s, "instance: home", "instance: ${LATCHKEY_TEST_UNSET}", 1)
			})
		}, 2, []string{"LATCHKEY_TEST_UNSET"}},
		{"two accounts of one name", func(h *home) {
			h.edit(func(s string) string { return strings.Replace(s, "  yard:", "  gate:", 1) })
		}, 2, []string{"gate", "config.yaml:"}},
		{"a port in use", func(h *home) {
			h.edit(func(s string) string {
				return strings.Replace(s, h.page, strings.TrimPrefix(h.clouds["doorbird"].URL, "http://"), 1)
			})
		}, 1, []string{"web.listen"}},
		{"the key is another", func(h *home) {
			begun(h)
			overwrite(h, "latchkey.key", []byte("another key, long enough to be one"))
		}, 3, []string{"latchkey.key"}},
		{"the key is gone", func(h *home) {
			begun(h)
			_ = os.Remove(filepath.Join(h.dir, "state", "latchkey.key"))
		}, 3, []string{"latchkey.key"}},
		{"the store is nonsense, and nothing is there to bring back", func(h *home) {
			begun(h)
			_ = os.RemoveAll(filepath.Join(h.dir, "state", "copies"))
			overwrite(h, "latchkey.db", []byte(strings.Repeat("nonsense", 4096)))
		}, 3, []string{"latchkey.db"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHome(t, bridgetest.StartEmbedded(t).URL())
			c.spoil(h)
			code, said := start(h)
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, part := range c.says {
				if !strings.Contains(said, part) {
					t.Errorf("does not name %q:\n%s", part, said)
				}
			}
		})
	}
	t.Run("another daemon holds the store", func(t *testing.T) {
		h := newHome(t, bridgetest.StartEmbedded(t).URL())
		h.start()
		began := time.Now()
		code, said := start(h)
		if code != 1 || !strings.Contains(said, "in use") {
			t.Errorf("exit %d\n%s", code, said)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("it took %s to say so", took)
		}
		if code, _, _ := h.run("", "health"); code != 0 {
			t.Error("the first one was harmed")
		}
	})
}

// begun makes a store with a signed-in account.
func begun(h *home) {
	h.start()
	h.signIn("gate")
	h.stop()
}

func overwrite(h *home, name string, content []byte) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, "state", name), content, 0o600); err != nil {
		h.t.Fatal(err)
	}
}
