package mqtt

import (
	"fmt"
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"latchkey/bridge"
)

const (
	maxTopic   = 400       // bytes; paho cuts at 65,535 without a word (M15)
	maxPayload = 1_000_000 // bytes; brokers hang up above their own limit (M12)
	// bigPayload is from where on a message is suspected when a link breaks while
	// it is on its way; so is every picture.
	bigPayload = 64_000
)

// topicFault says what is wrong with a topic to publish on, or "".
func topicFault(topic string) string {
	switch {
	case topic == "":
		return "empty topic"
	case len(topic) > maxTopic:
		return fmt.Sprintf("topic of %d bytes, at most %d are sent", len(topic), maxTopic)
	case strings.ContainsAny(topic, "+#\x00") || !utf8.ValidString(topic):
		return "not a valid topic"
	}
	return ""
}

// fault says why a message is not sent, as a problem's code and message.
func fault(m bridge.Message) (code, message string) {
	if reason := topicFault(m.Topic); reason != "" {
		return ProblemBadTopic, reason
	}
	if len(m.Payload) > maxPayload {
		return ProblemTooBig, fmt.Sprintf("payload of %d bytes, at most %d are sent", len(m.Payload), maxPayload)
	}
	return "", ""
}

// suspects remembers the biggest message that was on its way when a link broke. A
// broker hangs up on a packet that is too big for it, and sending it again after
// each connect would never end (M12). Size tells, not age: a reset takes the
// acknowledgements of what came before along.
type suspects struct {
	seed  maphash.Seed
	marks map[string]mark // by topic
}

type mark struct {
	hash uint64
	cuts int
}

func newSuspects() *suspects {
	return &suspects{seed: maphash.MakeSeed(), marks: make(map[string]mark)}
}

func suspect(m bridge.Message) bool {
	return m.Stage == bridge.StagePicture || len(m.Payload) >= bigPayload
}

// cut marks the biggest of those that were on their way, if any is a suspect.
func (s *suspects) cut(window []sending) (found bool) {
	var biggest bridge.Message
	for _, one := range window {
		if m := one.message; suspect(m) && !one.acknowledged() && len(m.Payload) >= len(biggest.Payload) {
			biggest, found = m, true
		}
	}
	if !found {
		return false
	}
	now := mark{hash: maphash.Bytes(s.seed, biggest.Payload), cuts: 1}
	if before := s.marks[biggest.Topic]; before.hash == now.hash {
		now.cuts += before.cuts
	}
	s.marks[biggest.Topic] = now
	return true
}

// guilty tells whether the same message broke the link twice. A new payload on
// the topic starts clean.
func (s *suspects) guilty(m bridge.Message) bool {
	before, marked := s.marks[m.Topic]
	if !marked {
		return false
	}
	if before.hash != maphash.Bytes(s.seed, m.Payload) {
		delete(s.marks, m.Topic)
		return false
	}
	return before.cuts >= 2
}

// cleared: the broker has taken a message.
func (s *suspects) cleared(m bridge.Message) { delete(s.marks, m.Topic) }
