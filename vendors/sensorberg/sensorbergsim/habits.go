package sensorbergsim

import (
	"net/http"
	"time"

	"latchkey/bridge/simkit"
)

// Habits are what the public texts leave open. The zero value is the default;
// Change them at any time.
type Habits struct {
	Version  Version       // of the OAuth library; 0 is V595
	OnUse    bool          // a refresh ends the old pair when the new access token is first used, instead of at once
	AppToken AppToken      // what asking again with client_credentials does
	Refresh  bool          // client_credentials brings a refresh token, as the vendor's sample shows
	Life     time.Duration // of an access token; 0 is the sample's 14 days
	Endless  bool          // access tokens do not expire: no expires_in
	Skew     time.Duration // of the server's clock, in created_at, exp and iat
	PKCE     bool          // a sign-in without a challenge is refused
	Barred   bool          // the application may not use the grant that it asks with: unauthorized_client
	Scopes   Scopes        // how a scope is written in token replies and token info

	PlainRedirects bool // http return addresses are taken (the library refuses them when they are registered)
	Introspection  Offer
	TokenInfo      Offer

	Refused Refused // the body of a 401 or 403 of the API
	Scope   string  // which scope the units need; "" is app
	Verb    string  // of an update, PUT or PATCH; "" is PUT
	Status  int     // of a refused opening; 0: 403, 409 or 423 by its trouble
	Page    int     // units a page at most; 0 is 2, and no limit in GraphQL

	OpensIn time.Duration // an opening is executing for so long
	Jams    bool          // and fails then
}

// AppToken is what asking again with client_credentials does.
type AppToken int

// A new token beside the old one, a new one that ends the old one, or the same
// one with what remains of its life.
const (
	AlwaysNew AppToken = iota
	NewKillsOld
	SameAgain
)

// Scopes is how a scope is written.
type Scopes int

// As the library does: text in a token reply, a list in token info; or both as
// text; or both as a list.
const (
	ScopesMixed Scopes = iota
	ScopesText
	ScopesList
)

// Offer tells whether an endpoint is there.
type Offer int

// There, not there (404), or there and saying of every token that it is inactive.
const (
	On Offer = iota
	Off
	Inactive
)

// Refused is the body of a 401 or 403 of the API.
type Refused int

// The plausible bodies.
const (
	RefusedEmpty Refused = iota
	RefusedOAuth
	RefusedJSONAPI
)

// Trouble is why a unit is not opened.
type Trouble int

// None, the token has no right, it must be booked first, it is busy.
const (
	NoTrouble Trouble = iota
	NoRight
	NeedsBooking
	Busy
)

func (t Trouble) problem(h Habits) *problem {
	var p problem
	switch t {
	case NoRight:
		p = problem{http.StatusForbidden, "forbidden", "Not allowed", "No right for this unit"}
	case NeedsBooking:
		p = problem{http.StatusConflict, "booking_required", "Booking required", "This unit must be booked first"}
	case Busy:
		p = problem{http.StatusLocked, "busy", "Busy", "This unit is being opened"}
	default:
		return nil
	}
	if h.Status != 0 {
		p.status = h.Status
	}
	return &p
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
	change(&s.habits)
	now := s.habits
	s.mu.Unlock()
	s.Issuer.Change(now.rules)
}

// rules are the habits as the issuer knows them.
func (h Habits) rules(r *simkit.Rules) {
	v := h.version()
	r.Grants = []string{"authorization_code", "refresh_token", "client_credentials", "password"}
	r.Needs = map[string][]string{"authorization_code": {"code", "redirect_uri"}, "refresh_token": {"refresh_token"}}
	r.Optional = map[string][]string{"": {"scope", "code_verifier"}, "password": {"username", "password", external}}
	r.Auth = []simkit.ClientAuth{simkit.AuthParams, simkit.AuthBasic}
	r.TwoWays = v < V595
	r.In = []simkit.Place{simkit.InForm, simkit.InQuery}
	if v >= V600 {
		r.In = []simkit.Place{simkit.InForm}
	}
	r.ScopeOK = isScope
	r.BadScope = simkit.BadScopePage
	r.PKCE = h.PKCE
	r.AccessLife = h.life()
	r.Rotation, r.OldAccess = simkit.RotateNew, simkit.OldAccessEnds
	if h.OnUse {
		r.Rotation, r.OldAccess = simkit.RotateOnUse, simkit.OldAccessEndsOnUse
	}
	r.SameAccess, r.AppOldEnds, r.AppRefresh = h.AppToken == SameAgain, h.AppToken == NewKillsOld, h.Refresh
	r.Reply, r.Refuse = h.reply, h.refusal
}

func (h Habits) version() Version {
	if h.Version == 0 {
		return V595
	}
	return h.Version
}

const endless = 100 * 365 * 24 * time.Hour

func (h Habits) life() time.Duration {
	switch {
	case h.Endless:
		return endless
	case h.Life == 0:
		return 1209600 * time.Second
	}
	return h.Life
}
