package cameramanagersim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"

	"latchkey/bridge/simkit"
)

// Camera is one simulated camera.
type Camera struct {
	ID, DeviceType, Zone int64
	Account, Name, MAC   string

	Online, RecordingOnCloud, RecordingOnSD, Audio, PasswordKnown bool

	PasswordStatus, FirmwareStatus, ConnectionType, LastConnectionResult string // values are unknown; "" is absent
	Latitude, Longitude, TimeZone                                        string
}

func someCameras() []Camera {
	camera := func(id int64, account, name string) Camera {
		return Camera{
			ID: id, Account: account, Name: name, DeviceType: 77, Zone: 310, MAC: fmt.Sprintf("001122AA%04X", id),
			Online: true, RecordingOnCloud: true, PasswordKnown: true,
			PasswordStatus: "example", FirmwareStatus: "example", ConnectionType: "example", LastConnectionResult: "example",
			Latitude: "52.0", Longitude: "5.0", TimeZone: "Europe/Amsterdam",
		}
	}
	return []Camera{camera(4201, "9001", "Yard"), camera(4202, "9001", "Gate"), camera(4203, "9001", "Hall"), camera(5101, "9002", "Shop")}
}

// Seed adds cameras.
func (s *Sim) Seed(cameras ...Camera) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cameras = append(s.cameras, cameras...)
}

// Set changes one camera; false: there is none of that id.
func (s *Sim) Set(id int64, change func(*Camera)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(id)
	if i >= 0 {
		change(&s.cameras[i])
	}
	return i >= 0
}

// Remove takes a camera out of its account.
func (s *Sim) Remove(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cameras = slices.DeleteFunc(s.cameras, func(c Camera) bool { return c.ID == id })
}

// index finds a camera without copying any; -1: there is none. The lock is held.
func (s *Sim) index(id int64) int {
	for i := range s.cameras {
		if s.cameras[i].ID == id {
			return i
		}
	}
	return -1
}

func (s *Sim) of(g simkit.Grant) []Camera {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.cameras), func(c Camera) bool { return c.Account != g.Of })
}

// find is the camera that the path names, or a refusal.
func (s *Sim) find(w http.ResponseWriter, r *http.Request, g simkit.Grant) (Camera, bool) {
	id, err := strconv.ParseInt(r.PathValue("camera"), 10, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(id)
	switch {
	case err != nil || i < 0:
		refuse(w, http.StatusNotFound, "no such camera")
		return Camera{}, false
	case s.cameras[i].Account != g.Of:
		refuse(w, or(s.settings.ForeignStatus, http.StatusNotFound), "no such camera")
		return Camera{}, false
	}
	return s.cameras[i], true
}

// id is how the API writes an id.
func (t Settings) id(n int64) any {
	if t.TextIDs {
		return strconv.FormatInt(n, 10)
	}
	return n
}

func (s *Sim) self(w http.ResponseWriter, r *http.Request, g simkit.Grant) {
	if !wantsJSON(w, r) {
		return
	}
	t := s.now()
	users := s.Issuer.Rules().Users
	user := 7001 + slices.IndexFunc(users, func(u simkit.User) bool { return u.Name == g.User })
	account, _ := strconv.ParseInt(g.Of, 10, 64)
	simkit.JSON(http.StatusOK, map[string]any{"userId": t.id(int64(user)), "accountId": t.id(account), "email": g.User, "firstName": "A", "lastName": "Example"}).Send(w)
}

func (s *Sim) list(w http.ResponseWriter, r *http.Request, g simkit.Grant) {
	if wantsJSON(w, r) {
		simkit.JSON(http.StatusOK, each(s.of(g), s.now(), cameraJSON)).Send(w)
	}
}

// allStatus answers in no particular order.
func (s *Sim) allStatus(w http.ResponseWriter, r *http.Request, g simkit.Grant) {
	t := s.now()
	if t.NoAllStatus {
		refuse(w, http.StatusNotFound, "no such resource")
		return
	}
	if !wantsJSON(w, r) {
		return
	}
	cameras := s.of(g)
	rand.Shuffle(len(cameras), func(i, j int) { cameras[i], cameras[j] = cameras[j], cameras[i] })
	s.mu.Lock()
	s.statuses++
	if t.MissOne && s.statuses%2 == 0 && len(cameras) > 0 {
		cameras = cameras[1:]
	}
	s.mu.Unlock()
	simkit.JSON(http.StatusOK, each(cameras, t, statusJSON)).Send(w)
}

// camera serves one object about one camera.
func (s *Sim) camera(object func(Camera, Settings) any) func(http.ResponseWriter, *http.Request, simkit.Grant) {
	return func(w http.ResponseWriter, r *http.Request, g simkit.Grant) {
		if !wantsJSON(w, r) {
			return
		}
		if c, ok := s.find(w, r, g); ok {
			simkit.JSON(http.StatusOK, object(c, s.now())).Send(w)
		}
	}
}

func each(cameras []Camera, t Settings, object func(Camera, Settings) any) []any {
	all := []any{} // an empty list is [], not null
	for _, c := range cameras {
		all = append(all, object(c, t))
	}
	return all
}

func cameraJSON(c Camera, t Settings) any {
	account, _ := strconv.ParseInt(c.Account, 10, 64)
	return map[string]any{"cameraId": t.id(c.ID), "name": c.Name, "deviceTypeId": c.DeviceType, "ethMacAddress": c.MAC, "zoneId": t.id(c.Zone), "accountId": t.id(account)}
}

func statusJSON(c Camera, t Settings) any {
	m := map[string]any{
		"cameraId": t.id(c.ID), "online": c.Online, "recordingOnCloud": c.RecordingOnCloud, "recordingOnSd": c.RecordingOnSD,
		"audioEnabled": c.Audio, "passwordKnown": c.PasswordKnown,
	}
	for name, text := range map[string]string{"passwordStatus": c.PasswordStatus, "firmwareStatus": c.FirmwareStatus, "connectionType": c.ConnectionType, "lastConnectionResult": c.LastConnectionResult} {
		if text != "" && !t.NoStrings {
			m[name] = text
		}
	}
	return m
}

func locationJSON(c Camera, _ Settings) any {
	return map[string]any{"latitude": c.Latitude, "longitude": c.Longitude, "timeZone": c.TimeZone}
}

// partJSON stands for resources whose members nobody has described.
func partJSON(part string) func(Camera, Settings) any {
	return func(c Camera, t Settings) any { return map[string]any{"cameraId": t.id(c.ID), "part": part} }
}

func or(n, standard int) int {
	if n == 0 {
		return standard
	}
	return n
}
