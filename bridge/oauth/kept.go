package oauth

import "time"

// Summary is what a stored record holds, without anything secret: for
// `latchkey token list`.
type Summary struct {
	SignedIn time.Time // zero: never, or not by a person
	Obtained time.Time // the access token
	Expires  time.Time // zero: not known
	Scope    string
	Identity string // whose account it is; "": not known
	Access   bool   // holds an access token
	Refresh  bool   // holds a refresh token
	// Ended is why it is not renewed by itself any more, in the vendor's code and
	// latchkey's words; "" where it is.
	Ended string
	// Open: a renewal with its refresh token was begun, whose end the record does
	// not know: on a vendor that rotates, that token is probably spent.
	Open bool
}

// Summarize reads a stored record.
func Summarize(stored []byte) (Summary, error) {
	r, err := decodeRecord(stored)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{SignedIn: r.SignedIn, Obtained: r.Pair.Obtained, Expires: r.Pair.Expires, Scope: r.Pair.Scope, Identity: r.Identity,
		Access: r.Pair.Access != "", Refresh: r.Pair.Refresh != "", Open: r.open()}
	switch {
	case r.Ended == signedOut:
		s.Ended = "signed out"
	case r.Ended != "":
		s.Ended = r.Trouble.Code + ": " + r.Trouble.Message
	}
	return s, nil
}

// Revive makes of an earlier record that a person brings back one that is tried:
// why it had ended is forgotten, so are the waits, and a sign-in that waited in it
// does not replace it at once. The journal stays: where it is open, the access
// token is used first, and the refresh token is sent only when it ends. The budget
// of the day stays as well (T18). It is pure.
func Revive(stored []byte) ([]byte, error) {
	r, err := decodeRecord(stored)
	if err != nil {
		return nil, err
	}
	r.Pending = nil
	r.Ended, r.Trouble, r.Failures, r.NotBefore, r.Wait = "", nil, 0, time.Time{}, 0
	return r.encode()
}
