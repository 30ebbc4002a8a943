package main_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/cameramanager/cameramanagersim"
)

// Scopes that contradict each other are found before anything is asked.
func TestContradictingScopes(t *testing.T) {
	h := newHome(t, stock(t).URL())
	h.edit(func(text string) string {
		return strings.Replace(text, "scope: deviceAdmin", "scope: deviceViewer deviceAdmin", 1) + "    scope: read everything\n"
	})
	code, out, errs := h.run("", "check")
	for _, want := range []string{`scope: "deviceViewer deviceAdmin" is not known`, `scope: "everything" is not known`} {
		if code != 2 || !strings.Contains(out+errs, want) {
			t.Errorf("check: %d\n%s%s\nwant %q", code, out, errs, want)
		}
	}
}

// A cloud that answers strangely, through the whole daemon: an error that says so,
// nothing vanishes, nothing of the grant leaves, and the next answer is fine.
func TestStrangeAnswers(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	foreign := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	h := newHome(t, stock(t).URL())
	h.cameras.Set(4202, func(c *cameramanagersim.Camera) { c.Name, c.FirmwareStatus = "Yard", "🦄 never seen" })
	// The guide asks for one scope and is answered another.
	h.cameras.Faults.Add(simkit.Fault{On: "POST /oauth/token", Do: simkit.EditJSON(func(m map[string]any) { m["scope"] = "write" })})
	h.start()
	h.signIn("gate")
	h.signIn("yard")
	h.mqtt.Await(topics.DeviceState("gate", station), bridgetest.Payload("online"), patience)
	h.mqtt.Await(topics.DeviceState("yard", "4202"), bridgetest.Payload("online"), patience)
	h.mqtt.Await(topics.Value("yard", bridge.Ref{Device: "4202", Entity: "firmware_status"}), bridgetest.Payload("🦄 never seen"), patience)
	h.ready()

	if r := h.call("yard", "refresh", "{}"); r.Reason != bridge.ReasonOK || h.cameras.Log.Last("POST /oauth/token").Query.Get("scope") != "read" {
		t.Errorf("refreshed %s with scope %q, want the configured one", r.Reason, h.cameras.Log.Last("POST /oauth/token").Query.Get("scope"))
	}
	elsewhere := func(status int) simkit.Deed {
		return simkit.Status(status, "", "", "Location", foreign.URL+"/elsewhere")
	}
	camera, info := `{"camera":"4201"}`, "{}"
	for _, c := range []struct {
		name           string
		account, call  string
		args, on, says string
		deed           simkit.Deed
	}{
		{"20 MB", "gate", "snapshot", info, "/live/live-image", "longer than allowed", simkit.Huge(20 << 20)},
		{"20 MB", "yard", "snapshot", camera, "/rest/v2.0/cameras/4201/snapshot", "longer than allowed", simkit.Huge(20 << 20)},
		{"20 MB list", "yard", "cameras", info, "/rest/v2.4/cameras", "longer than allowed", simkit.Huge(20 << 20)},
		{"redirect", "gate", "snapshot", info, "/live/live-image", "elsewhere", elsewhere(302)},
		{"redirect of a command", "gate", "relay", `{"number":1}`, "POST /relay/1", "elsewhere", elsewhere(307)},
		{"redirect of a command", "gate", "light", "{}", "POST /live/light", "elsewhere", elsewhere(308)},
		{"redirect", "yard", "cameras", info, "/rest/v2.4/cameras", "elsewhere", elsewhere(302)},
		{"redirect", "yard", "snapshot", camera, "/rest/v2.0/cameras/4201/snapshot", "elsewhere", elsewhere(307)},
		{"another vendor's answer", "gate", "info", info, "/metadata", "no MAC address", simkit.Status(200, "application/json", `{"data":{"nodes":{"edges":[]}}}`)},
		{"another vendor's answer", "gate", "relays", info, "/relays/settings", "not understood", simkit.Status(200, "application/json", `{"resultCode":"ok"}`)},
		{"another vendor's answer", "yard", "cameras", info, "/rest/v2.4/cameras", "not understood", simkit.Status(200, "application/json", `{"mac":"1CCAE3A1B2C3","intercomTypeName":"x"}`)},
	} {
		lights := h.doorbird.Lights()
		sim := map[string]*simkit.Kit{"gate": h.doorbird.Kit, "yard": h.cameras.Kit}[c.account]
		remove := sim.Faults.Add(simkit.Fault{On: c.on, Times: simkit.Always, Do: c.deed})
		r := h.call(c.account, c.call, c.args)
		remove()
		if r.Reason.Outcome() == bridge.OutcomeOK || r.Reason.Outcome() == bridge.OutcomeRefused || !strings.Contains(r.Message, c.says) {
			t.Errorf("%s %s, %s: %s %q, want %q", c.account, c.call, c.name, r.Reason, r.Message, c.says)
		}
		if h.doorbird.AllPulses() != 0 || h.doorbird.Lights() != lights {
			t.Errorf("%s %s, %s: something moved", c.account, c.call, c.name)
		}
	}
	if visits.Load() != 0 {
		t.Errorf("the foreign host was visited %d times", visits.Load())
	}
	for _, m := range h.mqtt.Messages() {
		// The look at the broker's access rules says something empty of its own there.
		if strings.HasPrefix(m.Topic, "homeassistant/device/") && m.Payload == "" && !strings.Contains(m.Topic, "_Doctor/") {
			t.Errorf("%s was cleared: an odd answer removed a device", m.Topic)
		}
	}
	h.want(h.press(), bridge.ReasonOK, 1)
	if r := h.call("yard", "cameras", "{}"); r.Reason != bridge.ReasonOK {
		t.Errorf("then: %s %s", r.Reason, r.Message)
	}

	// Stream addresses are results and nothing else.
	if r := h.call("yard", "streams", camera); r.Reason != bridge.ReasonOK || !strings.Contains(string(r.Data), "camera_id=4201") {
		t.Errorf("streams: %s %s", r.Reason, r.Data)
	}
	for topic, payload := range h.mqtt.Retained("latchkey/#") {
		if strings.Contains(payload, "/stream/") {
			t.Errorf("the broker keeps a stream address on %s", topic)
		}
	}
	if strings.Contains(h.log.String(), "/stream/") {
		t.Error("a stream address is logged")
	}
}

