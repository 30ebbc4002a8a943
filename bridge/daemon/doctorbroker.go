package daemon

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/config"
	"latchkey/bridge/mqtt"
	"latchkey/bridge/web"
)

// How long the broker has for the doctor.
const (
	brokerWait = 8 * time.Second
	echoWait   = 2 * time.Second
	keptWait   = echoWait / 4 // for retained messages to arrive
)

// family is a kind of topics that latchkey has to read or write. An echo of a
// message of our own proves both: a broker acknowledges what its access rules
// forbid (hazard M13).
type family struct{ name, filter, echo string }

// families have names with a capital letter in their echoes: no command and no
// account is called so, and the running daemon only counts them.
func families(c *config.Config) []family {
	topics := bridge.Topics{Prefix: c.MQTT.Topic}
	filters := topics.CommandFilters()
	p := c.MQTT.Topic
	all := []family{
		{"commands of the bridge", filters[0], p + "/bridge/call/Doctor"},
		{"commands of accounts", filters[1], p + "/account/Doctor/call/Doctor"},
		{"commands of devices", filters[2], p + "/device/Doctor/Doctor/Doctor/set"},
		{"the bridge's topics", p + "/bridge/Doctor", p + "/bridge/Doctor"},
		{"accounts' topics", p + "/account/Doctor/Doctor", p + "/account/Doctor/Doctor"},
		{"devices' topics", p + "/device/Doctor/Doctor/Doctor", p + "/device/Doctor/Doctor/Doctor"},
	}
	h := c.HomeAssistant
	switch h.Discovery {
	case "device":
		topic := h.Prefix + "/device/latchkey_" + c.Instance + "_Doctor/config"
		all = append(all, family{"Home Assistant's discovery", topic, topic})
	case "components":
		topic := h.Prefix + "/sensor/latchkey_" + c.Instance + "_Doctor/doctor/config"
		all = append(all, family{"Home Assistant's discovery", topic, topic})
	}
	return all
}

// ear collects what comes back. The link's goroutine fills it.
type ear struct {
	mu         sync.Mutex
	heard      map[string]bool // echoes, by topic
	retained   map[string]bool // commands that the broker keeps
	probes     []bridge.Message
	changed    chan struct{} // capacity 1
	subscribed chan struct{}
	once       sync.Once
}

func (e *ear) Changed() <-chan struct{} { return e.changed }
func (e *ear) All() []bridge.Message    { return nil }
func (e *ear) Urgent() []bridge.Message { return nil }
func (e *ear) Sent(bridge.Message)      {}
func (e *ear) Subscribing()             {}
func (e *ear) Lost(error)               {}
func (e *ear) Drain() []bridge.Message {
	select {
	case <-e.subscribed:
	default:
		return nil // an echo needs its subscription first
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	probes := e.probes
	e.probes = nil
	return probes
}

func (e *ear) Subscribed() {
	e.once.Do(func() {
		close(e.subscribed)
		e.changed <- struct{}{}
	})
}

func (e *ear) take(in bridge.Incoming) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if in.Retained {
		if len(in.Payload) > 0 {
			e.retained[in.Topic] = true
		}
		return
	}
	e.heard[in.Topic] = true
}

// connected waits for the link and its subscriptions.
func (e *ear) connected(ctx context.Context, client *mqtt.Client) bool {
	most, tick := time.After(brokerWait), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-e.subscribed:
			return true
		case <-tick.C:
			if client.State().Err != nil && client.Stats().Attempts > 1 {
				return false // the link tries for ever, the doctor twice
			}
		case <-most:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// listen waits for the echoes, and a moment for what the broker keeps.
func (e *ear) listen(ctx context.Context, families []family, patience time.Duration) {
	least, most, tick := time.After(keptWait), time.After(patience), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-least:
			least = nil
		case <-tick.C:
			if least == nil && e.heardAll(families) {
				return
			}
		case <-most:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (e *ear) heardAll(families []family) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !slices.ContainsFunc(families, func(f family) bool { return !e.heard[f.echo] })
}

// rights are what the broker lets latchkey do.
type rights struct {
	taken    bool // it takes latchkey in at all
	why      error
	whole    bool // nothing broke off while it was asked
	denied   []denied
	retained []string // commands that it keeps
}

type denied struct{ filter, message string }

// askRights connects beside the daemon, with its name and password, and waits so
// long for the echoes. An error is a setting that cannot be used.
func askRights(ctx context.Context, c *config.Config, dial func(ctx context.Context, network, address string) (net.Conn, error), patience time.Duration) (rights, error) {
	families := families(c)
	e := &ear{heard: map[string]bool{}, retained: map[string]bool{}, changed: make(chan struct{}, 1), subscribed: make(chan struct{})}
	var routes []mqtt.Route
	for _, f := range families {
		e.probes = append(e.probes, bridge.Message{Topic: f.echo, Stage: bridge.StageEvent})
		routes = append(routes, mqtt.Route{Filter: f.filter, Take: e.take})
	}
	client, err := mqtt.New(mqtt.Options{Broker: c.MQTT.Broker, Username: c.MQTT.Username, Password: c.MQTT.Password, TLS: mqtt.TLS(c.MQTT.TLS), ClientID: "latchkey_" + c.Instance + "_doctor",
		Guest: true, Source: e, Routes: routes, Link: e, Dial: dial})
	if err != nil {
		return rights{}, err
	}
	run, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { _ = client.Run(run) })
	defer func() { stop(); done.Wait() }()
	if !e.connected(ctx, client) {
		return rights{why: client.State().Err}, nil
	}
	e.listen(ctx, families, patience)
	return e.judge(client, families), nil
}

