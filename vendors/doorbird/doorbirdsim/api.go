package doorbirdsim

import (
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"latchkey/bridge/simkit"
)

// call is one request to the API: of a station, by one of its users.
type call struct {
	*http.Request
	habits Habits
	at     *station
	user   User
	admin  bool
}

// handler answers with the simulator's lock held.
type handler func(call) *simkit.Answer

// api checks the bearer, finds the grant's station and applies the conditions of
// the moment.
func (s *Sim) api(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		grant, ok := s.Issuer.Bearer(r)
		if !ok {
			dead := status(http.StatusUnauthorized)
			if other := s.Habits().Dead; other != nil {
				dead = other
			}
			dead.Send(w)
			return
		}
		if habits := s.Habits(); habits.Unreachable != 0 {
			wait := time.NewTimer(habits.Delay)
			defer wait.Stop()
			select {
			case <-wait.C:
			case <-r.Context().Done():
			}
			w.WriteHeader(habits.Unreachable)
			return
		}
		s.mu.Lock()
		answer := s.answer(h, r, grant)
		s.mu.Unlock()
		answer.Send(w)
	})
}

func (s *Sim) answer(h handler, r *http.Request, grant simkit.Grant) *simkit.Answer {
	c := call{Request: r, habits: s.habits, at: s.stations[grant.Of], admin: grant.Scope == Admin}
	if c.at == nil {
		return status(http.StatusUnauthorized) // a grant that was seeded for nobody's station
	}
	if i := slices.IndexFunc(c.at.Users, func(u User) bool { return u.Name == grant.User }); i >= 0 {
		c.user = c.at.Users[i]
	}
	now := time.Now()
	early := now.Before(c.at.lastRequest.Add(time.Second))
	c.at.lastRequest = now
	switch {
	case c.habits.Paced && early:
		a := status(http.StatusTooManyRequests)
		a.Header = http.Header{"Retry-After": {"1"}}
		return a
	case c.habits.Busy:
		return status(http.StatusServiceUnavailable)
	case !c.admin && c.habits.adminPath(r.URL.Path):
		return status(orElse(c.habits.NotAdmin, http.StatusForbidden))
	}
	return h(c)
}

func (h Habits) adminPath(urlPath string) bool {
	patterns := h.AdminPaths
	if patterns == nil {
		patterns = []string{"/users", "/relays/settings", "/favorites", "/favorite/http", "/favorite/http/*", "/schedules", "/other/restart"}
	}
	return slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, urlPath); return ok })
}

func (s *Sim) metadata(c call) *simkit.Answer {
	m := metadata{MAC: c.at.MAC}
	if c.habits.ColonMAC {
		m.MAC = colons(c.at.MAC)
	}
	if !c.habits.Bare {
		m.Type = c.at.Type
	}
	return simkit.JSON(http.StatusOK, m)
}

func (s *Sim) users(c call) *simkit.Answer {
	all := make([]user, 0, len(c.at.Users))
	for _, u := range c.at.Users {
		one := user{Admin: u.admin()}
		for _, r := range c.at.Relays {
			if !slices.Contains(u.Barred, r.ID) {
				one.Permissions.AllowedRelays = append(one.Permissions.AllowedRelays, allowedRelay{c.habits.number(r.ID), r.Peripheral})
			}
		}
		all = append(all, one)
	}
	return simkit.JSON(http.StatusOK, all)
}

// relaySettings names the station's own relays; where a controller's names are
// to be had is unknown.
func (s *Sim) relaySettings(c call) *simkit.Answer {
	all := []relaySetting{}
	for _, r := range c.at.Relays {
		if r.Peripheral == "" {
			all = append(all, relaySetting{c.habits.number(r.ID), r.Name})
		}
	}
	return simkit.JSON(http.StatusOK, all)
}

func (s *Sim) liveInfo(c call) *simkit.Answer {
	if c.Header.Get("cloud-mjpg") != "active" {
		return simkit.JSON(http.StatusOK, liveInfo{Image: link{simkit.Base(c.Request) + "/live/live-image"}})
	}
	info := liveInfo{Image: link{simkit.Base(c.Request) + "/live/live-image"}, Video: &video{}}
	info.Video.Cloud.MJPG.Default = rendezvous{Host: "video.example", Port: 6999, Session: "session", Key: "video-key"}
	return simkit.JSON(http.StatusOK, info)
}

func (s *Sim) light(c call) *simkit.Answer {
	c.at.lights++
	return c.habits.CommandReply.answer()
}

func (s *Sim) restart(c call) *simkit.Answer {
	c.at.restarts++
	return c.habits.CommandReply.answer()
}

// number is a relay's id as JSON.
func (h Habits) number(n int) any {
	if h.TextNumbers {
		b, _ := json.Marshal(n)
		return string(b)
	}
	return n
}

func status(code int) *simkit.Answer { return &simkit.Answer{Status: code} }

func (c call) unlisted() *simkit.Answer {
	return status(orElse(c.habits.Unlisted, http.StatusNotFound))
}

func orElse(n, standard int) int {
	if n == 0 {
		return standard
	}
	return n
}

func colons(mac string) string {
	var parts []string
	for ; len(mac) >= 2; mac = mac[2:] {
		parts = append(parts, strings.ToLower(mac[:2]))
	}
	return strings.Join(parts, ":")
}
