package bridge

import "time"

// Message is one publication, as the engine's table holds it and bridge/mqtt
// sends it.
type Message struct {
	Topic   string
	Payload []byte // empty on a retained stage: clears the topic on the broker
	Stage   Stage
}

// Stage says what a message is, which orders a full resend and decides whether
// it is retained.
type Stage int

// The stages, in the order in which Home Assistant needs them.
const (
	StageBridge       Stage = iota // bridge/state, first of all
	StageAvailability              // account and device state
	StageDocument                  // Home Assistant's discovery
	StageState                     // values, attributes, token health, bridge/info
	StageClear                     // an empty payload: the topic is taken off the broker, then forgotten
	StagePicture                   // not retained, but kept in memory and sent again on birth
	StageEvent                     // events: sent once, while the link is open, or dropped
	StageResult                    // results of commands: as events, and before all that waits
)

// Retained tells whether the broker is to keep such a message.
func (s Stage) Retained() bool { return s <= StageClear }

// Incoming is one message from the broker. Retained is the flag as received: 1
// marks a replay, 0 proves nothing.
type Incoming struct {
	Topic    string
	Payload  []byte
	Retained bool
	At       time.Time // arrival, with Go's monotonic reading
}
