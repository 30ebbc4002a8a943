package netrex

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"latchkey/bridge"
)

// The names of the tasks, for Due.
const (
	taskNodes      = "nodes"
	taskStatistics = "statistics"
	taskRecordings = "recordings"
)

// quarter is the step in which the cloud keeps its figures: asking more often
// gains nothing.
const quarter = 15 * time.Minute

// account is one token's view of the tree at work: what tasks and calls share.
type account struct {
	client
	id      string
	name    string
	options *Options
	figures map[ID][]string // types, by node
	records bool            // the token may have the right to recordings
	log     *slog.Logger
	tree    tree
	shelf   shelf
	refused refused
}

// Open makes the account's functions.
func (o *Options) Open(s bridge.Settings, env bridge.Env) (bridge.Account, error) {
	a := &account{
		client: client{cloud: env.Cloud, path: o.Paths.GraphQL, documents: o.Documents},
		id:     s.ID, name: s.Name, options: o, figures: map[ID][]string{}, log: env.Log,
		// The rights of a portal token are not told.
		records: s.Grant == bridge.GrantToken || slices.Contains(words(s.Scope), "recordings"),
	}
	tasks := []bridge.Task{{Name: taskNodes, Every: s.Poll, Do: func(ctx context.Context, report bridge.Report) error {
		_, err := a.readNodes(ctx, report)
		return err
	}}}
	for _, st := range o.Statistics {
		a.figures[st.Node] = append(a.figures[st.Node], st.Types...)
	}
	if len(a.figures) > 0 {
		tasks = append(tasks, bridge.Task{Name: taskStatistics, Every: quarter, Do: a.readStatistics})
	}
	if a.records {
		tasks = append(tasks, bridge.Task{Name: taskRecordings, Every: time.Hour, Do: a.watch})
	}
	return bridge.Account{Tasks: tasks, Calls: a.calls()}, nil
}

func (a *account) readNodes(ctx context.Context, report bridge.Report) (json.RawMessage, error) {
	raw, all, err := a.nodes(ctx, "")
	if err == nil {
		a.replace(all, report)
	}
	return raw, err
}
