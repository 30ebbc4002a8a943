package netrexsim

import (
	"errors"
	"strconv"
	"time"
)

// step is the grain of the data: it is kept in quarters of an hour, and a quarter
// counts once it is over.
const step = 15 * 60

// counted is the figure of one quarter of an hour of a camera: made up, but always
// the same, so that a test can add it up.
func counted(node, quarter int64) int64 { return (node + quarter) % 7 }

// Counted is what all cameras below a node have counted between two Unix times.
func (s *Sim) Counted(node, from, to int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sum(below(s.nodes, node), from, to)
}

func sum(cameras []Node, from, to int64) (n int64) {
	for _, c := range cameras {
		for q := (from + step - 1) / step; (q+1)*step <= min(to, time.Now().Unix()); q++ {
			n += counted(c.ID, q)
		}
	}
	return n
}

var errWindow = errors.New("from is after to, or spans more than ten years")

func (r *run) window(args map[string]any) (cameras []Node, from, to int64, err error) {
	from, to = integer(args["from"]), integer(args["to"])
	if from > to || to-from > 10*366*24*3600 {
		return nil, 0, 0, errWindow
	}
	top, ok := r.sim.find(r.grant, integer(args["node_id"]))
	if !ok {
		return nil, 0, 0, errNoNode
	}
	return below(r.sim.visible(r.grant), top.ID), from, to, nil
}

func (r *run) figure(f float64) any {
	if r.set.TextNumbers {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return f
}

func (r *run) statisticData(args map[string]any) (any, error) {
	cameras, from, to, err := r.window(args)
	if err != nil {
		return nil, err
	}
	return r.figure(float64(sum(cameras, from, to))), nil
}

func (r *run) statisticMetric(args map[string]any) (any, error) {
	cameras, from, to, err := r.window(args)
	if err != nil {
		return nil, err
	}
	return r.figure(metric(args["type"], cameras, from, to)), nil
}

func metric(kind any, cameras []Node, from, to int64) float64 {
	n := float64(sum(cameras, from, to))
	switch kind {
	case "peopleCountAverage":
		return n / 4
	case "conversionCount":
		return 12.5
	case "transactionCountNegative":
		return float64(int64(n) / 10)
	}
	return n
}

func (r *run) statisticRows(args map[string]any) (any, error) {
	cameras, from, to, err := r.window(args)
	if err != nil {
		return nil, err
	}
	quarter := r.set.QuarterHour
	if quarter == "" {
		quarter = "HQ"
	}
	width, ok := map[any]int64{quarter: step, "H": 3600, "H4": 4 * 3600, "H8": 8 * 3600, "H12": 12 * 3600, "D": 24 * 3600, "W": 7 * 24 * 3600, "M": 30 * 24 * 3600}[args["granularity"]]
	if !ok {
		return nil, errors.New("no such granularity")
	}
	if (to-from)/width > 10000 {
		return nil, errWindow
	}
	rows := []any{}
	for at := from; at < to; at += width {
		rows = append(rows, r.figure(metric(args["type"], cameras, at, min(at+width, to))))
	}
	return rows, nil
}
