// Package sensorbergsim simulates Sensorberg's cloud: its OAuth server, which is
// taken for the library Doorkeeper, in every version whose answers differ; and an
// API of units (doors, locker boxes) over JSON:API and GraphQL. The tests of
// vendors/sensorberg and the demo use it; written from public texts, never from
// the driver.
//
// The vendor publishes no path, type or mutation of its units. All of them here
// are made up and say so: below /demo, or named demo….
//
// It is strict: unknown parameters, a JSON body at the token endpoint, a wrong
// media type and a scope of the wrong kind are refused. What the public texts
// leave open is a [Habits] switch with every plausible answer. Openings are
// counted by [Sim.Openings]; faults and the request log are simkit's. It starts no
// goroutine.
package sensorbergsim
