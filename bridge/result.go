package bridge

import (
	"encoding/json"
	"strconv"
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

// MarshalJSON writes the Contract's object.
func (r Result) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil) }

// AppendJSON writes the Contract's object behind b. It is written by hand because
// somebody waits for it, and encoding/json goes through it twice. An error means
// that Data is no JSON.
func (r Result) AppendJSON(b []byte) ([]byte, error) {
	b = appendText(append(b, `{"id":`...), r.ID)
	b = appendText(append(b, `,"account":`...), r.Account)
	b = appendText(append(b, `,"device":`...), r.Device)
	b = appendText(append(b, `,"entity":`...), r.Entity)
	b = appendText(append(b, `,"action":`...), r.Action)
	b = appendText(append(b, `,"outcome":`...), string(r.Reason.Outcome()))
	b = appendText(append(b, `,"reason":`...), string(r.Reason))
	b = appendText(append(b, `,"message":`...), r.Message)
	b = append(b, `,"status":`...)
	if r.Status == 0 {
		b = append(b, "null"...)
	} else {
		b = strconv.AppendInt(b, int64(r.Status), 10)
	}
	b = strconv.AppendInt(append(b, `,"latency_ms":`...), r.LatencyMS, 10)
	b = append(b, `,"at":`...)
	if r.At.IsZero() {
		b = append(b, "null"...)
	} else {
		b = append(Second(r.At).AppendFormat(append(b, '"'), time.RFC3339), '"')
	}
	data := []byte("null")
	if r.Data != nil {
		var err error
		if data, err = json.Marshal(r.Data); err != nil {
			return nil, err
		}
	}
	return append(append(append(b, `,"result":`...), data...), '}'), nil
}

// appendText writes a text as JSON, an empty one as null.
func appendText(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // text cannot fail
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// UnmarshalJSON reads it back: the commands get it from the daemon.
func (r *Result) UnmarshalJSON(text []byte) error {
	var j struct {
		ID        string          `json:"id"`
		Account   string          `json:"account"`
		Device    string          `json:"device"`
		Entity    string          `json:"entity"`
		Action    string          `json:"action"`
		Reason    Reason          `json:"reason"`
		Message   string          `json:"message"`
		Status    int             `json:"status"`
		LatencyMS int64           `json:"latency_ms"`
		At        time.Time       `json:"at"`
		Data      json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*r = Result{j.ID, j.Account, j.Device, j.Entity, j.Action, j.Reason, j.Message, j.Status, j.LatencyMS, j.At, j.Data}
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
