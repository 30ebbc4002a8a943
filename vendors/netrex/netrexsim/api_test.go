package netrexsim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge/simkit"
	sim "latchkey/vendors/netrex/netrexsim"
)

// The sheet's example, and the other shapes of the tree.
func TestNodes(t *testing.T) {
	c := open(t, sim.Options{})
	token := c.issue(sim.DemoUser, "read").Access
	for query, want := range map[string]string{
		"{ nodeList { node_id parent_node_id type name } }":                                           `{"data":{"nodeList":[{"name":"Depot","node_id":1000,"parent_node_id":null,"type":"folder"},{"name":"Yard","node_id":1001,"parent_node_id":1000,"type":"camera"}`,
		"{ nodeList(type: camera) { name external_id } }":                                             `{"data":{"nodeList":[{"external_id":"yard-1","name":"Yard"},{"external_id":null,"name":"Gate"},{"external_id":null,"name":null},{"external_id":null,"name":"Attic"}]}}`,
		"query Q($t: NodeType) { a: nodeList(type: $t) { ...F } } fragment F on Node { id: node_id }": `{"data":{"a":[{"id":1000},`,
		"{ nodeList(type: dashboard) { node_id } }":                                                   `{"data":{"nodeList":[]}}`,
		"{ camera(node_id: 1002) { ... on Camera { name __typename } } }":                             `{"data":{"camera":{"__typename":"Camera","name":"Gate"}}}`,
		"{ camera(node_id: 1) { name } cameraList { node_id } }":                                      `"path":["camera"]`,
		"{ camera(node_id: 1000) { name } }":                                                          `"camera":null`,
		"{ nodeList { foo } }":                                                                        `{"errors":[{"message":"Cannot query field \"foo\"`,
		"{ nodeList(kind: camera) { name } }":                                                         `{"errors":[{"message":"Unknown argument`,
		`{ nodeList(type: "camera") { name } }`:                                                       `{"errors":[{"message":"Enum`,
		`{ camera(node_id: "1001") { name } }`:                                                        `{"errors":[{"message":"Int cannot represent`,
		"{ nodeList { name }":                                                                         `{"errors":[`,
		"query A { cameraList { name } } query B { cameraList { name } }":                             `{"errors":[{"message":"no such operation"`,
		"query Q($n: Int!) { camera(node_id: $n) { name } }":                                          `{"errors":[`,
		"{ __schema { queryType { name } } }":                                                         `"__schema":null`,
		"mutation { demoGotoPreset(node_id: 1001, preset: 3) }":                                       `liveview_ptz`,
		"{ camera(node_id: 1001) { recordings(from: 1, to: 2) { recording_id } } }":                   `"recordings":null`,
		"mutation { recordingPrepare(recording_id: \"x\", height: 1) }":                               `the right recordings`,
		"{ statisticData(node_id: 1001, type: peopleCountIn, from: 0, to: 0) }":                       `{"data":{"statisticData":0}}`,
	} {
		if got := c.ask(token, query); !strings.Contains(got, want) {
			t.Errorf("%s:\n got %s\nwant %s in it", query, got, want)
		}
	}
	c.Change(func(s *sim.Settings) {
		s.TextIDs, s.NullLists, s.EmptyExternal, s.Introspection = true, true, true, true
	})
	for query, want := range map[string]string{
		"{ nodeList(type: camera) { node_id external_id } }": `{"external_id":"","node_id":"1002"}`,
		"{ nodeList(type: dashboard) { node_id } }":          `{"data":{"nodeList":null}}`,
		"{ __schema { queryType { name } types { name } } }": `{"name":"StatisticDataMetricType"}`,
	} {
		if got := c.ask(token, query); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s in it", query, got, want)
		}
	}
	c.Remove(1002)
	c.Seed(sim.Node{ID: 7, Type: "camera", Name: "New"})
	if got := c.ask(token, "{ cameraList { name } }"); strings.Contains(got, "Gate") || !strings.Contains(got, "New") {
		t.Errorf("after a change of the tree: %s", got)
	}
}

