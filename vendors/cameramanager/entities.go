package cameramanager

import (
	"cmp"

	"latchkey/bridge"
)

// describe makes a camera's device. events are the types of its detections; nil:
// it has none.
func describe(c camera, events []string) bridge.Device {
	id := string(c.ID)
	text := func(id, name string) bridge.Entity {
		return bridge.Entity{ID: id, Name: name, Kind: bridge.Sensor, Diagnostic: true, OffAtFirst: true}
	}
	d := bridge.Device{
		ID: bridge.DeviceID(id), Original: id, Name: cmp.Or(string(c.Name), "Camera "+id), Maker: "CameraManager", MAC: bridge.MAC(string(c.MAC)), Kind: "camera",
		Facts: map[string]string{"deviceTypeId": string(c.DeviceType), "zoneId": string(c.Zone), "accountId": string(c.Account)},
		Entities: []bridge.Entity{
			{ID: "connection", Name: "Connection", Kind: bridge.BinarySensor, Class: "connectivity", Diagnostic: true, OfState: true},
			{ID: "recording", Name: "Cloud recording", Kind: bridge.BinarySensor, Class: "running"},
			{ID: "sd_recording", Name: "SD card recording", Kind: bridge.BinarySensor, Class: "running"},
			{ID: "audio", Name: "Audio", Kind: bridge.BinarySensor, Icon: "mdi:microphone"},
			{ID: "password_problem", Name: "Camera password", Kind: bridge.BinarySensor, Class: "problem", Diagnostic: true, OffAtFirst: true},
			text("password_status", "Password status"),
			text("firmware_status", "Firmware status"),
			text("connection_type", "Connection type"),
			text("last_connection_result", "Last connection result"),
			{ID: "still", Name: "Still", Kind: bridge.ImageKind},
			{ID: "refresh_still", Name: "Refresh still", Kind: bridge.Button, Icon: "mdi:camera-retake",
				Verbs: []bridge.Verb{{Says: "PRESS", Call: "snapshot", Args: bridge.Args{"camera": bridge.DeviceID(id)}}}}, // the camera's own may be no id that a call takes
			{ID: "last_recording", Name: "Last recording", Kind: bridge.Sensor, Class: "timestamp", OffAtFirst: true},
		},
	}
	if events != nil {
		d.Entities = append(d.Entities, bridge.Entity{ID: "detection", Name: "Detection", Kind: bridge.Event, Icon: "mdi:motion-sensor", Options: events, OffAtFirst: true})
	}
	return d
}

// facts are what a status says about a camera. What is absent is not said, so the
// last value stays.
func (s status) facts(device string) (all []bridge.Fact) {
	state := func(entity string, v bridge.Value) {
		all = append(all, bridge.State{Ref: bridge.Ref{Device: device, Entity: entity}, Value: v})
	}
	if s.Online.known {
		all = append(all, bridge.Reach{Device: device, OK: s.Online.on, Says: true})
	}
	for _, f := range []struct {
		entity string
		flag   flag
	}{{"recording", s.RecordingOnCloud}, {"sd_recording", s.RecordingOnSD}, {"audio", s.Audio}, {"password_problem", flag{s.PasswordKnown.known, !s.PasswordKnown.on}}} {
		if f.flag.known {
			state(f.entity, bridge.Bool(f.flag.on))
		}
	}
	for _, t := range []struct {
		entity string
		text   word
	}{{"password_status", s.Password}, {"firmware_status", s.Firmware}, {"connection_type", s.ConnectionType}, {"last_connection_result", s.LastConnection}} {
		if t.text != "" {
			state(t.entity, bridge.Text(string(t.text)))
		}
	}
	return all
}
