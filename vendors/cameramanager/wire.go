package cameramanager

import (
	"encoding/json"
	"strings"
	"time"
)

// The shapes of the cloud's JSON, read leniently: ids are numbers or text, unknown
// members are ignored, and a member of an odd type counts as absent.

type camera struct {
	ID         word `json:"cameraId"`
	Name       word `json:"name"`
	DeviceType word `json:"deviceTypeId"`
	MAC        word `json:"ethMacAddress"`
	Zone       word `json:"zoneId"`
	Account    word `json:"accountId"`
}

type status struct {
	Camera           word `json:"cameraId"`
	Online           flag `json:"online"`
	RecordingOnCloud flag `json:"recordingOnCloud"`
	RecordingOnSD    flag `json:"recordingOnSd"`
	Audio            flag `json:"audioEnabled"`
	PasswordKnown    flag `json:"passwordKnown"`
	Password         word `json:"passwordStatus"`
	Firmware         word `json:"firmwareStatus"`
	ConnectionType   word `json:"connectionType"`
	LastConnection   word `json:"lastConnectionResult"`
}

type recording struct {
	ID    word   `json:"recordingId"`
	Start moment `json:"startTime"`
	End   moment `json:"endTime"`
}

// event is a detection. Its stream addresses and its position are left out.
type event struct {
	ID       word   `json:"eventId"`
	Camera   word   `json:"cameraId"`
	Type     word   `json:"type"`
	Source   word   `json:"source"`
	At       moment `json:"timestamp"`
	Duration word   `json:"duration"` // seconds
	Object   word   `json:"objectType"`
}

// apiError is the error object of the API; OAuth errors hold no code.
type apiError struct {
	Code word `json:"code"`
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

// flag is a boolean that may be absent.
type flag struct{ known, on bool }

// UnmarshalJSON never fails on valid JSON.
func (f *flag) UnmarshalJSON(b []byte) error {
	switch strings.ToLower(strings.Trim(string(b), `"`)) {
	case "true", "1":
		*f = flag{true, true}
	case "false", "0":
		*f = flag{true, false}
	}
	return nil
}

// moment is a time; the zero one is absent or not understood.
type moment struct{ time.Time }

// UnmarshalJSON never fails on valid JSON.
func (m *moment) UnmarshalJSON(b []byte) error {
	var w word
	_ = w.UnmarshalJSON(b)
	m.Time, _ = parseTime(string(w))
	return nil
}

// timeLayout is the form of times in requests: a Z is refused (documented).
const timeLayout = "2006-01-02T15:04:05.000-0700"

func formatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

// parseTime takes +0000, +00:00 and Z, with or without fractions.
func parseTime(text string) (t time.Time, err error) {
	for _, layout := range []string{"2006-01-02T15:04:05-0700", time.RFC3339} {
		if t, err = time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, err
}
