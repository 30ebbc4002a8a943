package operations

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"latchkey/bridge"
)

// tokensMost bounds the work on a document.
const tokensMost = 8000

// document is a parsed GraphQL document of exactly one operation.
type document struct {
	text   string
	writes bool
	types  map[string]string // declared variables, by name; empty without a header
	uses   []use             // of variables in the operation and its fragments, in order
}

// use is one $name in the text.
type use struct {
	name       string
	start, end int // in runes
}

// parseDocument reads a document and judges it by its one operation, never by how
// its text begins.
func parseDocument(text string) (*document, error) {
	parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, tokensMost)
	if err != nil {
		return nil, fmt.Errorf("graphql: %s", oneFault(err))
	}
	if len(parsed.Operations) != 1 {
		return nil, fmt.Errorf("graphql: the document has %d operations, not one", len(parsed.Operations))
	}
	only := parsed.Operations[0]
	d := &document{text: text, types: make(map[string]string)}
	switch only.Operation {
	case ast.Query:
	case ast.Mutation:
		d.writes = true
	default:
		return nil, fmt.Errorf("graphql: a %s cannot be run here", only.Operation)
	}
	for _, v := range only.VariableDefinitions {
		d.types[v.Variable] = v.Type.Name()
		if v.Type.Elem != nil {
			d.types[v.Variable] = "[]"
		}
	}
	d.directives(only.Directives)
	d.selections(only.SelectionSet)
	for _, f := range parsed.Fragments {
		d.directives(f.Directives)
		d.selections(f.SelectionSet)
	}
	runes := []rune(text)
	for _, u := range d.uses {
		switch {
		case d.types[u.name] == "" && len(d.types) > 0:
			return nil, fmt.Errorf("graphql: $%s is not declared", u.name)
		case u.end > len(runes) || string(runes[u.start:u.end]) != "$"+u.name:
			return nil, fmt.Errorf("graphql: write $%s without a gap", u.name)
		}
	}
	slices.SortFunc(d.uses, func(a, b use) int { return a.start - b.start })
	return d, nil
}

func (d *document) selections(set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			d.arguments(s.Arguments)
			d.directives(s.Directives)
			d.selections(s.SelectionSet)
		case *ast.InlineFragment:
			d.directives(s.Directives)
			d.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			d.directives(s.Directives)
		}
	}
}

func (d *document) directives(list ast.DirectiveList) {
	for _, directive := range list {
		d.arguments(directive.Arguments)
	}
}

func (d *document) arguments(list ast.ArgumentList) {
	for _, a := range list {
		d.value(a.Value)
	}
}

func (d *document) value(v *ast.Value) {
	if v == nil {
		return
	}
	if v.Kind == ast.Variable {
		d.uses = append(d.uses, use{v.Raw, v.Position.Start, v.Position.Start + 1 + len(v.Raw)})
	}
	for _, child := range v.Children {
		d.value(child.Value)
	}
}

// body is the request's body. A document with a header is sent with its
// variables; in one without, each $x becomes a typed literal, as the vendor's
// examples write them (NetRex's public documentation shows no variables).
func (d *document) body(variables map[string]any) (any, error) {
	if len(d.types) > 0 {
		fitted := make(map[string]any, len(variables))
		for name, value := range variables {
			kind, ok := d.types[name]
			if !ok {
				return nil, fmt.Errorf("graphql: there is no variable $%s", name)
			}
			fitted[name] = fit(kind, value)
		}
		return encodeBody(map[string]any{"query": d.text, "variables": fitted})
	}
	var b strings.Builder
	runes, at := []rune(d.text), 0
	for _, u := range d.uses {
		value, ok := variables[u.name]
		if !ok {
			return nil, fmt.Errorf("graphql: $%s has no value", u.name)
		}
		literal, err := literalOf(value)
		if err != nil {
			return nil, fmt.Errorf("graphql: $%s %w", u.name, err)
		}
		b.WriteString(string(runes[at:u.start]))
		b.WriteString(literal)
		at = u.end
	}
	b.WriteString(string(runes[at:]))
	return encodeBody(map[string]any{"query": b.String()})
}

// encodeBody writes a value that jq made. The result is sent as it is.
func encodeBody(v any) ([]byte, error) {
	body, err := gojq.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("the body cannot be written as JSON: %v", err)
	}
	return body, nil
}

var (
	isInt   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`).MatchString
	isField = regexp.MustCompile(`^[_A-Za-z][_0-9A-Za-z]*$`).MatchString
)

// fit makes a value what the document declares: ids and facts are text in one
// place and numbers in another.
func fit(kind string, value any) any {
	text, isText := value.(string)
	switch kind {
	case "Int":
		if n, err := strconv.Atoi(text); isText && isInt(text) && err == nil {
			return n
		}
	case "ID", "String":
		if s, ok := scalar(value); ok && kind == "ID" {
			return s
		}
		if n, ok := value.(int); ok {
			return strconv.Itoa(n)
		}
	}
	return value
}

// literalOf writes a value as GraphQL does. JSON's escapes are among those of
// GraphQL's strings.
func literalOf(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "null", nil
	case string:
		text, err := json.Marshal(v)
		return string(text), err
	case float64:
		text, err := json.Marshal(v)
		if err != nil {
			return "", errors.New("is no number")
		}
		return string(text), nil
	case bool, int, *big.Int:
		text, _ := scalar(v)
		return text, nil
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			part, err := literalOf(item)
			if err != nil {
				return "", err
			}
			parts[i] = part
		}
		return "[" + strings.Join(parts, ", ") + "]", nil
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if !isField(name) {
				return "", fmt.Errorf("has the member %q, which is no name", shorten(name, 40))
			}
			part, err := literalOf(v[name])
			if err != nil {
				return "", err
			}
			parts = append(parts, name+": "+part)
		}
		return "{" + strings.Join(parts, ", ") + "}", nil
	}
	return "", errors.New("has no literal")
}

// effect of a document.
func (d *document) effect() bridge.Effect {
	if d.writes {
		return bridge.Writes
	}
	return bridge.Reads
}
