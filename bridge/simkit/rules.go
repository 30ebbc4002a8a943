package simkit

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Rules are the habits of one OAuth server. The zero value is a plain strict
// one: code and refresh grants, parameters in a form body, client id and secret
// among them, a new refresh token each time. Hooks run with the issuer's lock
// held and must not call the issuer.
type Rules struct {
	Clients []Client // none: any client id is taken as a public client
	Users   []User

	// The consent page.
	Return         []string                // accepted names of the return parameter; none: redirect_uri
	NoResponseType bool                    // response_type=code is not asked for
	NoEcho         bool                    // state does not come back
	Extra          map[string]string       // further parameters of the callback
	Separator      string                  // between scope words; "" is a space
	ScopeOK        func(scope string) bool // nil: any scope
	BadScope       BadScope                // what a scope that is not OK leads to
	Denied         Denied                  // what somebody's refusal leads to
	PKCE           bool                    // a challenge is required; one that is sent is always checked

	// Scope tells the scope of the tokens that a code brings which is exchanged with a
	// scope of its own; ok false refuses it. nil: the one of the consent.
	Scope func(asked, granted string) (scope string, ok bool)

	// Requests to the token endpoint.
	Grants     []string            // accepted values of grant_type; none: authorization_code, refresh_token
	In         []Place             // where parameters are read; none: the form. Elsewhere they are not seen
	Auth       []ClientAuth        // none: params
	TwoWays    bool                // a secret in header and parameters at once is taken
	Secretless bool                // a client may leave its secret out, and gets no refresh token then
	Needs      map[string][]string // required parameters by grant type, "" for all; nil: the standard's
	Optional   map[string][]string // allowed besides; nil: scope, code_verifier
	Lenient    bool                // unknown parameters are ignored instead of refused

	// Lives. 0: ten minutes, one hour, unlimited.
	CodeLife, AccessLife, RefreshLife time.Duration

	// What a refresh does.
	Rotation   Rotation
	Grace      time.Duration // a spent refresh token is still taken for so long
	ReuseKills bool          // a spent refresh token used after that ends the whole grant
	OldAccess  OldAccess     // what becomes of the access token before
	// Mint tells that a refresh with this scope makes an access token for one
	// resource and spends nothing. nil: never.
	Mint func(asked, granted string) (scope string, mint bool)

	// What a new grant does.
	CodeReuseKills bool // a code used twice ends the tokens of its first use
	SameAccess     bool // client, user and scope with a token that lives get that one again
	AppRefresh     bool // client_credentials brings a refresh token
	AppOldEnds     bool // client_credentials ends the app's tokens before

	NewToken func(use string) string // text of a new "code", "access" or "refresh"; nil: random
	Reply    func(Issued) any        // body of the token reply; nil: the standard's
	Refuse   func(Refusal) *Answer   // nil: {"error":code}, 401 for invalid_client, else 400
}

// Client is a registered application. Secret "" is a public one.
type Client struct {
	ID, Secret string
	Redirects  []string // compared byte by byte; none: any absolute URL
	Scopes     []string // words it may ask for; none: any
}

// User is somebody who can sign in.
type User struct {
	Name, Password string
	External       string   // token of another system, for the password grant; "": none
	Of             string   // what the user's grants are of: a station, an account
	Scopes         []string // words the user may grant; none: any
}

// Place is where parameters of a token request are read.
type Place string

// The places.
const (
	InForm  Place = "form"
	InQuery Place = "query"
	InJSON  Place = "json"
)

// ClientAuth is a way in which a client names itself.
type ClientAuth string

// The ways. AuthBasic takes id and secret as they are, AuthBasicEncoded
// form-decodes both (RFC 6749 section 2.3.1); AuthNone needs nothing at all, not
// even an id.
const (
	AuthParams       ClientAuth = "params"
	AuthBasic        ClientAuth = "basic"
	AuthBasicEncoded ClientAuth = "basic_encoded"
	AuthNone         ClientAuth = "none"
)

// BadScope is what the consent page does with a scope that is not OK.
type BadScope int

// Back to the client with error=invalid_scope, an error page without redirect,
// or the scope dropped without a word.
const (
	BadScopeRedirects BadScope = iota
	BadScopePage
	BadScopeDropped
)

// Denied is what the consent page does when somebody refuses.
type Denied int

// Back to the client with error=access_denied, back to it with nothing but state,
// or an error page without redirect.
const (
	DeniedError Denied = iota
	DeniedBare
	DeniedPage
)

// Rotation is what becomes of the refresh token.
type Rotation int

// The modes of rotation.
const (
	RotateNew   Rotation = iota // a new one; the old is spent (after Grace)
	RotateSame                  // the same again
	RotateNone                  // the reply has none; the old one serves on
	RotateKeep                  // a new one; the old serves on
	RotateOnUse                 // a new one; the old is spent when the new access token is first used
)

// OldAccess is what a refresh does to the access token before.
type OldAccess int

// It lives to its end, ends at once, or ends when the new one is first used.
const (
	OldAccessLives OldAccess = iota
	OldAccessEnds
	OldAccessEndsOnUse
)

// Grant is one sign-in, and what its tokens may do.
type Grant struct {
	ID     int    // 1 and up; refreshed tokens keep it
	Type   string // grant_type
	Client string
	User   string // "" for client_credentials
	Of     string // of the user
	Scope  string // of the token at hand
}

// Issued is a token reply before it is put into words.
type Issued struct {
	Access  string
	Refresh string        // "": none
	Life    time.Duration // that remains of the access token
	Created time.Time     // of the access token
	Grant   Grant
}

// Codes of refusals (RFC 6749 section 5.2).
const (
	InvalidRequest   = "invalid_request"
	InvalidClient    = "invalid_client"
	InvalidGrant     = "invalid_grant"
	InvalidScope     = "invalid_scope"
	UnsupportedGrant = "unsupported_grant_type"
)

// Refusal is a token request that is not granted.
type Refusal struct {
	Code string // one of the codes above
	Why  string // for error_description
	Type string // grant_type, where it was read
}

func (r Rules) reply(i Issued) any {
	if r.Reply != nil {
		return r.Reply(i)
	}
	m := map[string]any{"access_token": i.Access, "token_type": "Bearer",
		"expires_in": int64(i.Life / time.Second), "scope": i.Grant.Scope}
	if i.Refresh != "" {
		m["refresh_token"] = i.Refresh
	}
	return m
}

func (r Rules) refuse(f Refusal) *Answer {
	if r.Refuse != nil {
		return r.Refuse(f)
	}
	status := http.StatusBadRequest
	if f.Code == InvalidClient {
		status = http.StatusUnauthorized
	}
	return JSON(status, map[string]string{"error": f.Code})
}

// words splits a scope.
func (r Rules) words(scope string) []string {
	if r.Separator == "" {
		return strings.Fields(scope)
	}
	return strings.FieldsFunc(scope, func(c rune) bool { return strings.ContainsRune(r.Separator, c) })
}

// within tells whether every word of scope is in allowed; none allowed: any.
func (r Rules) within(scope string, allowed []string) bool {
	for _, w := range r.words(scope) {
		if len(allowed) > 0 && !slices.Contains(allowed, w) {
			return false
		}
	}
	return true
}
