package genericsim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"latchkey/bridge/simkit"
)

// media is that of JSON:API.
const media = "application/vnd.api+json"

// failed is an error as JSON:API writes it.
func failed(status int, code, title string) *simkit.Answer {
	a := simkit.JSON(status, map[string]any{"errors": []any{map[string]any{"status": strconv.Itoa(status), "code": code, "title": title}}})
	a.Header = http.Header{"Content-Type": {media}}
	return a
}

func answered(status int, v any) *simkit.Answer {
	a := simkit.JSON(status, v)
	a.Header = http.Header{"Content-Type": {media}}
	return a
}

func (u Unit) resource() map[string]any {
	return map[string]any{"type": "units", "id": u.ID, "attributes": map[string]any{"label": u.Label, "locked": u.Locked, "battery": u.Battery}}
}

func (s *Sim) find(id string) (Unit, bool) {
	i := slices.IndexFunc(s.units, func(u Unit) bool { return u.ID == id })
	if i < 0 {
		return Unit{}, false
	}
	return s.units[i], true
}

// after is the page that begins behind a unit; next is "" on the last.
func (s *Sim) after(id string, most int) (page []Unit, next string) {
	from := slices.IndexFunc(s.units, func(u Unit) bool { return u.ID == id }) + 1
	page = s.units[from:min(from+most, len(s.units))]
	if from+len(page) < len(s.units) {
		next = page[len(page)-1].ID
	}
	return page, next
}

func (s *Sim) list(r *http.Request) *simkit.Answer {
	page, next := s.after(r.URL.Query().Get("after"), s.page)
	data := []any{}
	for _, u := range page {
		data = append(data, u.resource())
	}
	links := map[string]any{"next": nil}
	if next != "" {
		links["next"] = simkit.Base(r) + "/v1/units?after=" + url.QueryEscape(next)
	}
	return answered(http.StatusOK, map[string]any{"data": data, "links": links})
}

func (s *Sim) one(r *http.Request) *simkit.Answer {
	u, ok := s.find(r.PathValue("id"))
	if !ok {
		return failed(http.StatusNotFound, "not_found", "No such unit")
	}
	return answered(http.StatusOK, map[string]any{"data": u.resource()})
}

func (s *Sim) open(r *http.Request) *simkit.Answer {
	if r.Header.Get("Content-Type") != media {
		return failed(http.StatusUnsupportedMediaType, "media", "Want "+media)
	}
	var body struct {
		Data struct {
			Type       string `json:"type"`
			Attributes struct {
				Note string `json:"note"`
			} `json:"attributes"`
		} `json:"data"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if d.Decode(&body) != nil || body.Data.Type != "openings" {
		return failed(http.StatusUnprocessableEntity, "body", "Want a resource of type openings")
	}
	id := r.PathValue("id")
	if _, ok := s.find(id); !ok {
		return failed(http.StatusNotFound, "not_found", "No such unit")
	}
	s.opened(id, body.Data.Attributes.Note)
	return answered(http.StatusCreated, map[string]any{"data": map[string]any{"type": "openings", "id": strconv.Itoa(s.openings[id]), "attributes": map[string]any{"state": "accepted"}}})
}

func (s *Sim) opened(id, note string) {
	s.openings[id]++
	s.notes[id] = note
	for i := range s.units {
		if s.units[i].ID == id {
			s.units[i].Locked = false
		}
	}
}
