package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/bridge"
)

const station = "1ccae3a1b2c3" // the gate's device id: its MAC

var (
	topics  = bridge.Topics{Prefix: "latchkey"}
	gateOne = bridge.Ref{Device: station, Entity: "relay_1"}
)

// tour shows what latchkey is for, and fails at the first step that does not work.
func tour(ctx context.Context, s *stage, say *say, once bool) error {
	g, err := newGuest(s.broker.URL(), "latchkey/#", "homeassistant/#")
	if err != nil {
		return err
	}
	defer g.close()
	t := &tourist{stage: s, guest: g, say: say, once: once}
	for _, step := range []struct {
		title string
		do    func(context.Context) error
	}{
		{"The house: a broker, simulated clouds, the daemon", t.house},
		{"Signing in, as a person does in a browser", t.signIn},
		{"What Home Assistant finds on the broker", t.documents},
		{"The cameras, listed by an MQTT message", t.listCameras},
		{"The gate, opened by an MQTT message", t.openGate},
		{"What must not open it", t.refuse},
		{"A token runs out", t.expire},
		{"A restart: nothing is lost", t.restart},
		{"An answer is lost on the way", t.loseAnswer},
		{"The other clouds, beside it", t.signInOthers},
		{"No secret has got out", t.noLeak},
	} {
		say.step(step.title)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("step %d, %s: %w", say.steps, strings.ToLower(step.title), err)
		}
	}
	say.done()
	return nil
}

type tourist struct {
	*stage
	guest *guest
	say   *say
	once  bool
	ready time.Time // when commands are taken
	press time.Time // the last one that may have opened, for the cool-down
}

func (t *tourist) pulses() int { return t.doorbird.AllPulses() }

func (t *tourist) refreshes() (n int) {
	for _, seen := range t.doorbird.Log.Of("POST /auth/token") {
		if seen.Form().Get("grant_type") == "refresh_token" {
			n++
		}
	}
	return n
}

// open sends a press and waits for its result, the cool-down of a press before included.
func (t *tourist) open(ctx context.Context, payload string) (bridge.Result, error) {
	if err := pause(ctx, time.Until(t.press.Add(1100*time.Millisecond))); err != nil {
		return bridge.Result{}, err
	}
	payload = strings.Replace(payload, "NOW", fmt.Sprint(time.Now().Unix()), 1)
	r, err := t.guest.ask(ctx, topics.Set("gate", gateOne), topics.Result("gate", gateOne), payload, "")
	t.press = time.Now()
	return r, err
}

func (t *tourist) call(ctx context.Context, account, name string) (bridge.Result, error) {
	id := rand.Text()
	payload := fmt.Sprintf(`{"id":%q,"sent_at":%d,"args":{}}`, id, time.Now().Unix())
	r, err := t.guest.ask(ctx, topics.AccountCall(account, name), topics.AccountResult(account, name), payload, id)
	if err == nil && r.Reason != bridge.ReasonOK {
		err = fmt.Errorf("%s: %s", r.Reason, r.Message)
	}
	return r, err
}

// settle waits until commands are taken: after a start the broker may still
// deliver old ones.
func (t *tourist) settle(ctx context.Context) error {
	var info struct {
		At *time.Time `json:"accepts_commands_at"`
	}
	_, err := t.guest.await(ctx, topics.BridgeInfo(), func(payload string) bool {
		return json.Unmarshal([]byte(payload), &info) == nil && info.At != nil && info.At.After(t.ready)
	})
	if err != nil {
		return err
	}
	t.ready = *info.At
	wait := time.Until(t.ready.Add(time.Second))
	t.say.note("commands are taken in %s: just after a start a broker may still hold old ones", max(wait, 0).Round(time.Second))
	return pause(ctx, wait)
}

// envelope is what Home Assistant sends for a press.
func envelope(id string) string {
	return fmt.Sprintf(`{"action":"PRESS","id":%q,"sent_at":NOW}`, id)
}

func health(text string) (h bridge.Health) {
	_ = json.Unmarshal([]byte(text), &h) // zero where it is none
	return h
}

func is(want string) func(string) bool { return func(got string) bool { return got == want } }
func holds(part string) func(string) bool {
	return func(got string) bool { return strings.Contains(got, part) }
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return errors.New("interrupted")
	}
}
