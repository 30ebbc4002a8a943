package doorbird

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge"
)

// stale is how old a motion may be when it arrives and still be shown as one
// (hazard H12; the engine judges events by their time itself).
const stale = 30 * time.Second

// take reads one partner push. One address serves all stations of a company, so
// a push of another station is not ours.
func (a *account) take(body []byte, at time.Time, report bridge.Report) (mine bool, err error) {
	var p pushed
	if err := json.Unmarshal(body, &p); err != nil {
		return false, errors.New("the push is not understood") // its text holds a user's name
	}
	mac := bridge.MAC(p.MAC)
	if mac == "" || mac != a.station() {
		return false, nil
	}
	when := at
	if seconds, err := strconv.ParseFloat(string(p.Timestamp), 64); err == nil && seconds > 0 && seconds < 1e11 { // milliseconds are none
		when = time.Unix(int64(seconds), 0)
	}
	a.tell(p, when, at, report)
	return true, nil
}

// tell reports what happened when, and arrived at.
func (a *account) tell(p pushed, when, at time.Time, report bridge.Report) {
	switch p.Event {
	case onDoorbell:
		a.rung(p, when, report)
	case onMotion:
		if at.Sub(when) <= stale {
			report(bridge.State{Ref: a.ref("motion"), Value: bridge.Bool(true)})
		}
		a.soon("last_motion", report)
	default:
		report(a.happened(p, when, "event", "other"))
	}
}

// rung reports a ring. The live picture is fetched at once, the history when it
// has caught up.
func (a *account) rung(p pushed, when time.Time, report bridge.Report) {
	bell := p.Param.int()
	if bell < 1 || bell > bellsMax {
		bell = 1 // the attribute says what came
	}
	a.meet(bell, report)
	report(a.happened(p, when, bellID("ring", bell), "ring"), bridge.Due{Task: "live"})
	a.soon("last_ring", report)
}

// happened makes an event. One ring may come once for each user of the station
// (inferred), and a station may call twice: the id is the same within a second, so
// that it is published once.
func (a *account) happened(p pushed, when time.Time, entity, kind string) bridge.Fact {
	attributes := map[string]any{}
	for name, value := range map[string]string{"kind": p.Event, "param": string(p.Param), "peripheral": string(p.Peripheral)} {
		if value != "" {
			attributes[name] = value
		}
	}
	if as := map[string]string{"ring": "bell", "opened": "relay"}[kind]; as != "" {
		delete(attributes, "kind")
		delete(attributes, "param")
		attributes[as] = string(p.Param)
	}
	id := strings.Join([]string{p.Event, string(p.Param), string(p.Peripheral), strconv.FormatInt(when.Unix(), 10)}, "-")
	return bridge.Happened{Ref: a.ref(entity), Type: kind, ID: id, At: when, Attributes: attributes}
}
