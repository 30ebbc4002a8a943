package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/bridge/bridgetest"
)

// envBareStart names a file of messages that a child of BenchmarkStart publishes.
const envBareStart = "LATCHKEY_BARE_START"

// BenchmarkStart measures a start of the real program with 5 accounts and 200
// devices, whose tokens and inventory are stored: from exec until another program
// has every document and every availability, the bridge's `online` among them. In
// turns with it, a bare process connects to the same stock Mosquitto and publishes
// the same messages. The ratio (x-bare) travels between machines. Run it with
//
//	go test ./cmd/latchkey -run '^$' -bench Start -benchtime 20x
func BenchmarkStart(b *testing.B) {
	const accounts, devices = 5, 40
	broker := bridgetest.StartMosquitto(b, bridgetest.MosquittoOptions{})
	h := newHome(b, broker.URL())
	h.edit(func(text string) string { return manyAccounts(b, text, accounts, devices) })
	seen := &published{news: make(chan struct{}, 1), all: map[string]string{}}
	watcher := bridgetest.Dial(b, broker.URL(), bridgetest.ClientOptions{Quick: true, Forget: true, On: seen.take})
	watcher.Subscribe("latchkey/#")
	watcher.Subscribe("homeassistant/#")
	h.mqtt.Close()

	h.launch()
	seen.await(b, "everything for the first time", 2*(1+accounts+accounts*devices)) // of the bridge, each account and each device
	h.end(b)
	messages := seen.forget()
	file := h.dir + "/messages"
	text, err := json.Marshal(messages)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}

	var ours, bare []time.Duration
	for b.Loop() {
		began := time.Now()
		h.launch()
		seen.await(b, "everything again", len(messages))
		ours = append(ours, time.Since(began))
		h.end(b)
		seen.forget()

		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), envBareStart+"="+file, "LATCHKEY_BARE_BROKER="+broker.URL())
		child.Stderr = os.Stderr
		began = time.Now()
		if err := child.Start(); err != nil {
			b.Fatal(err)
		}
		seen.await(b, "everything from the bare process", len(messages))
		bare = append(bare, time.Since(began))
		if err := child.Wait(); err != nil {
			b.Fatal(err)
		}
		seen.forget()
	}
	slices.Sort(ours)
	slices.Sort(bare)
	ms := func(all []time.Duration) float64 { return float64(all[len(all)/2]) / float64(time.Millisecond) }
	b.ReportMetric(ms(ours), "p50-ms")
	b.ReportMetric(float64(ours[0])/float64(time.Millisecond), "least-ms")
	b.ReportMetric(ms(bare), "bare-ms")
	b.ReportMetric(ms(ours)/ms(bare), "x-bare")
	b.ReportMetric(float64(len(messages)), "messages")
}

// runBareStart is the bare start's process; see TestMain.
func runBareStart(broker, file string) {
	var messages []bridgetest.Message
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &messages)
	}
	if err != nil {
		panic(err)
	}
	bridgetest.BarePublish(broker, messages)
}

// manyAccounts is a configuration of clouds that give tokens and devices with a
// door, a sensor and its battery.
func manyAccounts(b *testing.B, text string, accounts, devices int) string {
	top, _, _ := strings.Cut(text, "accounts:")
	var out strings.Builder
	out.WriteString(strings.Replace(top, "level: debug", "level: info", 1) + "accounts:\n")
	for a := range accounts {
		var list []string
		for d := range devices {
			list = append(list, fmt.Sprintf(`{"id":"d%d_%d","label":"Door %d","battery":%d}`, a, d, d, d))
		}
		cloud := serve(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path == "/token" {
				_, _ = w.Write([]byte(`{"access_token":"bench-token","token_type":"Bearer","expires_in":86400}`))
				return
			}
			_, _ = w.Write([]byte(`{"all":[` + strings.Join(list, ",") + `]}`))
		}))
		fmt.Fprintf(&out, `  home%d:
    vendor: generic
    base_url: %s
    grant: client_credentials
    client_id: bench
    client_secret: bench-secret
    options: {oauth: {token: {url: /token, client: basic}}}
    operations:
      doors: {http: GET /devices, each: ".all[]", device: {id: .id, name: .label}, every: 10m}
      open: {write: true, http: "POST /open/{.device.id}"}
    entities:
      - {id: open, platform: button, name: Open, for: doors, call: open}
      - {id: label, platform: sensor, name: Label, for: doors, value: .label}
      - {id: battery, platform: sensor, name: Battery, class: battery, unit: "%%", for: doors, value: .battery}
`, a, cloud.URL)
	}
	return out.String()
}

// end stops the program, which must be content.
func (h *home) end(b *testing.B) {
	b.Helper()
	if code := h.stop(); code != 0 {
		b.Fatalf("exit %d\n%s", code, h.log)
	}
}

// published are the documents and availabilities that another program has.
type published struct {
	news chan struct{} // capacity 1

	mu  sync.Mutex
	all map[string]string
}

func (p *published) take(m bridgetest.Message) {
	document := strings.HasPrefix(m.Topic, "homeassistant/device/") && strings.HasPrefix(m.Payload, "{")
	if m.Retained || !document && !(strings.HasSuffix(m.Topic, "/state") && m.Payload == "online") {
		return
	}
	p.mu.Lock()
	p.all[m.Topic] = m.Payload
	p.mu.Unlock()
	select {
	case p.news <- struct{}{}:
	default:
	}
}

// forget gives what was published and begins anew.
func (p *published) forget() (messages []bridgetest.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for topic, payload := range p.all {
		messages = append(messages, bridgetest.Message{Topic: topic, Payload: payload})
	}
	p.all = map[string]string{}
	return messages
}

func (p *published) await(b *testing.B, what string, n int) {
	b.Helper()
	late := time.After(patience)
	for {
		p.mu.Lock()
		have := len(p.all)
		p.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-p.news:
		case <-late:
			b.Fatalf("%s: %d of %d messages", what, have, n)
		}
	}
}
