package main_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
)

// H7: a bridge that opens on any payload, on a wildcard, or twice for one message
// because its filters overlap.
func anyPayload(t *testing.T, sum *openings) {
	broker := stock(t)
	n := newNaive(t, broker.URL(), "naive/#", bridgetest.ClientOptions{}, func(bridgetest.Message) bool { return true })
	h := newTrial(t, sum, broker.URL())
	h.mqtt.Publish("naive/gate/restart", "hello", false)
	sum.danger(n.opened(1))

	h.begin()
	set, result := h.gate()
	for _, payload := range []string{
		"press", "PRESS ", " PRESS", "1", "true", "ON", "null", `"PRESS"`, `["PRESS"]`, `{}`, `{"action":"press"}`, `{"Action":"PRESS"}`,
		`{"action":"PRESS","action":"PRESS"}`, `{"action":"PRESS"}x`, `{"action":"PRESS","extra":1}`, `{"action":"PRESS","id":7}`,
		`{"action":"PRESS","id":"a b"}`, `{"action":"PRESS","sent_at":"yesterday"}`, `{"action":"PRESS","sent_at":1e400}`, `{"action":"PRES\u0053 "}`,
		"\x00PRESS", "\xff\xfe", strings.Repeat("P", 1025), `{"action":"PRESS","id":"` + strings.Repeat("x", 65) + `"}`, strings.Repeat(" ", 200_000),
	} {
		h.refused(h.send(payload, ""), bridge.ReasonMalformed)
	}
	t.Log("names that are not there, and topics that are none of latchkey's")
	for _, topic := range []string{
		strings.Replace(set, "relay_1", "relay_9", 1), strings.Replace(set, "gate", "yard", 1), strings.Replace(set, station, "other", 1),
	} {
		h.mqtt.Publish(topic, "PRESS", false)
		h.refused(h.result(strings.TrimSuffix(topic, "set")+"result", ""), bridge.ReasonUnknownTarget)
	}
	for _, topic := range []string{
		strings.ToUpper(set), set + "/set", strings.Replace(set, "relay_1", "Relay_1", 1), strings.Replace(set, "gate", "", 1),
		"latchkey/device/set", "latchkey/call/relay", "latchkey/account/gate/call/Relay", "latchkey/bridge/call/", "latchkey/device/gate/" + station + "/relay_1",
	} {
		h.mqtt.Publish(topic, "PRESS", false)
	}
	t.Log("300 mutations")
	random := rand.New(rand.NewPCG(1, 7))
	var noise []string
	for range 300 {
		b := []byte(envelope("PRESS", newID(), time.Now()))
		for range 1 + random.IntN(4) {
			b[random.IntN(len(b))] ^= byte(1 + random.IntN(255))
		}
		if strings.Contains(string(b), `"action":"PRESS"`) { // may be valid still, with another id
			b = b[1:]
		}
		noise = append(noise, string(b))
	}
	h.mqtt.Burst(set, noise...)
	h.open() // comes after the noise, so all of that is judged
	h.open2()
	counts := map[string]int{}
	for _, m := range h.mqtt.Messages() {
		if m.Topic == result {
			counts["results"]++
		}
		if m.Topic == set && m.Payload != "" {
			counts["presses"]++
		}
	}
	if counts["results"] != counts["presses"] {
		t.Errorf("%d results of %d commands, want one each", counts["results"], counts["presses"])
	}
}

// open2 presses the second relay, whose cool-down is its own.
func (h *trial) open2() {
	h.t.Helper()
	two := bridge.Ref{Device: station, Entity: "relay_2"}
	h.asked++
	h.mqtt.Publish(topics.Set("gate", two), "PRESS", false)
	h.want(h.result(topics.Result("gate", two), ""), bridge.ReasonOK, h.asked)
}

