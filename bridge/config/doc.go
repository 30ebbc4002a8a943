// Package config reads the configuration: YAML in, one immutable value out, or
// every mistake at once, each with file, line and column.
//
// The way of a file: read, parsed into a tree with positions (aliases and merges
// resolved), decoded strictly over the defaults (`${NAME}` expanded, `x_file`
// read where x is a [bridge.Secret]), checked, mistakes mapped back to positions.
// Vendors know nothing of YAML: their options are decoded here over what
// Driver.New returns, and the paths of their Check become positions.
//
// No mistake ever quotes the value of a secret, so its text may be logged, shown
// on the page and published.
//
// bridge/daemon loads and watches; the commands of cmd/latchkey that run beside
// the daemon read only [StateDir] or [Base]. This is the only package that
// imports YAML and fsnotify. It owns no goroutine: [Watch] runs in the caller's
// (fsnotify's own ends with it).
package config
