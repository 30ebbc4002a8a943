package main_test

import (
	"context"
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
	"latchkey/vendors/doorbird/doorbirdsim"
)

// BenchmarkCommand measures commands through the real program, and in turns with
// it through a bare loop of paho and net/http, each a process of its own, over the
// same broker to the same cloud: from publish to the cloud, from publish to the
// result, and how many a second in a burst to different entities. The ratios
// (x-bare) travel between machines, the figures do not. Run it with
//
//	go test ./cmd/latchkey -run '^$' -bench Command -benchtime 400x
//
// Commands are plain payloads. `stock` is Mosquitto as it comes, which holds small
// packets back (hazard M24); `nodelay` has set_tcp_nodelay.
func BenchmarkCommand(b *testing.B) {
	for _, broker := range []struct {
		name    string
		nodelay bool
	}{{"stock", false}, {"nodelay", true}} {
		for _, gap := range []time.Duration{50 * time.Millisecond, 5 * time.Millisecond} {
			b.Run(fmt.Sprintf("%s/gap=%v", broker.name, gap), func(b *testing.B) {
				newTrack(b, broker.nodelay, 16, generic).latency(gap)
			})
		}
		b.Run(broker.name+"/burst", func(b *testing.B) { newTrack(b, broker.nodelay, 200, generic).burst() })
	}
	for _, gap := range []time.Duration{50 * time.Millisecond, 5 * time.Millisecond} {
		b.Run(fmt.Sprintf("doorbird/gap=%v", gap), func(b *testing.B) { newTrack(b, false, 2, doorBird).latency(gap) })
	}
}

// runBare is the bare loop's process; see TestMain.
func runBare(broker, cloud string) {
	name := os.Getenv("LATCHKEY_BARE_NAME")
	bridgetest.Bare{Broker: broker, Name: name, Abreast: name == "abreast", Do: func(topic string) *http.Request {
		r, _ := http.NewRequest(http.MethodPost, cloud+"/"+topic, nil) // a fixed address
		r.Header.Set("Authorization", "Bearer bench-token-1")
		return r
	}}.Run(context.Background())
}

// track is a broker, a cloud, latchkey and the bare loop, all running.
type track struct {
	b       *testing.B
	sender  *bridgetest.Client
	began   time.Time
	ours    []*lap
	bare    []*lap // one call after the other
	abreast []*lap // all entities at the same time, as latchkey does

	mu     sync.Mutex
	byName map[string]*lap // topics of results, and paths at the cloud
}

// lap is one entity: its command topic, and when its command got where.
type lap struct {
	topic           string
	cloud, answered chan time.Time // capacity 1: one command at a time
}

// A vendor prepares a house and returns its entities' topics and their paths at
// the cloud.
type vendor func(h *home, t *track, entities int) (topics, paths []string)

func newTrack(b *testing.B, nodelay bool, entities int, prepare vendor) *track {
	broker := bridgetest.StartMosquitto(b, bridgetest.MosquittoOptions{NoDelay: nodelay})
	t := &track{b: b, began: time.Now(), byName: map[string]*lap{}}
	h := newHome(b, broker.URL(), "commands: {cooldown: 1ms}")
	h.edit(func(text string) string { return strings.Replace(text, "level: debug", "level: info", 1) })
	names, paths := prepare(h, t, entities)
	for i, topic := range names {
		t.ours = append(t.ours, t.lap(topic, strings.TrimSuffix(topic, "set")+"result", paths[i]))
		for name, laps := range map[string]*[]*lap{"bare": &t.bare, "abreast": &t.abreast} {
			own := fmt.Sprintf("%s/%d", name, i)
			*laps = append(*laps, t.lap(own, own+"/result", "/"+own))
		}
	}
	h.mqtt.Close() // it would hear every command too

	t.sender = bridgetest.Dial(b, broker.URL(), bridgetest.ClientOptions{Quick: true, Forget: true, On: func(m bridgetest.Message) { t.stamp(m.Topic, true) }})
	t.sender.Subscribe("latchkey/device/+/+/+/result")
	cloud := serve(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.stamp(r.URL.Path, false) }))
	for _, name := range []string{"bare", "abreast"} {
		t.sender.Subscribe(name + "/+/result")
		bare := exec.Command(os.Args[0])
		bare.Env = append(os.Environ(), "LATCHKEY_BARE_BROKER="+broker.URL(), "LATCHKEY_BARE_CLOUD="+cloud.URL, "LATCHKEY_BARE_NAME="+name)
		bare.Stderr = os.Stderr
		if err := bare.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = bare.Process.Kill(); _ = bare.Wait() })
	}
	for _, l := range []*lap{t.ours[0], t.bare[0], t.abreast[0]} { // until both hear
		for heard := false; !heard; {
			t.sender.Send(l.topic, "PRESS")
			select {
			case <-l.answered:
				heard = true
			case <-time.After(200 * time.Millisecond):
			}
		}
		l.drain()
	}
	return t
}

func (t *track) lap(topic, result, path string) *lap {
	l := &lap{topic, make(chan time.Time, 1), make(chan time.Time, 1)}
	t.byName[result], t.byName[path] = l, l
	return l
}

func (l *lap) drain() {
	for _, c := range []chan time.Time{l.cloud, l.answered} {
		select {
		case <-c:
		default:
		}
	}
}