func TestBadRequests(t *testing.T) {
	c := open(t, sim.Options{})
	token := c.issue(sim.DemoUser, "read").Access
	if got := c.do("GET", "/api/graphql.php", ""); got.status != 405 || !strings.Contains(got.body, `"errors"`) {
		t.Errorf("GET: HTTP %d %s", got.status, got.body)
	}
	for _, body := range []string{"", "{", "[]", `{"query":""}`, `{"x":1}`} {
		if got := c.post(token, body); got.status != 400 || !strings.Contains(got.body, `"errors"`) {
			t.Errorf("%q: HTTP %d %s", body, got.status, got.body)
		}
	}
	form := c.do("POST", "/api/graphql.php", "query={}", "Authorization", "Bearer "+token, "Content-Type", "application/x-www-form-urlencoded")
	if form.status != 400 {
		t.Errorf("a form: HTTP %d", form.status)
	}
	with := `{"query":"query Q($n: Int!) { camera(node_id: $n) { name } }","variables":{"n":1001},"operationName":"Q"}`
	if got := c.post(token, with); got.body != `{"data":{"camera":{"name":"Yard"}}}` {
		t.Errorf("variables: %s", got.body)
	}
	c.Change(func(s *sim.Settings) { s.NoVariables = true })
	if got := c.post(token, with); !strings.Contains(got.body, `"errors"`) {
		t.Errorf("variables are not understood: %s", got.body)
	}
	if got := c.post(token, `{"query":"{ foo }"}`); got.status != 200 || !strings.Contains(got.body, `{"errors":[`) {
		t.Errorf("an unknown field: HTTP %d %s", got.status, got.body)
	}
	c.Change(func(s *sim.Settings) { s.ErrorStatus = 400 })
	if got := c.post(token, `{"query":"{ foo }"}`); got.status != 400 || !strings.Contains(got.body, `{"errors":[`) {
		t.Errorf("an unknown field, with its own status: HTTP %d %s", got.status, got.body)
	}
	if got := c.do("GET", "/nowhere", ""); got.status != 404 || !strings.Contains(got.body, "<h1>") {
		t.Errorf("another page: HTTP %d", got.status)
	}
}

// No, a dead or a revoked bearer, in each of the plausible ways.
func TestDeadBearer(t *testing.T) {
	for dead, want := range map[sim.Dead]string{sim.Dead401: "401 {", sim.Dead403: "403 {", sim.DeadErrors: `200 {"errors"`, sim.DeadPage: "200 <!doctype"} {
		c := open(t, sim.Options{Settings: sim.Settings{Dead: dead}})
		for _, token := range []string{"", "x"} {
			got := c.post(token, `{"query":"{ cameraList { name } }"}`)
			if text := fmt.Sprint(got.status, " ", got.body); !strings.HasPrefix(text, want) {
				t.Errorf("%q: %s, want %s", dead, text, want)
			}
		}
	}
}

type recordings struct {
	Data struct {
		Camera struct {
			Recordings []struct {
				ID       string `json:"recording_id"`
				Duration int
				Link     *string `json:"download_url"`
				Outputs  []struct{ Height int }
			}
		}
	}
}

