package mqtt

import (
	"context"
	"time"

	"latchkey/bridge"
)

const (
	pulse       = 5 * time.Second // how often the slow checks run
	correctWait = 200 * time.Millisecond
	farewell    = 2 * time.Second // for the last words before DISCONNECT
)

// session is one life of a link, from up to down. Run's goroutine owns it.
type session struct {
	*Client
	link   *link
	since  time.Time
	window []sending // unacknowledged, oldest first; at most windowSize
	asked  []asking  // SUBSCRIBEs without an answer, oldest first
	stable bool
}

// run returns why the link broke, or ctx's error.
func (s *session) run(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	slow := time.NewTicker(pulse)
	defer slow.Stop()
	correct := time.NewTimer(time.Hour)
	correct.Stop()
	defer correct.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err = <-s.link.down:
			return err
		case <-s.options.Source.Changed():
			err = s.send(ctx, s.options.Source.Drain()...)
		case <-s.oldestSent():
			err = s.reap(ctx)
		case <-s.oldestAsked():
			s.answered()
		case <-s.resend:
			err = s.everything(ctx)
		case filter := <-s.resubscribe:
			s.subscribe(false, filter)
		case <-s.usurped:
			correct.Reset(correctWait) // bounds a duel with whoever else writes there
		case <-correct.C:
			err = s.send(ctx, bridge.Message{Topic: s.options.Will.Topic, Payload: *s.ownState.Load()})
		case <-slow.C:
			s.check()
		}
		if err != nil {
			return err
		}
	}
}

// begin sends everything and then subscribes, in the order that Home Assistant
// needs. What waited for the link is in Source.All; an event among it is no news
// any more (H12).
func (s *session) begin(ctx context.Context) error {
	s.options.Source.Drain()
	s.forgetRequests()
	if err := s.everything(ctx); err != nil {
		return err
	}
	if s.options.Link != nil {
		s.options.Link.Subscribing()
	}
	var filters []string
	if !s.options.Guest {
		filters = append(filters, s.options.Will.Topic)
	}
	for _, route := range s.options.Routes {
		filters = append(filters, route.Filter)
	}
	s.subscribe(true, filters...)
	return nil
}

// everything sends the whole table. What changes meanwhile goes between, so that
// a result does not wait, and its topic is then passed over: the copy in hand is
// older.
func (s *session) everything(ctx context.Context) error {
	newer := make(map[string]bool)
	for _, m := range s.options.Source.All() {
		if newer[m.Topic] {
			continue
		}
		if err := s.send(ctx, m); err != nil {
			return err
		}
		select {
		case <-s.options.Source.Changed():
			fresh := s.options.Source.Drain()
			for _, m := range fresh {
				newer[m.Topic] = true
			}
			if err := s.send(ctx, fresh...); err != nil {
				return err
			}
		default:
		}
	}
	return nil
}

// check does what time brings.
func (s *session) check() {
	late := func(at time.Time) bool { return time.Since(at) > patience }
	if len(s.window) > 0 && late(s.window[0].at) || len(s.asked) > 0 && late(s.asked[0].at) {
		s.link.wire.cut(errUnanswered)
	}
	if !s.stable && time.Since(s.since) >= stableAfter {
		s.stable = true
		s.pace.stable()
		s.board.clear("", ProblemIDInUse)
	}
}

// sayGoodbye sends what is left and the will's words, because a clean DISCONNECT
// makes the broker forget the will (M11). serve bounds it.
func (s *session) sayGoodbye() {
	defer s.link.paho.Disconnect(250) // milliseconds for the DISCONNECT to leave
	if !s.link.paho.IsConnectionOpen() {
		return
	}
	ctx := context.Background() // the link is cut in good time
	last := s.options.Source.Drain()
	if !s.options.Guest {
		last = append(last, bridge.Message{Topic: s.options.Will.Topic, Payload: s.options.Will.Payload})
	}
	err := s.send(ctx, last...)
	for err == nil && len(s.window) > 0 {
		if err = s.await(ctx, s.oldestSent()); err == nil {
			err = s.reap(ctx)
		}
	}
	if err != nil {
		s.log.Warn("the broker did not acknowledge that latchkey went offline", "err", err)
	}
}
