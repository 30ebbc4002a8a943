package operations

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"
)

// target is the parsed `http` of an operation: a method and a path whose {jq} is
// filled in.
type target struct {
	method string
	path   text
	query  []param
}

// param is a parameter of the query. Without a value (jq null) it is left out.
type param struct {
	name  string
	value text
}

// text is literal pieces and programs in turn.
type text []piece

type piece struct {
	literal string
	program *program // nil: the literal
}

const (
	segmentMost = 512 // bytes of a filled-in value
	targetMost  = 4096
)

var (
	isMethod   = regexp.MustCompile(`^(GET|HEAD|POST|PUT|PATCH|DELETE)$`).MatchString
	isPathText = regexp.MustCompile(`^([A-Za-z0-9/._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*$`).MatchString
	isQuery    = regexp.MustCompile(`^[A-Za-z0-9._~!$'()*,;:@\[\]/-]+$`).MatchString
)

// parseTarget reads "POST /v1/units/{.device.id}/openings?limit={.args.limit}".
func parseTarget(source string) (*target, error) {
	method, rest, found := strings.Cut(source, " ")
	if !found || !isMethod(method) || !strings.HasPrefix(rest, "/") || len(source) > targetMost {
		return nil, fmt.Errorf("want a method and a path below base_url, such as \"GET /v1/units\", got %q", shorten(source, 80))
	}
	pieces, err := split(rest)
	if err != nil {
		return nil, err
	}
	t := &target{method: method}
	for i, p := range pieces {
		path, query, found := strings.Cut(p.literal, "?")
		if p.program != nil || !found {
			t.path = append(t.path, p)
			continue
		}
		t.path = append(t.path, piece{literal: path})
		if t.query, err = parseQuery(append(text{{literal: query}}, pieces[i+1:]...)); err != nil {
			return nil, err
		}
		break
	}
	for _, p := range t.path {
		if !isPathText(p.literal) {
			return nil, fmt.Errorf("the path has a character that must be percent-encoded: %q", p.literal)
		}
	}
	if err := t.still(); err != nil {
		return nil, err
	}
	return t, nil
}

// still checks the parts that jq does not change, with a harmless value for each
// program.
func (t *target) still() error {
	var sample strings.Builder
	for _, p := range t.path {
		sample.WriteString(p.literal)
		if p.program != nil {
			sample.WriteByte('x')
		}
	}
	return stays(sample.String())
}

// split takes literals and {jq} apart. A program ends at the first } with which
// it is one.
func split(source string) (pieces text, err error) {
	for source != "" {
		before, rest, found := strings.Cut(source, "{")
		if strings.Contains(before, "}") {
			return nil, errors.New("there is a } without its {")
		}
		if before != "" {
			pieces = append(pieces, piece{literal: before})
		}
		if !found {
			break
		}
		end := -1
		for i, c := range rest {
			if c != '}' {
				continue
			}
			if _, err = gojq.Parse(rest[:i]); err == nil && strings.TrimSpace(rest[:i]) != "" {
				end = i
				break
			}
		}
		if end < 0 {
			if err == nil {
				err = errors.New("no program ends with a }")
			}
			return nil, fmt.Errorf("{%s: jq: %v", shorten(rest, 60), err)
		}
		p, err := compile(rest[:end])
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, piece{program: p})
		source = rest[end+1:]
	}
	return pieces, nil
}

func parseQuery(pieces text) (params []param, err error) {
	var name string
	var value text
	inValue := false
	end := func() {
		if name != "" {
			params = append(params, param{name, value})
		}
		name, value, inValue = "", nil, false
	}
	for _, p := range pieces {
		if p.program != nil {
			if !inValue {
				return nil, errors.New("the name of a query parameter cannot be a program")
			}
			value = append(value, p)
			continue
		}
		for i, part := range strings.Split(p.literal, "&") {
			if i > 0 {
				end()
			}
			if !inValue && part != "" {
				var literal string
				name, literal, inValue = strings.Cut(part, "=")
				part = literal
				if !inValue || !isQuery(name) {
					return nil, fmt.Errorf("want name=value in the query, got %q", name)
				}
			}
			if part == "" {
				continue
			}
			if !isQuery(part) {
				return nil, fmt.Errorf("the query has a character that must be written as {jq}: %q", part)
			}
			value = append(value, piece{literal: part})
		}
	}
	end()
	return params, nil
}

func (t *target) programs() (all []*program) {
	for _, p := range t.path {
		all = append(all, p.program)
	}
	for _, q := range t.query {
		for _, p := range q.value {
			all = append(all, p.program)
		}
	}
	return all
}

// fill makes the path and the query of one request.
func (t *target) fill(ctx context.Context, env *environment) (path string, query map[string][]string, err error) {
	var b strings.Builder
	for _, p := range t.path {
		if p.program == nil {
			b.WriteString(p.literal)
			continue
		}
		value, err := p.value(ctx, env)
		if err != nil {
			return "", nil, err
		}
		if value == nil {
			return "", nil, fmt.Errorf("jq %s: gives nothing, and stands in the path", p.program.short())
		}
		escaped, err := segment(*value)
		if err != nil {
			return "", nil, fmt.Errorf("jq %s: %w", p.program.short(), err)
		}
		b.WriteString(escaped)
	}
	if err := stays(b.String()); err != nil {
		return "", nil, err
	}
	for _, q := range t.query {
		filled, given := "", true
		for _, p := range q.value {
			value, err := p.value(ctx, env)
			if err != nil {
				return "", nil, err
			}
			if value == nil {
				given = false
				break
			}
			filled += *value
		}
		if given {
			if query == nil {
				query = make(map[string][]string)
			}
			query[q.name] = append(query[q.name], filled)
		}
	}
	return b.String(), query, nil
}

// value is a piece as plain text; nil: its program gives null.
func (p piece) value(ctx context.Context, env *environment) (*string, error) {
	if p.program == nil {
		return &p.literal, nil
	}
	v, _, err := env.run(ctx, p.program)
	if err != nil || v == nil {
		return nil, err
	}
	s, ok := scalar(v)
	if !ok {
		return nil, fmt.Errorf("jq %s: gives neither text nor a number", p.program.short())
	}
	if len(s) > segmentMost || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, fmt.Errorf("jq %s: gives a text that is too long or has control characters", p.program.short())
	}
	return &s, nil
}

// scalar is a text, number or truth as text; whole numbers have no exponent.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int:
		return strconv.Itoa(v), true
	case *big.Int:
		return v.String(), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// segment escapes a value as one segment of a path.
func segment(value string) (string, error) {
	if value == "" {
		return "", errors.New("gives an empty text, and stands in the path")
	}
	return url.PathEscape(value), nil
}

// stays tells whether a filled-in path leads where it says. What a careless proxy
// would decode and then walk up with is refused, however it is escaped.
func stays(path string) error {
	plain, err := url.PathUnescape(path)
	if err != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.Contains(path, "\\") || dotted(plain) {
		return fmt.Errorf("the path %q would lead elsewhere", shorten(path, 80))
	}
	return nil
}

// dotted finds `.` and `..` as whole segments, also where they are encoded twice.
func dotted(path string) bool {
	if !strings.ContainsAny(path, ".%") {
		return false
	}
	for range 3 {
		for _, s := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }) {
			if name, _, _ := strings.Cut(s, ";"); name == "." || name == ".." {
				return true
			}
		}
		again, err := url.PathUnescape(path)
		if err != nil || again == path {
			return false
		}
		path = again
	}
	return false
}
