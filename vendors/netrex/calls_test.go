package netrex_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/netrex"
	sim "latchkey/vendors/netrex/netrexsim"
)

// Every request that a task or a call sends, byte for byte: with literals, as the
// vendor's examples, and with variables, where a document has a header of its own.
func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		variables := func(o *netrex.Options) {
			o.Documents.NodesOf = "query($type: NodeType) { nodeList(type: $type) { node_id name } }"
			o.Documents.Recordings = "query R($node: Int!, $from: Int!, $to: Int!) { camera(node_id: $node) { recordings(from: $from, to: $to) { recording_id } } }"
			o.Documents.Prepare = "mutation($recording: String!, $height: Int!) { recordingPrepare(recording_id: $recording, height: $height) }"
		}
		var out []string
		for _, change := range []func(*netrex.Options){func(*netrex.Options) {}, variables} {
			cloud := bridgetest.Answers(`{"data":{"nodeList":[{"node_id":1000,"type":"folder"}],"recordingPrepare":true}}`)
			h := open(t, cloud, change, figures("peopleCountAverage", "peopleCountPassBy", "transactionCountPositive", "transactionCountNegative", "conversionCount"))
			note := func(what string) {
				for _, asked := range cloud.Asked() {
					out = append(out, what+": "+asked)
				}
				cloud.Forget()
			}
			h.MustRun("nodes")
			note("task nodes")
			for _, c := range []struct {
				name string
				args bridge.Args
			}{
				{"check", nil}, {"nodes", nil}, {"nodes", bridge.Args{"type": "dataView"}}, {"cameras", nil},
				{"statistic", bridge.Args{"node": 1001, "type": "conversionCount"}}, {"statistic", bridge.Args{"node": "a-b", "type": "x", "from": 1, "to": "2000-01-01T00:00:00Z"}},
				{"recordings", bridge.Args{"node": "1001"}}, {"recordings", bridge.Args{"node": 1001.0, "from": "946684800", "to": 946688400.0}},
				{"recording", bridge.Args{"recording": `r"1\"} <&`}}, {"prepare_recording", bridge.Args{"recording": "$height", "height": int64(720)}},
			} {
				_, _ = h.Call(c.name, c.args)
				note("call " + c.name)
			}
			_ = h.Run("statistics")
			note("task statistics")
			_ = h.Run("recordings")
			note("task recordings")
		}
		golden(t, "requests.golden", lines(out))
	})
}

// Every call against the simulator, with literals and with variables.
func TestCallsOnSim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, change := range []func(*netrex.Options){func(*netrex.Options) {}, func(o *netrex.Options) {
			o.Documents.NodesOf = "query($type: NodeType) { nodeList(type: $type) { node_id name } }"
			o.Documents.Recordings = "query R($node: Int!, $from: Int!, $to: Int!) { camera(node_id: $node) { recordings(from: $from, to: $to) { recording_id duration } } }"
			o.Documents.Recording = "query($recording: String!) { recording(recording_id: $recording) { recording_id duration } }"
			o.Documents.Statistic = "query($from: Int!, $to: Int!, $node: Int!, $type: StatisticDataMetricType!) { statisticDataMetric(from: $from, to: $to, node_id: $node, type: $type) }"
		}} {
			s := sim.New(sim.Options{})
			h := onSim(t, s, change)
			for _, c := range []struct {
				name, want string
				args       bridge.Args
			}{
				{"check", `{"cameras":4}`, nil},
				{"nodes", `"name":"Till"`, nil},
				{"nodes", `"node_id":2001`, bridge.Args{"type": "cashdesk"}},
				{"nodes", `[]`, bridge.Args{"type": "panel"}},
				{"cameras", `"name":"Yard"`, nil},
				{"statistic", `"value":12.5}`, bridge.Args{"node": 1001, "type": "conversionCount"}},
				{"recordings", `"duration":3600`, bridge.Args{"node": 1001}},
				{"recordings", `[]`, bridge.Args{"node": 1003}},
				{"recording", `"duration":3600`, bridge.Args{"recording": "rec-1"}},
			} {
				if got := result(t, h, c.name, c.args); !strings.Contains(got, c.want) {
					t.Errorf("%s %v: %s, want %s in it", c.name, c.args, got, c.want)
				}
			}
			if got := len(devices(h.Take())); got != 5 {
				t.Errorf("the call nodes reported %d devices, want 5", got)
			}
			for _, c := range []struct {
				name string
				args bridge.Args
			}{
				{"recordings", bridge.Args{"node": 1}}, {"recordings", bridge.Args{"node": 1000}}, {"recording", bridge.Args{"recording": "x"}},
				{"statistic", bridge.Args{"node": 1, "type": "conversionCount"}}, {"statistic", bridge.Args{"node": 1001, "type": "people"}}, {"nodes", bridge.Args{"type": "hovercraft"}},
			} {
				_, err := h.Call(c.name, c.args)
				if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonRejected {
					t.Errorf("%s %v: %+v, want rejected", c.name, c.args, f)
				}
			}
		}
	})
}

