// Package doorbirdsim simulates the DoorBird cloud: sign-in, API, partner push
// and the calls that a station makes by itself. Tests and the demo serve its
// handler; it listens nowhere and starts no goroutine.
//
// It is written from the vendor's text and from what public clients show, never
// from the driver beside it, so that one misreading cannot satisfy both sides.
// What the vendor leaves open is a member of [Habits] or of simkit.Rules; the
// zero value is the most plausible answer, tests run the others too. It has not
// been compared with the live service.
package doorbirdsim
