package doorbirdsim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Push is how the cloud pushes events to the partner's endpoint.
type Push struct {
	URL string // "": no push
	Key string // of `Authorization: key=<KEY>`

	Twice           bool          // each push is sent twice
	ForeignMAC      string        // sent instead of the station's
	NumericParam    bool          // eventparam as a number where it is one
	EmptyPeripheral bool          // "peripheral":"" instead of none
	WrongKey        bool          // another key
	Late            time.Duration // the timestamp is so far in the past
}

// Event is something that happens at a station.
type Event struct {
	Station    string // MAC
	Kind       string // doorbell | motion | relay, or a kind not known yet
	Param      string // bell number, "motion", relay id
	Peripheral string
	At         time.Time // zero: now
}

// Ring presses a bell of the station with this MAC.
func (s *Sim) Ring(ctx context.Context, mac, bell string) error {
	return s.Happen(ctx, Event{Station: mac, Kind: "doorbell", Param: bell})
}

// Motion moves something before a station.
func (s *Sim) Motion(ctx context.Context, mac string) error {
	return s.Happen(ctx, Event{Station: mac, Kind: "motion", Param: "motion"})
}

// Opened fires a relay's rule, as when somebody opens at the door. A relay is
// not known to be pushed.
func (s *Sim) Opened(ctx context.Context, mac string, relay int) error {
	return s.callHooks(ctx, mac, trigger{"relay", strconv.Itoa(relay)}, time.Now())
}

// Happen records an event, calls the station's hooks and pushes it, once for
// each user of the station. It returns when all have answered, with what failed.
func (s *Sim) Happen(ctx context.Context, e Event) error {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	s.mu.Lock()
	st := s.stations[e.Station]
	if st == nil {
		s.mu.Unlock()
		return fmt.Errorf("no station %q", e.Station)
	}
	param := e.Param
	switch e.Kind {
	case "doorbell":
		st.lastRing = e.At
		s.keep(st, e)
	case "motion":
		param = "" // of the rule
		s.keep(st, e)
	}
	push, users := s.habits.Push, st.Users
	s.mu.Unlock()
	errs := []error{s.callHooks(ctx, e.Station, trigger{e.Kind, param}, e.At)}
	for _, u := range users {
		if push.URL != "" {
			errs = append(errs, s.push(ctx, push, e, st.IntercomID, u.Name))
		}
	}
	return errors.Join(errs...)
}

func (s *Sim) push(ctx context.Context, p Push, e Event, intercom, user string) error {
	body := map[string]any{"timestamp": e.At.Add(-p.Late).Unix(), "intercomid": intercom, "mac": e.Station,
		"user": user, "event": e.Kind, "eventparam": e.Param}
	if n, err := strconv.Atoi(e.Param); err == nil && p.NumericParam {
		body["eventparam"] = n
	}
	if e.Peripheral != "" || p.EmptyPeripheral {
		body["peripheral"] = e.Peripheral
	}
	if p.ForeignMAC != "" {
		body["mac"] = p.ForeignMAC
	}
	key := p.Key
	if p.WrongKey {
		key += "-wrong"
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	times := 1
	if p.Twice {
		times = 2
	}
	for range times {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(text))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "key="+key)
		if err := s.do(req); err != nil {
			return err
		}
	}
	return nil
}
