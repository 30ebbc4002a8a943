package oauth

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"latchkey/bridge"
)

// recordVersion is written into every record. A newer one is left untouched.
const recordVersion = 1

// record is all that is kept of an account; the store seals it. Its secrets are
// plain strings: an encoded bridge.Secret is a mask, and a record of masks is a
// lost token. What it points to is never changed in place, so a copy of the
// struct is a copy of the record.
type record struct {
	Version int `json:"v"`

	Pair        pair    `json:"pair,omitzero"`         // in use
	Before      pair    `json:"before,omitzero"`       // the one before, as a one-shot fallback
	BeforeTried bool    `json:"before_tried,omitzero"` // the shot is spent
	RefreshDead bool    `json:"refresh_dead,omitzero"` // refused; the account acquires anew instead
	Intent      *intent `json:"intent,omitempty"`      // the journal; nil: closed

	Identity string    `json:"identity,omitempty"` // whose account it is
	SignedIn time.Time `json:"signed_in_at,omitzero"`
	Home     string    `json:"home,omitempty"`    // the installation that it was signed in by
	Pending  *arrival  `json:"pending,omitempty"` // a sign-in that is not in use yet

	Ended     ending        `json:"ended,omitempty"`
	Failures  int           `json:"failures,omitzero"` // since the last success
	NotBefore time.Time     `json:"not_before,omitzero"`
	Wait      time.Duration `json:"wait,omitzero"` // what NotBefore was made with: an upper bound where the clock is wrong
	Trouble   *trouble      `json:"trouble,omitempty"`
	Client    string        `json:"client,omitempty"` // fingerprint of the configuration that was used last
	Day       string        `json:"day,omitempty"`    // UTC, of Used
	Used      int           `json:"used,omitzero"`    // token calls on Day (T18)

	Narrow []narrowed `json:"narrow,omitempty"` // newest last
}

// pair is an access token with its refresh token. Times are wall clock: within
// a run the keeper counts with the monotonic clock instead (T13).
type pair struct {
	Access   string    `json:"access"`
	Refresh  string    `json:"refresh,omitempty"`
	Scope    string    `json:"scope,omitempty"`
	Obtained time.Time `json:"obtained,omitzero"` // when the reply arrived
	Expires  time.Time `json:"expires,omitzero"`  // zero: the vendor named no life
	Doubt    bool      `json:"doubt,omitzero"`    // the wall clock was not trusted then
}

// Format masks every verb: none of these is ever printed. Each has its own,
// because fmt calls no methods behind a pointer that it prints with a wrong verb.
func (pair) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// Format masks.
func (record) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// Format masks.
func (arrival) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "***") }

// narrowed is a token minted for one resource.
type narrowed struct {
	Name string `json:"name"`
	Pair pair   `json:"pair"`
}

// intent is the open journal: this refresh token may have been spent.
type intent struct {
	Kind    kind      `json:"kind"`
	Attempt int       `json:"attempt"`
	Hash    string    `json:"hash"` // of the token that is sent
	Started time.Time `json:"started"`
	Owner   string    `json:"owner"`
	Lost    bool      `json:"lost,omitzero"` // an earlier attempt has no known end either
}

// arrival is the pair of a sign-in: durable before its first use, which is the
// question whose account it is (T21).
type arrival struct {
	Pair     pair      `json:"pair"`
	At       time.Time `json:"at"`
	Asked    bool      `json:"asked,omitzero"`
	Identity string    `json:"identity,omitempty"` // when asked and not "": another one than Record.Identity
}

// ending is why an account is no longer refreshed by itself.
type ending string

const (
	endedClient ending = "client"     // misconfigured: once a day, and when the configuration changes
	endedGrant  ending = "grant"      // login_needed
	endedVague  ending = "vague"      // the same, but the vendor's words may have meant something passing: tried again
	signedOut   ending = "signed_out" // somebody logged out
)

func (e ending) class() class {
	if e == endedClient {
		return classClient
	}
	return classGrant
}

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:8])
}

// fingerprint changes with whatever the vendor judges an account by, so that a
// refusal is forgotten when the configuration is mended.
func fingerprint(d *bridge.Dialect) string {
	text := fmt.Sprintf("%q", []string{string(d.Grant), d.ClientID, d.Secret.Reveal(), d.Scope, d.Login.Username,
		d.Login.Password.Reveal(), d.Login.External.Reveal(), d.Static.Reveal()})
	for _, ask := range []*bridge.Ask{d.Acquire, d.Refresh} {
		if ask != nil {
			text += fmt.Sprintf("%q%q%q", ask.URL, ask.In, ask.Client)
		}
	}
	return hash(text)
}

func decodeRecord(stored []byte) (record, error) {
	if len(stored) == 0 {
		return record{Version: recordVersion}, nil
	}
	var r record
	if err := json.Unmarshal(stored, &r); err != nil {
		// Not %w: the text of a type error holds the value.
		return record{}, fmt.Errorf("the stored record is damaged")
	}
	if r.Version > recordVersion {
		return record{}, fmt.Errorf("the stored record is of a newer latchkey (version %d)", r.Version)
	}
	if r.Trouble == nil && (r.Ended == endedGrant || r.Ended == endedVague || r.Ended == endedClient) {
		r.Trouble = fail(r.Ended.class(), "", "the vendor refused the account")
	}
	return r, nil
}

func (r record) encode() ([]byte, error) {
	r.Version = recordVersion
	return json.Marshal(r)
}

// renewed is the record after a call of kind k: pair in use, journal closed,
// nothing wrong. A reply without refresh token or scope keeps those that were
// sent (T12).
func (r record) renewed(got pair, k kind) record {
	if got.Refresh == "" {
		got.Refresh = r.token(k)
	}
	if got.Scope == "" && k != kindAcquire {
		got.Scope = r.Pair.Scope
	}
	r.Before, r.BeforeTried = r.Pair, k == kindPrevious
	r.Pair, r.RefreshDead, r.Intent, r.Ended = got, false, nil, ""
	r.Failures, r.NotBefore, r.Wait, r.Trouble = 0, time.Time{}, 0, nil
	return r
}

// signedIn is the record after a sign-in: a new chain, so no pair before it.
func (r record) signedIn(a arrival, identity, owner string) record {
	r = r.renewed(a.Pair, kindAcquire)
	r.Before, r.Pending, r.Narrow = pair{}, nil, nil
	r.Identity, r.SignedIn, r.Home = identity, a.At, owner
	return r
}
