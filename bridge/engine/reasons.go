package engine

import "latchkey/bridge"

const (
	stoppingText      = "latchkey is stopping; press again in a minute"
	retainedAgainText = "something keeps publishing this command with retain; it was refused and left on the broker: switch retain off at the sender"
)

// sentence says for each reason what to do (hazard H21): a silent or unclear
// refusal makes people press again, or remove the guard.
func sentence(r bridge.Reason) string {
	switch r {
	case bridge.ReasonOK:
		return ""
	case bridge.ReasonRetained:
		return "the broker still held this message from before; it was cleared, press again"
	case bridge.ReasonSettling:
		return "latchkey has only just connected and may be hearing old messages; press again in a few seconds"
	case bridge.ReasonMalformed:
		return "the message was not understood"
	case bridge.ReasonUnknownTarget:
		return "there is nothing of this name; look at the topic"
	case bridge.ReasonDenied:
		return "the permissions of this account do not allow it"
	case bridge.ReasonClock:
		return "the clock of latchkey's machine is wrong, so the age of a command cannot be judged; set it, then press again"
	case bridge.ReasonStale:
		return "the message was too long on its way; press again"
	case bridge.ReasonDuplicate:
		return "this very message came before and was judged then; press again for a new one"
	case bridge.ReasonTooSoon:
		return "the same was asked for a moment ago; wait a little, then press again"
	case bridge.ReasonBusy:
		return "another command is still waiting; press again when it is done"
	case bridge.ReasonLoginNeeded:
		return "latchkey is not signed in to this account; sign in on its page or with `latchkey login`"
	case bridge.ReasonOffline:
		return "the vendor cannot reach the device or cannot be reached; press again when it is back"
	case bridge.ReasonDeadline:
		return "it could not be sent in time and was given up; press again"
	case bridge.ReasonRejected:
		return "the vendor refused it; look at the rights of this account there"
	case bridge.ReasonRateLimited:
		return "the vendor refused it because of too many requests; wait a minute, then press again"
	case bridge.ReasonNotSent:
		return "no connection to the vendor could be made; nothing was sent, press again"
	case bridge.ReasonNoAnswer:
		return "it was sent, but no answer came: it may have been carried out. Look at the door before pressing again"
	}
	return ""
}

// known tells whether a reason is one of the Contract's for something that did not
// work.
func known(r bridge.Reason) bool { return sentence(r) != "" }
