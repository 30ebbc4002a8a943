package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// strict decodes one JSON value without encoding/json's leniency: a repeated key
// anywhere, text that is no UTF-8 and anything after the value are errors. Keys
// are compared by the caller, letter case included. Numbers stay json.Number.
// Objects become map[string]any, arrays []any.
func strict(text []byte) (any, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return nil, errors.New("it is no JSON")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return value(d, 0)
}

// deepest is how far values may be nested.
const deepest = 64

func value(d *json.Decoder, depth int) (any, error) {
	if depth > deepest {
		return nil, errors.New("it is nested too deeply")
	}
	t, err := d.Token()
	if err != nil {
		return nil, errors.New("it is no JSON")
	}
	switch t {
	case json.Delim('{'):
		object := make(map[string]any)
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, errors.New("it is no JSON")
			}
			name, _ := key.(string)
			if _, twice := object[name]; twice {
				return nil, fmt.Errorf("key %q comes twice", shown(name))
			}
			if object[name], err = value(d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err = d.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := value(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	return t, nil
}

// shown shortens a name that came from outside, for a sentence.
func shown(name string) string {
	if len(name) > 40 {
		return name[:40] + "..."
	}
	return name
}
