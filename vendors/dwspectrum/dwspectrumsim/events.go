package dwspectrumsim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func (a ask) triggers() {
	all := []any{}
	for _, t := range a.system.Triggers {
		ids := []any{}
		for _, id := range t.Devices {
			ids = append(ids, a.id(id))
		}
		all = append(all, map[string]any{"triggerId": t.ID, "name": t.Name, "icon": "_bell_on", "prolonged": t.Prolonged,
			"devices": map[string]any{"ids": ids, "all": len(ids) == 0}, "schedule": []any{}})
	}
	a.json(all)
}

// fits tells whether a trigger exists on a device.
func (y *System) fits(trigger, device string) bool {
	return y.camera(device) != nil && slices.ContainsFunc(y.Triggers, func(t Trigger) bool {
		return t.ID == bare(trigger) && (len(t.Devices) == 0 || slices.Contains(t.Devices, bare(device)))
	})
}

func (a ask) trigger() {
	m, ok := a.body()
	if !ok {
		return
	}
	trigger, _ := m["triggerId"].(string)
	device, _ := m["deviceId"].(string)
	state, _ := m["state"].(string)
	switch {
	case trigger == "" || device == "":
		a.missing()
	case state != "" && state != "instant" && state != "started" && state != "stopped":
		a.invalid()
	case !a.system.fits(trigger, device):
		a.notFound()
	default:
		a.moved(a.system, bare(device), "trigger", bare(trigger)+" "+or(state, "instant"))
		a.json(map[string]any{})
	}
}

// oldRules lists the rules before 6.1; conditions are JSON inside of text.
func (a ask) oldRules() {
	all := []any{map[string]any{"id": "{00000000-0000-0000-0000-000000000001}", "eventType": "cameraMotionEvent", "eventResourceIds": []any{}, "eventCondition": "", "disabled": false}}
	for _, t := range a.system.Triggers {
		condition, _ := json.Marshal(map[string]any{"inputPortId": t.ID, "caption": t.Name, "description": "_bell_on"}) // texts
		ids := []any{}
		for _, id := range t.Devices {
			ids = append(ids, a.id(id))
		}
		all = append(all, map[string]any{"id": a.id(t.ID), "eventType": "softwareTriggerEvent", "eventResourceIds": ids, "eventCondition": string(condition),
			"eventState": "undefined", "actionType": "bookmarkAction", "actionParams": "{}", "disabled": false})
	}
	a.json(all)
}

// createEvent is the way of all versions: generic events, and soft triggers.
func (a ask) createEvent() {
	q := a.r.URL.Query()
	state := q.Get("state")
	if state != "" && state != "Active" && state != "Inactive" {
		a.invalid()
		return
	}
	switch q.Get("event_type") {
	case "":
		var metadata struct{ CameraRefs []string }
		if text := q.Get("metadata"); text != "" && json.Unmarshal([]byte(text), &metadata) != nil {
			a.invalid()
			return
		}
		if q.Get("source") == "" && q.Get("caption") == "" {
			a.missing()
			return
		}
		a.moved(a.system, "", "generic", fmt.Sprintf("%s|%s|%s|%s|%v", q.Get("source"), q.Get("caption"), q.Get("description"), state, metadata.CameraRefs))
	case "softwareTriggerEvent":
		trigger, device := q.Get("inputPortId"), q.Get("eventResourceId")
		if !a.system.fits(trigger, device) {
			a.notFound()
			return
		}
		said := map[string]string{"": "instant", "Active": "started", "Inactive": "stopped"}[state]
		a.moved(a.system, bare(device), "trigger", bare(trigger)+" "+said)
	default:
		a.invalid()
		return
	}
	a.json(map[string]any{"error": "0", "errorId": "ok", "errorString": "", "reply": nil})
}

func (a ask) generic() {
	m, ok := a.body()
	if !ok {
		return
	}
	state, _ := m["state"].(string)
	if state != "started" && state != "stopped" && state != "instant" {
		a.invalid()
		return
	}
	ids := []string{}
	list, _ := m["deviceIds"].([]any)
	for _, id := range list {
		ids = append(ids, bare(fmt.Sprint(id)))
	}
	a.moved(a.system, "", "generic", fmt.Sprintf("%v|%v|%v|%s|%v", m["source"], m["caption"], m["description"], state, ids))
	a.json(map[string]any{})
}

func (a ask) rules() {
	all := []any{}
	for _, r := range a.system.Rules {
		all = append(all, map[string]any{"id": a.id(r.ID), "enabled": r.Enabled, "comment": r.Comment,
			"event": map[string]any{"type": "motion"}, "action": map[string]any{"type": "httpAction", "url": "http://user:" + cameraPassword + "@192.0.2.9/"}})
	}
	a.json(all)
}

func (a ask) setRule() {
	if a.system.Role == "Viewer" {
		a.forbidden()
		return
	}
	m, ok := a.body()
	if !ok {
		return
	}
	enabled, isBool := m["enabled"].(bool)
	if !isBool {
		a.missing()
		return
	}
	for i := range a.system.Rules {
		if r := &a.system.Rules[i]; r.ID == bare(a.r.PathValue("id")) {
			r.Enabled = enabled
			a.moved(a.system, "", "rule", r.ID+" "+strconv.FormatBool(enabled))
			a.json(map[string]any{"id": r.ID, "enabled": enabled})
			return
		}
	}
	a.notFound()
}

// eventLog lists what rules have written, as far as startTimeMs reaches back.
func (a ask) eventLog() {
	q := a.r.URL.Query()
	start, err := strconv.ParseInt(q.Get("startTimeMs"), 10, 64)
	if err != nil {
		a.missing()
		return
	}
	limit, err := strconv.Atoi(or(q.Get("limit"), "1000"))
	if err != nil {
		a.invalid()
		return
	}
	all := []any{}
	for _, e := range a.system.log {
		if e.at.UnixMilli() < start {
			continue
		}
		kind := e.kind
		if a.settings.FlatEvents {
			kind = strings.TrimPrefix(strings.TrimSuffix(kind, "Event"), "camera")
			kind = strings.ToLower(kind[:1]) + kind[1:]
		}
		data := map[string]any{"type": kind, "deviceId": a.id(e.device)}
		if !a.settings.FlatEvents {
			data = map[string]any{"eventType": kind, "eventResourceId": a.id(e.device)}
		}
		all = append(all, map[string]any{"timestampMs": a.ms(e.at), "eventData": data, "actionData": map[string]any{"type": "bookmarkAction"}, "ruleId": a.id("aaaaaaaa-0000-4000-8000-000000000001")})
	}
	if q.Get("order") == "desc" {
		slices.Reverse(all)
	}
	a.json(all[:min(limit, len(all))])
}
