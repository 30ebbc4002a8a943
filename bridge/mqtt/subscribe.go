package mqtt

import (
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// refused is the return code of a filter that the broker does not grant. paho
// calls that a success.
const refused = 0x80

type asking struct {
	filters []string
	token   *paho.SubscribeToken
	at      time.Time
	first   bool // the one of a new link
}

// subscribe asks for filters in one packet; answered reads the answer.
func (s *session) subscribe(first bool, filters ...string) {
	wanted := make(map[string]byte, len(filters))
	for _, filter := range filters {
		wanted[filter] = 1
	}
	token := s.handOver(func() paho.Token { return s.link.paho.SubscribeMultiple(wanted, nil) })
	s.asked = append(s.asked, asking{filters, token.(*paho.SubscribeToken), time.Now(), first})
}

func (s *session) oldestAsked() <-chan struct{} {
	if len(s.asked) == 0 {
		return nil
	}
	return s.asked[0].token.Done()
}

// answered reads the oldest answer.
func (s *session) answered() {
	ask := s.asked[0]
	s.asked = s.asked[1:]
	if ask.token.Error() != nil {
		s.link.wire.cut(ask.token.Error()) // not sent: without subscriptions the link is of no use
		return
	}
	granted := ask.token.Result()
	for _, filter := range ask.filters {
		if granted[filter] != refused {
			s.board.clear(filter, ProblemNotSubscribed)
			continue
		}
		if s.board.raise(ProblemNotSubscribed, filter, "the broker refuses this subscription: check its access rules for latchkey") {
			s.log.Warn("the broker refuses a subscription", "topic", filter)
		}
	}
	if !ask.first {
		return
	}
	s.board.ready()
	if s.options.Link != nil {
		s.options.Link.Subscribed()
	}
}
