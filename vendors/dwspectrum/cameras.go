package dwspectrum

import (
	"cmp"
	"slices"
	"strings"

	"latchkey/bridge"
)

func (y *site) describeCamera(c camera, n int) bridge.Device {
	d := device{bridge.Device{
		ID: bridge.DeviceID(string(c.ID)), Original: string(c.ID), Name: cmp.Or(string(c.Name), "Camera "+string(c.ID)), Maker: cmp.Or(string(c.Vendor), maker), Model: string(c.Model),
		MAC: bridge.MAC(string(c.MAC)), Kind: "device", Facts: map[string]string{"system": y.system, "id": string(c.ID), "type": string(c.Type)},
		Entities: []bridge.Entity{connection()},
	}}
	if c.sees() {
		d.Kind = "camera"
		d.add("recording", bridge.Entity{Name: "Recording", Kind: bridge.BinarySensor, Class: "running"})
		d.add("still", bridge.Entity{Name: "Still", Kind: bridge.ImageKind})
		d.add("refresh_still", bridge.Entity{Name: "Refresh still", Kind: bridge.Button, Icon: "mdi:camera-retake", Verbs: press("snapshot", nil)})
	}
	d.add("status", bridge.Entity{Name: "Status", Kind: bridge.Sensor, Class: "enum", Options: statuses, Diagnostic: true, OffAtFirst: true})
	if y.of.options.Events > 0 && n >= 4 {
		d.add("event", bridge.Entity{Name: "Event", Kind: bridge.Event, Options: eventTypes})
	}
	for _, t := range y.triggers {
		if t.ID == "" || !(t.Devices.All && c.sees()) && !slices.Contains(t.Devices.IDs, c.ID) {
			continue
		}
		id, name := slug("trigger", string(t.ID)), cmp.Or(string(t.Name), "Trigger")
		args := func(state string) []bridge.Verb {
			return press("trigger", bridge.Args{"trigger": string(t.ID), "state": state})
		}
		if !t.Prolonged {
			d.add(id, bridge.Entity{Name: name, Kind: bridge.Button, Icon: "mdi:gesture-tap-button", Verbs: args("instant")})
		}
		// Its state cannot be read back, so it is no switch. Before 6.1 nobody tells which
		// ones are prolonged: a home may switch these on.
		old := n < 4
		if t.Prolonged || old {
			d.add(id+"_start", bridge.Entity{Name: name + " start", Kind: bridge.Button, Icon: "mdi:play", OffAtFirst: old, Verbs: args("started")})
			d.add(id+"_stop", bridge.Entity{Name: name + " stop", Kind: bridge.Button, Icon: "mdi:stop", OffAtFirst: old, Verbs: args("stopped")})
		}
	}
	for _, p := range y.presets[c.ID] {
		if p.ID != "" {
			d.add(slug("preset", string(p.ID)), bridge.Entity{Name: "Preset " + cmp.Or(string(p.Name), string(p.ID)), Kind: bridge.Button, Icon: "mdi:crosshairs-gps",
				Verbs: press("ptz_preset", bridge.Args{"preset": string(p.ID)})})
		}
	}
	for _, p := range c.Options.Ports {
		d.addPort(p, n)
	}
	return d.Device
}

// device collects entities.
type device struct{ bridge.Device }

// add leaves out what is there already.
func (d *device) add(id string, e bridge.Entity) {
	if e.ID = id; !slices.ContainsFunc(d.Entities, func(known bridge.Entity) bool { return known.ID == id }) {
		d.Entities = append(d.Entities, e)
	}
}

// addPort adds an input or output. Before 6.1 nothing can be read back: inputs are
// not there, and an output is two buttons.
func (d *device) addPort(p port, n int) {
	if p.ID == "" {
		return
	}
	in, out := slug("input", string(p.ID)), slug("output", string(p.ID))
	name := cmp.Or(string(p.Output), "Output "+string(p.ID))
	verbs := onOff("output", "active", bridge.Args{"port": string(p.ID)})
	pressed := func(v bridge.Verb) []bridge.Verb { return press(v.Call, v.Args) }
	switch kind := strings.ToLower(string(p.Type)); {
	case kind == "input" && n >= 4:
		d.add(in, bridge.Entity{Name: cmp.Or(string(p.Input), "Input "+string(p.ID)), Kind: bridge.BinarySensor})
	case kind == "output" && p.Reset.int() > 0:
		d.add(out, bridge.Entity{Name: name, Kind: bridge.Button, Icon: "mdi:electric-switch", Verbs: pressed(verbs[0])})
	case kind == "output" && n >= 4:
		d.add(out, bridge.Entity{Name: name, Kind: bridge.Switch, Verbs: verbs})
	case kind == "output":
		d.add(out+"_on", bridge.Entity{Name: name + " on", Kind: bridge.Button, Verbs: pressed(verbs[0])})
		d.add(out+"_off", bridge.Entity{Name: name + " off", Kind: bridge.Button, Verbs: pressed(verbs[1])})
	}
}

// sees tells whether a device has pictures. A type that is not known may.
func (c camera) sees() bool { return c.Type != "IOModule" && c.Type != "HornSpeaker" }

// off tells that the system does not reach the device.
func (c camera) off() bool {
	return slices.Contains([]word{"Offline", "Unauthorized", "Incompatible", "mismatchedCertificate"}, c.Status)
}

// ptzPresets is the bit of presets in REST version 3's mask (seen).
const ptzPresets = 65536

func (c camera) presets() bool {
	return strings.Contains(strings.ToLower(string(c.PTZ.Capabilities)), "presets") || c.Parameters.PTZ.int()&ptzPresets != 0
}

// facts are what the list says about a camera. Without a status it says nothing.
func (c camera) facts(device string) []bridge.Fact {
	state := func(entity string, v bridge.Value) bridge.Fact {
		return bridge.State{Ref: bridge.Ref{Device: device, Entity: entity}, Value: v}
	}
	all := append(reached(device, c.Status), state("status", oneOf(c.Status, statuses)))
	if c.sees() {
		recording := bridge.Value{}
		if c.Status != "" {
			recording = bridge.Bool(c.Status == "Recording")
		}
		all = append(all, state("recording", recording))
	}
	return all
}

// reached reads a status; one that is missing or not known says nothing.
func reached(device string, status word) []bridge.Fact {
	switch c := (camera{Status: status}); {
	case status == "Online" || status == "Recording":
		return []bridge.Fact{bridge.Reach{Device: device, OK: true}}
	case c.off():
		return []bridge.Fact{bridge.Reach{Device: device, Says: true}}
	}
	return nil
}
