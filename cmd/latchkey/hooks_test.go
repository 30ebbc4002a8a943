package main_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird/doorbirdsim"
)

// settled waits until all that was told before is on the broker: results follow in
// order.
func (h *home) settled() {
	h.t.Helper()
	if r := h.call("gate", "info", "{}"); r.Reason != bridge.ReasonOK {
		h.t.Fatalf("info: %s %s", r.Reason, r.Message)
	}
}

// nowhere searches all that has left the program for secrets.
func (h *home) nowhere(more string, secrets ...string) {
	h.t.Helper()
	for _, secret := range secrets {
		for _, m := range h.mqtt.Messages() {
			if strings.Contains(m.Topic+m.Payload, secret) {
				h.t.Errorf("%q stands on %s", secret, m.Topic)
			}
		}
		if secret == "" || strings.Contains(h.log.String()+more, secret) {
			h.t.Errorf("%q stands in the log or in an output", secret)
		}
	}
}

// The partner push: the key decides, the MAC says whose it is, and one ring is one
// event however often it is told.
func TestPartnerPush(t *testing.T) {
	t.Parallel()
	const key, neighbour = "company-push-key", "neighbour-push-key"
	h := newHome(t, stock(t).URL())
	h.edit(func(text string) string {
		text, _, _ = strings.Cut(text, "  yard:")
		_, gate, _ := strings.Cut(text, "  gate:\n")
		return text + "    options: {push_key: " + key + "}\n  door:\n" + gate + "    options: {push_key: " + neighbour + "}\n"
	})
	h.start()
	h.signIn("gate")
	h.mqtt.Await("homeassistant/device/latchkey_home_gate_"+station+"/config", contains(`"ring"`), patience)
	h.mqtt.Await(topics.DeviceState("gate", station), bridgetest.Payload("online"), patience)
	h.ready()
	gate, door := "http://"+h.page+"/hooks/doorbird/gate", "http://"+h.page+"/hooks/doorbird/door"
	at := time.Now()
	for _, c := range []struct {
		name  string
		push  doorbirdsim.Push
		fails string // "": the cloud is answered 200
		rings int
	}{
		{"wrong key", doorbirdsim.Push{URL: gate, Key: key, WrongKey: true}, "401", 0},
		{"another account's key", doorbirdsim.Push{URL: gate, Key: neighbour}, "401", 0},
		{"no key", doorbirdsim.Push{URL: gate}, "401", 0},
		{"unknown account", doorbirdsim.Push{URL: "http://" + h.page + "/hooks/doorbird/nobody", Key: key}, "404", 0},
		{"account of another vendor", doorbirdsim.Push{URL: "http://" + h.page + "/hooks/cameramanager/gate", Key: key}, "404", 0},
		{"unknown station", doorbirdsim.Push{URL: gate, Key: key, ForeignMAC: "1CCAE3FFFFFF"}, "", 0},
		{"one for each user, twice", doorbirdsim.Push{URL: gate, Key: key, Twice: true, NumericParam: true}, "", 1},
		{"by the address of another account", doorbirdsim.Push{URL: door, Key: neighbour, EmptyPeripheral: true}, "", 1},
		{"late", doorbirdsim.Push{URL: gate, Key: key, Late: time.Hour}, "", 0},
	} {
		at = at.Add(time.Second) // another ring
		before := rings(h.mqtt)
		h.doorbird.Change(func(habits *doorbirdsim.Habits) { habits.Push = c.push })
		err := h.doorbird.Happen(t.Context(), doorbirdsim.Event{Station: doorbirdsim.DemoMAC, Kind: "doorbell", Param: "1", At: at})
		if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: the cloud got %v, want %q", c.name, err, c.fails)
		}
		h.settled()
		if got := rings(h.mqtt) - before; got != c.rings {
			t.Errorf("%s: %d rings, want %d", c.name, got, c.rings)
		}
	}
	for _, body := range []string{"", "{", "<html>", `[{"cameraId":4201}]`, strings.Repeat("x", 100_000)} {
		req, _ := http.NewRequest(http.MethodPost, gate, strings.NewReader(body)) // a fixed address
		req.Header.Set("Authorization", "key="+key)
		if resp, err := http.DefaultClient.Do(req); err != nil || resp.StatusCode/100 != 4 {
			t.Errorf("%.20q: %v %v, want a refusal", body, resp, err)
		} else {
			_ = resp.Body.Close()
		}
	}
	h.nowhere("", key, neighbour)
}

