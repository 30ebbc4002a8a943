package sensorbergsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge/simkit"
)

// The made-up resource types.
const (
	unitType    = "demo_units"
	openingType = "demo_openings"
)

func (u Unit) resource() map[string]any {
	return map[string]any{"type": unitType, "id": u.ID, "attributes": map[string]any{"label": u.Label, "kind": strings.ToLower(string(u.Kind))}}
}

func (s *Sim) find(id string) int {
	return slices.IndexFunc(s.units, func(u Unit) bool { return u.ID == id })
}

func unknown() *simkit.Answer {
	return problem{http.StatusNotFound, "not_found", "Not found", "There is no such resource"}.answer()
}

// after is the page behind a unit; more tells whether it is not the last.
func (s *Sim) after(id string, most int, wanted func(Unit) bool) (page []Unit, more bool) {
	if limit := s.habits.Page; limit > 0 {
		most = min(most, limit)
	}
	for _, u := range s.units[s.find(id)+1:] {
		if !wanted(u) {
			continue
		}
		if len(page) == most {
			return page, true
		}
		page = append(page, u)
	}
	return page, false
}

func (s *Sim) list(r *http.Request, _ simkit.Grant) *simkit.Answer {
	q := r.URL.Query()
	wanted := func(u Unit) bool { return q.Get("filter[available]") != "true" || !u.Closed }
	most := 2
	if s.habits.Page > 0 {
		most = s.habits.Page
	}
	page, more := s.after(q.Get("page[after]"), most, wanted)
	data := []any{}
	for _, u := range page {
		data = append(data, u.resource())
	}
	links := map[string]any{"next": nil}
	if more {
		q.Set("page[after]", page[len(page)-1].ID)
		links["next"] = simkit.Base(r) + "/demo/units?" + q.Encode()
	}
	return document(http.StatusOK, map[string]any{"data": data, "links": links})
}

func (s *Sim) one(r *http.Request, _ simkit.Grant) *simkit.Answer {
	i := s.find(r.PathValue("id"))
	if i < 0 {
		return unknown()
	}
	return document(http.StatusOK, map[string]any{"data": s.units[i].resource()})
}

// resource is the body of a write.
type resource struct {
	Data struct {
		Type       string            `json:"type"`
		ID         string            `json:"id"`
		Attributes map[string]string `json:"attributes"`
	} `json:"data"`
}

// body reads a write's resource of a type, with no other attribute than the one.
func body(r *http.Request, kind, attribute string) (resource, *simkit.Answer) {
	var in resource
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(&in)
	_, has := in.Data.Attributes[attribute]
	if err != nil || in.Data.Type != kind || len(in.Data.Attributes) > 1 || len(in.Data.Attributes) == 1 && !has {
		return in, problem{http.StatusUnprocessableEntity, "invalid", "Invalid", "Want a resource of type " + kind}.answer()
	}
	return in, nil
}

func (s *Sim) update(r *http.Request, _ simkit.Grant) *simkit.Answer {
	verb := s.habits.Verb
	if verb == "" {
		verb = http.MethodPut
	}
	if r.Method != verb {
		return problem{http.StatusMethodNotAllowed, "method_not_allowed", "Method not allowed", "Want " + verb}.answer()
	}
	i := s.find(r.PathValue("id"))
	if i < 0 {
		return unknown()
	}
	in, bad := body(r, unitType, "label")
	if bad != nil {
		return bad
	}
	if in.Data.ID != s.units[i].ID {
		return problem{http.StatusConflict, "conflict", "Conflict", "The id differs from the address"}.answer()
	}
	s.units[i].Label = in.Data.Attributes["label"]
	s.updates++
	return document(http.StatusOK, map[string]any{"data": s.units[i].resource()})
}

func (s *Sim) open(r *http.Request, _ simkit.Grant) *simkit.Answer {
	in, bad := body(r, openingType, "note")
	if bad != nil {
		return bad
	}
	n, refused := s.move(r.PathValue("id"), in.Data.Attributes["note"])
	if refused != nil {
		return refused.answer()
	}
	return document(http.StatusCreated, map[string]any{"data": s.opening(n)})
}

// move opens a unit; n is the number of the opening.
func (s *Sim) move(id, note string) (n int, refused *problem) {
	i := s.find(id)
	if i < 0 {
		return 0, &problem{http.StatusNotFound, "not_found", "Not found", "There is no such unit"}
	}
	if refused = s.units[i].Trouble.problem(s.habits); refused != nil {
		return 0, refused
	}
	s.openings = append(s.openings, opening{id, note, time.Now()})
	return len(s.openings), nil
}

func (s *Sim) opening(n int) map[string]any {
	return map[string]any{"type": openingType, "id": strconv.Itoa(n), "attributes": map[string]any{"state": s.state(n)}}
}

// state of an opening, in the app's words.
func (s *Sim) state(n int) string {
	switch {
	case time.Since(s.openings[n-1].at) < s.habits.OpensIn:
		return "executing"
	case s.habits.Jams:
		return "fail"
	}
	return "success"
}

func (s *Sim) progress(r *http.Request, _ simkit.Grant) *simkit.Answer {
	n, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || n < 1 || n > len(s.openings) {
		return unknown()
	}
	return document(http.StatusOK, map[string]any{"data": s.opening(n)})
}

// whoami shows that a route lets a kind of token in.
func (s *Sim) whoami(_ *http.Request, g simkit.Grant) *simkit.Answer {
	return document(http.StatusOK, map[string]any{"data": map[string]any{"type": "demo_tokens", "id": url.PathEscape(g.Client), "attributes": map[string]any{"scope": g.Scope}}})
}
