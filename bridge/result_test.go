package bridge_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"latchkey/bridge"
)

// The Contract: every member always there, null where it does not apply.
func TestContractObjects(t *testing.T) {
	at := time.Date(2026, 11, 20, 17, 4, 11, 999, time.FixedZone("", 3600))
	for _, c := range []struct {
		name string
		v    any
		want string
	}{
		{"empty result", bridge.Result{Reason: bridge.ReasonMalformed},
			`{"id":null,"account":null,"device":null,"entity":null,"action":null,"outcome":"refused","reason":"malformed","message":null,"status":null,"latency_ms":0,"at":null,"result":null}`},
		{"full result", bridge.Result{ID: "i", Account: "gate", Device: "d", Entity: "relay_1", Action: "PRESS", Reason: bridge.ReasonOK, Message: "opened", Status: 200, LatencyMS: 7, At: at, Data: json.RawMessage(`[1]`)},
			`{"id":"i","account":"gate","device":"d","entity":"relay_1","action":"PRESS","outcome":"ok","reason":"ok","message":"opened","status":200,"latency_ms":7,"at":"2026-11-20T16:04:11Z","result":[1]}`},
		{"empty health", bridge.Health{State: bridge.SignedOut},
			`{"state":"signed_out","reason":null,"user_action":"none","expires_at":null,"refreshed_at":null,"next_refresh_at":null,"sign_in_before":null,"failures":0,"scope":null,"login_url":null,"last_error":null}`},
		{"full health", bridge.Health{State: bridge.Retrying, Reason: bridge.HealthNetwork, UserAction: bridge.ActionLogin, ExpiresAt: at, RefreshedAt: at, NextRefreshAt: at, SignInBefore: at, Failures: 2, Scope: "read", LoginURL: "u", LastError: &bridge.HealthError{Code: "network", Message: "m", At: at}},
			`{"state":"retrying","reason":"network","user_action":"login","expires_at":"2026-11-20T16:04:11Z","refreshed_at":"2026-11-20T16:04:11Z","next_refresh_at":"2026-11-20T16:04:11Z","sign_in_before":"2026-11-20T16:04:11Z","failures":2,"scope":"read","login_url":"u","last_error":{"code":"network","message":"m","at":"2026-11-20T16:04:11Z"}}`},
		{"image", bridge.Image{Type: "image/jpeg", Bytes: []byte("abc")}, `{"content_type":"image/jpeg","base64":"YWJj"}`},
	} {
		got, err := json.Marshal(c.v)
		if err != nil || string(got) != c.want {
			t.Errorf("%s:\n got %s, %v\nwant %s", c.name, got, err, c.want)
		}
	}
}

func TestOutcomeOfEveryReason(t *testing.T) {
	want := map[bridge.Outcome][]bridge.Reason{
		bridge.OutcomeOK:      {bridge.ReasonOK},
		bridge.OutcomeFailed:  {bridge.ReasonRejected, bridge.ReasonRateLimited, bridge.ReasonNotSent},
		bridge.OutcomeUnknown: {bridge.ReasonNoAnswer},
		bridge.OutcomeRefused: {bridge.ReasonRetained, bridge.ReasonSettling, bridge.ReasonMalformed, bridge.ReasonUnknownTarget, bridge.ReasonDenied, bridge.ReasonClock, bridge.ReasonStale,
			bridge.ReasonDuplicate, bridge.ReasonTooSoon, bridge.ReasonBusy, bridge.ReasonLoginNeeded, bridge.ReasonOffline, bridge.ReasonDeadline},
	}
	for outcome, reasons := range want {
		for _, r := range reasons {
			if got := r.Outcome(); got != outcome {
				t.Errorf("%s is %s, want %s", r, got, outcome)
			}
		}
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		v    bridge.Value
		want string
	}{
		{bridge.Value{}, "None"}, {bridge.Text(""), "None"}, {bridge.Text("x"), "x"}, {bridge.Bool(true), "ON"}, {bridge.Bool(false), "OFF"},
		{bridge.Num(0.5), "0.5"}, {bridge.Num(1e7), "10000000"}, {bridge.Moment(time.Time{}), "None"}, {bridge.Moment(time.Unix(0, 0)), "1970-01-01T00:00:00Z"},
	} {
		if got := c.v.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// What the daemon writes, the commands read back.
func TestContractObjectsReadBack(t *testing.T) {
	at := time.Date(2026, 11, 20, 17, 4, 11, 0, time.UTC)
	health := bridge.Health{State: bridge.Valid, Reason: bridge.HealthClock, UserAction: bridge.ActionNone, ExpiresAt: at, RefreshedAt: at, NextRefreshAt: at, SignInBefore: at,
		Failures: 1, Scope: "s", LoginURL: "u", LastError: &bridge.HealthError{Code: "c", Message: "m", At: at}}
	result := bridge.Result{ID: "i", Account: "a", Device: "d", Entity: "e", Action: "PRESS", Reason: bridge.ReasonBusy, Message: "m", Status: 204, LatencyMS: 3, At: at, Data: json.RawMessage(`{}`)}
	var h bridge.Health
	var r bridge.Result
	for _, c := range []struct{ from, to any }{{health, &h}, {result, &r}} {
		text, err := json.Marshal(c.from)
		if err == nil {
			err = json.Unmarshal(text, c.to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(health, h); diff != "" {
		t.Errorf("health (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(result, r); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

// Any text comes back as it was, escaped as encoding/json does.
func TestResultIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		r := bridge.Result{ID: text.Draw(t, "id"), Account: text.Draw(t, "account"), Device: text.Draw(t, "device"), Entity: text.Draw(t, "entity"),
			Action: text.Draw(t, "action"), Reason: bridge.ReasonOK, Message: text.Draw(t, "message"), Status: rapid.IntRange(0, 599).Draw(t, "status"),
			LatencyMS: rapid.Int64().Draw(t, "latency"), At: time.Unix(rapid.Int64Range(0, 1<<36).Draw(t, "at"), 0).UTC()}
		got, err := r.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		if checked, err := json.Marshal(json.RawMessage(got)); err != nil || string(checked) != string(got) {
			t.Fatalf("got %s, as encoding/json has it %s %v", got, checked, err)
		}
		var back bridge.Result
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, back); diff != "" {
			t.Fatal(diff)
		}
	})
	if _, err := (bridge.Result{Data: json.RawMessage("{")}).AppendJSON(nil); err == nil {
		t.Error("data that is no JSON gives no error")
	}
}

func BenchmarkResult(b *testing.B) {
	r := bridge.Result{ID: "i", Account: "gate", Device: "d", Entity: "relay_1", Action: "PRESS", Reason: bridge.ReasonOK, At: time.Now()}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = r.MarshalJSON()
	}
}