// judge says what came back, and what did not.
func (e *ear) judge(client *mqtt.Client, families []family) rights {
	e.mu.Lock()
	defer e.mu.Unlock()
	state := client.State()
	found := rights{taken: true, whole: state.Ready && client.Stats().Losses == 0, retained: slices.Sorted(maps.Keys(e.retained))}
	refused := map[string]bool{}
	for _, p := range state.Problems {
		refused[p.Topic] = p.Code == mqtt.ProblemNotSubscribed
	}
	for _, f := range families {
		switch {
		case refused[f.filter]:
			found.denied = append(found.denied, denied{f.filter, fmt.Sprintf("%s: the broker refuses the subscription of %s", f.name, f.filter)})
		case !e.heard[f.echo]:
			found.denied = append(found.denied, denied{f.filter, fmt.Sprintf("%s: a message on %s does not come back, so writing or reading there is forbidden", f.name, f.echo)})
		}
	}
	return found
}

// broker tells what it lets latchkey do.
func (d *doctor) broker(ctx context.Context) {
	broker := d.config.MQTT.Broker
	found, err := askRights(ctx, d.config, d.dial, echoWait)
	switch {
	case err != nil:
		d.say("broker", web.Trouble, "correct mqtt in "+d.file, "%v", err)
		return
	case !found.taken:
		why := "it does not answer"
		if found.why != nil {
			why = found.why.Error()
		}
		d.say("broker", web.Trouble, "is it running, are mqtt.broker, username and password right?", "%s: %s", broker, why)
		return
	}
	d.say("broker", web.Fine, "", "%s takes latchkey in", broker)
	for _, f := range found.denied {
		d.say("access", web.Trouble, "give latchkey's user the access rules below", "%s", f.message)
	}
	if len(found.denied) == 0 {
		d.say("access", web.Fine, "", "latchkey may write and read all its topics")
	}
	for _, topic := range found.retained {
		d.say("retained", web.Trouble, "clear it, and find who sends it with the retain flag: mosquitto_pub -r -n -t "+topic,
			"the broker keeps a command on %s; latchkey refuses it at every start", topic)
	}
	if len(found.retained) == 0 {
		d.say("retained", web.Fine, "", "the broker keeps no command")
	}
}

// accessRules are a Mosquitto ACL: as little as latchkey and Home Assistant need.
func accessRules(c *config.Config) string {
	user, p := c.MQTT.Username, c.MQTT.Topic
	if user == "" {
		user = "latchkey"
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("user %s", user)
	line("topic readwrite %s/#", p)
	if h := c.HomeAssistant; h.Discovery != "off" {
		line("topic readwrite %s/#", h.Prefix)
		if !strings.HasPrefix(h.BirthTopic, h.Prefix+"/") {
			line("topic read %s", h.BirthTopic)
		}
	}
	line("")
	line("user homeassistant")
	line("topic read %s/#", p)
	for _, filter := range (bridge.Topics{Prefix: p}).CommandFilters() {
		line("topic write %s", filter)
	}
	if h := c.HomeAssistant; h.Discovery != "off" {
		line("topic readwrite %s/#", h.Prefix)
		if !strings.HasPrefix(h.BirthTopic, h.Prefix+"/") {
			line("topic write %s", h.BirthTopic)
		}
	}
	return b.String()
}
