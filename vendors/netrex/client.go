package netrex

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"latchkey/bridge"
)

// client asks the GraphQL endpoint. Errors are *bridge.Failure.
type client struct {
	cloud     bridge.Cloud
	path      string
	documents Documents
}

const (
	answerLimit = 8 << 20 // there is no paging: ten thousand nodes come at once
	detailMost  = 2 << 10
)

// ask sends a document and returns its field. Preparing a recording goes this way,
// too: it moves nothing, and asking twice is harmless (inferred).
func (c client) ask(ctx context.Context, text string, with values, field string) (json.RawMessage, error) {
	query, err := body(text, with)
	if err != nil {
		return nil, malformed("%v", err)
	}
	reply, err := c.cloud.Read(ctx, bridge.Request{Method: http.MethodPost, Path: c.path, JSON: query, Limit: answerLimit})
	if err != nil {
		return nil, err
	}
	return read(reply, field)
}

// read looks at errors first: both members may be there, and a status of 200.
func read(reply bridge.Reply, field string) (json.RawMessage, error) {
	fail := func(reason bridge.Reason, format string, args ...any) error {
		return &bridge.Failure{Reason: reason, Status: reply.Status, Message: fmt.Sprintf(format, args...), Detail: detail(reply.Body)}
	}
	if bytes.HasPrefix(bytes.TrimSpace(reply.Body), []byte("<")) {
		return nil, fail(bridge.ReasonNoAnswer, "the cloud answered with a page instead of data: it may be down, or want a new sign-in")
	}
	var a answer
	if err := json.Unmarshal(reply.Body, &a); err != nil {
		return nil, fail(bridge.ReasonNoAnswer, "the cloud's answer is not understood")
	}
	switch {
	case len(a.Errors) > 0:
		hint := ""
		if code := string(a.Errors[0].Extensions.Code); isName(code) {
			hint = " (" + code + ")"
		}
		return nil, fail(bridge.ReasonRejected, "the cloud refused the query%s: the token may lack a right, or not see the node", hint)
	case a.Error != "":
		return nil, fail(bridge.ReasonRejected, "the cloud refused the request")
	}
	found, ok := a.Data[field]
	if !ok {
		return nil, fail(bridge.ReasonNoAnswer, "the cloud's answer holds no %s", field)
	}
	return found, nil
}

// aToken is what may be one: a cloud that quotes it in a 2xx is not redacted by
// anybody else.
var aToken = regexp.MustCompile(`[A-Za-z0-9_.~+/=-]{16,}`)

// detail is the vendor's own words, for debug logs. It is cut last, so that no half
// of a token is left.
func detail(body []byte) []byte {
	body = aToken.ReplaceAll(body[:min(len(body), 4*detailMost)], []byte("***"))
	return body[:min(len(body), detailMost)]
}

// nodes lists what the token may see; kind "" is all.
func (c client) nodes(ctx context.Context, kind string) (raw json.RawMessage, all []node, err error) {
	text, with := c.documents.Nodes, values(nil)
	if kind != "" {
		text, with = c.documents.NodesOf, values{"type": enum(kind)}
	}
	if raw, err = c.ask(ctx, text, with, "nodeList"); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, nil, odd("nodeList")
	}
	for _, n := range all {
		if n.ID == "" { // a list that may be cut short would remove devices
			return nil, nil, odd("nodeList")
		}
	}
	return raw, all, nil
}

func (c client) statistic(ctx context.Context, node ID, kind string, from, to time.Time) (figure, error) {
	raw, err := c.ask(ctx, c.documents.Statistic, values{"node": node, "type": enum(kind), "from": from.Unix(), "to": to.Unix()}, "statisticDataMetric")
	var f figure
	if err != nil {
		return f, err
	}
	_ = f.UnmarshalJSON(raw)
	if !f.known && string(raw) != "null" {
		return f, odd("statisticDataMetric")
	}
	return f, nil
}

// recordings of a camera; each query makes their ids anew.
func (c client) recordings(ctx context.Context, node ID, from, to time.Time) (all []recording, err error) {
	raw, err := c.ask(ctx, c.documents.Recordings, values{"node": node, "from": from.Unix(), "to": to.Unix()}, "camera")
	if err != nil {
		return nil, err
	}
	var camera *struct {
		Recordings []recording `json:"recordings"`
	}
	if json.Unmarshal(raw, &camera) != nil {
		return nil, odd("camera")
	}
	if camera == nil {
		return nil, &bridge.Failure{Reason: bridge.ReasonRejected, Message: "the cloud knows no such camera"}
	}
	for _, r := range camera.Recordings {
		if r.ID == "" {
			return nil, odd("recordings")
		}
	}
	return camera.Recordings, nil
}

func (c client) recording(ctx context.Context, id string) (r recording, err error) {
	raw, err := c.ask(ctx, c.documents.Recording, values{"recording": id}, "recording")
	if err != nil {
		return r, err
	}
	var found *recording
	switch err := json.Unmarshal(raw, &found); {
	case err != nil:
		return r, odd("recording")
	case found == nil:
		return r, &bridge.Failure{Reason: bridge.ReasonRejected, Message: "the cloud knows no such recording"}
	}
	return *found, nil
}

func (c client) prepare(ctx context.Context, id string, height int64) error {
	raw, err := c.ask(ctx, c.documents.Prepare, values{"recording": id, "height": height}, "recordingPrepare")
	switch {
	case err != nil:
		return err
	case string(raw) == "true":
		return nil
	case string(raw) == "false" || string(raw) == "null":
		return &bridge.Failure{Reason: bridge.ReasonRejected, Message: "the cloud did not begin to prepare the recording"}
	}
	return odd("recordingPrepare")
}

func odd(field string) *bridge.Failure {
	return &bridge.Failure{Reason: bridge.ReasonNoAnswer, Message: "the cloud's answer to " + field + " is not understood"}
}

func malformed(format string, args ...any) *bridge.Failure {
	return &bridge.Failure{Reason: bridge.ReasonMalformed, Message: "not asked: " + fmt.Sprintf(format, args...)}
}
