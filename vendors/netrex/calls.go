package netrex

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge"
)

// calls are all reads, so each may be repeated after a lost answer.
func (a *account) calls() []bridge.Call {
	// Ids are numbers in all samples and text in topics: both are taken. So are
	// times, which the vendor writes in Unix seconds.
	node := bridge.Arg{Name: "node", Type: bridge.ArgJSON}
	moment := func(name string) bridge.Arg { return bridge.Arg{Name: name, Type: bridge.ArgJSON, Optional: true} }
	id := bridge.Arg{Name: "recording", Type: bridge.ArgText, Min: 1, Max: 256}
	anyNode := node
	anyNode.Optional = true
	return []bridge.Call{
		{Name: "check", Summary: "asks the smallest question: does the token serve?", Do: a.checkCall},
		{Name: "nodes", Summary: "all nodes that the token may see, or those of one type",
			Args: []bridge.Arg{{Name: "type", Type: bridge.ArgText, Optional: true, Max: 64}}, Do: a.nodesCall},
		{Name: "cameras", Summary: "all cameras that the token may see", Do: func(ctx context.Context, _ bridge.Order) (any, error) {
			raw, _, err := a.nodes(ctx, kindCamera)
			return data(raw, err)
		}},
		{Name: "statistic", Summary: "one figure of a camera or of a folder with all below it; from local midnight until now unless told",
			Args: []bridge.Arg{node, {Name: "type", Type: bridge.ArgText, Min: 1, Max: 64}, moment("from"), moment("to")}, Do: a.statisticCall},
		{Name: "recordings", Summary: "recordings of a camera, of the last hour unless told; the ids are made by this question",
			Args: []bridge.Arg{node, moment("from"), moment("to")}, Do: a.recordingsCall},
		{Name: "prepare_recording", Summary: "has the cloud prepare a recording for download, the largest unless told; the event recording_ready follows",
			Args: []bridge.Arg{id, {Name: "height", Type: bridge.ArgInt, Min: 1, Max: 100000, Optional: true}, anyNode}, Do: a.startPreparing},
		{Name: "recording", Summary: "whether a recording is ready, and with `links: true` its address",
			Args: []bridge.Arg{id}, Do: func(ctx context.Context, o bridge.Order) (any, error) {
				r, err := a.recording(ctx, o.Args.Text("recording"))
				if err != nil {
					return nil, err
				}
				return a.shown(r), nil
			}},
	}
}

func (a *account) checkCall(ctx context.Context, _ bridge.Order) (any, error) {
	raw, err := a.ask(ctx, a.documents.Check, nil, "cameraList")
	var all []json.RawMessage
	if err == nil && json.Unmarshal(raw, &all) != nil {
		err = odd("cameraList")
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"cameras": len(all)}, nil
}

func (a *account) nodesCall(ctx context.Context, o bridge.Order) (any, error) {
	kind := o.Args.Text("type")
	if kind == "" {
		return data(a.readNodes(ctx, o.Report))
	}
	raw, _, err := a.nodes(ctx, kind)
	return data(raw, err)
}

// data is the vendor's as the result of a call.
func data(raw json.RawMessage, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v []any
	if err := d.Decode(&v); err != nil {
		return nil, odd("nodeList")
	}
	if v == nil {
		v = []any{}
	}
	return v, nil
}

func (a *account) statisticCall(ctx context.Context, o bridge.Order) (any, error) {
	id, err := a.nodeOf(o.Args)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	from, to, err := window(o.Args, midnight(now), now)
	if err != nil {
		return nil, err
	}
	f, err := a.statistic(ctx, id, o.Args.Text("type"), from, to)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"node": string(id), "type": o.Args.Text("type"), "from": from.Unix(), "to": to.Unix(), "value": nil}
	if f.known {
		out["value"] = f.value
	}
	return out, nil
}

func (a *account) recordingsCall(ctx context.Context, o bridge.Order) (any, error) {
	id, err := a.nodeOf(o.Args)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	from, to, err := window(o.Args, time.Time{}, now)
	if err != nil {
		return nil, err
	}
	if from.IsZero() {
		from = to.Add(-time.Hour)
	}
	all, err := a.recordings(ctx, id, from, to)
	if err != nil {
		return nil, err
	}
	a.shelf.note(id, all)
	list := make([]any, len(all))
	for i, r := range all {
		list[i] = a.shown(r)
	}
	return list, nil
}

// nodeOf is the node that the arguments name: by the vendor's id, or by that of its
// device.
func (a *account) nodeOf(args bridge.Args) (ID, error) {
	raw, err := json.Marshal(args["node"])
	var id word
	if err == nil {
		err = id.UnmarshalJSON(raw)
	}
	original, known := a.tree.original(string(id))
	fits := id != "" && len(id) <= bridge.MaxID && strings.Trim(string(id), "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") == ""
	if err != nil || !known && !fits {
		return "", malformed("argument node is no id")
	}
	return ID(original), nil
}

// window reads the arguments from and to.
func window(args bridge.Args, from, to time.Time) (time.Time, time.Time, error) {
	to, err := momentOf(args, "to", to)
	if err != nil {
		return from, to, err
	}
	if from, err = momentOf(args, "from", from); err == nil && from.After(to) {
		err = malformed("from is after to")
	}
	return from, to, err
}

// momentOf reads Unix seconds, number or text, or an RFC 3339 time.
func momentOf(args bridge.Args, name string, standard time.Time) (time.Time, error) {
	if args[name] == nil {
		return standard, nil
	}
	raw, err := json.Marshal(args[name])
	var w word
	if err == nil {
		err = w.UnmarshalJSON(raw)
	}
	if seconds, bad := strconv.ParseInt(string(w), 10, 64); bad == nil && seconds >= 0 && seconds < 1<<33 {
		return time.Unix(seconds, 0), nil
	}
	t, bad := time.Parse(time.RFC3339, string(w))
	if err != nil || bad != nil {
		return t, malformed("argument %s is no time such as 2026-01-02T03:04:05Z or 1767323045", name)
	}
	return t, nil
}
