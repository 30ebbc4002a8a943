package dwspectrumsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge/simkit"
)

// ask is one request to a VMS. The simulator's lock is held while it is answered.
type ask struct {
	*Sim
	w      http.ResponseWriter
	r      *http.Request
	system *System
	rest   int // version in the path; 0: of none
}

// vms serves the REST API of all systems. A version above the system's own is not
// found there.
func (s *Sim) vms() http.Handler {
	mux := http.NewServeMux()
	route := func(pattern, versions string, serve func(ask)) {
		method, path, _ := strings.Cut(pattern, " ")
		if versions != "" {
			path = "/rest/{version}" + path
		}
		mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) {
			version := r.PathValue("version")
			id, _ := r.Context().Value(onSystem{}).(string)
			n, _ := strconv.Atoi(strings.TrimPrefix(version, "v"))
			answered := false
			s.Set(id, func(y *System) {
				if versions == "" || slices.Contains(strings.Fields(versions), version) && n <= y.rest() {
					answered = true
					serve(ask{s, w, r, y, n})
				}
			})
			if !answered {
				vmsError(w, http.StatusNotFound, "9", "notFound")
			}
		})
	}
	const all, ptz = "v1 v2 v3 v4", "v3 v4"
	route("GET /site/info", "v4", ask.info)
	route("GET /system/info", "v3", ask.info)
	route("GET /login/sessions/-", all, ask.session)
	route("GET /servers", all, ask.servers)
	route("GET /devices", all, ask.devices)
	route("GET /devices/{id}", all, ask.device)
	route("PATCH /devices/{id}", "v4", ask.schedule)
	route("GET /devices/{id}/image", "v2 v3 v4", ask.image)
	route("GET /ec2/cameraThumbnail", "", ask.thumbnail)
	route("POST /devices/{id}/bookmarks", all, ask.bookmark)
	route("POST /devices/{id}/ptz/move", ptz, ask.move)
	route("DELETE /devices/{id}/ptz/move", ptz, ask.stop)
	route("GET /devices/{id}/ptz/position", ptz, ask.looks)
	route("POST /devices/{id}/ptz/position", ptz, ask.position)
	route("GET /devices/{id}/ptz/presets", ptz, ask.presets)
	route("POST /devices/{id}/ptz/presets/{preset}/activate", ptz, ask.activate)
	route("GET /devices/{id}/ptz/tours", ptz, ask.tours)
	route("POST /devices/{id}/ptz/tours/{tour}/active", ptz, ask.tour)
	route("GET /api/ptz", "", ask.oldPTZ)
	route("GET /devices/{id}/io", "v4", ask.ports)
	route("PATCH /devices/{id}/io", "v4", ask.setPorts)
	route("POST /api/executeEventAction", "", ask.oldOutput)
	route("GET /events/triggers", "v4", ask.triggers)
	route("POST /events/triggers", "v4", ask.trigger)
	route("GET /ec2/getEventRules", "", ask.oldRules)
	route("GET /api/createEvent", "", ask.createEvent)
	route("POST /events/generic", "v4", ask.generic)
	route("GET /events/rules", "v4", ask.rules)
	route("PATCH /events/rules/{id}", "v4", ask.setRule)
	route("GET /events/log", "v4", ask.eventLog)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { vmsError(w, http.StatusNotFound, "9", "notFound") })
	return mux
}

func (a ask) json(v any) { simkit.JSON(http.StatusOK, v).Send(a.w) }

// Refusals of a VMS.
func (a ask) missing()  { vmsError(a.w, http.StatusUnprocessableEntity, "1", "missingParameter") }
func (a ask) invalid()  { vmsError(a.w, http.StatusUnprocessableEntity, "2", "invalidParameter") }
func (a ask) notFound() { vmsError(a.w, http.StatusNotFound, "9", "notFound") }
func (a ask) forbidden() {
	a.w.Header().Set("X-Auth-Result", "Auth_Forbidden")
	vmsError(a.w, http.StatusForbidden, "4", "forbidden")
}

// body reads a JSON object; a missing one is an empty one.
func (a ask) body() (members map[string]any, ok bool) {
	members = map[string]any{}
	if a.r.ContentLength != 0 && json.NewDecoder(a.r.Body).Decode(&members) != nil {
		vmsError(a.w, http.StatusBadRequest, "5", "badRequest")
		return nil, false
	}
	return members, true
}

// camera is the one that the path names, or a refusal.
func (a ask) camera() (*Camera, bool) {
	c := a.system.camera(a.r.PathValue("id"))
	if c == nil {
		a.notFound()
	}
	return c, c != nil
}

