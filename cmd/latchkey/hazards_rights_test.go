package main_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird/doorbirdsim"
)

// H14: whoever reaches an open broker may open. latchkey says so; an access rule
// of the broker keeps strangers out.
func openBroker(t *testing.T, sum *openings) {
	open := stock(t)
	n := newNaive(t, open.URL(), "naive/open", bridgetest.ClientOptions{}, nil)
	bridgetest.Dial(t, open.URL(), bridgetest.ClientOptions{ID: "stranger"}).Publish("naive/open", "PRESS", false)
	sum.danger(n.opened(1))
	h := newTrial(t, sum, open.URL())
	h.begin()
	if !strings.Contains(h.log.String(), "whoever reaches it may open doors") {
		t.Error("the log does not warn of a broker without user names")
	}
	h.open()

	closed := bridgetest.StartMosquitto(t, bridgetest.MosquittoOptions{
		Users: map[string]string{"latchkey": "secret-of-latchkey", "home": "secret-of-home", "guest": "secret-of-guest"},
		ACL:   "user latchkey\ntopic readwrite latchkey/#\ntopic readwrite homeassistant/#\nuser home\ntopic readwrite #\nuser guest\ntopic read latchkey/#\n",
	})
	as := func(name string) *bridgetest.Client {
		return bridgetest.Dial(t, closed.URL(), bridgetest.ClientOptions{Username: name, Password: "secret-of-" + name})
	}
	h.stop()
	h.edit(func(text string) string {
		return strings.Replace(text, `"mqtt://`+h.wire.Address()+`"`, fmt.Sprintf("%q, username: latchkey, password: secret-of-latchkey", closed.URL()), 1)
	})
	h.mqtt = as("home")
	h.mqtt.Subscribe("latchkey/#")
	guest, before := as("guest"), len(h.log.String())
	h.start()
	h.ready()
	set, _ := h.gate()
	guest.Publish(set, "PRESS", false) // the broker says yes, and drops it (measured)
	h.open()
	if strings.Contains(h.log.String()[before:], "whoever reaches it may open doors") {
		t.Error("the log warns of a broker that has user names")
	}
}

// H14: permissions of an account, by topic and by call; raw calls that write.
func denied(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.configure("    permissions: [{entity: relay_1, allow: false}, {entity: light, actions: [PRESS], allow: false}]\n")
	h.begin()
	h.refused(h.press(), bridge.ReasonDenied)
	h.refused(h.call("gate", "relay", `{"number":1}`), bridge.ReasonDenied)
	h.refused(h.call("gate", "light", `{}`), bridge.ReasonDenied)
	h.mqtt.Publish(topics.AccountCall("gate", "request"), `{"args":{"method":"POST","path":"/relay/2","json":{}}}`, false)
	h.refused(h.result(topics.AccountResult("gate", "request"), ""), bridge.ReasonUnknownTarget) // this vendor has no raw calls
	if h.doorbird.Log.Count("POST /relay/*") != 0 || h.doorbird.Lights() != 0 {
		t.Error("something was sent")
	}
	h.open2()
	t.Log("the vendor refuses what the sign-in does not allow")
	h.doorbird.Faults.Add(simkit.Fault{On: "POST /relay/2", Do: simkit.Status(403, "application/json", "{}")})
	until(time.Now().Add(1100 * time.Millisecond))
	h.refused(h.call("gate", "relay", `{"number":2}`), bridge.ReasonRejected)
}

