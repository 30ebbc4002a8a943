package bridge

import (
	"encoding/json"
	"time"
)

// Reason says why a command ended as it did.
type Reason string

// The reasons of the Contract.
const (
	ReasonOK            Reason = "ok"
	ReasonRetained      Reason = "retained"
	ReasonSettling      Reason = "settling"
	ReasonMalformed     Reason = "malformed"
	ReasonUnknownTarget Reason = "unknown_target"
	ReasonDenied        Reason = "denied"
	ReasonClock         Reason = "clock"
	ReasonStale         Reason = "stale"
	ReasonDuplicate     Reason = "duplicate"
	ReasonTooSoon       Reason = "too_soon"
	ReasonBusy          Reason = "busy"
	ReasonLoginNeeded   Reason = "login_needed"
	ReasonOffline       Reason = "offline"
	ReasonDeadline      Reason = "deadline"
	ReasonRejected      Reason = "rejected"
	ReasonRateLimited   Reason = "rate_limited"
	ReasonNotSent       Reason = "not_sent"
	ReasonNoAnswer      Reason = "no_answer"
)

// Outcome is what became of a command.
type Outcome string

// The outcomes: carried out; latchkey did not send it; it was not carried out;
// it may have been.
const (
	OutcomeOK      Outcome = "ok"
	OutcomeRefused Outcome = "refused"
	OutcomeFailed  Outcome = "failed"
	OutcomeUnknown Outcome = "unknown"
)

// Outcome is the one mapping from a reason to an outcome.
func (r Reason) Outcome() Outcome {
	switch r {
	case ReasonOK:
		return OutcomeOK
	case ReasonRejected, ReasonRateLimited, ReasonNotSent:
		return OutcomeFailed
	case ReasonNoAnswer:
		return OutcomeUnknown
	}
	return OutcomeRefused
}

// Result is what one command came to. On MQTT and on the command line it is the
// JSON object of the Contract, every member always there.
type Result struct {
	ID        string // the sender's; "" is null
	Account   string
	Device    string // "" is null
	Entity    string // "" is null
	Action    string
	Reason    Reason
	Message   string
	Status    int // HTTP status; 0 is null
	LatencyMS int64
	At        time.Time
	Data      json.RawMessage // of a call; nil is null
}

// resultJSON is the Contract's object.
type resultJSON struct {
	ID        *string         `json:"id"`
	Account   *string         `json:"account"`
	Device    *string         `json:"device"`
	Entity    *string         `json:"entity"`
	Action    *string         `json:"action"`
	Outcome   Outcome         `json:"outcome"`
	Reason    Reason          `json:"reason"`
	Message   *string         `json:"message"`
	Status    *int            `json:"status"`
	LatencyMS int64           `json:"latency_ms"`
	At        *time.Time      `json:"at"`
	Data      json.RawMessage `json:"result"`
}

// MarshalJSON writes the Contract's object.
func (r Result) MarshalJSON() ([]byte, error) {
	data := r.Data
	if data == nil {
		data = json.RawMessage("null")
	}
	return json.Marshal(resultJSON{OrNull(r.ID), OrNull(r.Account), OrNull(r.Device), OrNull(r.Entity), OrNull(r.Action), r.Reason.Outcome(),
		r.Reason, OrNull(r.Message), OrNull(r.Status), r.LatencyMS, OrNull(Second(r.At)), data})
}

// UnmarshalJSON reads it back: the commands get it from the daemon.
func (r *Result) UnmarshalJSON(text []byte) error {
	var j resultJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*r = Result{OrZero(j.ID), OrZero(j.Account), OrZero(j.Device), OrZero(j.Entity), OrZero(j.Action), j.Reason, OrZero(j.Message),
		OrZero(j.Status), j.LatencyMS, OrZero(j.At), j.Data}
	if string(j.Data) == "null" {
		r.Data = nil
	}
	return nil
}

// OrNull returns nil for the zero value, which encodes to null.
func OrNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// OrZero is the way back from OrNull.
func OrZero[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

// Second returns t in UTC cut to whole seconds, as times stand on MQTT; the zero
// time stays zero.
func Second(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}
