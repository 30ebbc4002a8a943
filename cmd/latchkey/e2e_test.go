package main_test

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
)

// The main job, with the real program: sign in, see the devices, list cameras,
// open the gate, survive a stop and a power cut.
func TestEndToEnd(t *testing.T) {
	bridgetest.Brokers(t, func(t *testing.T, broker bridgetest.Broker) {
		h := newHome(t, broker.URL())
		h.start()
		h.signIn("gate")
		h.signIn("yard")
		h.mqtt.Await("homeassistant/device/latchkey_home_gate_"+station+"/config", contains(`"relay_1"`), patience)
		h.mqtt.Await("homeassistant/device/latchkey_home_yard_4201/config", contains(`"recording"`), patience)
		h.mqtt.Await(topics.DeviceState("yard", "4201"), bridgetest.Payload("online"), patience)

		h.ready()
		h.want(h.press(), bridge.ReasonOK, 1)
		r := h.call("yard", "cameras", "{}")
		var cameras []struct{ Name string }
		if err := json.Unmarshal(r.Data, &cameras); err != nil || len(cameras) != 3 {
			t.Errorf("cameras: %s %s %s", r.Reason, r.Message, r.Data)
		}
		if r := h.call("yard", "snapshot", `{"camera":"4201"}`); r.Reason != bridge.ReasonOK || !strings.Contains(string(r.Data), `"content_type":"image/jpeg"`) {
			t.Errorf("snapshot: %s %s %.80s", r.Reason, r.Message, r.Data)
		}
		if r := h.call("gate", "relay", `{"number":7}`); r.Reason != bridge.ReasonUnknownTarget {
			t.Errorf("a relay that does not exist: %s", r.Reason)
		}

		t.Run("stopped and started", func(t *testing.T) {
			if code := h.stop(); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			h.mqtt.Await(topics.BridgeState(), bridgetest.Payload("offline"), patience)
			h.doorbird.Issuer.EndAccess()
			h.start()
			h.mqtt.Await(topics.Token("gate"), contains(`"state":"valid"`), patience)
			h.ready()
			h.want(h.press(), bridge.ReasonOK, 2)
		})
		t.Run("power cut", func(t *testing.T) {
			h.kill()
			h.mqtt.Await(topics.BridgeState(), bridgetest.Payload("offline"), patience) // the will
			h.doorbird.Issuer.EndAccess()
			h.start()
			h.ready()
			h.want(h.press(), bridge.ReasonOK, 3)
		})
		if n := h.doorbird.Log.Count("GET /auth/authorize"); n != 1 {
			t.Errorf("somebody had to sign in %d times, want once", n)
		}
	})
}

// A cloud that is away at the start holds up neither MQTT nor the other cloud.
func TestCloudAwayAtStart(t *testing.T) {
	bridgetest.Brokers(t, func(t *testing.T, broker bridgetest.Broker) {
		h := newHome(t, broker.URL())
		h.start()
		h.signIn("gate")
		h.signIn("yard")
		h.mqtt.Await(topics.DeviceState("gate", station), bridgetest.Payload("online"), patience)
		h.stop()

		down := h.cameras.Faults.Add(simkit.Fault{On: "POST /oauth/token", Times: simkit.Always, Do: simkit.HTML(502)})
		h.cameras.Issuer.EndAccess()
		h.start()
		h.mqtt.Await(topics.Token("yard"), contains(`"reason":"vendor_down"`), patience)
		h.mqtt.Await("homeassistant/device/latchkey_home_yard_4201/config", contains(`"recording"`), patience) // from the inventory
		h.ready()
		h.want(h.press(), bridge.ReasonOK, 1)
		down()
		h.mqtt.Await(topics.Token("yard"), contains(`"state":"valid"`), time.Minute)
	})
}