// asAdministrator asks the simulated station what the API offers to its
// administrator: another system sets it up.
func (h *home) asAdministrator(method, path, body string) string {
	h.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+h.doorbird.Issuer.Issue(doorbirdsim.DemoClient, doorbirdsim.DemoAdmin, doorbirdsim.Admin).Access)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.doorbird.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		h.t.Fatalf("%s %s: %d", method, path, w.Code)
	}
	return w.Body.String()
}

// hooks runs one of the hook calls as a person does and returns what became of
// each: "motion leave".
func (h *home) hooks(call string, want int, args ...string) (does, out string) {
	h.t.Helper()
	code, out, errs := h.run("", append([]string{"call", "gate", call}, args...)...)
	var r struct {
		Result struct {
			Hooks []struct{ Event, Param, Do string }
		}
	}
	if code != want || json.Unmarshal([]byte(out), &r) != nil {
		h.t.Fatalf("latchkey call gate %s: %d, want %d\n%s%s", call, code, want, out, errs)
	}
	for _, one := range r.Result.Hooks {
		does += one.Event + one.Param + " " + one.Do + ", "
	}
	return does, out + errs
}

// Without the partner push: hooks are planned, installed beside another system,
// displace it when told to, and are taken out again.
func TestHooksInstalled(t *testing.T) {
	t.Parallel()
	h := newHome(t, stock(t).URL())
	h.edit(func(text string) string { text, _, _ = strings.Cut(text, "  yard:"); return text })
	var others atomic.Int32
	other := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { others.Add(1) }))
	h.asAdministrator("POST", "/favorite/http", `{"identifier":1000,"title":"Other","value":"`+other.URL+`/x","displayedTitle":"Other"}`)
	h.asAdministrator("POST", "/schedules", `{"input":"doorbell","param":"1","output":[]}`)
	h.asAdministrator("POST", "/schedules", `{"input":"motion","param":"","output":[{"event":"http","param":"1000","schedule":{"weekdays":[{"from":"82800","to":"82799"}]}}]}`)
	h.asAdministrator("POST", "/schedules", `{"input":"relay","param":"1","output":[]}`)
	h.asAdministrator("POST", "/schedules", `{"input":"relay","param":"2","output":[]}`)
	setup := func() string {
		return h.asAdministrator("GET", "/favorites", "") + h.asAdministrator("GET", "/schedules", "")
	}
	before := setup()

	h.start()
	h.signIn("gate")
	document := "homeassistant/device/latchkey_home_gate_" + station + "/config"
	h.mqtt.Await(document, contains(`"relay_2"`), patience)
	h.ready()

	// A cloud that repeats what it was sent: the secret path is in it.
	h.doorbird.Faults.Add(simkit.Fault{On: "POST /favorite/http", Do: func(e *simkit.Exchange) {
		e.Send(simkit.JSON(400, map[string]string{"error": string(h.doorbird.Log.Last("POST /favorite/http").Body)}))
	}})
	_, failed := h.hooks("hooks_install", 1)
	var sent struct{ Value string }
	if err := json.Unmarshal(h.doorbird.Log.Last("POST /favorite/http").Body, &sent); err != nil || !strings.Contains(failed, `"rejected"`) {
		t.Fatalf("the refused install: %v\n%s", err, failed)
	}
	hook, err := url.Parse(sent.Value)
	if err != nil || hook.Host != h.page || hook.Query().Get("event") != "doorbell" {
		t.Fatalf("the station is to call %q", sent.Value)
	}
	secret := hook.Path[strings.LastIndexByte(hook.Path, '/')+1:]

	does, planned := h.hooks("hooks_plan", 0)
	if does != "doorbell1 add, motion leave, relay1 add, relay2 add, " || setup() != before {
		t.Errorf("planned %s", does)
	}
	if does, _ := h.hooks("hooks_install", 0); does != "doorbell1 add, motion leave, relay1 add, relay2 add, " {
		t.Errorf("installed %s", does)
	}
	h.mqtt.Await(document, contains(`"opened"`), patience)

	for i, method := range []string{http.MethodGet, http.MethodPost} {
		h.doorbird.Change(func(habits *doorbirdsim.Habits) { habits.HookMethod = method })
		if err := h.doorbird.Ring(t.Context(), doorbirdsim.DemoMAC, "1"); err != nil {
			t.Fatalf("the station's call by %s: %v", method, err)
		}
		m := h.mqtt.Await(topics.Value("gate", bell), contains(`"bell":"1"`), patience)
		h.settled()
		if m.Retained || rings(h.mqtt) != i+1 {
			t.Errorf("%d rings (retained %v), want %d", rings(h.mqtt), m.Retained, i+1)
		}
		until(time.Now().Truncate(time.Second).Add(1100 * time.Millisecond)) // a second ring is one in another second
	}
	if err := h.doorbird.Opened(t.Context(), doorbirdsim.DemoMAC, 2); err != nil {
		t.Fatal(err)
	}
	h.mqtt.Await(topics.Value("gate", bridge.Ref{Device: station, Entity: "opened"}), contains(`"relay":"2"`), patience)
	for _, wrong := range []string{"/hooks/doorbird/gate/WRONG?event=doorbell&param=1", "/hooks/doorbird/nobody/" + secret + "?event=doorbell&param=1",
		"/hooks/cameramanager/gate/" + secret + "?event=doorbell&param=1", "/hooks/doorbird/gate/" + secret + "?event=party", "/hooks/doorbird/gate/" + secret} {
		resp, err := http.Get("http://" + h.page + wrong)
		if err != nil || resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %v %v, want 404", wrong, resp, err)
			continue
		}
		_ = resp.Body.Close()
	}

	move := func() {
		t.Helper()
		if err := h.doorbird.Motion(t.Context(), doorbirdsim.DemoMAC); err != nil {
			t.Fatal(err)
		}
	}
	if move(); others.Load() != 1 {
		t.Errorf("the other system was called %d times, want once", others.Load())
	}
	if does, _ := h.hooks("hooks_install", 0, "replace=true"); does != "doorbell1 keep, motion replace, relay1 keep, relay2 keep, " {
		t.Errorf("displaced %s", does)
	}
	h.mqtt.Await(document, contains(`"motion"`), patience)
	h.stop()
	h.start() // the hooks are remembered
	h.ready()
	move()
	h.mqtt.Await(topics.Value("gate", bridge.Ref{Device: station, Entity: "motion"}), bridgetest.Payload("ON"), patience)

	_, removed := h.hooks("hooks_remove", 0)
	if got := setup(); got != before {
		t.Errorf("not as before:\n%s\nwant\n%s", got, before)
	}
	if move(); others.Load() != 2 {
		t.Errorf("the other system was called %d times, want twice", others.Load())
	}
	if err := h.doorbird.Ring(t.Context(), doorbirdsim.DemoMAC, "1"); err != nil {
		t.Fatal(err)
	}
	h.settled()
	if rings(h.mqtt) != 2 {
		t.Errorf("%d rings after the removal, want none more", rings(h.mqtt)-2)
	}
	h.nowhere(failed+planned+removed, secret)
}
