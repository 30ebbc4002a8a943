package dwspectrum

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"

	"latchkey/bridge"
)

const maker = "Digital Watchdog"

var (
	healths  = []string{"online", "offline", "incompatible", "other"}
	statuses = []string{"Offline", "Unauthorized", "Online", "Recording", "NotDefined", "Incompatible", "mismatchedCertificate", "Other"}
)

// oneOf is the value of an enum, whose last option stands for values that came
// later; nothing is unknown.
func oneOf(text word, options []string) bridge.Value {
	if text == "" || slices.Contains(options, string(text)) {
		return bridge.Text(string(text))
	}
	return bridge.Text(options[len(options)-1])
}

// slug makes an entity's id of a kind and a vendor's id. It leaves room for an
// ending such as _start.
func slug(kind, id string) string {
	s := bridge.DeviceID(id)
	if len(s) > 44 {
		sum := sha256.Sum256([]byte(id))
		s = s[:min(len(s), 37)] + "_" + hex.EncodeToString(sum[:3])
	}
	return kind + "_" + s
}

func (i ident) escaped() string { return url.PathEscape(string(i)) }

func press(call string, args bridge.Args) []bridge.Verb {
	return []bridge.Verb{{Says: "PRESS", Call: call, Args: args}}
}

func onOff(call, arg string, args bridge.Args) (verbs []bridge.Verb) {
	for _, on := range []bool{true, false} {
		all := bridge.Args{arg: on}
		for name, v := range args {
			all[name] = v
		}
		verbs = append(verbs, bridge.Verb{Says: bridge.Bool(on).String(), Call: call, Args: all})
	}
	return verbs
}

func connection() bridge.Entity {
	return bridge.Entity{ID: "connection", Name: "Connection", Kind: bridge.BinarySensor, Class: "connectivity", Diagnostic: true, OfState: true}
}

func version() bridge.Entity {
	return bridge.Entity{ID: "version", Name: "Version", Kind: bridge.Sensor, Diagnostic: true}
}

func describeSystem(y system, rules []rule) bridge.Device {
	d := device{bridge.Device{
		ID: bridge.DeviceID(string(y.ID)), Original: string(y.ID), Name: cmp.Or(string(y.Name), "System "+string(y.ID)), Maker: maker, Model: "DW Spectrum", Version: string(y.Version),
		Kind: "system", Facts: map[string]string{"system": string(y.ID), "role": string(y.Role)},
		Entities: []bridge.Entity{
			connection(),
			{ID: "health", Name: "State of health", Kind: bridge.Sensor, Class: "enum", Options: healths, Diagnostic: true},
			version(),
			{ID: "role", Name: "Access role", Kind: bridge.Sensor, Diagnostic: true, OffAtFirst: true},
		},
	}}
	for _, r := range rules {
		id := slug("rule", string(r.ID))
		if r.ID == "" {
			continue
		}
		d.add(id, bridge.Entity{Name: "Rule " + cmp.Or(string(r.Comment), string(r.ID)), Kind: bridge.Switch, Setting: true, OffAtFirst: true,
			Verbs: onOff("rule", "enabled", bridge.Args{"system": string(y.ID), "rule": string(r.ID)})})
	}
	return d.Device
}

func systemFacts(device string, y system) []bridge.Fact {
	state := func(entity string, v bridge.Value) bridge.Fact {
		return bridge.State{Ref: bridge.Ref{Device: device, Entity: entity}, Value: v}
	}
	all := []bridge.Fact{state("health", oneOf(y.Health, healths)), state("version", bridge.Text(string(y.Version))), state("role", bridge.Text(string(y.Role)))}
	switch y.Health {
	case "online":
		all = append(all, bridge.Reach{Device: device, OK: true})
	case "offline", "incompatible":
		all = append(all, bridge.Reach{Device: device, Says: true})
	}
	return all
}

// ruleFacts are the states of the rules' switches.
func ruleFacts(device string, rules []rule) (all []bridge.Fact) {
	for _, r := range rules {
		if r.ID != "" && r.Enabled != nil {
			all = append(all, bridge.State{Ref: bridge.Ref{Device: device, Entity: slug("rule", string(r.ID))}, Value: bridge.Bool(*r.Enabled)})
		}
	}
	return all
}

// describe makes the system's devices and their states. The lock is held.
func (y *site) describe(n int, servers []server) (devices []bridge.Device, states []bridge.Fact) {
	listed := map[string]bool{}
	add := func(d bridge.Device, facts []bridge.Fact) {
		if listed[d.ID] {
			return // listed twice
		}
		listed[d.ID] = true
		devices = append(devices, d)
		states = append(states, facts...)
	}
	root := bridge.DeviceID(y.system)
	if !y.of.scope.lists() {
		// Nobody lists the systems: this one answers, so it is online.
		one := system{ID: word(y.system), Name: word(cmp.Or(y.name, "DW Spectrum")), Health: "online", Version: word(y.version)}
		d := describeSystem(one, y.rules)
		add(d, append(systemFacts(d.ID, one), ruleFacts(d.ID, y.rules)...))
	}
	for _, s := range servers {
		if s.ID != "" {
			d := y.describeServer(s, root)
			add(d, append(reached(d.ID, s.Status), bridge.State{Ref: bridge.Ref{Device: d.ID, Entity: "version"}, Value: bridge.Text(string(s.Version))}))
		}
	}
	for _, c := range y.cameras {
		d := y.describeCamera(c, n)
		if d.Via = bridge.DeviceID(string(c.Server)); c.Server == "" || !listed[d.Via] || d.Via == d.ID {
			d.Via = root
		}
		add(d, c.facts(d.ID))
	}
	return devices, states
}

func (y *site) describeServer(s server, root string) bridge.Device {
	return bridge.Device{ID: bridge.DeviceID(string(s.ID)), Original: string(s.ID), Name: cmp.Or(string(s.Name), "Server"), Maker: maker, Model: "DW Spectrum server", Version: string(s.Version),
		Via: root, Kind: "server", Facts: map[string]string{"system": y.system, "id": string(s.ID)}, Entities: []bridge.Entity{connection(), version()}}
}
