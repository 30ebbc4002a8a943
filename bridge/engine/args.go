package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"latchkey/bridge"
)

// deviceArg is the argument that names a device of the account by the topic's id:
// filled in on an entity's command, looked up on a named call.
const deviceArg = "device"

// textMost is the length of a text argument without a declared one.
const textMost = 256

// reading turns what was given for an argument into the type that bridge.Args
// holds.
type reading func(a bridge.Arg, given any) (any, error)

// takeArgs checks arguments against the call's declaration and fills in defaults.
func (c *command) takeArgs(given map[string]any, read reading) (err error) {
	c.args, err = checkArgs(c.call.Args, given, read)
	c.action, c.verb = c.call.Name, "CALL"
	return err
}

func checkArgs(declared []bridge.Arg, given map[string]any, read reading) (bridge.Args, error) {
	args := make(bridge.Args, len(declared))
	for _, a := range declared {
		v, ok := given[a.Name]
		switch {
		case ok:
			v, err := read(a, v)
			if err != nil {
				return nil, fmt.Errorf("argument %s %w", a.Name, err)
			}
			args[a.Name] = v
		case !a.Optional:
			return nil, fmt.Errorf("argument %s is missing", a.Name)
		case a.Default != nil:
			v, err := canonical(a, a.Default)
			if err != nil {
				return nil, fmt.Errorf("the default of argument %s %w", a.Name, err)
			}
			args[a.Name] = v
		}
	}
	for name := range given {
		if !slices.ContainsFunc(declared, func(a bridge.Arg) bool { return a.Name == name }) {
			return nil, fmt.Errorf("there is no argument %q", shown(name))
		}
	}
	return args, nil
}

// canonical checks a value from strict JSON, from an inventory or from a vendor's
// declaration: types are exact, and a number is what its digits say.
func canonical(a bridge.Arg, given any) (any, error) {
	switch a.Type {
	case bridge.ArgText:
		s, ok := given.(string)
		if !ok {
			return nil, errors.New("is not text")
		}
		return s, checkText(a, s)
	case bridge.ArgBool:
		b, ok := given.(bool)
		if !ok {
			return nil, errors.New("is neither true nor false")
		}
		return b, nil
	case bridge.ArgInt:
		n, ok := whole(given)
		if !ok {
			return nil, errors.New("is no whole number")
		}
		return n, inRange(a, float64(n))
	case bridge.ArgNumber:
		f, ok := number(given)
		if !ok {
			return nil, errors.New("is no number")
		}
		return f, inRange(a, f)
	case bridge.ArgJSON:
		return plain(given), nil
	}
	return nil, fmt.Errorf("has the unknown type %q", a.Type)
}

// fromText checks a value from the command line (key=value), from the page or
// from a plain payload: text stands for what it says.
func fromText(a bridge.Arg, given any) (any, error) {
	if raw, ok := given.(json.RawMessage); ok && a.Type == bridge.ArgText && !bytes.HasPrefix(raw, []byte(`"`)) {
		given = string(raw) // note=42 is a text as well
	} else if ok {
		v, err := strict(raw)
		if err != nil {
			return nil, err
		}
		given = v
	}
	text, ok := given.(string)
	if !ok {
		return canonical(a, given)
	}
	switch a.Type {
	case bridge.ArgInt, bridge.ArgNumber, bridge.ArgJSON:
		v, err := strict([]byte(text))
		if err != nil {
			return nil, errors.New("is no value")
		}
		return canonical(a, v)
	case bridge.ArgBool:
		switch text {
		case "true", "ON":
			return true, nil
		case "false", "OFF":
			return false, nil
		}
	}
	return canonical(a, text)
}

func checkText(a bridge.Arg, s string) error {
	most := a.Max
	if a.Min == 0 && a.Max == 0 {
		most = textMost
	}
	switch n := int64(utf8.RuneCountInString(s)); {
	case !utf8.ValidString(s):
		return errors.New("is no UTF-8")
	case n < a.Min || n > most:
		return fmt.Errorf("has %d characters, not %d to %d", n, a.Min, most)
	case len(a.OneOf) > 0 && !slices.Contains(a.OneOf, s):
		return fmt.Errorf("is none of %q", a.OneOf)
	}
	return nil
}

func inRange(a bridge.Arg, n float64) error {
	if (a.Min != 0 || a.Max != 0) && (n < float64(a.Min) || n > float64(a.Max)) {
		return fmt.Errorf("is not %d to %d", a.Min, a.Max)
	}
	return nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case float64:
		return v, !math.IsNaN(v) && !math.IsInf(v, 0)
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// whole reads an integer exactly; 7.0 is one, as Home Assistant may write it.
func whole(v any) (int64, bool) {
	if n, ok := v.(json.Number); ok {
		if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
			return i, true
		}
	}
	switch n := v.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	}
	f, ok := number(v)
	const exact = 1 << 53
	return int64(f), ok && f == math.Trunc(f) && math.Abs(f) <= exact
}

// plain turns the numbers of decoded JSON into int and float64, which every
// encoder and jq understand; integers keep all their digits.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.Atoi(v.String()); err == nil {
			return i
		}
		f, _ := v.Float64()
		return f
	case map[string]any:
		for key := range v {
			v[key] = plain(v[key])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	}
	return v
}
