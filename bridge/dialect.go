package bridge

import "time"

// Dialect is how one account's OAuth server is spoken to: data, from which
// bridge/oauth builds every token request. A vendor declares it and writes no
// token code. A nil Ask means that the vendor has no such request.
type Dialect struct {
	Grant     Grant
	ClientID  string
	Secret    Secret // of the client; empty for a public client
	Scope     string // as configured, words separated by spaces
	Separator string // between scope words on the wire; "" is a space
	Login     Login  // of the password grant
	Static    Secret // of the token grant

	Authorize *Authorize
	Exchange  *Ask // authorization code for tokens
	Acquire   *Ask // client credentials or password for tokens
	Refresh   *Ask
	Narrow    *Ask  // mints a token for one resource from the refresh token
	Inspect   *Ask  // introspection: the call `introspect`
	TokenInfo *Ask  `json:",omitempty"` // shows the token that asks: the call `token_info`
	Probe     *Ask  `json:",omitempty"` // the smallest read of the API, where none of these shows whether a token serves
	Revoke    []Ask // in the vendor's order
	// RevokeUnproven: that the vendor calls it revoked proves nothing (Doorkeeper
	// answers 200 to what it does not revoke). Only a token that served before and is
	// refused afterwards does.
	RevokeUnproven bool `json:",omitempty"`
	Identity       *Identity
	Reading        Reading
}

// Login is what the password grant signs in with.
type Login struct {
	Username string
	Password Secret
	External Secret // a token of another system
}

// Authorize is the vendor's consent page.
type Authorize struct {
	URL    string
	Return string // name of the return parameter; "" is redirect_uri
	Params []Param
	PKCE   bool // S256
	// Echo: the vendor is known to give `state` back. Otherwise the sign-in is
	// bound by a cookie and exactly one pending sign-in.
	Echo bool
	// StateInURL: state travels inside the return URL instead of as a parameter.
	StateInURL bool
	// NoScope: the scope goes with the code alone (DW Spectrum).
	NoScope bool `json:",omitempty"`
}

// Ask is one request to the OAuth server.
type Ask struct {
	Method string // "" is POST
	URL    string // absolute
	In     Place  // where Params travel
	Client ClientAuth
	Params []Param
	Bearer bool   // sends the access token as Authorization: Bearer
	Accept string // "" is application/json
	// Optional: of Revoke; what comes of it is not known to mean anything.
	Optional bool `json:",omitempty"`
}

// Place is where parameters travel.
type Place string

// The places of parameters; "" is the form body.
const (
	InForm  Place = "form"
	InQuery Place = "query"
	InJSON  Place = "json"
)

// ClientAuth is how the client names itself at the token endpoint.
type ClientAuth string

// The ways of client authentication. Basic joins id and secret as they are
// (CameraManager, Doorkeeper); BasicEncoded form-encodes both first (RFC 6749
// section 2.3.1: Keycloak, oidc-provider). One that accepts the first with a
// special character in the secret refuses the second, and the other way round.
const (
	ClientNone         ClientAuth = ""
	ClientParams       ClientAuth = "params"
	ClientBasic        ClientAuth = "basic"
	ClientBasicEncoded ClientAuth = "basic_encoded"
)

// Param is one parameter: fixed Text, a Field, or Text followed by the field. A
// parameter whose field is empty is left out; of two with one name the last that
// is not left out is sent.
type Param struct {
	Name string
	Text string
	From Field
}

// Field is a value that bridge/oauth fills into a Param.
type Field string

// The fields. ClientParams adds client_id and client_secret by itself.
const (
	FieldNone         Field = ""
	FieldClientID     Field = "client_id"
	FieldCode         Field = "code"
	FieldRedirect     Field = "redirect"
	FieldRefreshToken Field = "refresh_token"
	FieldAccessToken  Field = "access_token"
	FieldScope        Field = "scope"
	FieldUsername     Field = "username"
	FieldPassword     Field = "password"
	FieldExternal     Field = "external"
	FieldVerifier     Field = "verifier" // PKCE
	FieldNarrow       Field = "narrow"
)

// Identity tells whose account a token is of: GET URL with it (without URL: the
// dialect's Inspect), read Member (a top-level member of the JSON object). Asked
// after a sign-in, so that one that silently landed on another account is noticed.
type Identity struct{ URL, Member string }

// Reading is how replies of the OAuth server are read.
type Reading struct {
	Life    time.Duration // of an access token whose reply names none; 0 means one hour
	ErrorIn string        // member that holds the error; "" is error
	Fine    string        // its value when there is none (DW Spectrum: resultCode ok)
	// Codes judges error codes beyond the standard's.
	Codes map[string]Verdict
	// FreeText: the error is a sentence, not a code (NetRex), and Sentences judges it:
	// the first that fits. One that fits none may mean anything: somebody is asked to
	// sign in, and it is tried again, at last once a day.
	FreeText  bool
	Sentences []Sentence `json:",omitempty"`
	// IdleLimit is after how long unused a refresh token is known to die; 0: unknown.
	IdleLimit time.Duration
}

// Sentence judges an error by words that it holds, whatever their case.
type Sentence struct {
	Holds string  `yaml:"holds"`
	Means Verdict `yaml:"means"`
}

// Verdict is what an OAuth error means.
type Verdict string

// The verdicts: passing (try again later), client (the vendor refuses the
// client: misconfigured), grant (the vendor refuses the refresh token or code).
const (
	Passing   Verdict = "passing"
	BadClient Verdict = "client"
	BadGrant  Verdict = "grant"
)