// H19: secrets stand in nothing that leaves latchkey, and sealed in its files.
func secrets(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.pushed()
	h.begin()
	h.open()
	h.doorbird.Faults.Add(simkit.Fault{On: "POST /auth/token", Times: 1, Do: simkit.Status(500, "text/plain", strings.Join(h.doorbird.Issuer.Secrets(), " "))})
	h.doorbird.Faults.Add(simkit.Fault{On: "POST /relay/2", Times: 1, Do: func(e *simkit.Exchange) {
		e.Send(simkit.JSON(400, map[string]string{"error": e.Request.Header.Get("Authorization")})) // a cloud that repeats the bearer
	}})
	h.call("gate", "relay", `{"number":2}`)
	h.call("gate", "refresh", "{}")
	h.call("gate", "refresh", "{}")
	_, list, _ := h.run("", "status", "--json")
	_, called, wrong := h.run("", "call", "gate", "relay", "number=2")
	h.asked++
	everywhere := map[string]string{
		"the page": h.get("/"), "/api/v1/status": h.get("/api/v1/status"), "/metrics": h.get("/metrics"), "/healthz": h.get("/healthz"),
		"latchkey status": list, "latchkey call": called + wrong,
	}
	for _, name := range h.stateFiles() {
		if content, err := os.ReadFile(name); err == nil {
			everywhere[name] = string(content)
		}
	}
	if len(h.doorbird.Issuer.Secrets()) < 6 || len(everywhere) < 8 {
		t.Fatalf("%d secrets and %d places: there is little to find", len(h.doorbird.Issuer.Secrets()), len(everywhere))
	}
	for where, text := range everywhere {
		for _, secret := range append(h.doorbird.Issuer.Secrets(), "hazard-push-key") {
			if len(secret) >= 8 && strings.Contains(text, secret) {
				t.Errorf("a secret stands in %s", where)
			}
		}
	}
}

// H21: the reasons that no other hazard meets; the sum at the end checks that all
// of the Contract were heard. Their texts are golden in bridge/engine.
func everyReason(t *testing.T, sum *openings) {
	broker := stock(t)
	h := newTrial(t, sum, broker.URL())
	h.start()
	h.signIn("gate")
	h.mqtt.Await(topics.DeviceState("gate", station), bridgetest.Payload("online"), patience)
	h.refused(h.send("PRESS", ""), bridge.ReasonSettling)
	h.ready()

	t.Log("the access token is dead, and the vendor's token endpoint is down")
	h.aged()
	h.doorbird.Issuer.EndAccess()
	down := h.doorbird.Faults.Add(simkit.Fault{On: "POST /auth/token", Times: simkit.Always, Do: simkit.HTML(502)})
	h.refused(h.press(), bridge.ReasonOffline)
	down()

	h.stop()
	h.doorbird.Issuer.EndUser(doorbirdsim.DemoAdmin) // signed out at the vendor
	h.start()
	h.mqtt.Await(topics.Token("gate"), contains(`"state":"login_needed"`), patience)
	h.ready()
	h.refused(h.press(), bridge.ReasonLoginNeeded)
}

// slowRelay fills the queue of a device: one command at work, one waiting for each
// entity, the rest is busy.
func (h *trial) slowRelay() {
	h.t.Helper()
	release := make(chan struct{})
	h.doorbird.Faults.Add(simkit.Fault{On: relayPath, Do: simkit.Hold(release, nil)})
	set, result := h.gate()
	ids, before := []string{newID(), newID(), newID()}, h.doorbird.Log.Count(relayPath)
	h.asked++
	h.mqtt.Publish(set, envelope("PRESS", ids[0], time.Now()), false)
	h.awaitRequests(relayPath, before+1)
	until(time.Now().Add(1100 * time.Millisecond))
	h.asked++
	h.mqtt.Publish(set, envelope("PRESS", ids[1], time.Now()), false) // waits
	until(time.Now().Add(1100 * time.Millisecond))
	h.mqtt.Publish(topics.AccountCall("gate", "relay"), fmt.Sprintf(`{"id":%q,"sent_at":%d,"args":{"number":1}}`, ids[2], time.Now().Unix()), false)
	if r := h.result(topics.AccountResult("gate", "relay"), ids[2]); r.Reason != bridge.ReasonBusy {
		h.t.Errorf("a third at once: %s (%s), want busy", r.Reason, r.Message)
	}
	close(release)
	for _, id := range ids[:2] {
		if r := h.result(result, id); r.Reason != bridge.ReasonOK {
			h.t.Errorf("%s (%s), want ok", r.Reason, r.Message)
		}
	}
	h.want(bridge.Result{Reason: bridge.ReasonOK}, bridge.ReasonOK, h.asked)
}
