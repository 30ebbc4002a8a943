package engine

import (
	"context"
	"time"

	"latchkey/bridge"
)

// Ask is a command from the command line or the page. It goes the same way as one
// from MQTT, but for what only replays can fail at: the retain flag, the settle
// window and require_envelope.
type Ask struct {
	Source  Source
	Account string // "": a call of the bridge itself
	Name    string // of a call; "": Action on Ref
	// Args by name. A value is a string that stands for what it says (key=value),
	// a json.RawMessage, or a value of JSON.
	Args   map[string]any
	Ref    bridge.Ref
	Action string

	ID     string    // as in an envelope; may be empty
	SentAt time.Time // as in an envelope; may be zero
}

// Do carries out a command and returns what it came to. When ctx ends first the
// command goes on, and the result is no_answer.
func (e *Engine) Do(ctx context.Context, ask Ask) bridge.Result {
	c := &command{
		at: time.Now(), source: ask.Source, ask: &ask, reply: make(chan bridge.Result, 1),
		target: bridge.Target{Account: ask.Account, Call: ask.Name, Ref: ask.Ref}, action: ask.Name,
		id: ask.ID, sentAt: ask.SentAt,
	}
	unheard := *c // c belongs to the guard once it is handed over
	end := func(reason bridge.Reason, why string) bridge.Result {
		r := unheard.result()
		r.Reason, r.Message = reason, why
		return r
	}
	if ask.ID != "" && !isEnvelopeID(ask.ID) {
		return end(bridge.ReasonMalformed, "the id is malformed")
	}
	if ask.Name == "" && ask.Account == "" {
		return end(bridge.ReasonUnknownTarget, sentence(bridge.ReasonUnknownTarget))
	}
	select {
	case e.guard.arrived <- c:
	case <-e.stopping:
		return end(bridge.ReasonBusy, stoppingText)
	case <-ctx.Done():
		return end(bridge.ReasonBusy, "too much waits already")
	}
	select {
	case r := <-c.reply:
		return r
	case <-e.stopped:
		select {
		case r := <-c.reply:
			return r
		default: // it came in after the guard had left
			return end(bridge.ReasonBusy, stoppingText)
		}
	case <-ctx.Done():
		return end(bridge.ReasonNoAnswer, "nobody waited for the answer; the command may still be carried out")
	}
}