// H20: a stuck button. One opening, and an answer for each press.
func burst(t *testing.T, sum *openings) {
	broker := stock(t)
	n := newNaive(t, broker.URL(), "naive/open", bridgetest.ClientOptions{}, nil)
	h := newTrial(t, sum, broker.URL())
	presses := func() (all []string) {
		for range 100 {
			all = append(all, envelope("PRESS", newID(), time.Now()))
		}
		return all
	}
	h.mqtt.Burst("naive/open", presses()...)
	sum.danger(n.opened(100) - 1)

	h.begin()
	set, result := h.gate()
	h.asked++
	began := time.Now()
	h.mqtt.Burst(set, presses()...)
	reasons := map[bridge.Reason]int{}
	for range 100 {
		reasons[h.result(result, "").Reason]++
	}
	took := time.Since(began)
	if took < time.Second && (reasons[bridge.ReasonOK] != 1 || reasons[bridge.ReasonTooSoon] != 99) || h.doorbird.AllPulses() != h.asked {
		t.Errorf("%d pulses with %v in %v; want 1 pulse, ok once and too_soon 99 times", h.doorbird.AllPulses(), reasons, took)
	}
	t.Log("by three ways at once: topic, call and the other relay of a device that is slow")
	until(time.Now().Add(1100 * time.Millisecond))
	h.slowRelay()
}

// H20: 100,000 messages, of which one is a press. latchkey opens once, stays small,
// answers or counts each, and takes the next press.
func flood(t *testing.T, sum *openings) {
	const messages = 100_000
	broker := bridgetest.StartMosquitto(t, bridgetest.MosquittoOptions{Lines: "max_queued_messages 0"})
	h := newTrial(t, sum, broker.URL())
	h.begin()
	h.open()
	set, _ := h.gate()
	old := envelope("PRESS", newID(), time.Now().Add(-time.Hour))
	kinds := []func(int) (topic, payload string){
		func(int) (string, string) { return set, old },
		func(i int) (string, string) { return set, fmt.Sprintf("noise %d", i) },
		func(i int) (string, string) {
			return set, stamped("PRESS", "late"+strconv.Itoa(i), time.Now().Add(-time.Minute))
		},
		func(i int) (string, string) {
			return fmt.Sprintf("latchkey/device/gate/%s/relay_%d/set", station, i+100), "PRESS"
		},
		func(int) (string, string) { return topics.AccountCall("gate", "relay"), "" },
	}
	sender := bridgetest.Dial(t, broker.URL(), bridgetest.ClientOptions{})
	began := time.Now()
	var last func()
	for i := range messages {
		topic, payload := kinds[i%len(kinds)](i)
		last = sender.Begin(topic, payload, false)
		if i%500 == 499 {
			last() // not faster than the broker takes them
		}
	}
	last()
	id := newID()
	h.asked++
	h.want(h.send(envelope("PRESS", id, time.Now()), id), bridge.ReasonOK, h.asked)
	t.Logf("%d messages in %v", messages, time.Since(began).Round(time.Millisecond))
	judged, overflow := h.metric("latchkey_commands_total"), h.metric("latchkey_commands_overflow_total")
	memory, lines := h.memory(), strings.Count(h.log.String(), "command not done")
	t.Logf("%d judged, %d overflowed and counted; %d pulses, %d MiB resident at most, %d lines of log", judged, overflow, h.doorbird.AllPulses(), memory>>20, lines)
	if judged+overflow != messages+2 { // the two presses
		t.Errorf("%d commands judged and %d counted, want %d in all", judged, overflow, messages+2)
	}
	answers := 0
	for _, m := range h.mqtt.Messages() {
		if strings.Contains(m.Topic, "/result") {
			answers++
		}
	}
	if answers != judged || h.metric("latchkey_events_dropped_total") != 0 {
		t.Errorf("%d answers for %d commands judged, want one each", answers, judged)
	}
	if memory > 64<<20 || lines > 1000 {
		t.Errorf("%d MiB resident and %d lines of log; want at most 64 and 1000", memory>>20, lines)
	}
	until(time.Now().Add(1100 * time.Millisecond))
	h.open()
}

// metric is the sum over all labels of one metric.
func (h *trial) metric(name string) (sum int) {
	h.t.Helper()
	for line := range strings.Lines(h.get("/metrics")) {
		if words := strings.Fields(line); strings.HasPrefix(line, name) && len(words) == 2 {
			n, err := strconv.ParseFloat(words[1], 64)
			if err != nil {
				h.t.Fatal(err)
			}
			sum += int(n)
		}
	}
	return sum
}

// memory is the largest resident size that the daemon had.
func (h *trial) memory() int64 {
	h.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.process.Process.Pid))
	if err != nil {
		h.t.Skip("left out: no /proc")
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		h.t.Fatal(err)
	}
	return kilobytes << 10
}

// get reads a page of the daemon.
func (h *trial) get(path string) string {
	h.t.Helper()
	resp, err := http.Get("http://" + h.page + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(text)
}
