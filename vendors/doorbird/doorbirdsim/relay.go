package doorbirdsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"latchkey/bridge/simkit"
)

// station is a station at work. The simulator's lock guards it.
type station struct {
	Station
	pulses      map[Relay]int // by number and peripheral, without the name
	lights      int
	restarts    int
	lastRing    time.Time
	lastRequest time.Time
	history     []picture // newest first
	favourites  map[int]favourite
	rules       map[trigger]rule
}

// Pulses is how often a relay fired, over all stations: what a test of at most
// once counts. Peripheral "" is the station's own relay.
func (s *Sim) Pulses(relay int, peripheral string) int {
	return s.sum(func(st *station) int { return st.pulses[Relay{ID: relay, Peripheral: peripheral}] })
}

// AllPulses is how often any relay fired.
func (s *Sim) AllPulses() int {
	return s.sum(func(st *station) (n int) {
		for _, fired := range st.pulses {
			n += fired
		}
		return n
	})
}

// Lights is how often the light was switched on, Restarts how often a station
// was restarted.
func (s *Sim) Lights() int   { return s.sum(func(st *station) int { return st.lights }) }
func (s *Sim) Restarts() int { return s.sum(func(st *station) int { return st.restarts }) }

func (s *Sim) sum(count func(*station) int) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.stations {
		n += count(st)
	}
	return n
}

// relay pulses a relay. A request without a body always means the station's own
// relay, whatever a controller's relay of that number may open: the trap.
func (s *Sim) relay(c call) *simkit.Answer {
	id, err := strconv.Atoi(c.PathValue("id"))
	if err != nil {
		return c.unlisted()
	}
	peripheral, err := c.peripheral()
	if err != nil {
		return status(http.StatusBadRequest)
	}
	which := Relay{ID: id, Peripheral: peripheral}
	known := slices.ContainsFunc(c.at.Relays, func(r Relay) bool { return r.ID == id && r.Peripheral == peripheral })
	switch {
	case !known:
		return c.unlisted()
	case slices.Contains(c.user.Barred, id):
		return status(http.StatusNoContent) // LAN API: 204 is "no right"
	}
	c.at.pulses[which]++
	return c.habits.CommandReply.answer()
}

// peripheral reads the body: none, an object, or (where that is a habit) the
// object encoded once more.
func (c call) peripheral() (string, error) {
	body, err := io.ReadAll(c.Body)
	if err != nil || len(body) == 0 {
		return "", err
	}
	var text string
	if json.Unmarshal(body, &text) == nil {
		if !c.habits.DoubleEncoded {
			return "", errors.New("a string instead of an object")
		}
		body = []byte(text)
	}
	var object struct {
		Peripheral *string `json:"peripheral"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&object); err != nil {
		return "", err
	}
	if object.Peripheral == nil {
		return "", errors.New("no peripheral")
	}
	return *object.Peripheral, nil
}
