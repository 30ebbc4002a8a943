package cameramanager

import (
	"time"

	"latchkey/bridge"
)

// The names of the tasks, for Due.
const (
	taskCameras = "cameras"
	taskStatus  = "status"
)

const camerasEvery = 10 * time.Minute

// account is one user's cameras at work: what tasks and calls share.
type account struct {
	client
	fleet  fleet
	album  *album
	single round // of states that are asked one by one
	latest round // of last recordings
	unbid  round // of stills that nobody asked for
	heard  round // of events that are asked for one by one

	events Events
	rights string // path; "": unknown
}

// Open makes the account's functions.
func (o *Options) Open(s bridge.Settings, env bridge.Env) (bridge.Account, error) {
	a := &account{client: client{cloud: env.Cloud, versions: o.Versions, stills: o.Stills}, album: newAlbum(o.Stills),
		events: o.Events, rights: o.RightsPath, fleet: fleet{events: o.Events.kinds()}}
	tasks := []bridge.Task{
		{Name: taskCameras, Every: camerasEvery, Do: a.listCameras},
		{Name: taskStatus, Every: s.Poll, Do: a.pollStatus},
	}
	if o.LastRecording > 0 {
		tasks = append(tasks, bridge.Task{Name: "recordings", Every: o.LastRecording, Do: a.lastRecordings})
	}
	if o.Events.Path != "" {
		tasks = append(tasks, bridge.Task{Name: "events", Every: o.Events.Every, Do: a.pollEvents})
	}
	if o.Stills.Every > 0 {
		tasks = append(tasks, bridge.Task{Name: "stills", Every: o.Stills.Every, Do: a.refreshStills})
	}
	return bridge.Account{Tasks: tasks, Calls: a.calls()}, nil
}
