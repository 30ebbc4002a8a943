package dwspectrumsim

import (
	"strconv"
	"strings"
	"time"
)

// What a cloud and a VMS put into their lists, and nobody should see.
const (
	authKey         = "authkey-5f2a9c"
	cameraPassword  = "camerapw-77b1"
	storagePassword = "storagepw-09fe"
)

// System is one VMS with its place in the cloud.
type System struct {
	ID, Name  string
	Version   string // "6.1.0.39503"; "" is missing in the listing, and then it is 6.1
	Health    string // online, offline, incompatible
	Role      string // of the user; Viewer may not touch rules
	TwoFactor bool   // demanded by the system, and the simulated tokens have none

	Servers  []Server
	Cameras  []Camera
	Triggers []Trigger
	Rules    []Rule

	log []logged
}

// Server of a system.
type Server struct{ ID, Name, Status string }

// Camera or another device of a system.
type Camera struct {
	ID, Server, Name, MAC, Model string
	Type                         string // Camera, IOModule, ...
	Status                       string // "" is missing
	Recording                    bool   // its schedule
	Presets, Tours               []string
	Ports                        []Port
	Credentials                  bool // the list holds a password, also in the url

	moving  bool
	looks   map[string]any
	watched time.Time // io monitoring lapses then
}

// Port of a device. An output with AutoReset falls back by itself.
type Port struct {
	ID, Type, Name string // Type is Input or Output
	AutoReset      time.Duration
	Active         bool

	until time.Time // falls back then
	shown bool      // as last seen by the monitoring
	at    time.Time // of the last change
}

// Trigger is a soft trigger.
type Trigger struct {
	ID, Name  string
	Prolonged bool
	Devices   []string // none: all cameras
}

// Rule of a system.
type Rule struct {
	ID, Comment string
	Enabled     bool
}

type logged struct {
	at           time.Time
	kind, device string
}

// someSystems is one system of each version: the newest has everything.
func someSystems() []System {
	full := func(id, name, version, n string) System {
		uuid := func(kind string) string { return "aaaaaaaa-bbbb-4ccc-8ddd-" + kind + n + "00000001"[:8] }
		yard := Camera{ID: uuid("ca"), Server: uuid("5e"), Name: "Yard", MAC: "00-11-22-AA-BB-" + n, Model: "DWC-1", Type: "Camera", Status: "Recording", Recording: true,
			Presets: []string{"Gate", "Door"}, Tours: []string{"Round"}, Credentials: true}
		gate := Camera{ID: uuid("cb"), Server: uuid("5e"), Name: "Gate", MAC: "00-11-22-AA-CC-" + n, Model: "DWC-2", Type: "Camera"} // no status
		box := Camera{ID: uuid("cc"), Server: uuid("5e"), Name: "Box", Model: "DW-IO", Type: "IOModule", Status: "Online", Ports: []Port{
			{ID: "1", Type: "Input", Name: "Door contact"}, {ID: "2", Type: "Output", Name: "Lamp"}, {ID: "3", Type: "Output", Name: "Strike", AutoReset: 3 * time.Second}}}
		return System{ID: id, Name: name, Version: version, Health: "online", Role: "Administrator",
			Servers: []Server{{uuid("5e"), "Server " + n, "Online"}}, Cameras: []Camera{yard, gate, box},
			Triggers: []Trigger{{ID: uuid("71"), Name: "Open gate", Devices: []string{yard.ID}}, {ID: uuid("72"), Name: "Siren", Prolonged: true}},
			Rules:    []Rule{{uuid("91"), "Siren at night", true}}}
	}
	return []System{
		full(System61, "Home", "6.1.0.39503", "61"), full(System60, "Shop", "6.0.2.38488", "60"),
		full(System51, "Barn", "5.1.3.37512", "51"), full(System50, "Shed", "5.0.0.35271", "50"),
		{ID: System40, Name: "Old", Version: "4.2.0.32840", Health: "online", Role: "Viewer"},
		{ID: Unnamed, Name: "Away", Health: "offline", Role: "Viewer"},
	}
}

// rest is the newest version of the REST API that a system has.
func (y *System) rest() int {
	parts := strings.SplitN(or(y.Version, "6.1"), ".", 3)
	major, _ := strconv.Atoi(parts[0])
	minor := 0
	if len(parts) > 1 {
		minor, _ = strconv.Atoi(parts[1])
	}
	switch {
	case major < 5:
		return 0
	case major == 5:
		return 1 + min(minor, 1)
	case major == 6 && minor == 0:
		return 3
	}
	return 4
}

// camera finds a device by its id, with or without braces; nil: there is none.
func (y *System) camera(id string) *Camera {
	for i := range y.Cameras {
		if y.Cameras[i].ID == bare(id) {
			return &y.Cameras[i]
		}
	}
	return nil
}

// bare takes the braces off an id.
func bare(id string) string { return strings.ToLower(strings.Trim(id, "{}")) }

// Happen writes an event of a camera into the system's event log, as a rule would.
func (s *Sim) Happen(system, camera, kind string) {
	s.Set(system, func(y *System) { y.log = append(y.log, logged{time.Now(), kind, camera}) })
}

// Input sets an input of a device, as its wires do.
func (s *Sim) Input(system, camera, port string, active bool) {
	s.Set(system, func(y *System) {
		if c := y.camera(camera); c != nil {
			c.set(port, active)
		}
	})
}

// Moving tells whether a camera turns: until it is stopped.
func (s *Sim) Moving(system, camera string) (moving bool) {
	s.Set(system, func(y *System) { moving = y.camera(camera) != nil && y.camera(camera).moving })
	return moving
}

// Active tells the state of a port now.
func (s *Sim) Active(system, camera, port string) (active bool) {
	s.Set(system, func(y *System) {
		if c := y.camera(camera); c != nil {
			c.fallBack()
			for _, p := range c.Ports {
				active = active || p.ID == port && p.Active
			}
		}
	})
	return active
}

func (c *Camera) set(port string, active bool) bool {
	for i := range c.Ports {
		if p := &c.Ports[i]; p.ID == port {
			p.Active, p.at, p.until = active, time.Now(), time.Time{}
			if active && p.AutoReset > 0 {
				p.until = p.at.Add(p.AutoReset)
			}
			return true
		}
	}
	return false
}

// fallBack ends outputs whose time is over.
func (c *Camera) fallBack() {
	for i := range c.Ports {
		if p := &c.Ports[i]; !p.until.IsZero() && !time.Now().Before(p.until) {
			p.Active, p.at, p.until = false, p.until, time.Time{}
		}
	}
}
