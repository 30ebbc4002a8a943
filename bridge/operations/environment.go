package operations

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge"
)

// environment is what the programs of a request read.
type environment struct {
	account map[string]any
	device  subject
	args    bridge.Args
	page    any
	at      time.Time
}

// subject is the device that a request is about.
type subject struct {
	id   any             // as in text; nil: look there
	text json.RawMessage // nil: none
}

// run gives a program's one value, as [program.one] does.
func (e *environment) run(ctx context.Context, p *program) (value any, ok bool, err error) {
	if value, found := e.look(p.path); found {
		return value, true, nil
	}
	input, err := e.input()
	if err != nil {
		return nil, false, err
	}
	return p.one(ctx, input)
}

// look reads what most programs are, the path of one text or number, such as
// .device.id, without the work that jq would have: somebody waits for the door.
// What it does not find there is left to jq.
func (e *environment) look(path []string) (value any, found bool) {
	switch {
	case len(path) == 2 && path[0] == "args":
		switch v := e.args[path[1]].(type) {
		case string, bool:
			return v, true
		case int64:
			return int(v), true
		}
	case e.device.id != nil && len(path) == 2 && path[0] == "device" && path[1] == "id":
		return e.device.id, true
	case len(path) > 1 && path[0] == "device":
		value, _ := decode(e.device.text)
		for _, name := range path[1:] {
			object, _ := value.(map[string]any)
			value = object[name]
		}
		_, found = scalar(value)
		return value, found
	}
	return nil, false
}

// input is all of it, from JSON: every run gets a value of its own, because gojq
// may change what it is given.
func (e *environment) input() (any, error) {
	year, month, day := e.at.Date()
	device, args := e.device.text, e.args
	if device == nil {
		device = json.RawMessage("null")
	}
	if args == nil {
		args = bridge.Args{}
	}
	text, err := json.Marshal(map[string]any{
		"args": args, "device": device, "account": e.account, "page": e.page,
		"now": e.at.Unix(), "midnight": time.Date(year, month, day, 0, 0, 0, 0, e.at.Location()).Unix(),
	})
	if err != nil {
		return nil, fmt.Errorf("the arguments cannot be written as JSON: %v", err)
	}
	return decode(text)
}

// decode reads one JSON value. Whole numbers keep all their digits.
func decode(text []byte) (any, error) {
	if string(text) == "null" { // as many a command is answered
		return nil, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("it is no JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more behind its JSON")
	}
	return plain(v), nil
}

// plain turns decoded numbers into those of jq.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
		if n, ok := new(big.Int).SetString(v.String(), 10); ok {
			return n
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for name := range v {
			v[name] = plain(v[name])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}

// factID is the fact in which an operation's device keeps its id as JSON: whether
// the cloud's id is text or a number outlives a restart.
const factID = "id"

// facts is a vendor's own device as jq reads it. Facts are text to Go; one that is
// an integer in its shortest form is a number here, as the cloud's own ids are.
func facts(d bridge.Device) json.RawMessage {
	all := make(map[string]any, len(d.Facts)+1)
	for name, text := range d.Facts {
		all[name] = text
		if n, err := strconv.Atoi(text); err == nil && isInt(text) {
			all[name] = n
		}
	}
	all["id"] = original(d)
	text, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	return text
}

// listedID is the id of an operation's device as jq finds it; nil: not known.
func listedID(d bridge.Device) any {
	text := d.Facts[factID]
	if n := len(text); n >= 2 && text[0] == '"' && !strings.Contains(text, `\`) {
		return text[1 : n-1] // nearly every one; a decoder would cost more than all else here
	}
	id, _ := decode([]byte(text)) // nil where it is no JSON
	return id
}

// original is the vendor's own id of a device.
func original(d bridge.Device) string {
	if d.Original != "" {
		return d.Original
	}
	return d.ID
}