// A dead token, in each way in which the cloud may say it, is an error and no list.
func TestDeadToken(t *testing.T) {
	for dead, want := range map[sim.Dead]bridge.Reason{sim.Dead401: bridge.ReasonRejected, sim.Dead403: bridge.ReasonRejected, sim.DeadErrors: bridge.ReasonRejected, sim.DeadPage: bridge.ReasonNoAnswer} {
		s := sim.New(sim.Options{Settings: sim.Settings{Dead: dead}})
		h := open(t, bridgetest.Simulated(s.Handler(), base, "dead"))
		if f := bridgetest.Failed(t, h.Run("nodes")); f.Reason != want {
			t.Errorf("%q: %+v, want %s", dead, f, want)
		}
	}
}

// A token without the right is told so, and nothing else.
func TestMissingRight(t *testing.T) {
	s := sim.New(sim.Options{})
	h := open(t, bridgetest.Simulated(s.Handler(), base, s.PortalToken(sim.DemoUser, "read")))
	_, err := h.Call("recordings", bridge.Args{"node": 1001})
	if f := bridgetest.Failed(t, err); f.Reason != bridge.ReasonRejected || !strings.Contains(f.Message, "may lack a right") {
		t.Errorf("%+v", f)
	}
}

// A device's id serves where the node's own cannot stand in a topic.
func TestNodeByDevice(t *testing.T) {
	cloud := bridgetest.Answers(`{"data":{"nodeList":[{"node_id":"Cam/A","type":"camera"}],"camera":{"recordings":null}}}`)
	h := open(t, cloud)
	h.MustRun("nodes")
	for _, id := range []string{"Cam/A", bridge.DeviceID("Cam/A")} {
		cloud.Forget()
		if got := result(t, h, "recordings", bridge.Args{"node": id}); got != "[]" || !strings.Contains(cloud.Asked()[0], `node_id: \"Cam/A\"`) {
			t.Errorf("%s: %s, asked %v", id, got, cloud.Asked())
		}
	}
}