// id is how this version of the API writes an id.
func (a ask) id(id string) string {
	if a.rest < 4 {
		return "{" + id + "}"
	}
	return id
}

func (a ask) ms(t time.Time) any {
	if a.settings.TextTimes {
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	return t.UnixMilli()
}

func (a ask) info() {
	a.json(map[string]any{"name": a.system.Name, "customization": "digitalwatchdog", "version": or(a.system.Version, "6.1.0.39503"),
		"restApiVersions": map[string]any{"min": "v1", "max": "v" + strconv.Itoa(a.system.rest())},
		"cloudHost":       "dwspectrum.digital-watchdog.com", "localId": a.id(a.system.ID), "cloudId": a.system.ID})
}

func (a ask) session() {
	a.json(map[string]any{"id": "-", "username": DemoUser, "ageS": "10", "expiresInS": "86000", "token": "vms-session-token"})
}

// only keeps the fields that _with names.
func (a ask) only(object map[string]any) map[string]any {
	if with := a.r.URL.Query().Get("_with"); with != "" {
		names := strings.Split(with, ",")
		for name := range object {
			if !slices.Contains(names, name) {
				delete(object, name)
			}
		}
	}
	return object
}

func (a ask) servers() {
	all := []any{}
	for _, one := range a.system.Servers {
		all = append(all, a.only(map[string]any{"id": a.id(one.ID), "name": one.Name, "version": or(a.system.Version, "6.1.0.39503"), "status": one.Status,
			"storages": []any{map[string]any{"path": "smb://user:" + storagePassword + "@nas.example/video"}}}))
	}
	a.json(all)
}

func (a ask) devices() {
	all := []any{}
	for i := range a.system.Cameras {
		all = append(all, a.deviceJSON(&a.system.Cameras[i]))
	}
	if a.settings.Envelope {
		a.json(map[string]any{"reply": all})
		return
	}
	a.json(all)
}

func (a ask) device() {
	if c, ok := a.camera(); ok {
		a.json(a.deviceJSON(c))
	}
}

func (a ask) deviceJSON(c *Camera) map[string]any {
	io := []any{}
	for _, p := range c.Ports {
		one := map[string]any{"id": p.ID, "portType": p.Type, "autoResetTimeoutMs": p.AutoReset.Milliseconds()}
		one[strings.ToLower(p.Type)+"Name"] = p.Name
		io = append(io, one)
	}
	d := map[string]any{"id": a.id(c.ID), "name": c.Name, "physicalId": c.MAC, "mac": c.MAC, "vendor": "DW", "model": c.Model, "logicalId": "", "serverId": a.id(c.Server),
		"group": "", "url": "rtsp://192.0.2.5/", "deviceType": c.Type, "capabilities": "noCapabilities", "options": map[string]any{"ioSettings": io}}
	if c.Status != "" {
		d["status"] = c.Status
	}
	if c.Credentials {
		d["credentials"] = map[string]any{"user": "admin", "password": cameraPassword}
		d["url"] = "rtsp://admin:" + cameraPassword + "@192.0.2.5/"
	}
	if len(c.Presets) > 0 {
		if a.rest >= 4 {
			d["ptz"] = map[string]any{"capabilities": "continuousPan|continuousTilt|presets|tours"}
		} else {
			d["parameters"] = map[string]any{"ptzCapabilities": 65536 | 131072}
		}
	}
	return a.only(d)
}

// schedule switches recording.
func (a ask) schedule() {
	c, ok := a.camera()
	if !ok {
		return
	}
	m, ok := a.body()
	if !ok {
		return
	}
	schedule, _ := m["schedule"].(map[string]any)
	on, ok := schedule["isEnabled"].(bool)
	if !ok {
		a.missing()
		return
	}
	c.Recording = on
	if c.Status = "Online"; on {
		c.Status = "Recording"
	}
	a.moved(a.system, c.ID, "recording", strconv.FormatBool(on))
	a.json(a.deviceJSON(c))
}

func (a ask) bookmark() {
	c, ok := a.camera()
	if !ok {
		return
	}
	m, ok := a.body()
	if !ok {
		return
	}
	name, _ := m["name"].(string)
	if name == "" || m["startTimeMs"] == nil || m["durationMs"] == nil {
		a.missing()
		return
	}
	a.moved(a.system, c.ID, "bookmark", name)
	a.json(map[string]any{"id": "b1", "name": name})
}
