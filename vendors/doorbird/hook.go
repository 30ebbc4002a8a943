package doorbird

import (
	"errors"
	"net/url"
	"time"

	"latchkey/bridge"
)

// hook reads one call of the station on the secret path. The address is our own,
// so anything else than what a hook tells is refused.
func (a *account) hook(query url.Values, _ []byte, at time.Time, report bridge.Report) error {
	t := trigger{query.Get("event"), query.Get("param")}
	switch {
	case !t.wellFormed():
		return errors.New("the call of the secret path tells no event")
	case a.station() == "":
		return errors.New("a station calls before it is known which one it is")
	case a.pushes && t.Event != onRelay:
		return nil // a hook from before: the partner push tells it too
	}
	p := pushed{Event: t.Event, Param: word(t.Param)}
	if t.Event == onRelay {
		report(a.happened(p, at, "opened", "opened"))
		return nil
	}
	a.tell(p, at, at, report)
	return nil
}