// A changed file is taken up while the daemon runs; a bad one changes nothing and
// says so.
func TestReload(t *testing.T) {
	bridgetest.Brokers(t, func(t *testing.T, broker bridgetest.Broker) {
		h := newHome(t, broker.URL())
		h.start()
		h.signIn("gate")
		h.signIn("yard")
		h.mqtt.Await(topics.DeviceState("yard", "4201"), bridgetest.Payload("online"), patience)

		h.edit(func(text string) string { return text + "    colour: green\n" })
		m := h.mqtt.Await(topics.BridgeInfo(), contains("colour"), patience)
		if !strings.Contains(m.Payload, "config.yaml:") {
			t.Errorf("bridge/info names no place: %s", m.Payload)
		}
		// Without the cameras, and mended: their topics go, the gate stays.
		h.edit(func(text string) string { return text[:strings.Index(text, "  yard:")] })
		h.mqtt.Await("homeassistant/device/latchkey_home_yard_4201/config", bridgetest.Payload(""), patience)
		h.mqtt.Await(topics.DeviceState("yard", "4201"), bridgetest.Payload(""), patience)
		h.mqtt.Await(topics.BridgeInfo(), contains(`"config_error":null`), patience)
		h.ready()
		h.want(h.press(), bridge.ReasonOK, 1)
		if n := h.doorbird.Log.Count("POST /auth/token"); n != 1 {
			t.Errorf("%d token calls for the gate, want the one of the sign-in: its account was not to be touched", n)
		}
		// What all share: a new house beside the same store.
		h.edit(func(text string) string { return "commands: {cooldown: 900ms}\n" + text })
		h.mqtt.Await(topics.BridgeState(), bridgetest.Payload("offline"), patience)
		h.mqtt.Await(topics.BridgeState(), bridgetest.Payload("online"), patience)
		h.ready()
		h.want(h.press(), bridge.ReasonOK, 2)
		// What a check cannot know: the house of before stands again, and says why.
		taken := strings.TrimPrefix(h.clouds["doorbird"].URL, "http://")
		h.edit(func(text string) string { return strings.Replace(text, h.page, taken, 1) })
		h.mqtt.Await(topics.BridgeInfo(), contains(`"config_error":"open the page (web.listen)`), patience)
		h.ready()
		h.want(h.press(), bridge.ReasonOK, 3)
		h.mqtt.Skip()
		h.edit(func(text string) string { return strings.Replace(text, "listen: "+taken, "listen: "+h.page, 1) })
		h.mqtt.Await(topics.BridgeInfo(), contains(`"config_error":null`), patience)
		if code := h.stop(); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
	})
}

// The log changes its level and format without a break. A systemd that is not
// there makes a debug line of each reload.
func TestReloadOfTheLog(t *testing.T) {
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	h.env = []string{"NOTIFY_SOCKET=" + h.dir + "/nobody"}
	h.start()
	const debug, changed = "systemd was not told", "the log has another level or format"
	h.log.await(t, 1, debug)
	h.edit(func(text string) string {
		return strings.Replace(text, "level: debug, format: text", "level: info, format: json", 1)
	})
	h.log.await(t, 1, `"level":"INFO","msg":"`+changed)
	before := strings.Count(h.log.String(), debug)
	h.hangUp()
	h.edit(func(text string) string {
		return strings.Replace(text, "level: info, format: json", "level: debug, format: text", 1)
	})
	h.log.await(t, 1, `level=INFO msg="`+changed)
	h.log.await(t, before+1, debug)
	if text, _, _ := strings.Cut(h.log.String(), `level=INFO msg="`+changed); strings.Count(text, debug) != before {
		t.Error("debug lines at level info")
	}
	if n := strings.Count(h.log.String(), "connected to the broker"); n != 1 {
		t.Errorf("connected %d times, want once: nothing but the log was to change", n)
	}
	if n := strings.Count(h.log.String(), "no username"); n != 1 {
		t.Errorf("the configuration's warning was logged %d times, want once", n)
	}
}

// SIGHUP has the file looked at, and ends nothing.
func TestHangup(t *testing.T) {
	h := newHome(t, bridgetest.StartEmbedded(t).URL())
	told, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: h.dir + "/notify", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	h.env = []string{"NOTIFY_SOCKET=" + h.dir + "/notify"}
	next := func(want string) {
		t.Helper()
		var text [200]byte
		_ = told.SetReadDeadline(time.Now().Add(patience))
		n, err := told.Read(text[:])
		if got := string(text[:n]); err != nil || !strings.HasPrefix(got, want) {
			t.Fatalf("systemd was told %q (%v), want %s", got, err, want)
		}
	}
	h.start()
	next("READY=1")
	h.hangUp()
	next("RELOADING=1\nMONOTONIC_USEC=")
	next("READY=1")
	if code := h.stop(); code != 0 {
		t.Errorf("exit code %d after SIGHUP and SIGTERM, want 0", code)
	}
	next("STOPPING=1")
}