// stamp notes that a command has reached the cloud, or its result the sender.
func (t *track) stamp(name string, result bool) {
	now := time.Now()
	t.mu.Lock()
	l := t.byName[name]
	t.mu.Unlock()
	if l == nil {
		return
	}
	where := l.cloud
	if result {
		where = l.answered
	}
	select {
	case where <- now:
	default: // nobody measures
	}
}

// latency sends b.N commands each way, one at a time.
func (t *track) latency(gap time.Duration) {
	type times struct{ cloud, result []time.Duration }
	var took [2]times
	tick := time.NewTicker(gap)
	defer tick.Stop()
	t.b.ResetTimer()
	for i := range t.b.N {
		for way, laps := range [][]*lap{t.ours, t.bare} {
			<-tick.C
			l := laps[i%len(laps)]
			l.drain()
			sent := time.Now()
			t.sender.Send(l.topic, "PRESS")
			took[way].cloud = append(took[way].cloud, t.wait(l.cloud).Sub(sent))
			took[way].result = append(took[way].result, t.wait(l.answered).Sub(sent))
		}
	}
	t.b.StopTimer()
	t.b.ReportMetric(0, "ns/op")
	for _, at := range []struct {
		name  string
		share float64
	}{{"p50", 0.50}, {"p99", 0.99}} {
		ours, bare := quantile(took[0].cloud, at.share), quantile(took[1].cloud, at.share)
		t.b.ReportMetric(ours, "us-cloud-"+at.name)
		t.b.ReportMetric(ours/bare, "x-bare-cloud-"+at.name)
		ours, bare = quantile(took[0].result, at.share), quantile(took[1].result, at.share)
		t.b.ReportMetric(ours, "us-result-"+at.name)
		t.b.ReportMetric(ours/bare, "x-bare-result-"+at.name)
	}
}

// burst sends b.N commands each way, as many at a time as there are entities, and
// waits for all results.
func (t *track) burst() {
	var took [3]time.Duration
	sent := 0
	t.b.ResetTimer()
	for sent < t.b.N {
		for way, laps := range [][]*lap{t.ours, t.bare, t.abreast} {
			began := time.Now()
			for _, l := range laps {
				l.drain()
				t.sender.Send(l.topic, "PRESS")
			}
			for _, l := range laps {
				t.wait(l.cloud)
				t.wait(l.answered)
			}
			took[way] += time.Since(began)
		}
		sent += len(t.ours)
	}
	t.b.StopTimer()
	t.b.ReportMetric(0, "ns/op")
	rate := func(way int) float64 { return float64(sent) / took[way].Seconds() }
	t.b.ReportMetric(rate(0), "commands/s")
	t.b.ReportMetric(rate(1), "bare-commands/s")
	t.b.ReportMetric(rate(0)/rate(1), "x-bare-rate")
	t.b.ReportMetric(rate(0)/rate(2), "x-abreast-rate")
}

func (t *track) wait(c chan time.Time) time.Time {
	t.b.Helper()
	select {
	case at := <-c:
		return at
	case <-time.After(patience):
		t.b.Fatal("a command or its result was lost")
		return time.Time{}
	}
}

func quantile(all []time.Duration, share float64) (microseconds float64) {
	slices.Sort(all)
	return float64(all[int(float64(len(all)-1)*share)].Nanoseconds()) / 1000
}

// generic is a cloud with a list of devices, each with a door, described in the
// configuration: no pacing, no cool-down.
func generic(h *home, t *track, entities int) (names, paths []string) {
	var list strings.Builder
	for i := range entities {
		fmt.Fprintf(&list, `{"id":"d%d"},`, i)
		names = append(names, fmt.Sprintf("latchkey/device/bench/d%d/open/set", i))
		paths = append(paths, fmt.Sprintf("/open/d%d", i))
	}
	devices := `{"all":[` + strings.TrimSuffix(list.String(), ",") + `]}`
	cloud := serve(t.b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/devices" {
			_, _ = w.Write([]byte(devices))
			return
		}
		t.stamp(r.URL.Path, false)
	}))
	h.edit(func(text string) string {
		top, _, _ := strings.Cut(text, "accounts:")
		return top + `accounts:
  bench:
    vendor: generic
    base_url: ` + cloud.URL + `
    grant: token
    token: bench-token-1
    operations:
      doors: {http: GET /devices, each: ".all[]", device: {id: .id}, every: 10m}
      open: {write: true, http: "POST /open/{.device.id}"}
    entities:
      - {id: open, platform: button, name: Open, for: doors, call: open}
`
	})
	h.start()
	h.mqtt.Await(names[len(names)-1][:len("latchkey/device/bench/d")]+strings.Split(names[len(names)-1], "/")[3][1:]+"/state", bridgetest.Payload("online"), patience)
	h.ready()
	return names, paths
}

// doorBird is the simulated cloud of a door station with its two relays.
func doorBird(h *home, t *track, entities int) (names, paths []string) {
	handler := h.doorbird.Handler()
	watched := serve(t.b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.stamp(r.URL.Path, false)
		handler.ServeHTTP(w, r)
	}))
	h.edit(func(text string) string { return strings.Replace(text, h.clouds["doorbird"].URL, watched.URL, 1) })
	h.start()
	h.signIn("gate")
	h.mqtt.Await(topics.DeviceState("gate", station), bridgetest.Payload("online"), patience)
	h.ready()
	for i := range entities {
		names = append(names, fmt.Sprintf("latchkey/device/gate/%s/relay_%d/set", strings.ToLower(doorbirdsim.DemoMAC), i+1))
		paths = append(paths, fmt.Sprintf("/relay/%d", i+1))
	}
	return names, paths
}
