package netrexsim

import (
	"errors"
	"fmt"
	"slices"
)

// needs guards a field by a right of the token.
func (r *run) needs(right string, resolve func(map[string]any) (any, error)) func(map[string]any) (any, error) {
	return func(args map[string]any) (any, error) {
		if !may(r.grant, right) {
			return nil, fmt.Errorf("the token lacks the right %s", right)
		}
		return resolve(args)
	}
}

func (r *run) query() object {
	o := object{
		"__typename": plain("Query"),
		"nodeList": r.needs("read", func(args map[string]any) (any, error) {
			all := []object{}
			for _, n := range r.sim.visible(r.grant) {
				if kind, given := args["type"]; !given || kind == nil || kind == n.Type {
					all = append(all, r.node(n))
				}
			}
			return all, nil
		}),
		"cameraList": r.needs("read", func(map[string]any) (any, error) {
			all := []object{}
			for _, n := range r.sim.visible(r.grant) {
				if n.Type == "camera" {
					all = append(all, r.camera(n))
				}
			}
			return all, nil
		}),
		"camera": r.needs("read", func(args map[string]any) (any, error) {
			n, err := r.cameraOf(args)
			if err != nil {
				return nil, err
			}
			return r.camera(n), nil
		}),
		"recording": r.needs("recordings", func(args map[string]any) (any, error) {
			rec, err := r.sim.recording(r.grant, args["recording_id"])
			if err != nil {
				return nil, err
			}
			return r.recording(rec), nil
		}),
		"statisticData":                    r.needs("read", r.statisticData),
		"statisticDataMetric":              r.needs("read", r.statisticMetric),
		"statisticDataMetricByGranularity": r.needs("read", r.statisticRows),
		"demoState": r.needs("read", func(args map[string]any) (any, error) {
			n, err := r.cameraOf(args)
			if err != nil {
				return nil, err
			}
			return object{"online": plain(true), "preset": plain(len(r.sim.Moves(n.ID)))}, nil
		}),
	}
	if r.set.Introspection {
		o["__schema"] = func(map[string]any) (any, error) { return r.introspected(), nil }
	}
	return o
}

func (r *run) mutation() object {
	return object{
		"__typename": plain("Mutation"),
		"recordingPrepare": r.needs("recordings", func(args map[string]any) (any, error) {
			return r.sim.prepare(r.grant, args["recording_id"], int(integer(args["height"])))
		}),
		"demoGotoPreset": r.needs("liveview_ptz", func(args map[string]any) (any, error) {
			n, err := r.cameraOf(args)
			if err != nil {
				return nil, err
			}
			r.sim.mu.Lock()
			defer r.sim.mu.Unlock()
			r.sim.moves[n.ID] = append(r.sim.moves[n.ID], fmt.Sprintf("preset %d", integer(args["preset"])))
			return true, nil
		}),
	}
}

func (r *run) node(n Node) object {
	external := text(n.ExternalID)
	if r.set.EmptyExternal {
		external = n.ExternalID
	}
	return object{"__typename": plain("Node"), "node_id": plain(r.set.id(n.ID)), "parent_node_id": plain(r.set.id(n.Parent)),
		"type": plain(n.Type), "name": plain(text(n.Name)), "external_id": plain(external)}
}

func (r *run) camera(n Node) object {
	return object{"__typename": plain("Camera"), "node_id": plain(r.set.id(n.ID)), "name": plain(text(n.Name)),
		"recordings": r.needs("recordings", func(args map[string]any) (any, error) {
			all := []object{}
			for _, rec := range r.sim.record(n, integer(args["from"]), integer(args["to"])) {
				all = append(all, r.recording(rec))
			}
			return all, nil
		})}
}

var errNoNode = errors.New("no such node, or not for this token")

func (r *run) cameraOf(args map[string]any) (Node, error) {
	n, ok := r.sim.find(r.grant, integer(args["node_id"]))
	if !ok || n.Type != "camera" {
		return Node{}, errNoNode
	}
	return n, nil
}

// introspected is the little of a schema that a client may look at here: names of
// types and their fields.
func (r *run) introspected() object {
	types := []object{}
	names := make([]string, 0, len(r.sim.schema.Types))
	for name := range r.sim.schema.Types {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		def := r.sim.schema.Types[name]
		fields := []object{}
		for _, f := range def.Fields {
			fields = append(fields, object{"name": plain(f.Name)})
		}
		types = append(types, object{"name": plain(name), "kind": plain(string(def.Kind)),
			"fields": plain(fields)})
	}
	return object{"queryType": plain(object{"name": plain("Query")}), "mutationType": plain(object{"name": plain("Mutation")}), "types": plain(types)}
}
