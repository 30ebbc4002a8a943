package web

import (
	"encoding/json"
	"time"

	"latchkey/bridge"
)

// Status is the daemon at a glance, as /api/v1/status and `latchkey status --json` give it.
type Status struct {
	Version     string          `json:"version"`
	Instance    string          `json:"instance"`
	StartedAt   time.Time       `json:"started_at"`
	MQTT        LinkStatus      `json:"mqtt"`
	ConfigError string          `json:"config_error"` // "" when the file in force is the file on disk
	Problems    []Problem       `json:"problems"`
	Accounts    []AccountStatus `json:"accounts"`
	Commands    []bridge.Result `json:"commands"` // the last ones, newest first
}

// LinkStatus is the connection to the broker.
type LinkStatus struct {
	Broker string    `json:"broker"` // without user and password
	Open   bool      `json:"open"`
	Since  time.Time `json:"since"`
	Error  string    `json:"error"`
}

// Problem is one entry of bridge/info.
type Problem struct {
	Code    string    `json:"code"`
	Topic   string    `json:"topic"`
	Message string    `json:"message"`
	At      time.Time `json:"at"`
}

// AccountStatus is one account.
type AccountStatus struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Vendor  string         `json:"vendor"`
	Online  bool           `json:"online"`
	Token   bridge.Health  `json:"token"`
	Devices []DeviceStatus `json:"devices"`
}

// DeviceStatus is one device.
type DeviceStatus struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Model    string         `json:"model"`
	Online   bool           `json:"online"`
	Entities []EntityStatus `json:"entities"`
}

// EntityStatus is one entity with its newest value; "" for those without one.
type EntityStatus struct {
	ID    string      `json:"id"`
	Name  string      `json:"name"`
	Kind  bridge.Kind `json:"kind"`
	Value string      `json:"value"`
}

// NeedsPerson tells whether somebody has to do something: `latchkey status` then
// exits with 1.
func (s Status) NeedsPerson() bool {
	if !s.MQTT.Open || s.ConfigError != "" {
		return true
	}
	for _, a := range s.Accounts {
		if a.Token.UserAction != bridge.ActionNone && a.Token.UserAction != "" {
			return true
		}
	}
	return false
}

// CallAsk is a named call from the page or the command line.
type CallAsk struct {
	Account string                     `json:"account"`
	Name    string                     `json:"name"`
	Args    map[string]json.RawMessage `json:"args"`
}
