package operations

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"time"

	"latchkey/bridge"
)

// environment is what the programs of a request read, as JSON: every run gets a
// value of its own, because gojq may change what it is given.
type environment []byte

func newEnvironment(account map[string]any, device json.RawMessage, args bridge.Args, page any) (environment, error) {
	now := time.Now()
	year, month, day := now.Date()
	if device == nil {
		device = json.RawMessage("null")
	}
	if args == nil {
		args = bridge.Args{}
	}
	env, err := json.Marshal(map[string]any{
		"args": args, "device": device, "account": account, "page": page,
		"now": now.Unix(), "midnight": time.Date(year, month, day, 0, 0, 0, 0, now.Location()).Unix(),
	})
	if err != nil {
		return nil, fmt.Errorf("the arguments cannot be written as JSON: %v", err)
	}
	return env, nil
}

func (e environment) input() any {
	v, _ := decode(e) // written by newEnvironment
	return v
}

// decode reads one JSON value. Whole numbers keep all their digits.
func decode(text []byte) (any, error) {
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

// original is the vendor's own id of a device.
func original(d bridge.Device) string {
	if d.Original != "" {
		return d.Original
	}
	return d.ID
}