// Cameras whose ids are no topics: they are there, their buttons ask for them, and
// equal names do no harm.
func TestStrangeIDs(t *testing.T) {
	t.Parallel()
	h := newHome(t, stock(t).URL())
	long := strings.Repeat("x", 300)
	ids := []string{"a/b c", "🎥+#", long}
	list := `[{"cameraId":"a/b c","name":"Same"},{"cameraId":"🎥+#","name":"Same"},{"cameraId":"` + long + `","name":"Same 🎥"}]`
	h.cameras.Faults.Add(simkit.Fault{On: "GET /rest/v2.4/cameras", Times: simkit.Always, Do: simkit.Status(200, "application/json", list)})
	h.start()
	h.signIn("yard")
	for _, id := range ids {
		device := bridge.DeviceID(id)
		h.mqtt.Await("homeassistant/device/latchkey_home_yard_"+device+"/config", contains(`"name":"Same`), patience)
	}
	h.ready()
	for _, id := range ids {
		ref := bridge.Ref{Device: bridge.DeviceID(id), Entity: "refresh_still"}
		h.mqtt.Publish(topics.Set("yard", ref), "PRESS", false)
		if r := h.result(topics.Result("yard", ref), ""); r.Reason != bridge.ReasonRejected || r.Status != 404 {
			t.Errorf("%.20q: %s %d %s, want the cloud's 404", id, r.Reason, r.Status, r.Message)
		}
		if asked := h.cameras.Log.Last("").Path; asked != "/rest/v2.0/cameras/"+id+"/snapshot" {
			t.Errorf("%.20q: asked for %.60q", id, asked)
		}
	}
}
