package netrexsim

import (
	"slices"
	"strconv"

	"latchkey/bridge/simkit"
)

// Node is one node of the tree.
type Node struct {
	ID, Parent int64  // Parent 0: none
	Type       string // folder, camera, ...
	Name       string // "": null
	ExternalID string // "": unset
	Idle       bool   // a camera that records nothing
}

// demoNodes start with the vendor sheet's example; one node is its own parent, as
// in a sample of the vendor's.
func demoNodes() []Node {
	return []Node{
		{ID: 1000, Type: "folder", Name: "Depot"},
		{ID: 1001, Parent: 1000, Type: "camera", Name: "Yard", ExternalID: "yard-1"},
		{ID: 1010, Parent: 1000, Type: "folder", Name: "Hall"},
		{ID: 1002, Parent: 1010, Type: "camera", Name: "Gate"},
		{ID: 1003, Parent: 1010, Type: "camera", Idle: true},
		{ID: 1400, Parent: 1400, Type: "folder", Name: "Loop"},
		{ID: 1401, Parent: 1400, Type: "camera", Name: "Attic"},
		{ID: 2001, Parent: 1000, Type: "cashdesk", Name: "Till"},
		{ID: 2900, Parent: 1000, Type: "removedNode", Name: "Old camera"},
	}
}

// Seed adds nodes.
func (s *Sim) Seed(nodes ...Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes = append(s.nodes, nodes...)
}

// Remove takes a node out of the tree.
func (s *Sim) Remove(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes = slices.DeleteFunc(s.nodes, func(n Node) bool { return n.ID == id })
}

// Moves is what the invented mutations did to a node, in order.
func (s *Sim) Moves(node int64) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.moves[node])
}

// visible lists what a token may see.
func (s *Sim) visible(g simkit.Grant) []Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	only, limited := s.views[g.Of]
	return slices.DeleteFunc(slices.Clone(s.nodes), func(n Node) bool { return limited && !slices.Contains(only, n.ID) })
}

func (s *Sim) find(g simkit.Grant, id int64) (Node, bool) {
	for _, n := range s.visible(g) {
		if n.ID == id {
			return n, true
		}
	}
	return Node{}, false
}

// below lists the cameras of a node: itself, or all under it.
func below(all []Node, top int64) (cameras []Node) {
	parent := make(map[int64]int64, len(all))
	for _, n := range all {
		parent[n.ID] = n.Parent
	}
	for _, n := range all {
		if n.Type != "camera" {
			continue
		}
		for at, steps := n.ID, 0; at != 0 && steps <= len(all); at, steps = parent[at], steps+1 {
			if at == top {
				cameras = append(cameras, n)
				break
			}
		}
	}
	return cameras
}

// id is how the API writes an id.
func (t Settings) id(n int64) any {
	switch {
	case n == 0:
		return nil
	case t.TextIDs:
		return strconv.FormatInt(n, 10)
	}
	return n
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
