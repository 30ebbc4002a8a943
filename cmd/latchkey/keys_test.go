package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"latchkey/bridge/bridgetest"
)

// must runs a command that has to work, and returns what it printed.
func (h *home) must(args ...string) string {
	h.t.Helper()
	code, out, errs := h.run("", args...)
	if code != 0 {
		h.t.Fatalf("%v: exit %d\n%s%s", args, code, out, errs)
	}
	h.hidesSecrets(strings.Join(args, " "), out+errs)
	return out
}

// refuses runs a command that must fail, with words that say why.
func (h *home) refuses(says string, args ...string) {
	h.t.Helper()
	code, out, errs := h.run("", args...)
	if code != 1 || !strings.Contains(errs, says) {
		h.t.Errorf("%v: exit %d, want 1 with %q\n%s%s", args, code, says, out, errs)
	}
}

func (h *home) hidesSecrets(where, text string) {
	h.t.Helper()
	for _, s := range append(h.doorbird.Issuer.Secrets(), h.cameras.Issuer.Secrets()...) {
		if len(s) >= 8 && strings.Contains(text, s) {
			h.t.Errorf("%s prints a secret", where)
		}
	}
}

func (h *home) state(name string) string { return filepath.Join(h.dir, "state", name) }

// generations are the numbers that `latchkey token list` shows.
func (h *home) generations(account string) (all []string) {
	h.t.Helper()
	for _, line := range strings.Split(h.must("token", "list", account), "\n")[1:] {
		if number, _, ok := strings.Cut(line, " "); ok {
			all = append(all, number)
		}
	}
	return all
}

var restoredAs = regexp.MustCompile(`(?m)kept as (\S+);`)

// The commands on credentials and the store, beside a daemon and without one.
func TestKeys(t *testing.T) {
	t.Parallel()
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	h.start()
	h.signIn("gate")
	h.signIn("gate") // a second grant, so that there is an earlier one
	backup := filepath.Join(h.dir, "backup")
	for _, daemon := range []string{"beside a daemon", "without one"} {
		if daemon == "without one" {
			if code := h.stop(); code != 0 {
				t.Fatalf("exit %d", code)
			}
		}
		t.Run(daemon, func(t *testing.T) {
			h.t = t
			t.Run("token list and restore", func(t *testing.T) {
				before := h.generations("gate")
				if len(before) < 2 {
					t.Fatalf("generations %v, want some to go back to", before)
				}
				if out := h.must("token", "list", "gate"); !strings.Contains(out, "in use") || !strings.Contains(out, "access+refresh") || !strings.Contains(strings.ToLower(out), station) {
					t.Errorf("the list tells too little:\n%s", out)
				}
				out := h.must("token", "restore", "gate")
				if after := h.generations("gate"); len(after) < 2 || after[0] == before[0] || !strings.Contains(out, "generation "+after[0]+" now") {
					t.Errorf("before %v, after %v:\n%s", before, after, out)
				}
				h.must("token", "restore", "gate", before[0]) // and back
				h.refuses("no kept generation 4711", "token", "restore", "gate", "4711")
				h.refuses("latchkey login nobody", "token", "list", "nobody")
			})
			t.Run("backup and restore", func(t *testing.T) {
				h.must("backup", backup)
				if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("the backup has mode %v, %v", info.Mode(), err)
				}
				h.refuses("the store itself", "backup", h.state("latchkey.db"))
				h.must("token", "restore", "gate")
				out := h.must("restore", backup)
				if daemon == "beside a daemon" { // which builds its house anew
					h.mqtt.Await(topics.BridgeState(), bridgetest.Payload("offline"), patience)
					h.mqtt.Await(topics.BridgeState(), bridgetest.Payload("online"), patience)
				}
				if !strings.Contains(out, "credentials of gate") || strings.Contains(out, "another installation") {
					t.Errorf("it says\n%s", out)
				}
				if aside := restoredAs.FindStringSubmatch(out); aside == nil {
					t.Errorf("it does not say where the store before it is:\n%s", out)
				} else if _, err := os.Stat(aside[1]); err != nil {
					t.Error(err)
				}
				nonsense := filepath.Join(h.dir, "nonsense")
				if err := os.WriteFile(nonsense, []byte(strings.Repeat("nonsense", 9000)), 0o600); err != nil {
					t.Fatal(err)
				}
				h.refuses("damaged", "restore", nonsense)
				h.refuses("no such file", "restore", filepath.Join(h.dir, "nothing"))
			})
			t.Run("rekey", func(t *testing.T) {
				old, err := os.ReadFile(h.state("latchkey.key"))
				if err != nil {
					t.Fatal(err)
				}
				h.must("rekey")
				if now, err := os.ReadFile(h.state("latchkey.key")); err != nil || string(now) == string(old) {
					t.Errorf("the key file is as before (%v)", err)
				}
				h.refuses("not the one that this store was made with", "restore", backup)
				if len(h.generations("gate")) < 2 {
					t.Error("the credentials are not there any more")
				}
			})
			if left, _ := filepath.Glob(h.state("*.tmp")); len(left) > 0 {
				t.Errorf("files are left: %v", left)
			}
		})
	}
	h.t = t
	t.Run("usage", func(t *testing.T) {
		for _, args := range [][]string{{"token"}, {"token", "list"}, {"token", "drop", "gate"}, {"token", "restore", "gate", "first"}, {"token", "restore", "gate", "0"}, {"token", "list", "gate", "1"}, {"backup"}, {"restore"}, {"rekey", "now"}} {
			if code, _, errs := h.run("", args...); code != 2 || !strings.Contains(errs, "usage") {
				t.Errorf("%v: exit %d, %q", args, code, errs)
			}
		}
	})
	t.Run("all of it serves", func(t *testing.T) {
		h.start()
		h.mqtt.Await(topics.Token("gate"), contains(`"state":"valid"`), patience)
		h.must("call", "gate", "info")
		h.must("call", "gate", "refresh")
	})
}

