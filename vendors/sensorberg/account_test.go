package sensorberg_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/vendors/sensorberg"
	sim "latchkey/vendors/sensorberg/sensorbergsim"
)

func TestCheckAsksTokenInfo(t *testing.T) {
	cloud := replies(200, `{"application":{"uid":"x"}}`)
	a, _ := open(t, cloud, func(o *sensorberg.Options) { o.OAuth = "/api/oauth" })
	if err := check(t, a); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"read {Origin: Narrow: Lane: Method: Path:/api/oauth/token/info Query:map[] JSON:<nil> Media: Accept: Header:map[] Limit:0 Into:<nil>}"}, cloud.asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// Every shape that the library's versions give, and a dead token.
func TestCheckOnTheSimulator(t *testing.T) {
	for _, v := range sim.Versions() {
		for _, endless := range []bool{false, true} {
			s := sim.New(sim.Options{Habits: sim.Habits{Version: v, Endless: endless}})
			for _, user := range []string{"", sim.DemoUser} {
				a, _ := open(t, simCloud{s, s.Issuer.Issue(sim.DemoClient, user, "app").Access})
				if err := check(t, a); err != nil {
					t.Errorf("%d, user %q: %v", v, user, err)
				}
			}
			a, _ := open(t, simCloud{s, "dead"})
			if f, ok := errors.AsType[*bridge.Failure](check(t, a)); !ok || f.Status != 401 {
				t.Errorf("%d: a dead token: %v", v, f)
			}
		}
	}
}

func TestCheckWithoutTokenInfo(t *testing.T) {
	s := sim.New(sim.Options{Habits: sim.Habits{TokenInfo: sim.Off}})
	a, log := open(t, simCloud{s, s.Issuer.Issue(sim.DemoClient, "", "app").Access})
	for range 3 {
		if err := check(t, a); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(log.String(), "no token info"); n != 1 {
		t.Errorf("said %d times:\n%s", n, log)
	}
	s.Change(func(h *sim.Habits) { h.TokenInfo = sim.On })
	_ = check(t, a)
	s.Change(func(h *sim.Habits) { h.TokenInfo = sim.Off })
	if _ = check(t, a); strings.Count(log.String(), "no token info") != 2 {
		t.Errorf("a second loss is not told:\n%s", log)
	}
}

// Whatever else answers is an error, and never a panic.
func TestCheckBadReplies(t *testing.T) {
	for name, body := range map[string]string{
		"nothing": "", "a page": "<html>Sign in</html>", "cut": `{"application":{"uid":"x`, "a list": `[{"application":{}}]`, "null": "null", "text": `"application"`,
		"another vendor": `{"mac":"1CCAE3A1B2C3"}`, "an error with 200": `{"error":"invalid_token"}`, "no application": `{"application":null}`, "huge": strings.Repeat("[", 1<<20),
	} {
		a, _ := open(t, replies(200, body))
		f, ok := errors.AsType[*bridge.Failure](check(t, a))
		if name == "no application" {
			if f != nil {
				t.Errorf("a token without application: %v", f)
			}
			continue
		}
		if !ok || f.Reason != bridge.ReasonNoAnswer || !strings.Contains(f.Message, "/oauth/token/info") {
			t.Errorf("%s: %v", name, f)
		}
	}
	for _, status := range []int{401, 403, 429, 500, 503} {
		a, _ := open(t, replies(status, ""))
		if f, ok := errors.AsType[*bridge.Failure](check(t, a)); !ok || f.Status != status {
			t.Errorf("%d: %v", status, f)
		}
	}
}
