package doorbirdsim

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"latchkey/bridge/simkit"
)

// trigger is what a rule is about.
type trigger struct{ input, param string }

const week = 7 * 24 * 3600

func (s *Sim) getFavourites(c call) *simkit.Answer {
	type shown struct {
		Identifier int    `json:"identifier"`
		Title      string `json:"title"`
	}
	all := map[string]shown{}
	for i, id := range slices.Sorted(maps.Keys(c.at.favourites)) {
		all[strconv.Itoa(i)] = shown{id, c.at.favourites[id].Title}
	}
	return simkit.JSON(http.StatusOK, map[string]any{"http": all, "sip": map[string]any{}})
}

func (s *Sim) addFavourite(c call) *simkit.Answer {
	var f favourite
	if err := strict(c.Request, &f); err != nil || f.Identifier <= 0 || f.Title == "" {
		return status(http.StatusBadRequest)
	}
	if u, err := url.Parse(f.Value); err != nil || u.Host == "" {
		return status(http.StatusBadRequest)
	}
	if _, known := c.at.favourites[f.Identifier]; !known && len(c.at.favourites) >= orElse(c.habits.Favourites, 50) {
		return status(http.StatusInsufficientStorage)
	}
	c.at.favourites[f.Identifier] = f
	return c.habits.CommandReply.answer()
}

// deleteFavourite also removes the outputs that use it.
func (s *Sim) deleteFavourite(c call) *simkit.Answer {
	id, err := strconv.Atoi(c.PathValue("identifier"))
	if _, known := c.at.favourites[id]; err != nil || !known {
		return c.unlisted()
	}
	delete(c.at.favourites, id)
	for t, r := range c.at.rules {
		r.Output = slices.DeleteFunc(slices.Clone(r.Output), func(o output) bool { return o.Event == "http" && o.Param == strconv.Itoa(id) })
		c.at.rules[t] = r
	}
	return c.habits.CommandReply.answer()
}

func (s *Sim) getSchedules(c call) *simkit.Answer {
	all := slices.SortedFunc(maps.Values(c.at.rules), func(a, b rule) int {
		return cmp.Or(cmp.Compare(a.Input, b.Input), cmp.Compare(a.Param, b.Param))
	})
	if all == nil {
		all = []rule{}
	}
	return simkit.JSON(http.StatusOK, all)
}

// setSchedule replaces one input's rule. A second output of one type replaces
// the first: the station keeps one for each event and time slot.
func (s *Sim) setSchedule(c call) *simkit.Answer {
	var r rule
	if err := strict(c.Request, &r); err != nil || !slices.Contains([]string{"doorbell", "motion", "relay"}, r.Input) {
		return status(http.StatusBadRequest)
	}
	kept := []output{}
	for _, o := range r.Output {
		if _, err := o.Schedule.covers(0); err != nil {
			return status(http.StatusBadRequest)
		}
		if id, err := strconv.Atoi(o.Param); o.Event == "http" {
			if _, known := c.at.favourites[id]; err != nil || !known {
				return c.unlisted()
			}
		}
		kept = slices.DeleteFunc(kept, func(k output) bool { return k.Event == o.Event })
		kept = append(kept, o)
	}
	r.Output = kept
	c.at.rules[trigger{r.Input, r.Param}] = r
	return c.habits.CommandReply.answer()
}

// covers tells whether a second of the week is in the schedule; `from` after
// `to` wraps. The error is a schedule that a station refuses.
func (s schedule) covers(second int) (bool, error) {
	in := false
	for _, w := range s.Weekdays {
		from, err1 := strconv.Atoi(w.From)
		to, err2 := strconv.Atoi(w.To)
		if err := errors.Join(err1, err2); err != nil {
			return false, err
		}
		if from < 0 || from >= week || to < 0 || to >= week || from%1800 != 0 {
			return false, fmt.Errorf("span %s to %s", w.From, w.To)
		}
		if from <= to {
			in = in || (from <= second && second <= to)
		} else {
			in = in || second >= from || second <= to
		}
	}
	return in, nil
}

// callHooks makes the calls that a station's rules ask for.
func (s *Sim) callHooks(ctx context.Context, mac string, t trigger, at time.Time) error {
	s.mu.Lock()
	st, method := s.stations[mac], cmp.Or(s.habits.HookMethod, http.MethodGet)
	var urls []string
	at = at.UTC()
	second := int(at.Weekday())*24*3600 + at.Hour()*3600 + at.Minute()*60 + at.Second()
	for _, o := range st.rules[t].Output {
		id, _ := strconv.Atoi(o.Param)
		if in, _ := o.Schedule.covers(second); in && o.Event == "http" {
			urls = append(urls, st.favourites[id].Value)
		}
	}
	s.mu.Unlock()
	var errs []error
	for _, u := range urls {
		req, err := http.NewRequestWithContext(ctx, method, u, nil)
		if err == nil {
			err = s.do(req)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// do sends a request of the station or of the push service; any 2xx will do.
func (s *Sim) do(req *http.Request) error {
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s", req.URL.Host, resp.Status)
	}
	return nil
}

// strict decodes a JSON body; other media and unknown members are refused.
func strict(r *http.Request, into any) error {
	if r.Header.Get("Content-Type") != "application/json" {
		return errors.New("content type")
	}
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}