func TestMalformedArguments(t *testing.T) {
	cloud := bridgetest.Answers("{}")
	h := open(t, cloud)
	for _, c := range []struct {
		call string
		args bridge.Args
	}{
		{"recordings", bridge.Args{}}, {"recordings", bridge.Args{"node": nil}}, {"recordings", bridge.Args{"node": true}}, {"recordings", bridge.Args{"node": 1.5}},
		{"recordings", bridge.Args{"node": "a/b"}}, {"recordings", bridge.Args{"node": "1) { x } #"}}, {"recordings", bridge.Args{"node": "ü"}}, {"recordings", bridge.Args{"node": func() {}}},
		{"recordings", bridge.Args{"node": strings.Repeat("1", 300)}}, {"recordings", bridge.Args{"node": 1, "from": "yesterday"}}, {"recordings", bridge.Args{"node": 1, "to": -5}},
		{"recordings", bridge.Args{"node": 1, "from": 20, "to": 10}}, {"recordings", bridge.Args{"node": 1, "from": true}}, {"recordings", bridge.Args{"node": 1, "to": 1e18}},
		{"statistic", bridge.Args{"node": 1, "type": "x) { y"}}, {"statistic", bridge.Args{"node": 1, "type": ""}}, {"statistic", bridge.Args{"node": 1, "type": "☂"}},
		{"nodes", bridge.Args{"type": "camera) { name } #"}}, {"nodes", bridge.Args{"type": strings.Repeat("x", 300)}},
		{"prepare_recording", bridge.Args{"recording": "r", "height": int64(1), "node": "a/b"}},
	} {
		_, err := h.Call(c.call, c.args)
		if err == nil || bridgetest.Failed(t, err).Reason != bridge.ReasonMalformed {
			t.Errorf("%s %v: %v, want malformed", c.call, c.args, err)
		}
	}
	if len(cloud.Asked()) > 0 {
		t.Errorf("asked %v", cloud.Asked())
	}
}

// Answers of the other fields that are none: an error each.
func TestBadFields(t *testing.T) {
	for _, body := range []string{
		`{"data":{"camera":null,"recording":null,"recordingPrepare":null}}`, `{"data":{"camera":{"recordings":[{}]},"recording":5,"recordingPrepare":"yes","cameraList":{}}}`,
		`{"data":{"camera":{"recordings":5},"recording":[],"recordingPrepare":false,"cameraList":7}}`, `{"data":{}}`, "<html>", `{"data":{"camera":{"rec`,
	} {
		h := open(t, bridgetest.Answers(body))
		for _, c := range []struct {
			name string
			args bridge.Args
		}{{"recordings", bridge.Args{"node": 1}}, {"recording", bridge.Args{"recording": "r"}}, {"prepare_recording", bridge.Args{"recording": "r", "height": int64(1)}}} {
			if _, err := h.Call(c.name, c.args); err == nil {
				t.Errorf("%s: %s took it", body, c.name)
			} else {
				bridgetest.Failed(t, err)
			}
		}
		if facts := h.Take(); len(facts) != 0 {
			t.Errorf("%s: reported %v", body, facts)
		}
	}
	h := open(t, bridgetest.Answers(`{"data":{"recording":{"recording_id":5,"duration":"90","outputs":[{"height":"720"},{"height":null},{}],"download_url":{}}}}`))
	if got, want := result(t, h, "recording", bridge.Args{"recording": "5"}), `{"duration":90,"heights":[720],"ready":false,"recording_id":"5"}`; got != want {
		t.Errorf("lenient: %s, want %s", got, want)
	}
}

// A document that the cloud cannot run is refused, whatever the status of its errors.
func TestRefusedDocument(t *testing.T) {
	for _, status := range []int{0, 400} {
		s := sim.New(sim.Options{Settings: sim.Settings{ErrorStatus: status}})
		h := onSim(t, s, func(o *netrex.Options) { o.Documents.Check = "{ foo }" })
		if _, err := h.Call("check", nil); bridgetest.Failed(t, err).Reason != bridge.ReasonRejected {
			t.Errorf("errors with status %d: %v, want rejected", status, err)
		}
	}
}

// What the engine checks of arguments, every call declares.
func TestDeclarations(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range open(t, bridgetest.Answers("{}")).Calls {
		if !bridge.IsID(c.Name) || c.Summary == "" || seen[c.Name] || c.Do == nil {
			t.Errorf("call %+v", c)
		}
		seen[c.Name] = true
	}
	for _, own := range []string{"graphql", "refresh", "request", "introspect"} {
		if seen[own] {
			t.Errorf("the daemon adds %s by itself", own)
		}
	}
	if !seen["nodes"] || !seen["cameras"] {
		t.Error(fmt.Sprint("the Contract's calls are missing: ", seen))
	}
}
