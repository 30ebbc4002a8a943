package operations

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/bridge"
)

// stateMost is the length of a state; a longer text goes to the attributes too.
const stateMost = 255

// feed reports the values that entities take from an operation's result: those of
// the device that it ran for, else of all.
func (x *extension) feed(ctx context.Context, o *operation, d *bridge.Device, r outcome, report bridge.Report) {
	for _, e := range o.feeds {
		devices := x.matching(e.For, e.of)
		if d != nil && (o.For != "" || o.Write) {
			devices = nil
			if e.on(*d) {
				devices = []bridge.Device{*d}
			}
		}
		for _, on := range devices {
			if r.image == nil {
				report(x.valueFacts(ctx, e, on, r.result)...)
			} else if e.Platform == bridge.ImageKind {
				report(bridge.Picture{Ref: bridge.Ref{Device: on.ID, Entity: e.ID}, Bytes: r.image.Bytes, Type: r.image.Type})
			}
		}
	}
}

// valueFacts are what an entity's value comes to. One that cannot be made shows
// as unknown: an old value would look like a new one.
func (x *extension) valueFacts(ctx context.Context, e *entity, d bridge.Device, from json.RawMessage) []bridge.Fact {
	ref := bridge.Ref{Device: d.ID, Entity: e.ID}
	told, err := x.value(ctx, e, ref, from)
	x.mu.Lock()
	before := x.odd[ref]
	x.odd[ref] = err != nil
	x.mu.Unlock()
	if err == nil {
		return told
	}
	if !before {
		x.log.Warn("the value of a configured entity cannot be made", "device", ref.Device, "entity", ref.Entity, "err", err)
	}
	if e.Platform == bridge.Event || e.Platform == bridge.ImageKind {
		return nil
	}
	return []bridge.Fact{bridge.State{Ref: ref}}
}

func (x *extension) value(ctx context.Context, e *entity, ref bridge.Ref, from json.RawMessage) ([]bridge.Fact, error) {
	if from == nil {
		from = json.RawMessage("null")
	}
	input, err := decode(from)
	if err != nil {
		return nil, err
	}
	v, given, err := e.value.one(ctx, input)
	if err != nil || !given {
		return nil, err
	}
	if e.Platform == bridge.ImageKind {
		return x.picture(ctx, ref, v)
	}
	source := e.from
	if source == nil {
		source = e.of
	}
	if source == nil || !source.Public {
		v = masked(v)
	}
	if e.Platform == bridge.Event {
		return x.events(e, ref, v)
	}
	value, err := e.state(v)
	if err != nil {
		return nil, err
	}
	state := bridge.State{Ref: ref, Value: value}
	if text, ok := v.(string); ok && utf8.RuneCountInString(text) > stateMost {
		state.Attributes = map[string]any{"value": text}
	}
	return []bridge.Fact{state}, nil
}

// state is a value as the entity's platform wants it.
func (e *entity) state(v any) (bridge.Value, error) {
	if v == nil {
		return bridge.Value{}, nil
	}
	text, ok := scalar(v)
	if !ok {
		return bridge.Value{}, errors.New("it is neither text, number, true nor false")
	}
	truth, isTruth := v.(bool)
	_, isNumber := number(v)
	switch e.Platform {
	case bridge.BinarySensor, bridge.Switch:
		if isTruth {
			return bridge.Bool(truth), nil
		}
		if text != "ON" && text != "OFF" {
			return bridge.Value{}, fmt.Errorf("a %s is true or false, not %q", e.Platform, shorten(text, 40))
		}
	case bridge.Lock:
		if isTruth {
			text = map[bool]string{true: "LOCKED", false: "UNLOCKED"}[truth]
		}
		if !e.Platform.Shows(bridge.Text(text)) {
			return bridge.Value{}, fmt.Errorf("a lock is true, false or a state such as LOCKED, not %q", shorten(text, 40))
		}
	case bridge.Number:
		if !isNumber {
			return bridge.Value{}, fmt.Errorf("%q is no number", shorten(text, 40))
		}
	default:
		if isTruth {
			return bridge.Bool(truth), nil
		}
	}
	if len(e.Options) > 0 && !slices.Contains(e.Options, text) {
		return bridge.Value{}, fmt.Errorf("%q is none of its options", shorten(text, 40))
	}
	return bridge.Text(text), nil
}

// events reads one event, or a list of them: a text is its type; an object has
// type, id, at and whatever else is to be told. Without an id an event counts as
// new when it differs from the one before.
func (x *extension) events(e *entity, ref bridge.Ref, v any) ([]bridge.Fact, error) {
	list, isList := v.([]any)
	if !isList {
		list = []any{v}
	}
	var told []bridge.Fact
	for _, v := range list {
		if v == nil {
			continue
		}
		happened := bridge.Happened{Ref: ref, At: time.Now()}
		if object, ok := v.(map[string]any); ok {
			happened.ID, _ = scalar(object["id"])
			if at, ok := moment(object["at"]); ok {
				happened.At = at
			}
			kind := object["type"]
			happened.Attributes = make(map[string]any)
			for name, value := range object {
				if name != "id" && name != "at" && name != "type" {
					happened.Attributes[name] = value
				}
			}
			v = kind
		}
		kind, ok := v.(string)
		switch {
		case !ok || !slices.Contains(e.Options, kind):
			return nil, fmt.Errorf("the type of an event is one of its options (%q)", e.Options)
		case happened.ID == "" && isList:
			return nil, errors.New("events in a list need an id")
		}
		happened.Type = kind
		if happened.ID == "" && !e.from.writes() {
			text, _ := json.Marshal([]any{kind, happened.Attributes})
			x.mu.Lock()
			same := x.said[ref] == string(text)
			x.said[ref] = string(text)
			x.mu.Unlock()
			if same {
				continue
			}
		}
		told = append(told, happened)
	}
	return told, nil
}

func (o *operation) writes() bool { return o != nil && o.Write }

// moment reads Unix seconds or RFC 3339.
func moment(v any) (time.Time, bool) {
	if f, ok := number(v); ok {
		return time.UnixMilli(int64(f * 1000)), true
	}
	text, _ := v.(string)
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}

// picture fetches a picture by its URL on the cloud's own host, or reads it from
// base64.
func (x *extension) picture(ctx context.Context, ref bridge.Ref, v any) ([]bridge.Fact, error) {
	text, ok := v.(string)
	if v == nil || ok && text == "" {
		return nil, nil
	}
	if !ok {
		return nil, errors.New("a picture is a URL or base64")
	}
	if isAddress(text) {
		address, err := x.linked(text)
		if err != nil {
			return nil, errors.New("the picture is on another host")
		}
		reply, err := x.cloud.Read(ctx, bridge.Request{Path: address, Accept: "image/*"})
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(reply.Type, "image/") {
			return nil, errors.New("the URL of the picture leads to none")
		}
		return []bridge.Fact{bridge.Picture{Ref: ref, Bytes: reply.Body, Type: reply.Type}}, nil
	}
	if _, encoded, found := strings.Cut(text, ";base64,"); found && strings.HasPrefix(text, "data:") {
		text = encoded
	}
	picture, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("the picture is no base64")
	}
	kind := http.DetectContentType(picture)
	if !strings.HasPrefix(kind, "image/") {
		return nil, errors.New("the base64 is no picture")
	}
	return []bridge.Fact{bridge.Picture{Ref: ref, Bytes: picture, Type: kind}}, nil
}

// isAddress tells a URL from base64: that of a JPEG begins with a slash too, but
// has no dot.
func isAddress(text string) bool {
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "/") && strings.Contains(text, ".")
}