func TestRecordings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, sim.Options{})
		token := c.issue(sim.DemoUser, "read,recordings").Access
		now := time.Now().Unix()
		list := func(node int, from, to int64) (out recordings) {
			got := c.ask(token, fmt.Sprintf("{ camera(node_id: %d) { recordings(from: %d, to: %d) { recording_id duration download_url outputs { height } } } }", node, from, to))
			if err := json.Unmarshal([]byte(got), &out); err != nil || strings.Contains(got, "errors") {
				t.Fatalf("%s: %v", got, err)
			}
			return out
		}
		all := list(1001, now-5400, now).Data.Camera.Recordings
		if len(all) != 2 || all[0].Duration != 3600 || all[1].Duration != 1800 || all[0].Link != nil || len(all[0].Outputs) != 3 {
			t.Fatalf("recordings: %+v", all)
		}
		if again := list(1001, now-5400, now).Data.Camera.Recordings; again[0].ID == all[0].ID {
			t.Error("a query gives the ids of the one before")
		}
		for _, none := range []recordings{list(1003, now-5400, now), list(1001, now+60, now+120), list(1001, 1, 2)} {
			if len(none.Data.Camera.Recordings) != 0 {
				t.Errorf("a window without recording: %+v", none)
			}
		}
		prepare := func(id string, height int) string {
			return c.ask(token, fmt.Sprintf("mutation { recordingPrepare(recording_id: %q, height: %d) }", id, height))
		}
		poll := func() string {
			return c.ask(token, fmt.Sprintf("{ recording(recording_id: %q) { download_url } }", all[0].ID))
		}
		for _, got := range []string{prepare("x", 720), prepare(all[0].ID, 719)} {
			if !strings.Contains(got, `"errors"`) {
				t.Errorf("refused: %s", got)
			}
		}
		if got := prepare(all[0].ID, 720); got != `{"data":{"recordingPrepare":true}}` || c.Prepared() != 1 {
			t.Errorf("prepared %d: %s", c.Prepared(), got)
		}
		if got := poll(); got != `{"data":{"recording":{"download_url":null}}}` {
			t.Errorf("at once: %s", got)
		}
		time.Sleep(5 * time.Second)
		path := "/download/" + all[0].ID
		if got := poll(); got != `{"data":{"recording":{"download_url":"http://127.0.0.1:8080`+path+`"}}}` {
			t.Errorf("ready: %s", got)
		}
		if got := c.do("GET", path, ""); got.status != 200 || got.header.Get("Content-Type") != "video/mp4" {
			t.Errorf("download: HTTP %d", got.status)
		}
		c.Change(func(s *sim.Settings) { s.DownloadBearer, s.DownloadLife, s.PrepareRefused = true, time.Minute, true })
		if got := c.do("GET", path, ""); got.status != 401 {
			t.Errorf("download without a bearer: HTTP %d", got.status)
		}
		if got := c.do("GET", path, "", "Authorization", "Bearer "+token); got.status != 200 {
			t.Errorf("download with a bearer: HTTP %d", got.status)
		}
		if got := prepare(all[1].ID, 720); got != `{"data":{"recordingPrepare":false}}` {
			t.Errorf("not begun: %s", got)
		}
		time.Sleep(time.Minute)
		if got := c.do("GET", path, "", "Authorization", "Bearer "+token); got.status != 404 {
			t.Errorf("download too late: HTTP %d", got.status)
		}
		guest := c.issue(sim.DemoGuest, "recordings").Access
		if c.Log.Reset(); !strings.Contains(c.ask(guest, `{ recording(recording_id: "nothing") { duration } }`), "no such recording") {
			t.Error("an unknown recording is none")
		}
	})
}

