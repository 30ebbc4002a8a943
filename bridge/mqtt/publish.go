package mqtt

import (
	"context"
	"errors"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"

	"latchkey/bridge"
)

const (
	windowSize = 20               // publishes on their way at a time: documents go out no faster than they are acknowledged
	patience   = 20 * time.Second // for an acknowledgement; then the link is cut
)

var errUnanswered = errors.New("the broker stopped answering publishes or subscriptions")

type sending struct {
	message bridge.Message
	token   paho.Token
	at      time.Time
}

func (one sending) acknowledged() bool { return isDone(one.token) && one.token.Error() == nil }

// send publishes in order, what is urgent between, but never before what was urgent
// earlier. A non-nil error ends the session.
func (s *session) send(ctx context.Context, messages ...bridge.Message) error {
	for _, m := range messages {
		if m.Stage != bridge.StageResult {
			if err := s.publish(ctx, s.options.Source.Urgent()...); err != nil {
				return err
			}
		}
		if err := s.publish(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// publish waits only for room in the window.
func (s *session) publish(ctx context.Context, messages ...bridge.Message) error {
	for _, m := range messages {
		if s.withhold(m) {
			continue
		}
		for len(s.window) >= windowSize {
			if err := s.await(ctx, s.oldestSent()); err != nil {
				return err
			}
			if err := s.reap(ctx); err != nil {
				return err
			}
		}
		if m.Topic == s.options.Will.Topic {
			s.ownState.Store(&m.Payload)
		}
		if !s.link.paho.IsConnectionOpen() {
			return s.await(ctx, nil) // for `down`
		}
		token := s.handOver(func() paho.Token {
			return s.link.paho.Publish(m.Topic, 1, m.Stage.Retained(), m.Payload)
		})
		s.window = append(s.window, sending{m, token, time.Now()})
	}
	return nil
}

// handOver gives a packet to paho's writer, which a slow link may keep busy. A
// token that is done with an error was not sent.
func (s *session) handOver(give func() paho.Token) (token paho.Token) {
	for range writeTimeout / handOverTimeout {
		token = give()
		if !isDone(token) || token.Error() == nil || !s.link.paho.IsConnectionOpen() {
			break
		}
	}
	return token
}

// withhold tells whether a message must not go out, and reports it.
func (s *session) withhold(m bridge.Message) bool {
	code, message := fault(m)
	if code == "" && s.suspects.guilty(m) {
		code, message = ProblemCutOff, "the broker closed the connection twice on this message; it is held back until it changes"
	}
	if code == "" {
		return false
	}
	s.counters.withheld.Add(1)
	if s.board.raise(code, m.Topic, message) {
		s.log.Warn("message not sent", "topic", m.Topic, "reason", code, "err", message)
	}
	return true
}

// await waits for done; an error ends the session.
func (s *session) await(ctx context.Context, done <-chan struct{}) error {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return nil
		case err := <-s.link.down:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			s.link.wire.cut(errUnanswered) // `down` follows
		}
	}
}

// oldestSent is done when the oldest publish is acknowledged; nil: none is open.
func (s *session) oldestSent() <-chan struct{} {
	if len(s.window) == 0 {
		return nil
	}
	return s.window[0].token.Done()
}

// reap takes what is acknowledged off the window's head.
func (s *session) reap(ctx context.Context) error {
	for len(s.window) > 0 && isDone(s.window[0].token) {
		one := s.window[0]
		if one.token.Error() != nil {
			return s.await(ctx, nil) // the link is breaking; it stays in the window, for suspects
		}
		s.window = s.window[1:]
		s.counters.published.Add(1)
		s.suspects.cleared(one.message)
		s.board.clear(one.message.Topic, ProblemTooBig, ProblemCutOff)
		s.options.Source.Sent(one.message)
	}
	return nil
}

func isDone(t paho.Token) bool {
	select {
	case <-t.Done():
		return true
	default:
		return false
	}
}
