package main_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/bridge/hass"
	"latchkey/bridge/simkit"
	"latchkey/vendors/cameramanager/cameramanagersim"
)

// crowd is how many cameras an account has, and how long they may take on a busy machine.
const (
	crowd    = 10_000
	allWait  = 4 * time.Minute
	firstOdd = 100_000 // id of the first camera; the first few are given ids that are no topics
)

// Ten thousand cameras through the whole daemon: every document is valid and of
// bounded size, every state arrives, a door is opened while they are announced, and
// a restart announces them again from what is stored. Figures are printed.
func TestTenThousandCameras(t *testing.T) {
	n := crowd
	if testing.Short() {
		n = crowd / 10
	}
	broker := bridgetest.StartMosquitto(t, bridgetest.MosquittoOptions{Lines: "max_queued_messages 0"})
	h := newHome(t, broker.URL())
	h.edit(func(text string) string { return strings.Replace(text, "log: {level: debug", "log: {level: info", 1) })
	odd := []string{"a/b c", "🎥+#", strings.Repeat("x", 300), strings.Repeat("x", 299) + "y"}
	ids := h.crowd(n, odd)
	seen := watchCrowd(t, broker.URL(), n)
	h.start()
	h.signIn("gate")
	h.mqtt.Await(topics.DeviceState("gate", station), bridgetest.Payload("online"), patience)
	h.ready()
	presser := bridgetest.Dial(t, broker.URL(), bridgetest.ClientOptions{Quick: true})
	presser.Subscribe(topics.Result("gate", relayOne))

	began := time.Now()
	h.signIn("yard")
	seen.await(t, "the first documents", func() bool { return len(seen.documents) > 0 })
	before := seen.count()
	h.mqtt = presser // h.mqtt is told of every camera, and the result would wait behind them
	pressed := time.Now()
	r := h.press()
	took, opened, after := time.Since(pressed), h.doorbird.Log.Last("POST /relay/1").At.Sub(pressed), seen.count()
	if r.Reason != bridge.ReasonOK || h.doorbird.Pulses(1, "") != 1 {
		t.Errorf("the press while cameras are announced: %s (%s), %d pulses", r.Reason, r.Message, h.doorbird.Pulses(1, ""))
	}
	seen.awaitAll(t)
	t.Logf("%d cameras: all announced with their states in %v; a press between documents %d and %d was at the cloud after %v and answered after %v; at most %s",
		n, time.Since(began).Round(time.Millisecond), before, after, opened.Round(time.Millisecond), took.Round(time.Millisecond), h.memory())
	seen.judge(t, ids)

	if code := h.stop(); code != 0 {
		t.Fatalf("exit %d", code)
	}
	seen.forget()
	h.mqtt = bridgetest.Dial(t, broker.URL(), bridgetest.ClientOptions{})
	h.mqtt.Subscribe(topics.BridgeState())
	began = time.Now()
	h.start()
	seen.awaitAll(t)
	t.Logf("after a restart: all announced with their states in %v; at most %s", time.Since(began).Round(time.Millisecond), h.memory())
	seen.judge(t, ids)
	if strings.Contains(h.log.String(), "level=ERROR") || strings.Contains(h.log.String(), "fails") {
		t.Errorf("the log complains:\n%s", h.log)
	}
}

// crowd fills the simulated cloud; names are often the same.
func (h *home) crowd(n int, odd []string) (devices map[string]bool) {
	for _, c := range []int64{4201, 4202, 4203} {
		h.cameras.Remove(c)
	}
	devices = map[string]bool{}
	all := make([]cameramanagersim.Camera, n)
	for i := range all {
		id := int64(firstOdd + i)
		all[i] = cameramanagersim.Camera{ID: id, Account: "9001", Name: fmt.Sprintf("Camera %d", i%(n/2)), MAC: fmt.Sprintf("001122%06X", i), DeviceType: 77, Zone: 310,
			Online: true, RecordingOnCloud: true, PasswordStatus: "example", FirmwareStatus: "example", ConnectionType: "example", LastConnectionResult: "example"}
		if i >= len(odd) {
			devices[bridge.DeviceID(fmt.Sprint(id))] = true
		} else {
			devices[bridge.DeviceID(odd[i])] = true
		}
	}
	h.cameras.Seed(all...)
	rename := simkit.Edit(func(a *simkit.Answer) {
		for i, id := range odd {
			a.Body = bytes.Replace(a.Body, fmt.Appendf(nil, `"cameraId":%d`, firstOdd+i), fmt.Appendf(nil, `"cameraId":%q`, id), 1)
		}
	})
	for _, on := range []string{"GET /rest/v2.4/cameras", "GET /rest/v2.4/cameras/all/status"} {
		h.cameras.Faults.Add(simkit.Fault{On: on, Times: simkit.Always, Do: rename})
	}
	return devices
}

