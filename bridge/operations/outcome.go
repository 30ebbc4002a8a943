package operations

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/itchyny/gojq"

	"latchkey/bridge"
)

// outcome is what one run came to.
type outcome struct {
	result json.RawMessage   // after the program `result`; nil: null
	items  []json.RawMessage // of `each`
	image  *bridge.Image     // the reply was a picture
}

// listed makes the items of all pages the result.
func (r outcome) listed() (outcome, error) {
	var err error
	r.result, err = json.Marshal(r.items)
	return r, err
}

// shown is the outcome as the result of a call. URLs are secrets unless the
// operation says that they are public: whoever has one may need no token.
func (r outcome) shown(public bool) any {
	switch {
	case r.image != nil:
		return *r.image
	case r.result == nil:
		return nil
	case string(r.result) == "null":
		return r.result
	}
	v, err := decode(r.result)
	if err != nil {
		return nil
	}
	if !public {
		v = masked(v)
	}
	text, err := gojq.Marshal(v)
	if err != nil {
		return nil
	}
	return json.RawMessage(text)
}

// masked hides texts with a URL in them.
func masked(v any) any {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "://") {
			return "***"
		}
	case []any:
		for i := range v {
			v[i] = masked(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = masked(v[name])
		}
	}
	return v
}

// badReply is the error of a reply that says that something is wrong, or of a
// read whose reply cannot be used.
func badReply(reply bridge.Reply, format string, args ...any) error {
	return &bridge.Failure{Reason: bridge.ReasonRejected, Status: reply.Status, Message: fmt.Sprintf(format, args...), Detail: reply.Body[:min(len(reply.Body), 2048)]}
}

// judge reads a 2xx reply. Of a write whose reply cannot be understood nobody
// knows whether it was carried out.
func judge(ctx context.Context, o *operation, reply bridge.Reply) (outcome, error) {
	unclear := func(format string, args ...any) (outcome, error) {
		err := badReply(reply, format, args...)
		if failure, ok := err.(*bridge.Failure); ok && o.Write {
			failure.Reason = bridge.ReasonNoAnswer
			failure.Message = "it may have been carried out: " + failure.Message
		}
		return outcome{}, err
	}
	if strings.HasPrefix(reply.Type, "image/") {
		return outcome{image: &bridge.Image{Type: reply.Type, Bytes: reply.Body}}, nil
	}
	body, err := readable(reply)
	if err != nil {
		return unclear("the cloud's reply cannot be read: %v", err)
	}
	fresh := func() any { v, _ := decode(body); return v } // has been decoded before
	if o.ok != nil {
		fine, _, err := o.ok.one(ctx, fresh())
		if err != nil {
			return unclear("the cloud's reply cannot be judged: %v", err)
		}
		if fine == nil || fine == false {
			return outcome{}, badReply(reply, "the cloud did not carry it out%s", said(body))
		}
	} else if hasErrors(fresh()) {
		return outcome{}, badReply(reply, "the cloud did not carry it out%s", said(body))
	}
	r := outcome{result: body}
	if o.result != nil {
		v, _, err := o.result.one(ctx, fresh())
		if err == nil {
			r.result, err = gojq.Marshal(v)
		}
		if err != nil && o.Write {
			r.result = nil // it was carried out, whatever it says besides
		} else if err != nil {
			return unclear("%v", err)
		}
	}
	if o.each != nil {
		items, err := o.each.all(ctx, fresh())
		if err != nil {
			return unclear("%v", err)
		}
		r.items = make([]json.RawMessage, len(items))
		for i, v := range items {
			if r.items[i], err = gojq.Marshal(v); err != nil {
				return unclear("%v", err)
			}
		}
		if o.result == nil {
			return r.listed()
		}
	}
	return r, nil
}

// readable is a reply's body as JSON: null if it is empty, a text if it is plain
// text.
func readable(reply bridge.Reply) (json.RawMessage, error) {
	if len(bytes.TrimSpace(reply.Body)) == 0 {
		return json.RawMessage("null"), nil
	}
	if _, err := decode(reply.Body); err != nil {
		if reply.Type == "text/plain" {
			return json.Marshal(string(reply.Body))
		}
		return nil, err
	}
	return reply.Body, nil
}

// hasErrors finds the member `errors` of GraphQL and JSON:API, which may come with
// status 200.
func hasErrors(reply any) bool {
	object, _ := reply.(map[string]any)
	switch errs := object["errors"].(type) {
	case nil:
		return false
	case []any:
		return len(errs) > 0
	case map[string]any:
		return len(errs) > 0
	case string:
		return errs != ""
	case bool:
		return errs
	}
	return true
}

// said is the first error of a reply, in short: code and title of JSON:API, code
// and message of GraphQL. All else goes to debug logs only.
func said(body []byte) string {
	v, err := decode(body)
	if err != nil {
		return ""
	}
	object, _ := v.(map[string]any)
	list, _ := object["errors"].([]any)
	if len(list) == 0 {
		return ""
	}
	first, _ := list[0].(map[string]any)
	extensions, _ := first["extensions"].(map[string]any)
	var words []string
	for _, v := range []any{first["code"], extensions["code"], first["title"], first["message"]} {
		text, ok := scalar(v)
		if text = clean(text); ok && text != "" && len(words) < 2 {
			words = append(words, text)
		}
	}
	if len(words) == 0 {
		return ""
	}
	return ": " + strings.Join(words, ", ")
}

// clean makes a vendor's words fit for a message.
func clean(text string) string {
	if strings.Contains(text, "://") {
		return ""
	}
	return shorten(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text), 120)
}

// explain adds the vendor's first error to a failure.
func explain(err error) error {
	failure, ok := err.(*bridge.Failure)
	if !ok || said(failure.Detail) == "" {
		return err
	}
	told := *failure
	told.Message += said(failure.Detail)
	return &told
}
