package doorbird

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"latchkey/bridge"
)

// The inputs of a station that a rule can be about (LAN API), as far as latchkey
// hooks them. Rules about any other input are left alone.
const (
	onDoorbell = "doorbell" // param: number of the bell
	onMotion   = "motion"   // param: ""
	onRelay    = "relay"    // param: id of the relay
)

// trigger is what a rule is about, and what a hook tells.
type trigger struct {
	Event string `json:"event"`
	Param string `json:"param"`
}

// favourite is one entry of the station's address book. Its address is not read:
// it may hold another system's secret.
type favourite struct {
	Identifier word   `json:"identifier"`
	Title      string `json:"title"`
}

// rule is what a station does on one input, with all its members as they came,
// because it is written back whole.
type rule map[string]json.RawMessage

// setup is what a station does by itself, as it was read just now.
type setup struct {
	book  []favourite
	rules map[trigger]rule
	order []trigger // as listed
}

// setup reads the address book and the rules. What is not understood is an error:
// a rule is changed only by whoever has read it.
func (c client) setup(ctx context.Context) (s setup, err error) {
	var book struct {
		HTTP json.RawMessage `json:"http"`
	}
	if _, err := c.read(ctx, "/favorites", &book); err != nil {
		return s, err
	}
	var list []rule
	if _, err := c.read(ctx, "/schedules", &list); err != nil {
		return s, err
	}
	if s.book, err = favourites(book.HTTP); err != nil {
		return s, err
	}
	if list == nil {
		return s, odd("the station's rules are not understood")
	}
	s.rules = make(map[trigger]rule, len(list))
	for _, r := range list {
		t := trigger{text(r["input"]), text(r["param"])}
		if _, err := r.outputs(); err != nil || t.Event == "" || s.rules[t] != nil {
			return s, odd("the station's rules are not understood")
		}
		s.rules[t] = r
		s.order = append(s.order, t)
	}
	return s, nil
}

// favourites reads the entries for HTTP: a map in all samples, perhaps a list
// where there are none.
func favourites(raw json.RawMessage) (all []favourite, err error) {
	byKey := map[string]favourite{}
	switch {
	case raw == nil, json.Unmarshal(raw, &all) == nil:
	case json.Unmarshal(raw, &byKey) == nil:
		for _, f := range byKey {
			all = append(all, f)
		}
	default:
		return nil, odd("the station's favourites are not understood")
	}
	for _, f := range all {
		if f.Identifier.int() < 0 || f.Identifier != word(strconv.Itoa(f.Identifier.int())) {
			return nil, odd("a favourite of the station has no identifier")
		}
	}
	slices.SortFunc(all, func(a, b favourite) int { return a.Identifier.int() - b.Identifier.int() }) // a map has no order
	return all, nil
}

// find returns the identifier of the favourite of that title.
func (s setup) find(title string) (id int, known bool) {
	i := slices.IndexFunc(s.book, func(f favourite) bool { return f.Title == title })
	if i < 0 {
		return 0, false
	}
	return s.book[i].Identifier.int(), true
}

// name is how people know a favourite.
func (s setup) name(id string) string {
	for _, f := range s.book {
		if string(f.Identifier) == id {
			return fmt.Sprintf("favourite %s %q", id, f.Title)
		}
	}
	return "favourite " + id + ", which does not exist"
}

// has tells whether a favourite exists.
func (s setup) has(id string) bool {
	return slices.ContainsFunc(s.book, func(f favourite) bool { return string(f.Identifier) == id })
}

// outputs are what the rule does. A rule that is not there does nothing.
func (r rule) outputs() (all []json.RawMessage, err error) {
	if r["output"] == nil {
		return nil, nil
	}
	if err := json.Unmarshal(r["output"], &all); err != nil {
		return nil, err
	}
	for _, o := range all {
		if !bytes.HasPrefix(o, []byte("{")) {
			return nil, odd("an output is no object")
		}
	}
	return all, nil
}

// with is the rule with other outputs and all else as it is.
func (r rule) with(t trigger, outputs []json.RawMessage) rule {
	changed := rule{"input": encoded(t.Event), "param": encoded(t.Param)}
	for name, value := range r {
		changed[name] = value
	}
	changed["output"] = encoded(append([]json.RawMessage{}, outputs...)) // [] and never null
	return changed
}

// called is the favourite that an output calls, "" if it calls none.
func called(o json.RawMessage) string {
	var members struct {
		Event string `json:"event"`
		Param word   `json:"param"`
	}
	if json.Unmarshal(o, &members) != nil || !strings.EqualFold(members.Event, "http") {
		return ""
	}
	return string(members.Param)
}

// always is an output that calls a favourite at any time: seconds of the week from
// Sunday, 23 h to 22:59:59, which wraps (LAN API).
func always(id int) json.RawMessage {
	return json.RawMessage(`{"event":"http","param":"` + strconv.Itoa(id) + `","schedule":{"weekdays":[{"from":"82800","to":"82799"}]}}`)
}

// write sends one change of the setup. Any 2xx is success; bodies are unknown.
func (c client) write(ctx context.Context, method, path string, body any) error {
	req := bridge.Request{Method: method, Path: path}
	if body != nil {
		req.JSON = []byte(encoded(body))
	}
	_, err := c.cloud.Act(ctx, req)
	return c.hint(err)
}

func sameOutputs(a, b []json.RawMessage) bool {
	return slices.EqualFunc(a, b, func(x, y json.RawMessage) bool { return bytes.Equal(compact(x), compact(y)) })
}

func compact(o json.RawMessage) []byte {
	var b bytes.Buffer
	_ = json.Compact(&b, o) // it was JSON when it was read
	return b.Bytes()
}

func text(raw json.RawMessage) string {
	var w word
	_ = json.Unmarshal(raw, &w) // anything else is ""
	return string(w)
}

// encoded is JSON of texts, numbers and JSON that was read: it cannot fail.
func encoded(v any) json.RawMessage {
	b, _ := json.Marshal(v)
	return b
}
