package bridge

import (
	"context"
	"io"
)

// Cloud is the HTTP client of one account, as its vendor sees it: bearer,
// pacing, deadlines, size limits, redirect rules and redaction are its business.
// Implemented by bridge/cloud; a test fakes two methods.
type Cloud interface {
	// Read asks for something. It moves nothing, and may be repeated after a 401.
	Read(context.Context, Request) (Reply, error)
	// Act moves something. It takes the guard's [Permit] from the context, so a
	// task or a push cannot move anything.
	Act(context.Context, Request) (Reply, error)
}

// Request is one request to the vendor's API.
type Request struct {
	Origin string // key of Profile.Origins
	Narrow string // resource whose own token is used, where the origin is Narrowed
	Lane   string // key of Profile.Pace
	Method string // "" is GET for Read and POST for Act
	// Path is below the origin's base and already escaped, or an absolute URL on
	// the origin's own scheme and host; anywhere else it is refused unsent.
	Path   string
	Query  map[string][]string
	JSON   any    // body; nil: none. A []byte is sent as it is
	Media  string // content type; "" with a body is application/json
	Accept string // "" is application/json
	Header map[string]string
	Limit  int64 // of the reply's body; 0 means 1 MB
	// Into takes the body of a 2xx answer to a Read as it arrives, instead of
	// Reply.Body: it may take as long as the context lets it, while something comes.
	// After an error what was written is worth nothing. Not on a lane that yields.
	Into io.Writer
}

// Reply is a 2xx answer; any other is a *[Failure].
type Reply struct {
	Status int
	Type   string // content type without parameters
	Body   []byte
}

// Failure is why a request has no Reply. Message is latchkey's own words and
// safe to show; Detail is the vendor's body, shortened, for debug logs and for
// vendors that read errors. It never holds a token that latchkey sent.
type Failure struct {
	Reason  Reason
	Status  int // HTTP status; 0: no whole reply
	Message string
	Detail  []byte
}

func (f *Failure) Error() string { return f.Message }

// Tokens is what bridge/cloud sees of the keeper. Vendors never do.
type Tokens interface {
	// Bearer returns an access token that serves, renewing it first if need be.
	// ctx bounds the waiting, not the renewal. The error is a *Failure with
	// ReasonLoginNeeded, ReasonOffline or ReasonDeadline.
	Bearer(ctx context.Context, narrow string) (Bearer, error)
	// Refused says that the vendor answered 401 to this bearer: it is renewed if
	// it is still the current one.
	Refused(Bearer)
}

// Bearer is an access token in use.
type Bearer struct {
	Token  Secret
	Narrow string
}
