package operations_test

import (
	"strings"
	"testing"

	"latchkey/bridge"
)

// What a reply means. A write of which nobody can say whether it was carried out
// is no_answer, never a failure.
func TestOutcomes(t *testing.T) {
	jsonOf := func(body string) bridge.Reply { return answer(body) }
	html := bridge.Reply{Status: 200, Type: "text/html", Body: []byte("<html>sign in</html>")}
	rows := []struct {
		name   string
		change func(*bridge.Operation)
		reply  bridge.Reply
		read   string // result, or reason with a part of the message
		write  string
	}{
		{"plain", nil, jsonOf(`{"a":[1,"x"]}`), `{"a":[1,"x"]}`, `{"a":[1,"x"]}`},
		{"all digits of an id", nil, jsonOf(`{"id":123456789012345678901}`), `{"id":123456789012345678901}`, `{"id":123456789012345678901}`},
		{"empty", nil, bridge.Reply{Status: 204}, "null", "null"},
		{"plain text", nil, bridge.Reply{Status: 200, Type: "text/plain", Body: []byte("OK")}, `"OK"`, `"OK"`},
		{"a picture", nil, bridge.Reply{Status: 200, Type: "image/png", Body: []byte("png")}, `{"content_type":"image/png","base64":"cG5n"}`, `{"content_type":"image/png","base64":"cG5n"}`},
		{"errors with 200", nil, jsonOf(`{"data":null,"errors":[{"message":"no right","extensions":{"code":"FORBIDDEN"}}]}`), "rejected: FORBIDDEN, no right", "rejected: FORBIDDEN, no right"},
		{"errors of JSON:API", nil, jsonOf(`{"errors":[{"code":"busy","title":"Unit is busy","detail":"of Mr X"}]}`), "rejected: busy, Unit is busy", "rejected: busy, Unit is busy"},
		{"no errors", nil, jsonOf(`{"data":1,"errors":[]}`), `{"data":1,"errors":[]}`, `{"data":1,"errors":[]}`},
		{"ok decides", func(o *bridge.Operation) { o.OK = ".data == 1" }, jsonOf(`{"data":1,"errors":[{"code":"odd"}]}`), `{"data":1,"errors":[{"code":"odd"}]}`, `{"data":1,"errors":[{"code":"odd"}]}`},
		{"ok says no", func(o *bridge.Operation) { o.OK = ".done" }, jsonOf(`{"done":false}`), "rejected: did not carry it out", "rejected: did not carry it out"},
		{"ok says nothing", func(o *bridge.Operation) { o.OK = ".done" }, jsonOf(`{}`), "rejected: did not carry it out", "rejected: did not carry it out"},
		{"ok breaks down", func(o *bridge.Operation) { o.OK = ".a.b" }, jsonOf(`{"a":1}`), "rejected: cannot be judged", "no_answer: cannot be judged"},
		{"a page to sign in", nil, html, "rejected: cannot be read", "no_answer: cannot be read"},
		{"half a reply", nil, jsonOf(`{"a":`), "rejected: cannot be read", "no_answer: cannot be read"},
		{"result", func(o *bridge.Operation) { o.Result = ".a" }, jsonOf(`{"a":7}`), "7", "7"},
		{"result breaks down after the deed", func(o *bridge.Operation) { o.Result = ".a.b" }, jsonOf(`{"a":7}`), "rejected: jq", "null"},
		{"a URL is a secret", nil, jsonOf(`{"url":"https://x.example/?token=1","n":1}`), `{"n":1,"url":"***"}`, `{"n":1,"url":"***"}`},
		{"unless it is public", func(o *bridge.Operation) { o.Public = true }, jsonOf(`{"url":"https://x.example/"}`), `{"url":"https://x.example/"}`, `{"url":"https://x.example/"}`},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			read, write := bridge.Operation{HTTP: "GET /a"}, bridge.Operation{HTTP: "POST /a", Write: true}
			if row.change != nil {
				row.change(&read)
				row.change(&write)
			}
			h := extend(t, bridge.Settings{Operations: map[string]bridge.Operation{"read": read, "write": write}}, bridge.Account{}, func(string, bridge.Request) (bridge.Reply, error) { return row.reply, nil })
			for name, want := range map[string]string{"read": row.read, "write": row.write} {
				got, err := h.ask(name, bridge.Device{}, nil)
				if err != nil {
					got = string(reason(err)) + ": " + err.Error()
				}
				why, part, failed := strings.Cut(want, ": ")
				if err == nil && got != want || err != nil && (!failed || !strings.HasPrefix(got, why+": ") || !strings.Contains(got, part)) || strings.Contains(got, "Mr X") {
					t.Errorf("%s: got %s, want %s", name, got, want)
				}
			}
			if n := strings.Count(h.cloud.lines(), "act "); n != 1 {
				t.Errorf("%d writes sent, want 1", n)
			}
		})
	}
}

// The cloud client's own failures pass, with the vendor's first error added.
func TestFailuresOfTheClient(t *testing.T) {
	failure := &bridge.Failure{Reason: bridge.ReasonRejected, Status: 423, Message: "the cloud answered 423", Detail: []byte(`{"errors":[{"code":"busy","title":"Unit is busy"}]}`)}
	h := extend(t, theExample(), bridge.Account{}, func(string, bridge.Request) (bridge.Reply, error) { return bridge.Reply{}, failure })
	_, err := h.ask("open", bridge.Device{ID: "17", Original: "17"}, bridge.Args{"note": "x"})
	got, ok := err.(*bridge.Failure)
	if !ok || got.Status != 423 || got.Message != "the cloud answered 423: busy, Unit is busy" || failure.Message != "the cloud answered 423" {
		t.Errorf("got %v", err)
	}
}

// A write outside of a command is impossible, also for an operation.
func TestWriteWithoutPermit(t *testing.T) {
	h := extend(t, theExample(), bridge.Account{}, nil)
	_, err := h.named("open").Do(t.Context(), bridge.Order{Device: bridge.Device{ID: "17", Original: "17"}, Args: bridge.Args{"note": "x"}})
	if reason(err) != bridge.ReasonDenied || h.cloud.lines() != "" {
		t.Errorf("got %v, sent %q", err, h.cloud.lines())
	}
}
