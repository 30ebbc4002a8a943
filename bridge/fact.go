package bridge

import (
	"strconv"
	"time"
)

// Report takes facts from a vendor; it may be called from any goroutine. A test
// passes a func that appends to a slice.
type Report func(...Fact)

// Fact is one thing that a vendor found out. The set is closed: Devices, State,
// Happened, Picture, Reach, Due.
type Fact interface{ fact() }

// Devices is the complete list of one source of an account: what is absent is
// gone, and what hangs on it (Via). A list that may be cut short is no Devices.
type Devices struct {
	Source string
	All    []Device
}

// State is the value of an entity. Attributes nil leaves them as they are.
type State struct {
	Ref
	Value      Value
	Attributes map[string]any
}

// Happened is an event of an entity of kind event. ID is stable where the
// vendor has one: the same one twice is published once. At is the vendor's time.
type Happened struct {
	Ref
	Type, ID   string
	At         time.Time
	Attributes map[string]any
}

// Picture is a new picture of an entity of kind image.
type Picture struct {
	Ref
	Bytes []byte
	Type  string // content type
	At    time.Time
}

// Reach tells whether the vendor reaches a device. Report what was seen; the
// engine waits for a second failure before it shows a device as offline, unless
// the vendor itself Says so.
type Reach struct {
	Device string
	OK     bool
	Says   bool
}

// Due asks the engine to run a task of this account in a while, besides its plan.
type Due struct {
	Task string
	In   time.Duration
}

func (Devices) fact()  {}
func (State) fact()    {}
func (Happened) fact() {}
func (Picture) fact()  {}
func (Reach) fact()    {}
func (Due) fact()      {}

// Value is the text of a state as it stands on MQTT. The zero value is unknown,
// published as "None", which Home Assistant reads as unknown.
type Value struct{ text string }

// Text is a value as text; "" is unknown.
func Text(s string) Value { return Value{s} }

// Bool is ON or OFF.
func Bool(on bool) Value {
	if on {
		return Value{"ON"}
	}
	return Value{"OFF"}
}

// Num is a number in its shortest form.
func Num(f float64) Value { return Value{strconv.FormatFloat(f, 'f', -1, 64)} }

// Moment is a time in RFC 3339, UTC; the zero time is unknown.
func Moment(t time.Time) Value {
	if t.IsZero() {
		return Value{}
	}
	return Value{t.UTC().Format(time.RFC3339)}
}

// String is the payload.
func (v Value) String() string {
	if v.text == "" {
		return "None"
	}
	return v.text
}
