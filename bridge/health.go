package bridge

import (
	"encoding/json"
	"time"
)

// TokenState is the state of an account's tokens.
type TokenState string

// The states of the Contract. Home Assistant drops a value that its document
// does not list, so a new state needs a new document first.
const (
	SignedOut     TokenState = "signed_out" // never signed in, logged out, or an access that was made to end
	Valid         TokenState = "valid"
	Retrying      TokenState = "retrying"      // refreshing fails, the access token still serves
	Expired       TokenState = "expired"       // it no longer serves; refreshing is still tried
	LoginNeeded   TokenState = "login_needed"  // the vendor refused the refresh token
	Misconfigured TokenState = "misconfigured" // the vendor refused the client
)

// TokenStates lists them in the order of the Contract.
func TokenStates() []TokenState {
	return []TokenState{SignedOut, Valid, Retrying, Expired, LoginNeeded, Misconfigured}
}

// Serves tells whether calls to the cloud can be made: the account is online.
func (s TokenState) Serves() bool { return s == Valid || s == Retrying }

// UserAction is what a person has to do.
type UserAction string

// The user actions of the Contract.
const (
	ActionNone        UserAction = "none"
	ActionLogin       UserAction = "login"
	ActionCheckClient UserAction = "check_client"
	ActionCheckClock  UserAction = "check_clock"
	ActionCheckDisk   UserAction = "check_disk"
	ActionCheckKey    UserAction = "check_key"
)

// UserActions lists them in the order of the Contract.
func UserActions() []UserAction {
	return []UserAction{ActionNone, ActionLogin, ActionCheckClient, ActionCheckClock, ActionCheckDisk, ActionCheckKey}
}

// HealthReason says why tokens are not plainly valid; "" is null.
type HealthReason string

// The health reasons of the Contract.
const (
	HealthVendorDown    HealthReason = "vendor_down"
	HealthNetwork       HealthReason = "network"
	HealthRateLimited   HealthReason = "rate_limited"
	HealthBadReply      HealthReason = "bad_reply"
	HealthClock         HealthReason = "clock"
	HealthNotSaved      HealthReason = "not_saved"
	HealthRevoked       HealthReason = "revoked"
	HealthLostInFlight  HealthReason = "lost_in_flight"
	HealthClientRefused HealthReason = "client_refused"
	HealthMoved         HealthReason = "moved"
	HealthAccessEnded   HealthReason = "access_ended"
)

// Health is the health of one account's tokens. It never holds a secret. On
// MQTT it is the JSON object of the Contract, every member always there; zero
// values are null.
type Health struct {
	State         TokenState
	Reason        HealthReason
	UserAction    UserAction
	ExpiresAt     time.Time
	RefreshedAt   time.Time
	NextRefreshAt time.Time
	SignInBefore  time.Time
	Failures      int
	Scope         string
	LoginURL      string
	LastError     *HealthError
}

// HealthError is the last failure, in latchkey's own words.
type HealthError struct {
	Code    string    `json:"code"`
	Message string    `json:"message"`
	At      time.Time `json:"at"`
}

// healthJSON is the Contract's object.
type healthJSON struct {
	State         TokenState    `json:"state"`
	Reason        *HealthReason `json:"reason"`
	UserAction    UserAction    `json:"user_action"`
	ExpiresAt     *time.Time    `json:"expires_at"`
	RefreshedAt   *time.Time    `json:"refreshed_at"`
	NextRefreshAt *time.Time    `json:"next_refresh_at"`
	SignInBefore  *time.Time    `json:"sign_in_before"`
	Failures      int           `json:"failures"`
	Scope         *string       `json:"scope"`
	LoginURL      *string       `json:"login_url"`
	LastError     *HealthError  `json:"last_error"`
}

// MarshalJSON writes the Contract's object.
func (h Health) MarshalJSON() ([]byte, error) {
	action := h.UserAction
	if action == "" {
		action = ActionNone
	}
	var last *HealthError
	if h.LastError != nil {
		last = &HealthError{h.LastError.Code, h.LastError.Message, Second(h.LastError.At)}
	}
	return json.Marshal(healthJSON{h.State, OrNull(h.Reason), action, OrNull(Second(h.ExpiresAt)), OrNull(Second(h.RefreshedAt)),
		OrNull(Second(h.NextRefreshAt)), OrNull(Second(h.SignInBefore)), h.Failures, OrNull(h.Scope), OrNull(h.LoginURL), last})
}

// UnmarshalJSON reads it back: the commands get it from the daemon.
func (h *Health) UnmarshalJSON(text []byte) error {
	var j healthJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*h = Health{j.State, OrZero(j.Reason), j.UserAction, OrZero(j.ExpiresAt), OrZero(j.RefreshedAt), OrZero(j.NextRefreshAt),
		OrZero(j.SignInBefore), j.Failures, OrZero(j.Scope), OrZero(j.LoginURL), j.LastError}
	return nil
}
