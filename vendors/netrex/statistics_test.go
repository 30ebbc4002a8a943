package netrex_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/netrex"
	sim "latchkey/vendors/netrex/netrexsim"
)

func figures(types ...string) func(*netrex.Options) {
	return func(o *netrex.Options) { o.Statistics = []netrex.Statistic{{Node: "1000", Types: types}} }
}

// onlyFigures leaves out what is not of a statistic.
func onlyFigures(facts []bridge.Fact) (all []string) {
	for _, line := range told(facts) {
		if !strings.Contains(line, "/listed ") && !strings.HasPrefix(line, "overview/") {
			all = append(all, line)
		}
	}
	return all
}

// Figures of the day, of a folder with all below it, from local midnight on.
func TestStatistics(t *testing.T) {
	for _, text := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := sim.New(sim.Options{Settings: sim.Settings{TextNumbers: text}})
			h := onSim(t, s, figures("peopleCountPassBy", "conversionCount"))
			h.MustRun("statistics")
			if got := h.Take(); len(got) != 0 {
				t.Fatalf("before the list: %v", got)
			}
			time.Sleep(30*time.Hour + 7*time.Minute)
			h.MustRun("nodes")
			if got := due(h.Take()); len(got) != 1 || got[0] != "statistics in 0s" {
				t.Errorf("due %v, want the figures that were asked for too early", got)
			}
			h.MustRun("statistics")
			now := time.Now()
			y, m, d := now.Date()
			n := s.Counted(1000, time.Date(y, m, d, 0, 0, 0, 0, time.Local).Unix(), now.Unix())
			want := []string{fmt.Sprintf("1000/people_passed_by %d", n), "1000/conversion 12.5"}
			if diff := cmp.Diff(want, onlyFigures(h.Take())); diff != "" || n == 0 {
				t.Errorf("figures (-want +got):\n%s", diff)
			}
		})
	}
}

// A figure that is refused is unknown, told once, and does not keep others away.
func TestRefusedFigure(t *testing.T) {
	h := open(t, &bridgetest.FakeCloud{Answer: func(r bridge.Request) (bridge.Reply, error) {
		query := fmt.Sprintf("%s", r.JSON)
		body := `{"data":{"nodeList":[{"node_id":1000,"type":"folder"}]}}`
		switch {
		case strings.Contains(query, "peopleCountPassBy"):
			body = `{"errors":[{"message":"no"}],"data":{"statisticDataMetric":null}}`
		case strings.Contains(query, "statistic"):
			body = `{"data":{"statisticDataMetric":" 1e3 "}}`
		}
		return bridge.Reply{Status: 200, Body: []byte(body)}, nil
	}}, figures("peopleCountPassBy", "transactionCountPositive"))
	h.MustRun("nodes", "statistics", "statistics")
	want := []string{"1000/people_passed_by None", "1000/transactions_positive 1000"}
	if diff := cmp.Diff(append(want, want...), onlyFigures(h.Take())); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	if got := strings.Count(h.Log.String(), "the cloud refuses a figure"); got != 1 {
		t.Errorf("told %d times, want once:\n%s", got, h.Log.String())
	}
}

// What is no figure, and what is no refusal.
func TestFigureAnswers(t *testing.T) {
	for body, want := range map[string]string{
		`{"data":{"statisticDataMetric":null}}`: "None", `{"data":{"statisticDataMetric":0}}`: "0", `{"data":{"statisticDataMetric":-2.5}}`: "-2.5",
		`{"data":{"statisticDataMetric":"x"}}`: "error", `{"data":{"statisticDataMetric":"NaN"}}`: "error", `{"data":{"statisticDataMetric":[1]}}`: "error", `{"data":{}}`: "error", "<p>": "error",
	} {
		nodes := true
		h := open(t, &bridgetest.FakeCloud{Answer: func(bridge.Request) (bridge.Reply, error) {
			text := body
			if nodes {
				text = `{"data":{"nodeList":[{"node_id":1000,"type":"folder"}]}}`
			}
			nodes = false
			return bridge.Reply{Status: 200, Body: []byte(text)}, nil
		}}, figures("peopleCountPassBy"))
		h.MustRun("nodes")
		h.Take()
		got := "error"
		if err := h.Run("statistics"); err == nil {
			got = strings.TrimPrefix(onlyFigures(h.Take())[0], "1000/people_passed_by ")
		}
		if got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}

// The cloud's own trouble ends the round; a status of 400 for a refused query does not.
func TestFigureFailures(t *testing.T) {
	for status, ends := range map[int]bool{400: false, 401: true, 403: true, 404: true, 422: false} {
		nodes := true
		cloud := &bridgetest.FakeCloud{Answer: func(bridge.Request) (bridge.Reply, error) {
			if nodes {
				nodes = false
				return bridge.Reply{Status: 200, Body: []byte(`{"data":{"nodeList":[{"node_id":1000,"type":"folder"}]}}`)}, nil
			}
			return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Status: status, Message: "no"}
		}}
		h := open(t, cloud, figures("peopleCountPassBy", "conversionCount"))
		h.MustRun("nodes")
		if err := h.Run("statistics"); (err != nil) != ends || len(cloud.Asked()) != map[bool]int{true: 2, false: 3}[ends] {
			t.Errorf("HTTP %d: %v after %d requests, want it ended: %v", status, err, len(cloud.Asked()), ends)
		}
	}
}

// A node that comes later gets its figures at once.
func TestFiguresOfNewNode(t *testing.T) {
	s := sim.New(sim.Options{})
	h := onSim(t, s, func(o *netrex.Options) {
		o.Statistics = []netrex.Statistic{{Node: "3000", Types: []string{"conversionCount"}}}
	})
	h.MustRun("nodes", "statistics")
	if got := onlyFigures(h.Take()); len(got) != 0 {
		t.Errorf("figures of no node: %v", got)
	}
	s.Seed(sim.Node{ID: 3000, Type: "dashboard", Name: "Door"})
	h.MustRun("nodes")
	if got := due(h.Take()); len(got) != 1 {
		t.Errorf("due: %v", got)
	}
}