// Figures grow in steps of 15 minutes, and a folder sums what is below it.
func TestStatistics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, sim.Options{})
		token := c.PortalToken(sim.DemoUser, "read") // it does not end meanwhile
		from := time.Now().Unix()
		ask := func(node int, kind string) string {
			return c.ask(token, fmt.Sprintf("{ statisticDataMetric(from: %d, to: %d, type: %s, node_id: %d) }", from, time.Now().Unix(), kind, node))
		}
		want := func(got string, n any) {
			t.Helper()
			if text := fmt.Sprintf(`{"data":{"statisticDataMetric":%v}}`, n); got != text {
				t.Errorf("got %s, want %s", got, text)
			}
		}
		time.Sleep(14 * time.Minute)
		want(ask(1001, "peopleCountPassBy"), 0)
		time.Sleep(2*time.Hour + time.Minute)
		cameras := []int64{c.Counted(1001, from, time.Now().Unix()), c.Counted(1002, from, time.Now().Unix()), c.Counted(1003, from, time.Now().Unix())}
		want(ask(1001, "peopleCountPassBy"), cameras[0])
		want(ask(1010, "transactionCountPositive"), cameras[1]+cameras[2])
		want(ask(1000, "peopleCountPassBy"), cameras[0]+cameras[1]+cameras[2])
		want(ask(1400, "conversionCount"), 12.5)
		if cameras[0] == 0 || ask(1001, "peopleCountAverage") == ask(1001, "transactionCountNegative") {
			t.Error("figures that prove nothing")
		}
		for _, bad := range []string{ask(1, "peopleCountPassBy"), ask(1001, "people"), c.ask(token, "{ statisticDataMetric(from: 2, to: 1, type: conversionCount, node_id: 1001) }")} {
			if !strings.Contains(bad, `"errors"`) {
				t.Errorf("refused: %s", bad)
			}
		}
		rows := func(granularity string) string {
			return c.ask(token, fmt.Sprintf("{ statisticDataMetricByGranularity(from: %d, to: %d, type: peopleCountPassBy, node_id: 1001, granularity: %s) }", from, from+7200, granularity))
		}
		for granularity, n := range map[string]int{"HQ": 8, "H": 2, "D": 1} {
			if got := rows(granularity); strings.Count(got, ",") != n-1 || strings.Contains(got, "errors") {
				t.Errorf("%s: %s, want %d values", granularity, got, n)
			}
		}
		if got := rows("QH"); !strings.Contains(got, "errors") {
			t.Errorf("QH: %s", got)
		}
		c.Change(func(s *sim.Settings) { s.QuarterHour, s.TextNumbers = "QH", true })
		if got := rows("QH"); !strings.Contains(got, `["`) {
			t.Errorf("QH, allowed, as text: %s", got)
		}
	})
}

// The invented mutation moves something, and it is counted.
func TestMoves(t *testing.T) {
	c := open(t, sim.Options{})
	token := c.issue(sim.DemoUser, "liveview_ptz,read").Access
	if got := c.ask(token, "mutation($p: Int!) { demoGotoPreset(node_id: 1001, preset: $p) }"); !strings.Contains(got, "errors") {
		t.Errorf("a variable is missing: %s", got)
	}
	if got := c.ask(token, "mutation { demoGotoPreset(node_id: 1001, preset: 3) }"); got != `{"data":{"demoGotoPreset":true}}` {
		t.Errorf("moved: %s", got)
	}
	if got := c.Moves(1001); len(got) != 1 || got[0] != "preset 3" {
		t.Errorf("moves: %v", got)
	}
	if got := c.ask(token, "{ demoState(node_id: 1001) { preset } }"); got != `{"data":{"demoState":{"preset":1}}}` {
		t.Errorf("state: %s", got)
	}
}

// Busy clouds: faults of the kit reach the API.
func TestFaults(t *testing.T) {
	c := open(t, sim.Options{})
	token := c.issue(sim.DemoUser, "read").Access
	const on, query = "POST /api/graphql.php", `{"query":"{ cameraList { name } }"}`
	c.Faults.Add(simkit.Fault{On: on, Do: simkit.HTML(503)})
	if got := c.post(token, query); got.status != 503 || !strings.HasPrefix(got.body, "<") {
		t.Errorf("HTML: HTTP %d %s", got.status, got.body)
	}
	c.Faults.Add(simkit.Fault{On: on, Do: simkit.Trickle(time.Millisecond)})
	if got := c.post(token, query); got.status != 200 || !json.Valid([]byte(got.body)) {
		t.Errorf("a slow body: HTTP %d %s", got.status, got.body)
	}
	c.Faults.Add(simkit.Fault{On: on, Do: simkit.Huge(1 << 20)})
	got := c.do("POST", "/api/graphql.php", query, "Authorization", "Bearer "+token, "Content-Type", "application/json")
	if len(got.body) != 1<<20 {
		t.Errorf("an oversize body of %d bytes", len(got.body))
	}
}
