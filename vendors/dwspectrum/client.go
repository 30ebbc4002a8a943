package dwspectrum

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"latchkey/bridge"
)

const (
	listLimit    = 16 << 20 // of a list: ten thousand devices
	pictureLimit = 2 << 20
)

// client speaks to one place: the cloud (system "") or a system behind the relay.
// Errors are *bridge.Failure.
type client struct {
	cloud  bridge.Cloud
	system string
}

func (c client) request(method, path string, query url.Values, body any) bridge.Request {
	req := bridge.Request{Method: method, Path: path, Query: query, JSON: body}
	if c.system != "" {
		req.Origin, req.Lane, req.Narrow = vms, vms, c.system
	}
	return req
}

// read asks for JSON. into may be nil.
func (c client) read(ctx context.Context, path string, query url.Values, into any) (json.RawMessage, error) {
	req := c.request("", path, query, nil)
	req.Limit = listLimit
	reply, err := c.cloud.Read(ctx, req)
	if err != nil {
		return nil, explain(err)
	}
	if err := refused(reply); err != nil {
		return nil, err
	}
	body := inside(reply.Body)
	if into == nil { // shown as it is, if it is what an API says at all
		if text := bytes.TrimSpace(body); len(text) > 0 && !bytes.ContainsAny(text[:1], "{[n") {
			return nil, odd(path)
		}
		into = new(any)
	}
	// A member of an odd type counts as absent; the whole must be what it should be.
	err = json.Unmarshal(body, into)
	if mistake, is := errors.AsType[*json.UnmarshalTypeError](err); err != nil && (!is || mistake.Field == "") {
		return nil, odd(path)
	}
	return body, nil
}

// list asks for a JSON array; null or an object is none.
func list[T any](ctx context.Context, c client, path string, query url.Values) ([]T, error) {
	var all []T
	_, err := c.read(ctx, path, query, &all)
	if err == nil && all == nil {
		err = odd(path)
	}
	return all, err
}

// inside takes a list out of the envelope that it may come in: {"reply": []}
// (seen in a sample), {"systems": []}.
func inside(body []byte) []byte {
	var envelope map[string]json.RawMessage
	if json.Unmarshal(body, &envelope) == nil {
		for _, name := range []string{"reply", "systems"} {
			if inner := bytes.TrimSpace(envelope[name]); bytes.HasPrefix(inner, []byte("[")) {
				return inner
			}
		}
	}
	return body
}

// act sends a command that moves something. Its answer may be empty.
func (c client) act(ctx context.Context, method, path string, query url.Values, body any) error {
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return malformed("an argument cannot be written as JSON")
		}
		body = raw
	}
	reply, err := c.cloud.Act(ctx, c.request(method, path, query, body))
	if err != nil {
		return explain(err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(reply.Body), []byte("<")) { // a gateway or a sign-in page, not the API
		return &bridge.Failure{Reason: bridge.ReasonNoAnswer, Status: reply.Status,
			Message: "something answered with a web page instead of the system: it may have been carried out, so look before you try again"}
	}
	return refused(reply)
}

// refused finds the error in a 2xx: legacy calls answer 200 with an error that is
// not "0", the cloud with a resultCode that is not ok (seen).
func refused(reply bridge.Reply) error {
	var e apiError
	if !bytes.HasPrefix(bytes.TrimSpace(reply.Body), []byte("{")) || json.Unmarshal(reply.Body, &e) != nil {
		return nil
	}
	if cmp.Or(e.Error, "0") == "0" && cmp.Or(e.Code, "ok") == "ok" {
		return nil
	}
	return explain(&bridge.Failure{Reason: bridge.ReasonRejected, Status: reply.Status, Message: "it was refused", Detail: reply.Body})
}

// picture fetches a still. No type is promised, so the bytes decide.
func (c client) picture(ctx context.Context, path string, query url.Values) (bridge.Image, error) {
	req := c.request("", path, query, nil)
	req.Lane, req.Accept, req.Limit = stills, "image/jpeg, */*", pictureLimit
	reply, err := c.cloud.Read(ctx, req)
	if err != nil {
		return bridge.Image{}, explain(err)
	}
	if kind := http.DetectContentType(reply.Body); strings.HasPrefix(kind, "image/") {
		return bridge.Image{Type: kind, Bytes: reply.Body}, nil
	}
	return bridge.Image{}, cmp.Or(refused(reply), error(&bridge.Failure{Reason: bridge.ReasonNoAnswer, Status: reply.Status, Message: "the still is no picture"}))
}

// words are the error codes of systems and cloud that are told; others, and all
// texts, may quote anything.
var words = map[word]string{
	"missingParameter": "", "invalidParameter": "", "cantProcessRequest": "", "badRequest": "", "internalServerError": "", "conflict": "", "notImplemented": "", "notFound": "",
	"gone": "", "notAllowed": "", "unsupportedMediaType": "",
	"forbidden":            ": this user may not do it there",
	"serviceUnavailable":   ": the system is not reached, or has lost the cloud",
	"unauthorized":         ": the system did not take its token",
	"sessionExpired":       ": the system did not take its token",
	"sessionTruncated":     ": the system did not take its token",
	"notAuthorized":        "",
	"retryLater":           "",
	"secondFactorRequired": ": the system demands two-factor authentication; switch it on for the account and sign in again",
}

// explain adds the vendor's error code.
func explain(err error) error {
	f, ok := errors.AsType[*bridge.Failure](err)
	var e apiError
	if !ok || json.Unmarshal(f.Detail, &e) != nil {
		return err
	}
	code := cmp.Or(e.ID, e.Code)
	hint, known := words[code]
	if !known {
		return err
	}
	more := *f
	more.Message += " (" + string(code) + hint + ")"
	return &more
}

func odd(path string) *bridge.Failure {
	return &bridge.Failure{Reason: bridge.ReasonNoAnswer, Message: "the answer to " + path + " is not understood"}
}

// absent tells that what was asked for does not exist there, or not for this user.
func absent(err error) bool {
	f, ok := errors.AsType[*bridge.Failure](err)
	return ok && (f.Status == http.StatusNotFound || f.Status == http.StatusForbidden || f.Status == http.StatusNotImplemented)
}

func unknown(err error) bool {
	f, ok := errors.AsType[*bridge.Failure](err)
	return ok && f.Status == http.StatusNotFound
}
