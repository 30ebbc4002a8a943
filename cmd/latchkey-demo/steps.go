package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
	"latchkey/vendors/cameramanager/cameramanagersim"
	"latchkey/vendors/doorbird/doorbirdsim"
)

func (t *tourist) house(ctx context.Context) error {
	if err := t.start(ctx); err != nil {
		return err
	}
	if _, err := t.guest.await(ctx, topics.BridgeState(), is("online")); err != nil {
		return err
	}
	t.say.seen("broker         %s (embedded, in memory)", t.broker.URL())
	t.say.seen("DoorBird       %s (simulated)", t.env["DOORBIRD"])
	t.say.seen("CameraManager  %s (simulated)", t.env["CAMERAMANAGER"])
	t.say.seen("latchkey       %s, on MQTT before any cloud was asked", t.page)
	return nil
}

func (t *tourist) signIn(ctx context.Context) error {
	who := map[string]simkit.Person{"gate": {Name: doorbirdsim.DemoAdmin, Password: "admin"}, "house": {Name: cameramanagersim.DemoUser, Password: cameramanagersim.DemoPassword}}
	if t.once {
		who["garage"] = simkit.Person{Name: garageUser, Password: "admin"}
	}
	for _, account := range []string{"gate", "house", "garage"} {
		person, goes := who[account]
		if !goes {
			t.say.note("%s waits for you: %s/accounts/%s/login (user %s, password admin)", account, t.page, account, garageUser)
			continue
		}
		if err := signIn(ctx, t.page, account, person); err != nil {
			return fmt.Errorf("account %s: %w", account, err)
		}
		text, err := t.guest.await(ctx, topics.Token(account), holds(`"state":"valid"`))
		if err != nil {
			return err
		}
		h := health(text)
		t.say.seen("%-6s %s allowed it; valid until %s, renewed by itself at %s", account, person.Name, h.ExpiresAt.Local().Format(time.TimeOnly), h.NextRefreshAt.Local().Format(time.TimeOnly))
	}
	return nil
}

func (t *tourist) documents(ctx context.Context) error {
	text, err := t.guest.await(ctx, "homeassistant/device/latchkey_demo_gate_"+station+"/config", holds("relay_2"))
	if err != nil {
		return err
	}
	if _, err := t.guest.await(ctx, "homeassistant/device/latchkey_demo_house_4201/config", holds("connection")); err != nil {
		return err
	}
	var doc struct {
		Device     struct{ Name, Model string }
		Components map[string]struct{ Platform, Name string }
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		return err
	}
	n := t.guest.count(func(topic string) bool { return strings.HasPrefix(topic, "homeassistant/device/") })
	t.say.seen("%d device documents, one of them %s (%s):", n, doc.Device.Name, doc.Device.Model)
	for key, c := range doc.Components {
		if c.Platform == "button" {
			t.say.note("button %-16s %s", key, c.Name)
		}
	}
	return nil
}

func (t *tourist) listCameras(ctx context.Context) error {
	if err := t.settle(ctx); err != nil {
		return err
	}
	r, err := t.call(ctx, "house", "cameras")
	if err != nil {
		return err
	}
	var cameras []map[string]any
	if err := json.Unmarshal(r.Data, &cameras); err != nil || len(cameras) == 0 {
		return fmt.Errorf("the result holds no cameras: %.200s", r.Data)
	}
	t.say.seen("account/house/call/cameras: %s in %d ms", r.Reason, r.LatencyMS)
	for _, c := range cameras {
		t.say.note("%v", c)
	}
	return nil
}

func (t *tourist) openGate(ctx context.Context) error {
	r, err := t.open(ctx, envelope(rand.Text()))
	if err != nil {
		return err
	}
	if r.Reason != bridge.ReasonOK || t.pulses() != 1 {
		return fmt.Errorf("the result is %s (%s), and the relay fired %d times", r.Reason, r.Message, t.pulses())
	}
	t.say.seen("relay_1/set: %s in %d ms; the relay fired once", r.Reason, r.LatencyMS)
	return nil
}

