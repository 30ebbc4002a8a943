package main_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge/bridgetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	freeSpace = regexp.MustCompile(`\d+ MiB`)
	offBy     = regexp.MustCompile(`is -?\S+ off`)
)

// golden compares with a file, with what differs from run to run taken out.
func (h *home) golden(name, got string) {
	h.t.Helper()
	got = strings.NewReplacer(h.dir, "DIR", h.mqttURL(), "BROKER", h.page, "PAGE",
		strings.TrimPrefix(h.clouds["doorbird"].URL, "http://"), "DOORBIRD", strings.TrimPrefix(h.clouds["cameramanager"].URL, "http://"), "CAMERAS").Replace(got)
	got = offBy.ReplaceAllString(freeSpace.ReplaceAllString(got, "N MiB"), "is T off")
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			h.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		h.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

var brokerSetting = regexp.MustCompile(`broker: "([^"]+)"`)

func (h *home) mqttURL() string {
	h.t.Helper()
	text, err := os.ReadFile(h.config())
	if err != nil {
		h.t.Fatal(err)
	}
	return brokerSetting.FindStringSubmatch(string(text))[1]
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	doctor := func(want int, golden string) {
		t.Helper()
		code, out, errs := h.run("", "doctor")
		if code != want {
			t.Errorf("%s: exit %d, want %d\n%s", golden, code, want, errs)
		}
		h.hidesSecrets("doctor", out)
		h.golden(golden, out)
	}
	doctor(0, "doctor_first.golden")
	if _, err := os.Stat(h.state("")); err == nil {
		t.Error("the doctor made a state folder")
	}
	h.start()
	doctor(1, "doctor_signed_out.golden")
	h.signIn("gate")
	h.signIn("yard")
	h.mqtt.Await(topics.DeviceState("gate", station), bridgetest.Payload("online"), patience)
	doctor(0, "doctor_well.golden")
	if code, out, _ := h.run("", "doctor", "--json"); code != 0 || !strings.Contains(out, `"grade": "ok"`) {
		t.Errorf("--json: %d\n%s", code, out)
	}
	h.ready()
	if r := h.press(); r.Reason != "ok" {
		t.Errorf("the doctor disturbed the guard: %s", r.Reason)
	}
	h.stop()

	// Without a daemon, and with what may be wrong.
	h.mqtt.Publish(topics.Set("gate", relayOne), envelope("PRESS", newID(), time.Now()), true)
	for path, mode := range map[string]os.FileMode{h.state(""): 0o755, h.state("latchkey.key"): 0o644, h.config(): 0o604} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	h.edit(func(s string) string {
		return strings.Replace(strings.Replace(s, "web: {listen: "+h.page+"}", `web: {listen: ""}`, 1), "accounts:", "commands: {require_envelope: true}\naccounts:", 1)
	})
	doctor(1, "doctor_ill.golden")
	if m := h.mqtt.Retained(topics.Set("gate", relayOne)); len(m) != 1 {
		t.Error("the doctor cleared what it was to report")
	}
	h.mqtt.Publish(topics.Set("gate", relayOne), "", true)
	h.edit(func(s string) string { return strings.Replace(s, h.mqttURL(), "mqtt://127.0.0.1:1", 1) })
	if code, out, _ := h.run("", "doctor"); code != 1 || !strings.Contains(out, "mqtt.broker, username and password right") {
		t.Errorf("no broker: %d\n%s", code, out)
	}
	overwrite(h, "latchkey.key", []byte("another key, long enough to be one"))
	if code, out, _ := h.run("", "doctor"); code != 1 || !strings.Contains(out, "latchkey.key is not the one") {
		t.Errorf("a wrong key: %d\n%s", code, out)
	}
}

// M13: what a broker's access rules forbid is found by an echo, and the rules that
// the doctor prints are enough.
func TestDoctorAccess(t *testing.T) {
	t.Parallel()
	well, err := os.ReadFile(filepath.Join("testdata", "doctor_well.golden"))
	if err != nil {
		t.Fatal(err)
	}
	_, rules, _ := strings.Cut(string(well), "(acl_file):\n")
	for _, c := range []struct {
		name, rules string
		code        int
		says        []string
	}{
		{"as printed", rules, 0, []string{"may write and read all its topics"}},
		{"commands cannot be read", strings.Replace(rules, "topic readwrite latchkey/#", "topic deny latchkey/device/+/+/+/set\ntopic readwrite latchkey/#", 1), 1,
			[]string{"commands of devices: "}},
		{"nothing can be written", strings.Replace(rules, "topic readwrite", "topic read", 2), 1,
			[]string{"commands of the bridge: ", "accounts' topics: ", "Home Assistant's discovery: ", "access rules below"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := bridgetest.StartMosquitto(t, bridgetest.MosquittoOptions{Users: map[string]string{"latchkey": "secret word"},
				Lines: "allow_anonymous true", ACL: "topic readwrite #\n" + c.rules})
			h := newHome(t, m.URL())
			h.edit(func(s string) string {
				return strings.Replace(s, "mqtt: {", "mqtt: {username: latchkey, password: secret word, ", 1)
			})
			code, out, errs := h.run("", "doctor")
			if code != c.code {
				t.Errorf("exit %d, want %d\n%s%s", code, c.code, out, errs)
			}
			h.launch()
			for _, part := range c.says {
				if !strings.Contains(out, part) {
					t.Errorf("does not say %q:\n%s", part, out)
				}
				if strings.HasSuffix(part, ": ") { // the daemon names it as well, by itself
					h.log.await(t, 1, "message=\""+part)
				}
			}
			if c.code == 0 {
				h.log.await(t, 1, `"the broker's access rules were tried" denied=0`)
			}
		})
	}
}
