package doorbirdsim

import (
	"net/http"
	"time"

	"latchkey/bridge/simkit"
)

// Habits are what the vendor leaves open, and conditions that come and go. The
// zero value is the default; Change them at any time.
type Habits struct {
	RevokeEndsRefresh bool  // the grant dies with its access token
	RevokeReply       Reply // of /auth/revoke
	CommandReply      Reply // of relay, light, restart, favourites and schedules

	DoubleEncoded bool           // the peripheral's object may come encoded once more, as a JSON string
	Dead          *simkit.Answer // to no, a wrong or an expired token; nil: 401 without a body
	Unlisted      int            // status for an unknown relay, bell number or favourite; 0 is 404
	NotAdmin      int            // status for a viewer's grant on an admin path; 0 is 403
	AdminPaths    []string       // patterns as in simkit.Log; nil: users, relay settings, favourites, schedules, restart
	TextNumbers   bool           // relay ids as JSON strings
	ColonMAC      bool           // MAC with colons, in lower case
	Bare          bool           // optional members of replies are left out

	HistoryLag  time.Duration // a picture shows in the list so long after its event
	PictureBase string        // scheme and host of the URLs in the history; "": the cloud's own
	Favourites  int           // the most that fit; 0 is 50

	Paced       bool          // more than one request a second: 429
	Busy        bool          // line busy: 503
	Unreachable int           // the station does not answer: 504 or 502; 0: it does
	Delay       time.Duration // before that answer

	HookMethod string // of the station's own calls; "" is GET
	Push       Push
}

// Reply is what a request that asks for nothing is answered with.
type Reply int

// The plausible answers.
const (
	ReplyEmpty     Reply = iota // 200 without a body
	ReplyNoContent              // 204
	ReplyJSON                   // 200 with a JSON object
)

func (r Reply) answer() *simkit.Answer {
	switch r {
	case ReplyNoContent:
		return &simkit.Answer{Status: http.StatusNoContent}
	case ReplyJSON:
		return simkit.JSON(http.StatusOK, map[string]bool{"success": true})
	}
	return &simkit.Answer{Status: http.StatusOK}
}

// Habits returns them as they are now.
func (s *Sim) Habits() Habits {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.habits
}

// Change changes the habits.
func (s *Sim) Change(change func(*Habits)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.habits)
}
