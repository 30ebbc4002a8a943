package main_test

import (
	"encoding/json"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/web"
	"latchkey/vendors/cameramanager/cameramanagersim"
)

// The commands open the store themselves where no daemon runs.
func TestCommandsAlone(t *testing.T) {
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	relay := []string{"call", "gate", "relay", "number=1"}

	h.start()
	h.stop()
	t.Run("login by pasting, and nobody beside it", func(t *testing.T) {
		h.paste(t, "gate", func(back *url.URL) string {
			code, out, errs := h.run("", relay...)
			if code != 1 || out != "" || !strings.Contains(errs, "the store is in use") || !strings.Contains(errs, "use its commands") {
				t.Errorf("call beside it: exit %d\n%s%s", code, out, errs)
			}
			return back.String()
		})
	})
	h.start() // it learns of the devices
	h.mqtt.Await(topics.DeviceState("gate", station), bridgetest.Payload("online"), patience)
	h.stop()
	t.Run("call opens the relay once, and logs it", func(t *testing.T) {
		var r bridge.Result
		code, out, errs := h.run("", relay...)
		if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Reason != bridge.ReasonOK || errs != "" || h.doorbird.AllPulses() != 1 {
			t.Errorf("exit %d, %d pulses\n%s%s", code, h.doorbird.AllPulses(), out, errs)
		}
		if code, out, _ := h.run("", "log"); code != 0 || !strings.Contains(out, "relay_1") || !strings.Contains(out, "command line") {
			t.Errorf("log: exit %d\n%s", code, out)
		}
		if code, out, _ := h.run("", "log", "--verify"); code != 0 {
			t.Errorf("log --verify: exit %d\n%s", code, out)
		}
	})
	t.Run("call is judged by the same guard", func(t *testing.T) {
		h.edit(func(s string) string { return s + "    permissions: [{allow: false}]\n" }) // of yard, the last
		for reason, args := range map[bridge.Reason][]string{
			bridge.ReasonUnknownTarget: {"call", "gate", "relay", "number=7"},
			bridge.ReasonMalformed:     {"call", "gate", "relay", "number=one"},
			bridge.ReasonDenied:        {"call", "yard", "cameras"},
		} {
			var r bridge.Result
			code, out, errs := h.run("", args...)
			if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || r.Reason != reason {
				t.Errorf("%v: exit %d, %s%s, want %s", args, code, out, errs, reason)
			}
		}
		if code, _, errs := h.run("", "call", "nobody", "info"); code != 1 || !strings.Contains(errs, `there is no account "nobody"`) {
			t.Errorf("an account that is not there: exit %d, %q", code, errs)
		}
		if h.doorbird.AllPulses() != 1 {
			t.Errorf("%d pulses, want still one", h.doorbird.AllPulses())
		}
	})
	t.Run("logout revokes and forgets", func(t *testing.T) {
		if code, out, errs := h.run("", "logout", "gate"); code != 0 || !strings.Contains(out, "revoked at the vendor, and forgotten here") {
			t.Errorf("exit %d\n%s%s", code, out, errs)
		}
		if n := h.doorbird.Log.Count("POST /auth/revoke"); n != 2 {
			t.Errorf("%d tokens revoked at the vendor, want access and refresh token", n)
		}
		if s := h.stored(t); s.Accounts[0].Token.State != bridge.SignedOut {
			t.Errorf("gate is %s, want signed_out", s.Accounts[0].Token.State)
		}
	})
}

// stored is what `latchkey status --json` says where no daemon runs.
func (h *home) stored(t *testing.T) (s web.Status) {
	t.Helper()
	code, out, errs := h.run("", "status", "--json")
	if err := json.Unmarshal([]byte(out), &s); err != nil || code != 1 || !strings.Contains(errs, "no running latchkey answers") || len(s.Accounts) != 2 {
		t.Fatalf("status: exit %d, %v\n%s%s", code, err, out, errs)
	}
	return s
}

// What the daemon knew is shown without it, and stays; secrets that a command does
// not use may be out of reach, as a service's are.
func TestAloneAfterDaemon(t *testing.T) {
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	h.start()
	h.signIn("gate")
	h.signIn("yard")
	h.mqtt.Await(topics.DeviceState("gate", station), bridgetest.Payload("online"), patience)
	h.mqtt.Await(topics.DeviceState("yard", "4201"), bridgetest.Payload("online"), patience)
	h.stop()
	h.edit(func(s string) string {
		s = strings.Replace(s, cameramanagersim.DemoSecret, "${LATCHKEY_TEST_UNSET}", 1)
		return strings.Replace(s, "mqtt: {", "mqtt: {password_file: /nowhere/mqtt, ", 1)
	})

	before := h.stored(t)
	gate, yard := before.Accounts[0], before.Accounts[1]
	if gate.Token.State != bridge.Valid || yard.Token.State != bridge.Valid || len(gate.Devices) != 1 || gate.Devices[0].ID != station || len(yard.Devices) == 0 {
		t.Errorf("stored: %+v", before)
	}
	if code, out, _ := h.run("", "status"); code != 1 || !strings.Contains(out, "latchkey does not run") || !strings.Contains(out, "Front gate") {
		t.Errorf("status: exit %d\n%s", code, out)
	}
	if code, out, errs := h.run("", "call", "gate", "relay", "number=1"); code != 0 || h.doorbird.AllPulses() != 1 {
		t.Errorf("call: exit %d, %d pulses\n%s%s", code, h.doorbird.AllPulses(), out, errs)
	}
	if code, _, errs := h.run("", "call", "yard", "cameras"); code != 1 || !strings.Contains(errs, "LATCHKEY_TEST_UNSET") {
		t.Errorf("the account without its secret: exit %d, %q", code, errs)
	}
	after := h.stored(t)
	after.Commands = before.Commands // the opening
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("a command has changed what is stored (-before +after):\n%s", diff)
	}
}

// login opens the page for the time of the sign-in, for nobody but the ticket.
func TestLoginAlone(t *testing.T) {
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	h.start()
	h.stop()
	t.Run("the address is taken", func(t *testing.T) {
		l, err := net.Listen("tcp", h.page)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		code, out, errs := h.run("", "login", "gate")
		if code != 1 || out != "" || !strings.Contains(errs, "web.listen") || !strings.Contains(errs, h.page) {
			t.Errorf("exit %d\n%s%s", code, out, errs)
		}
	})
	t.Run("the browser comes back", func(t *testing.T) { h.login(t, "gate") })
	if s := h.stored(t); s.Accounts[0].Token.State != bridge.Valid {
		t.Errorf("gate is %s, want valid", s.Accounts[0].Token.State)
	}
	if conn, err := net.Dial("tcp", h.page); err == nil {
		_ = conn.Close()
		t.Error("the page is still there")
	}
}
