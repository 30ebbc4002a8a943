package dwspectrumsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ranged reads a number of -1..1; ok is false where it is out of range.
func ranged(m map[string]any, name string, least float64) (given, ok bool) {
	v, given := m[name]
	f, isNumber := v.(float64)
	return given, !given || isNumber && f >= least && f <= 1
}

// move turns a camera until it is stopped.
func (a ask) move() {
	c, ok := a.camera()
	if !ok {
		return
	}
	m, ok := a.body()
	if !ok {
		return
	}
	for _, axis := range []string{"pan", "tilt", "zoom", "focus"} {
		if _, ok := ranged(m, axis, -1); !ok {
			a.invalid()
			return
		}
	}
	c.moving = true
	a.moved(a.system, c.ID, "ptz", "move")
	a.json(map[string]any{})
}

func (a ask) stop() {
	if c, ok := a.camera(); ok {
		c.moving = false
		a.moved(a.system, c.ID, "ptz", "stop")
		a.json(map[string]any{})
	}
}

func (a ask) position() {
	c, ok := a.camera()
	if !ok {
		return
	}
	m, ok := a.body()
	if !ok {
		return
	}
	given, fine := ranged(m, "speed", 0)
	switch {
	case !given:
		a.missing()
	case !fine || m["type"] != "absolute" && m["type"] != "logical":
		a.invalid()
	default:
		c.looks = map[string]any{"type": m["type"], "pan": m["pan"], "tilt": m["tilt"], "zoom": m["zoom"]}
		a.moved(a.system, c.ID, "ptz", fmt.Sprintf("position %v %v %v", m["pan"], m["tilt"], m["zoom"]))
		a.json(m)
	}
}

// looks tells the position that the camera was sent to.
func (a ask) looks() {
	c, ok := a.camera()
	kind := a.r.URL.Query().Get("type")
	switch {
	case !ok:
	case kind != "absolute" && kind != "logical":
		a.invalid()
	case c.looks["type"] != kind:
		a.json(map[string]any{"type": kind, "pan": 0, "tilt": 0, "zoom": 0})
	default:
		a.json(c.looks)
	}
}

func (a ask) presets() {
	if c, ok := a.camera(); ok {
		a.json(a.named(c, c.Presets))
	}
}

func (a ask) tours() {
	if c, ok := a.camera(); ok {
		a.json(a.named(c, c.Tours))
	}
}

// named lists presets or tours; the id is the name in lower case.
func (a ask) named(c *Camera, names []string) []any {
	all := []any{}
	for _, name := range names {
		all = append(all, map[string]any{"id": strings.ToLower(name), "deviceId": a.id(c.ID), "name": name})
	}
	return all
}

func has(names []string, id string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.ToLower(name) == id })
}

func (a ask) activate() {
	c, ok := a.camera()
	if !ok {
		return
	}
	m, ok := a.body()
	if !ok {
		return
	}
	preset := a.r.PathValue("preset")
	given, fine := ranged(m, "speed", 0)
	switch {
	case !has(c.Presets, preset):
		a.notFound()
	case !given:
		a.missing()
	case !fine:
		a.invalid()
	default:
		c.moving = false
		a.moved(a.system, c.ID, "ptz", "preset "+preset)
		a.json(map[string]any{})
	}
}

func (a ask) tour() {
	c, ok := a.camera()
	if !ok {
		return
	}
	if tour := a.r.PathValue("tour"); has(c.Tours, tour) {
		a.moved(a.system, c.ID, "ptz", "tour "+tour)
		a.json(map[string]any{})
		return
	}
	a.notFound()
}

// oldPTZ is the way of 5.x.
func (a ask) oldPTZ() {
	q := a.r.URL.Query()
	c := a.system.camera(q.Get("cameraId"))
	switch {
	case c == nil:
		a.notFound()
	case q.Get("command") == "ActivatePresetPtzCommand" && !has(c.Presets, q.Get("presetId")):
		a.notFound()
	case q.Get("command") == "ActivatePresetPtzCommand" && q.Get("speed") == "":
		a.missing()
	case q.Get("command") == "ActivatePresetPtzCommand":
		a.moved(a.system, c.ID, "ptz", "preset "+q.Get("presetId"))
		a.json(map[string]any{"error": "0", "errorId": "ok", "errorString": "", "reply": nil})
	default:
		a.invalid()
	}
}

// ports starts the monitoring, which lapses; what is told first after that is what
// was seen last.
func (a ask) ports() {
	c, ok := a.camera()
	if !ok {
		return
	}
	c.fallBack()
	fresh := time.Now().Before(c.watched)
	c.watched = time.Now().Add(time.Minute)
	ports := map[string]any{}
	for i := range c.Ports {
		p := &c.Ports[i]
		if fresh {
			p.shown = p.Active
		}
		ports[p.ID] = map[string]any{"isActive": p.shown, "timestampMs": a.ms(p.at)}
		p.shown = p.Active
	}
	a.json(map[string]any{"deviceId": c.ID, "ports": ports})
}

func (a ask) setPorts() {
	c, ok := a.camera()
	if !ok {
		return
	}
	m, ok := a.body()
	if !ok {
		return
	}
	ports, _ := m["ports"].(map[string]any)
	if len(ports) == 0 {
		a.missing()
		return
	}
	for id, v := range ports {
		port, _ := v.(map[string]any)
		active, isBool := port["isActive"].(bool)
		switch {
		case !isBool:
			a.missing()
			return
		case !c.output(id, active):
			a.notFound()
			return
		}
		a.moved(a.system, c.ID, "output", id+" "+strconv.FormatBool(active))
	}
	a.json(m)
}

// output sets a port that is one.
func (c *Camera) output(id string, active bool) bool {
	return slices.ContainsFunc(c.Ports, func(p Port) bool { return p.ID == id && p.Type == "Output" }) && c.set(id, active)
}

// oldOutput is the way before 6.1; it answers nothing.
func (a ask) oldOutput() {
	m, ok := a.body()
	if !ok {
		return
	}
	var params struct {
		Port     string `json:"relayOutputId"`
		Duration int64  `json:"durationMs"`
	}
	text, _ := m["params"].(string)
	devices, _ := m["resourceIds"].([]any)
	if m["actionType"] != "cameraOutputAction" || json.Unmarshal([]byte(text), &params) != nil || len(devices) != 1 {
		a.invalid()
		return
	}
	id, _ := devices[0].(string)
	c, active := a.system.camera(id), m["toggleState"] == "active"
	if c == nil || !c.output(params.Port, active) {
		a.notFound()
		return
	}
	a.moved(a.system, c.ID, "output", params.Port+" "+strconv.FormatBool(active))
	a.w.WriteHeader(http.StatusOK)
}