// A grant that the vendor has ended is kept with its reason, also behind the next one.
func TestQuarantine(t *testing.T) {
	t.Parallel()
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	h.start()
	h.signIn("gate")
	h.doorbird.Issuer.EndUser(h.person("gate").Name)
	if code, out, _ := h.run("", "call", "gate", "refresh"); code != 1 {
		t.Fatalf("refresh: %s", out)
	}
	h.mqtt.Await(topics.Token("gate"), contains(`"state":"login_needed","reason":"revoked"`), patience)
	reason := regexp.MustCompile(`(?m)access\+refresh .*; \w+: the vendor refused .*$`)
	if out := h.must("token", "list", "gate"); !reason.MatchString(out) {
		t.Errorf("no reason:\n%s", out)
	}
	h.signIn("gate")
	reason = regexp.MustCompile(`(?m)access\+refresh [^;]*: the vendor refused .*$`) // no longer in use
	if out := h.must("token", "list", "gate"); !reason.MatchString(out) {
		t.Errorf("the reason is forgotten:\n%s", out)
	}
	h.must("token", "restore", "gate") // it is tried again, and refused again
	h.mqtt.Await(topics.Token("gate"), contains(`"state":"login_needed","reason":"revoked"`), patience)
	h.must("token", "restore", "gate") // and undone
	h.mqtt.Await(topics.Token("gate"), contains(`"state":"valid"`), patience)
}