// refuse shows the commands that other bridges have opened doors for.
func (t *tourist) refuse(ctx context.Context) error {
	before := t.pulses()
	id := rand.Text()
	stale := fmt.Sprintf(`{"action":"PRESS","id":%q,"sent_at":%d}`, rand.Text(), time.Now().Add(-time.Minute).Unix())
	for _, c := range []struct {
		what, payload string
		want          bridge.Reason
	}{
		{"a press from a minute ago", stale, bridge.ReasonStale},
		{"a press, and another at once", "PRESS", bridge.ReasonTooSoon},
		{"nonsense", `{"action":"OPEN SESAME"}`, bridge.ReasonMalformed},
	} {
		if c.want == bridge.ReasonTooSoon {
			if _, err := t.open(ctx, envelope(id)); err != nil {
				return err
			}
			before++
		}
		r, err := t.guest.ask(ctx, topics.Set("gate", gateOne), topics.Result("gate", gateOne), c.payload, "")
		if err != nil {
			return err
		}
		if r.Reason != c.want {
			return fmt.Errorf("%s: the result is %s (%s), want %s", c.what, r.Reason, r.Message, c.want)
		}
		t.say.seen("%-30s %s: %s", c.what, r.Reason, r.Message)
	}
	if t.pulses() != before {
		return fmt.Errorf("the relay fired %d times, want %d", t.pulses(), before)
	}
	return nil
}

// expire ends the access token at the vendor: the command gets a 401, the token
// is renewed and the command goes out once more, inside its deadline.
func (t *tourist) expire(ctx context.Context) error {
	before, pulses := t.refreshes(), t.pulses()
	t.doorbird.Issuer.EndAccess()
	r, err := t.open(ctx, envelope(rand.Text()))
	if err != nil {
		return err
	}
	if r.Reason != bridge.ReasonOK || t.pulses() != pulses+1 || t.refreshes() != before+1 {
		return fmt.Errorf("%s (%s), %d pulses, %d refreshes", r.Reason, r.Message, t.pulses()-pulses, t.refreshes()-before)
	}
	t.say.seen("the vendor refused the token, latchkey renewed it once and sent again: %s in %d ms, one pulse", r.Reason, r.LatencyMS)
	return nil
}

// restart ends the daemon and starts it over the same state: the rotated refresh
// token is there, and nobody has to sign in.
func (t *tourist) restart(ctx context.Context) error {
	// What is pressed while nobody is there, and kept by the broker, opens nothing.
	pulses := t.pulses()
	if err := t.end(); err != nil {
		return err
	}
	if _, err := t.guest.await(ctx, topics.BridgeState(), is("offline")); err != nil {
		return err
	}
	t.guest.publish(topics.Set("gate", gateOne), "PRESS", true)
	if _, err := t.guest.await(ctx, topics.Set("gate", gateOne), is("PRESS")); err != nil {
		return err
	}
	signIns := t.doorbird.Log.Count("GET /auth/authorize")
	if err := t.start(ctx); err != nil {
		return err
	}
	r, err := t.guest.result(ctx, topics.Result("gate", gateOne), "")
	if err != nil {
		return err
	}
	if r.Reason != bridge.ReasonRetained || t.pulses() != pulses {
		return fmt.Errorf("the retained press came to %s, %d pulses", r.Reason, t.pulses()-pulses)
	}
	t.say.seen("a press that the broker had kept: %s; the gate stays shut", r.Reason)
	if err := t.settle(ctx); err != nil {
		return err
	}
	before := t.refreshes()
	t.doorbird.Issuer.EndAccess() // so that the stored refresh token is needed
	if r, err = t.open(ctx, envelope(rand.Text())); err != nil {
		return err
	}
	if r.Reason != bridge.ReasonOK || t.refreshes() != before+1 || t.doorbird.Log.Count("GET /auth/authorize") != signIns {
		return fmt.Errorf("%s (%s), %d refreshes, %d sign-ins", r.Reason, r.Message, t.refreshes()-before, t.doorbird.Log.Count("GET /auth/authorize")-signIns)
	}
	t.say.seen("the stored, rotated refresh token is accepted; nobody had to sign in")
	return nil
}

func (t *tourist) loseAnswer(ctx context.Context) error {
	pulses := t.pulses()
	t.doorbird.Faults.Add(simkit.Fault{On: "POST /relay/*", Do: simkit.DropAfter})
	r, err := t.open(ctx, envelope(rand.Text()))
	if err != nil {
		return err
	}
	if r.Reason != bridge.ReasonNoAnswer || t.pulses() != pulses+1 {
		return fmt.Errorf("%s (%s), %d pulses", r.Reason, r.Message, t.pulses()-pulses)
	}
	t.say.seen("%s: %s", r.Reason, r.Message)
	t.say.seen("the relay fired once, and latchkey did not try again")
	return nil
}

func (t *tourist) noLeak(context.Context) error {
	if err := t.leaked(); err != nil {
		return err
	}
	t.say.seen("the daemon's log, at its most talkative, holds no token, code or secret")
	return nil
}
