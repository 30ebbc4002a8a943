package config

import (
	"strconv"
	"strings"
)

// node is one value of the file: the tree between YAML and the decoder, with
// aliases and merges resolved, so that nothing below knows of YAML.
type node struct {
	kind   kind
	at     pos     // of the value
	key    pos     // of the key it stands under; zero: none
	text   string  // of a scalar, without quotes
	plain  bool    // a scalar without quotes: may mean a number or a bool
	fields []field // of a mapping
	items  []*node // of a list
}

type field struct {
	name  string
	value *node
}

// pos is a place in the file, from 1.
type pos struct{ line, col int }

type kind string

// The kinds are worded for people.
const (
	scalar  kind = "text"
	mapping kind = "a mapping"
	list    kind = "a list"
	empty   kind = "nothing"
	broken  kind = "broken" // has been complained about
)

// get returns the value of a key; nil: not there.
func (n *node) get(name string) *node {
	if n == nil {
		return nil
	}
	for _, f := range n.fields {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

// keep drops all other keys.
func (n *node) keep(names ...string) {
	if n == nil {
		return
	}
	var kept []field
	for _, f := range n.fields {
		for _, name := range names {
			if f.name == name {
				kept = append(kept, f)
			}
		}
	}
	n.fields = kept
}

// place is where people look for the value: a scalar itself, else its key.
func (n *node) place() pos {
	if n.key != (pos{}) && (n.kind != scalar || n.at == pos{}) {
		return n.key
	}
	return n.at
}

// find returns the place of a path below n such as options.relays[0].name, or
// of the nearest value above it that is there. A secret may stand under `x_file`.
func (n *node) find(path string) pos {
	for path != "" {
		step := path
		if i := strings.IndexAny(path[1:], ".["); i >= 0 {
			step = path[:i+1]
		}
		path = strings.TrimPrefix(path[len(step):], ".")
		next := n.get(step)
		if next == nil {
			next = n.get(step + "_file")
		}
		if index, ok := strings.CutPrefix(step, "["); ok {
			i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if err == nil && i >= 0 && i < len(n.items) {
				next = n.items[i]
			}
		}
		if next == nil {
			break
		}
		n = next
	}
	return n.place()
}