// memory is the most that the daemon has held so far.
func (h *home) memory() string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.process.Process.Pid))
	if err != nil {
		return "unknown memory"
	}
	return strings.Join(strings.Fields(string(regexp.MustCompile(`(?m)^VmHWM:.*$`).Find(status))), " ")
}

// crowdSeen is what another program finds of the crowd.
type crowdSeen struct {
	n    int
	news chan struct{} // capacity 1

	mu        sync.Mutex
	documents map[string]string
	values    map[string]map[string]string // of each device, by the end of the topic
	whole     map[string]bool              // devices that show what they should
	removed   []string
}

func watchCrowd(t *testing.T, broker string, n int) *crowdSeen {
	c := &crowdSeen{n: n, news: make(chan struct{}, 1)}
	c.forget()
	client := bridgetest.Dial(t, broker, bridgetest.ClientOptions{Quick: true, Forget: true, On: c.take})
	client.Subscribe("homeassistant/device/+/config")
	client.Subscribe("latchkey/device/yard/#")
	return c
}

func (c *crowdSeen) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.documents, c.values, c.whole, c.removed = map[string]string{}, map[string]map[string]string{}, map[string]bool{}, nil
}

func (c *crowdSeen) take(m bridgetest.Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	levels := strings.Split(m.Topic, "/")
	switch {
	case levels[0] == "homeassistant" && !strings.HasPrefix(levels[2], "latchkey_home_yard_"):
		return
	case m.Payload == "":
		c.removed = append(c.removed, m.Topic)
	case levels[0] == "homeassistant":
		c.documents[m.Topic] = m.Payload
	default:
		v := c.values[levels[3]]
		if v == nil {
			v = map[string]string{}
			c.values[levels[3]] = v
		}
		v[strings.Join(levels[4:], "/")] = m.Payload
		c.whole[levels[3]] = v["state"] == "online" && v["recording"] == "ON" && v["firmware_status"] == "example"
	}
	select {
	case c.news <- struct{}{}:
	default:
	}
}

func (c *crowdSeen) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.documents)
}

// await waits until something holds, looked at with the lock held.
func (c *crowdSeen) await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	late := time.After(allWait)
	for {
		c.mu.Lock()
		ok, n, m := holds(), len(c.documents), len(c.values)
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-c.news:
		case <-late:
			t.Fatalf("%s did not come within %v: %d documents, values of %d devices", what, allWait, n, m)
		}
	}
}

func (c *crowdSeen) awaitAll(t *testing.T) {
	t.Helper()
	c.await(t, "all documents and states", func() bool {
		if len(c.documents) < c.n || len(c.whole) < c.n {
			return false
		}
		for _, whole := range c.whole {
			if !whole {
				return false
			}
		}
		return true
	})
}

// judge looks at all documents as Home Assistant would.
func (c *crowdSeen) judge(t *testing.T, ids map[string]bool) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var documents []hass.Document
	longest := 0
	for topic, payload := range c.documents {
		id := strings.TrimPrefix(strings.Split(topic, "/")[2], "latchkey_home_yard_")
		documents = append(documents, hass.Document{Topic: topic, Account: "yard", Device: id, Payload: []byte(payload)})
		longest = max(longest, len(payload))
		if !ids[id] {
			t.Errorf("a document of nobody: %s", id)
		}
	}
	t.Logf("the longest document has %d bytes", longest)
	if _, found := hass.Check(hass.Options{Instance: "home", Topics: topics}, documents); len(found) > 0 {
		t.Errorf("%d findings, such as %v", len(found), found[:min(3, len(found))])
	}
	if got := slices.Sorted(maps.Keys(c.values)); len(documents) != c.n || len(got) != c.n || len(ids) != c.n {
		t.Errorf("%d documents and %d devices for %d cameras with %d ids", len(documents), len(got), c.n, len(ids))
	}
	if len(c.removed) > 0 {
		t.Errorf("%d topics were cleared, such as %s", len(c.removed), c.removed[0])
	}
}
