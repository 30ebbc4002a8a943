package netrex

import (
	"maps"
	"slices"
	"sync"
	"time"

	"latchkey/bridge"
)

// tree is what is known of the account's nodes. Facts about any other device would
// be refused.
type tree struct {
	mu     sync.Mutex
	known  bool              // listed in this run
	device map[string]string // by the vendor's id: nodes that are devices
	kept   map[string]kept
	early  bool // figures were asked for before there was a list
}

// kept is a device as it was listed last, and since when it is missing.
type kept struct {
	device bridge.Device
	gone   time.Time // zero: it is listed
}

// replace reports a new list, under the lock, so that lists arrive in the order in
// which they were read.
func (a *account) replace(all []node, report bridge.Report) {
	t := &a.tree
	t.mu.Lock()
	defer t.mu.Unlock()
	now, before := time.Now(), t.kept
	t.kept, t.device = map[string]kept{}, map[string]string{}
	due := t.early
	used := map[string]bool{overview: true} // two spellings of one id would be one device
	cameras := 0
	devices := []bridge.Device{a.overview()}
	add := func(k kept) {
		if used[k.device.ID] {
			return
		}
		used[k.device.ID] = true
		t.device[k.device.Original], t.kept[k.device.Original] = k.device.ID, k
		devices = append(devices, k.device)
	}
	byID := make(map[word]node, len(all))
	for _, n := range all {
		byID[n.ID] = n
	}
	seen := map[word]bool{}
	for _, n := range all {
		if seen[n.ID] {
			continue
		}
		seen[n.ID] = true
		if n.is(kindCamera) {
			cameras++
		}
		if a.wants(n) {
			d := a.describe(n, folderOf(n, byID))
			add(kept{device: d})
			_, had := before[d.Original]
			due = due || t.known && !had && a.figures[ID(n.ID)] != nil
		}
	}
	for _, original := range slices.Sorted(maps.Keys(before)) {
		k := before[original]
		if k.gone.IsZero() {
			k.gone = now
		}
		if !seen[word(original)] && now.Sub(k.gone) < a.options.Forget {
			add(k)
		}
	}
	t.via(devices, byID)
	t.known, t.early = true, false
	report(bridge.Devices{Source: "nodes", All: devices})
	for _, d := range devices[1:] {
		report(bridge.State{Ref: bridge.Ref{Device: d.ID, Entity: "listed"}, Value: bridge.Bool(t.kept[d.Original].gone.IsZero())})
	}
	report(bridge.State{Ref: bridge.Ref{Device: overview, Entity: "cameras"}, Value: bridge.Num(float64(cameras))})
	if due && len(a.figures) > 0 {
		report(bridge.Due{Task: taskStatistics})
	}
}

// wants tells whether a node becomes a device.
func (a *account) wants(n node) bool {
	return a.figures[ID(n.ID)] != nil || slices.ContainsFunc(a.options.Kinds, n.is)
}

// folderOf is the name of the folder that a node lies in. One that is its own
// parent (there is such a one in a sample of the vendor's) lies in none.
func folderOf(n node, byID map[word]node) string {
	if n.Parent == n.ID {
		return ""
	}
	return string(byID[n.Parent].Name)
}

// via hangs each device on the nearest node above it that is one. A node that is
// above itself hangs on nothing.
func (t *tree) via(devices []bridge.Device, byID map[word]node) {
	round := rounds(byID)
	for i := range devices {
		d := &devices[i]
		d.Via = ""
		if k := t.kept[d.Original]; d.ID == overview || !k.gone.IsZero() || round[word(d.Original)] {
			continue
		}
		for up := byID[word(d.Original)].Parent; up != "" && d.Via == ""; up = byID[up].Parent {
			d.Via = t.device[string(up)]
			if round[up] {
				break
			}
		}
	}
}

// rounds finds the nodes that are above themselves. Each is passed once.
func rounds(byID map[word]node) map[word]bool {
	found, passed := map[word]bool{}, map[word]int{} // by which walk
	walk := 0
	for start := range byID {
		walk++
		at := start
		for at != "" && passed[at] == 0 {
			passed[at] = walk
			at = byID[at].Parent
		}
		for at != "" && passed[at] == walk && !found[at] {
			found[at] = true
			at = byID[at].Parent
		}
	}
	return found
}

// of returns a node's device, "" if it is none.
func (t *tree) of(id ID) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.device[string(id)]
}

// original turns the id of a device, as it stands in topics, into the node's; ok
// tells whether either is known.
func (t *tree) original(id string) (original string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.device[id] != "" {
		return id, true
	}
	for original, device := range t.device {
		if device == id {
			return original, true
		}
	}
	return id, false
}

// ready tells whether there is a list; asking before makes the figures due with it.
func (t *tree) ready() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.early = t.early || !t.known
	return t.known
}

// camera tells whether a node was listed as a camera.
func (t *tree) camera(id ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kept[string(id)].device.Kind == kindCamera
}
