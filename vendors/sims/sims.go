// Package sims is the explicit list of the simulated clouds: one line a
// simulator. The demo and the end-to-end tests use it; the daemon never links it.
package sims
