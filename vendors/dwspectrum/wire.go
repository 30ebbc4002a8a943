package dwspectrum

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// The shapes of the JSON of cloud and systems, read leniently: unknown members are
// ignored, numbers may be text, and a member of an odd type counts as absent.
// Secrets that stand in the lists (authKey, credentials, url) are not even read.

type system struct {
	ID      word `json:"id"`
	Name    word `json:"name"`
	Health  word `json:"stateOfHealth"`
	Version word `json:"version"`
	Role    word `json:"accessRole"`
}

type info struct {
	Name    word `json:"name"`
	Version word `json:"version"`
	Rest    struct {
		Max word `json:"max"`
	} `json:"restApiVersions"`
}

type server struct {
	ID      ident `json:"id"`
	Name    word  `json:"name"`
	Version word  `json:"version"`
	Status  word  `json:"status"`
}

type camera struct {
	ID      ident `json:"id"`
	Name    word  `json:"name"`
	MAC     word  `json:"mac"`
	Vendor  word  `json:"vendor"`
	Model   word  `json:"model"`
	Server  ident `json:"serverId"`
	Status  word  `json:"status"`
	Type    word  `json:"deviceType"`
	Options struct {
		Ports []port `json:"ioSettings"`
	} `json:"options"`
	PTZ struct { // v4
		Capabilities word `json:"capabilities"`
	} `json:"ptz"`
	Parameters struct { // v3
		PTZ word `json:"ptzCapabilities"`
	} `json:"parameters"`
}

type port struct {
	ID     word `json:"id"`
	Type   word `json:"portType"`
	Input  word `json:"inputName"`
	Output word `json:"outputName"`
	Reset  word `json:"autoResetTimeoutMs"`
}

type trigger struct {
	ID        ident `json:"triggerId"`
	Name      word  `json:"name"`
	Prolonged bool  `json:"prolonged"`
	Devices   struct {
		IDs []ident `json:"ids"`
		All bool    `json:"all"`
	} `json:"devices"`
}

// oldRule is an event rule before 6.1; its condition is JSON inside of text.
type oldRule struct {
	Event     word    `json:"eventType"`
	Devices   []ident `json:"eventResourceIds"`
	Condition string  `json:"eventCondition"`
	Disabled  bool    `json:"disabled"`
}

type condition struct {
	Trigger ident `json:"inputPortId"`
	Name    word  `json:"caption"`
}

type preset struct {
	ID   word `json:"id"`
	Name word `json:"name"`
}

type rule struct {
	ID      ident `json:"id"`
	Enabled *bool `json:"enabled"`
	Comment word  `json:"comment"`
}

type portStates struct {
	Ports map[word]struct {
		Active *bool `json:"isActive"`
	} `json:"ports"`
}

type logRecord struct {
	At   millis         `json:"timestampMs"`
	Data map[string]any `json:"eventData"`
	Rule ident          `json:"ruleId"`
}

// apiError is the error shape of systems; Code is that of the cloud.
type apiError struct {
	Error word `json:"error"`
	ID    word `json:"errorId"`
	Code  word `json:"resultCode"`
}

// word is text or a number as text; anything else is "".
type word string

// UnmarshalJSON never fails on valid JSON.
func (w *word) UnmarshalJSON(b []byte) error {
	var s string
	switch {
	case json.Unmarshal(b, &s) == nil:
		*w = word(s) // null is ""
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		*w = word(b)
	}
	return nil
}

func (w word) int() int64 { n, _ := strconv.ParseInt(string(w), 10, 64); return n }

// ident is an id of a system's own: UUIDs stand in braces before REST version 4.
type ident string

// UnmarshalJSON never fails on valid JSON.
func (i *ident) UnmarshalJSON(b []byte) error {
	var w word
	_ = w.UnmarshalJSON(b)
	*i = bare(string(w))
	return nil
}

// bare takes the braces off an id, which then is in lower case.
func bare(id string) ident {
	inner, opened := strings.CutPrefix(id, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if opened && closed || len(id) == 36 {
		return ident(strings.ToLower(inner))
	}
	return ident(id)
}

// sameID compares ids of systems.
func sameID(a, b string) bool { return strings.EqualFold(a, b) }

// millis is a time in milliseconds, number or text; the zero one is absent.
type millis struct{ time.Time }

// UnmarshalJSON never fails on valid JSON.
func (m *millis) UnmarshalJSON(b []byte) error {
	var w word
	_ = w.UnmarshalJSON(b)
	if n := w.int(); n > 0 {
		m.Time = time.UnixMilli(n)
	}
	return nil
}