// A key from a file, or from the environment, is changed without a moment in which
// the store does not open.
func TestRekeySources(t *testing.T) {
	t.Parallel()
	h := newHome(t, bridgetest.StartEmbedded(t).URL(), "store: {key_file: store_key}")
	key := filepath.Join(h.dir, "store_key")
	if err := os.WriteFile(key, []byte("the first key, long enough\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	begun(h)
	h.must("rekey")
	if text, err := os.ReadFile(key); err != nil || strings.HasPrefix(string(text), "the first key") {
		t.Errorf("the key file is as before (%v)", err)
	}
	text, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	h.edit(func(s string) string {
		return strings.Replace(s, "key_file: store_key", `key: "${LATCHKEY_TEST_KEY}"`, 1)
	})
	h.env = []string{"LATCHKEY_TEST_KEY=" + strings.TrimSpace(string(text))}
	h.start()
	h.mqtt.Await(topics.Token("gate"), contains(`"state":"valid"`), patience)
	out := h.must("rekey")
	waits := h.state("latchkey.key.new")
	if !strings.Contains(out, waits) {
		t.Errorf("it does not say where the new key is:\n%s", out)
	}
	h.stop()
	h.start() // with the old one in the environment
	h.mqtt.Await(topics.Token("gate"), contains(`"state":"valid"`), patience)
	h.stop()
	if text, err = os.ReadFile(waits); err != nil {
		t.Fatal(err)
	}
	h.env = []string{"LATCHKEY_TEST_KEY=" + strings.TrimSpace(string(text))}
	h.start()
	h.mqtt.Await(topics.Token("gate"), contains(`"state":"valid"`), patience)
	if _, err := os.Stat(waits); err == nil {
		t.Error("the new key still lies in the state folder")
	}
	if strings.Contains(h.log.String(), strings.TrimSpace(string(text))) {
		t.Error("the key stands in the log")
	}
}

// T4: a backup that is restored beside another installation renews nothing that
// rotates before a person says so, and says so once and for all.
func TestRestoreElsewhere(t *testing.T) {
	t.Parallel()
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	h.start()
	h.signIn("gate")
	h.signIn("yard")
	backup := filepath.Join(h.dir, "backup")
	h.must("backup", backup)
	h.stop()
	// Another machine, with the key alone.
	if err := os.Rename(h.state(""), h.state("")+".old"); err != nil {
		t.Fatal(err)
	}
	h.refuses("key", "restore", backup)
	key, err := os.ReadFile(filepath.Join(h.dir, "state.old", "latchkey.key"))
	if err != nil {
		t.Fatal(err)
	}
	overwrite(h, "latchkey.key", key)
	tokens := func() int {
		return h.doorbird.Log.Count("POST /auth/token") + h.cameras.Log.Count("POST /oauth/token")
	}
	asked := tokens()
	if asked == 0 {
		t.Fatal("the sign-ins were not counted")
	}
	if out := h.must("restore", backup); !strings.Contains(out, "gate, yard") || !strings.Contains(out, "restore --take-over") {
		t.Errorf("it says\n%s", out)
	}
	h.start()
	moved := contains(`"reason":"moved","user_action":"login"`)
	h.mqtt.Await(topics.Token("gate"), moved, patience)
	h.mqtt.Await(topics.Token("yard"), moved, patience)
	h.must("call", "gate", "info") // the access token serves
	if code, out, _ := h.run("", "call", "gate", "refresh"); code != 1 || !strings.Contains(out, "take-over") {
		t.Errorf("refresh: %d %s", code, out)
	}
	if now := tokens(); now != asked {
		t.Errorf("%d token calls before a person's yes, want none", now-asked)
	}

	settled := func(account string) {
		t.Helper()
		h.mqtt.Await(topics.Token(account), contains(`"state":"valid","reason":null`), patience)
		h.must("call", account, "refresh")
	}
	h.signIn("gate") // and waits until it is valid
	h.must("call", "gate", "refresh")
	h.must("restore", "--take-over")
	settled("yard")
	h.stop()
	h.start()
	settled("gate")
	settled("yard")
}

// A database that breaks under the daemon ends it with exit code 1: the next
// start recovers, and nothing is lost.
func TestStoreBreaks(t *testing.T) {
	t.Parallel()
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	h.start()
	h.signIn("gate")
	if err := os.Truncate(h.state("latchkey.db"), 4096); err != nil {
		t.Fatal(err)
	}
	_, _, _ = h.run("", "token", "list", "gate") // something reads the store
	<-h.exited
	if code := h.process.ProcessState.ExitCode(); code != 1 {
		t.Fatalf("exit %d, want 1", code)
	}
	h.start()
	h.mqtt.Await(topics.Token("gate"), contains(`"state":"valid"`), patience)
	h.must("call", "gate", "info")
}
