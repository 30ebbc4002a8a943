// Package simkit holds what the simulators of vendors' clouds share: an OAuth
// [Issuer] whose habits are data ([Rules]), faults that can be switched while
// it runs ([Faults]), a request log ([Log]) and a [Person] who signs in by HTTP.
//
// Simulators (vendors/<name>/<name>sim) import it; tests and the demo serve
// their handlers, over a pipe or on loopback. It imports the standard library
// alone, starts no goroutine and listens nowhere. Time is package time, so under
// testing/synctest every life runs on virtual time.
//
// It is strict by default, because a simulator that is kinder than the cloud
// proves little: a used code, a spent refresh token, a repeated or unknown
// parameter or a wrong content type is refused.
package simkit
