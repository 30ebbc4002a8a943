package doorbird

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"latchkey/bridge"
)

// offDelay is how many seconds motion lasts: the cloud tells no end of it.
const offDelay = 30

// relayID is the id of a relay's entity, permanent.
func relayID(r Relay) string {
	if r.Peripheral == "" {
		return fmt.Sprintf("relay_%d", r.Number)
	}
	return fmt.Sprintf("relay_%s_%d", bridge.DeviceID(r.Peripheral), r.Number)
}

// bellID is the id of a bell's entity: ring, ring_2, last_ring_2.
func bellID(kind string, bell int) string {
	if bell < 2 {
		return kind
	}
	return kind + "_" + strconv.Itoa(bell)
}

// ofBell tells which bell a word is about: " 2" for the second, "" for the first.
func ofBell(bell int) string {
	if bell < 2 {
		return ""
	}
	return " " + strconv.Itoa(bell)
}

// merge makes the list of relays: relay 1, those of the configuration and those
// that the grant may list; with the configured name, else the station's.
func merge(configured, allowed, names []Relay) []Relay {
	var all []Relay
	for _, r := range slices.Concat(configured, []Relay{{Number: 1}}, allowed) {
		same := func(known Relay) bool { return known.Number == r.Number && known.Peripheral == r.Peripheral }
		if !bridge.IsID(relayID(r)) || slices.ContainsFunc(all, same) {
			continue
		}
		for _, n := range names {
			if same(n) {
				r.Name = cmp.Or(r.Name, strings.TrimSpace(n.Name))
			}
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Relay) int {
		return cmp.Or(cmp.Compare(a.Peripheral, b.Peripheral), cmp.Compare(a.Number, b.Number))
	})
	return all
}

// describe makes the station's device. The lock is held.
func (a *account) describe(m metadata, relays []Relay, bells []int) bridge.Device {
	mac := bridge.MAC(m.MAC)
	d := bridge.Device{
		ID: mac, Original: m.MAC, MAC: mac, Name: a.name, Maker: "DoorBird", Model: m.Type, Kind: "station",
		Facts: map[string]string{"mac": m.MAC, "intercomTypeName": m.Type},
	}
	press := func(call string, args bridge.Args) []bridge.Verb {
		return []bridge.Verb{{Says: "PRESS", Call: call, Args: args}}
	}
	for _, r := range relays {
		args := bridge.Args{"number": int64(r.Number)}
		name := fmt.Sprintf("Relay %d", r.Number)
		if r.Peripheral != "" {
			args["peripheral"] = r.Peripheral
			name += " of " + r.Peripheral
		}
		d.Entities = append(d.Entities, bridge.Entity{ID: relayID(r), Name: cmp.Or(r.Name, name),
			Kind: bridge.Button, Icon: "mdi:door-open", Verbs: press("relay", args)})
	}
	d.Entities = append(d.Entities,
		bridge.Entity{ID: "light", Name: "Light", Kind: bridge.Button, Icon: "mdi:lightbulb-on", Verbs: press("light", nil)},
		bridge.Entity{ID: "refresh_picture", Name: "Refresh picture", Kind: bridge.Button, Icon: "mdi:camera-retake", Verbs: press("snapshot", nil)},
		bridge.Entity{ID: "live", Name: "Live picture", Kind: bridge.ImageKind},
		bridge.Entity{ID: "connection", Name: "Connection", Kind: bridge.BinarySensor, Class: "connectivity", Diagnostic: true, OfState: true})
	if a.admin {
		d.Entities = append(d.Entities, bridge.Entity{ID: "restart", Name: "Restart", Kind: bridge.Button, Class: "restart",
			Setting: true, OffAtFirst: true, Verbs: press("restart", nil)})
	}
	when := func(there bool, e bridge.Entity) {
		if there {
			d.Entities = append(d.Entities, e)
		}
	}
	for _, bell := range append([]int{1}, bells...) {
		when(a.tells(onDoorbell, strconv.Itoa(bell)),
			bridge.Entity{ID: bellID("ring", bell), Name: "Doorbell" + ofBell(bell), Kind: bridge.Event, Class: "doorbell", Options: []string{"ring"}})
		when(true, bridge.Entity{ID: bellID("last_ring", bell), Name: "Last ring" + ofBell(bell), Kind: bridge.ImageKind})
	}
	when(a.tells(onMotion, ""), bridge.Entity{ID: "motion", Name: "Motion", Kind: bridge.BinarySensor, Class: "motion", OffDelay: offDelay})
	when(true, bridge.Entity{ID: "last_motion", Name: "Last motion", Kind: bridge.ImageKind})
	when(a.tells(onRelay, ""), bridge.Entity{ID: "opened", Name: "Opened", Kind: bridge.Event, Icon: "mdi:door-open", Options: []string{"opened"}})
	when(a.pushes, bridge.Entity{ID: "event", Name: "Other event", Kind: bridge.Event, Options: []string{"other"}, Diagnostic: true, OffAtFirst: true})
	return d
}
