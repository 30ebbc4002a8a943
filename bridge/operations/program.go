package operations

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/itchyny/gojq"
)

const (
	programTime = time.Second // of one run
	programMost = 16 << 10    // bytes of a program's text
	outputMost  = 1 << 20     // bytes of what one run gives, about as JSON
	outputsMost = 10000       // values that one run gives
	depthMost   = 100         // of a value
)

// program is one compiled jq program; nil was left out.
type program struct {
	text string
	path []string // where the program is but a path of members: their names
	code *gojq.Code
}

var isPath = regexp.MustCompile(`^(\.[A-Za-z_][A-Za-z0-9_]*)+$`).MatchString

// compile reads a program. "" is nil. The error tells where in the text it is.
func compile(text string) (*program, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if len(text) > programMost {
		return nil, fmt.Errorf("jq: the program has %d bytes, more than %d", len(text), programMost)
	}
	query, err := gojq.Parse(text)
	if bad, ok := errors.AsType[*gojq.ParseError](err); ok {
		// Offset is behind the token that did not fit.
		return nil, fmt.Errorf("jq: %v at %s", err, position(text, bad.Offset-len(bad.Token)))
	} else if err != nil {
		return nil, fmt.Errorf("jq: %v", err)
	}
	if name := outside(reflect.ValueOf(query)); name != "" {
		return nil, fmt.Errorf("jq: %s at %s: a program has no environment", name, position(text, strings.Index(text, name)))
	}
	code, err := gojq.Compile(query)
	if err != nil {
		where := ""
		if name, _, found := strings.Cut(strings.TrimPrefix(err.Error(), "function not defined: "), "/"); found && strings.Contains(text, name) {
			where = " at " + position(text, strings.Index(text, name))
		}
		return nil, fmt.Errorf("jq: %v%s", err, where)
	}
	p := &program{text: text, code: code}
	if path := strings.TrimSpace(text); isPath(path) {
		p.path = strings.Split(path[1:], ".")
	}
	return p, nil
}

// position of a byte in a text, counted from 1.
func position(text string, at int) string {
	before := text[:min(max(at, 0), len(text))]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}

// outside finds a use of the process's environment in a parsed program. Without a
// loader gojq would take it as empty, and the program would mean something else.
func outside(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		if f, ok := v.Interface().(*gojq.Func); ok && (f.Name == "env" && len(f.Args) == 0 || f.Name == "$ENV") {
			return f.Name
		}
		return outside(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if name := outside(v.Field(i)); name != "" {
				return name
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if name := outside(v.Index(i)); name != "" {
				return name
			}
		}
	}
	return ""
}

// all runs the program to its end. input must be plain values of JSON, shared
// with nobody.
func (p *program) all(ctx context.Context, input any) (values []any, err error) {
	ctx, cancel := context.WithTimeout(ctx, programTime)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("jq %s: the program broke down", p.short())
		}
	}()
	room := outputMost
	for iter := p.code.RunWithContext(ctx, input); ; {
		value, ok := iter.Next()
		if !ok {
			return values, nil
		}
		if failed, ok := value.(error); ok {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("jq %s: took longer than %s", p.short(), programTime)
			}
			// What follows in brackets is a part of the value, which may be a secret.
			why, _, _ := strings.Cut(failed.Error(), " (")
			return nil, fmt.Errorf("jq %s: %s", p.short(), shorten(why, 160))
		}
		if room -= weight(value, room, 0); room < 0 || len(values) == outputsMost {
			return nil, fmt.Errorf("jq %s: gives too much", p.short())
		}
		values = append(values, value)
	}
}

// one runs a program that gives one value; ok is false where it gives none.
func (p *program) one(ctx context.Context, input any) (value any, ok bool, err error) {
	values, err := p.all(ctx, input)
	switch {
	case err != nil || len(values) == 0:
		return nil, false, err
	case len(values) > 1:
		return nil, false, fmt.Errorf("jq %s: gives %d values, not one", p.short(), len(values))
	}
	return values[0], true, nil
}

func (p *program) short() string { return shorten(p.text, 60) }

// weight is about the length of a value as JSON. It stops counting beyond room,
// so that a value made of one part many times over costs no time.
func weight(v any, room, depth int) int {
	if depth > depthMost {
		return room + 1
	}
	sum := 8
	switch v := v.(type) {
	case string:
		sum = len(v) + 2
	case []any:
		for _, item := range v {
			if sum += weight(item, room-sum, depth+1); sum > room {
				break
			}
		}
	case map[string]any:
		for key, item := range v {
			if sum += len(key) + 4 + weight(item, room-sum, depth+1); sum > room {
				break
			}
		}
	case interface{ BitLen() int }: // *big.Int
		sum = v.BitLen() / 3
	}
	return sum
}

// shorten cuts a text for a message.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}
