package netrex

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Documents are the GraphQL texts that are sent. Each $name is filled in as a typed
// literal, as the vendor's examples write them: the names of the argument types are
// not public. A document with a variable header of its own is sent with
// `variables`. A field of another name needs the old one as its alias.
type Documents struct {
	Check      string `yaml:"check"`
	Nodes      string `yaml:"nodes"`
	NodesOf    string `yaml:"nodes_of"`
	Statistic  string `yaml:"statistic"`
	Recordings string `yaml:"recordings"`
	Recording  string `yaml:"recording"`
	Prepare    string `yaml:"prepare"`
}

// vendorDocuments are built on the vendor's examples; only the field of Recording
// is inferred.
func vendorDocuments() Documents {
	const fields = "{ recording_id duration download_url outputs { height } }"
	return Documents{
		Check:      "{ cameraList { name } }",
		Nodes:      "{ nodeList { node_id parent_node_id type name external_id } }",
		NodesOf:    "{ nodeList(type: $type) { node_id parent_node_id type name external_id } }",
		Statistic:  "{ statisticDataMetric(from: $from, to: $to, type: $type, node_id: $node) }",
		Recordings: "{ camera(node_id: $node) { recordings(from: $from, to: $to) " + fields + " } }",
		Recording:  "{ recording(recording_id: $recording) " + fields + " }",
		Prepare:    "mutation { recordingPrepare(recording_id: $recording, height: $height) }",
	}
}

// document is one of them, with the names that it may and must fill in.
type document struct {
	name, text string
	values     []string
}

func (d Documents) all() []document {
	return []document{
		{"check", d.Check, nil}, {"nodes", d.Nodes, nil}, {"nodes_of", d.NodesOf, []string{"type"}},
		{"statistic", d.Statistic, []string{"from", "to", "type", "node"}}, {"recordings", d.Recordings, []string{"node", "from", "to"}},
		{"recording", d.Recording, []string{"recording"}}, {"prepare", d.Prepare, []string{"recording", "height"}},
	}
}

var (
	aVariable = regexp.MustCompile(`\$[_A-Za-z][_0-9A-Za-z]*`)
	hasHeader = regexp.MustCompile(`^\s*(query|mutation)\b[^{(]*\(\s*\$`).MatchString
)

func (d document) check() error {
	if !strings.Contains(d.text, "{") || strings.Count(d.text, "{") != strings.Count(d.text, "}") {
		return errors.New("is no GraphQL document")
	}
	used := aVariable.FindAllString(d.text, -1)
	for _, name := range used {
		if !slices.Contains(d.values, name[1:]) {
			return fmt.Errorf("%s is not known here (known: %s)", name, strings.Join(d.values, ", "))
		}
	}
	for _, name := range d.values {
		if !slices.Contains(used, "$"+name) {
			return fmt.Errorf("does not use $%s", name)
		}
	}
	return nil
}

// enum is a GraphQL name that stands without quotes.
type enum string

// values fill a document in: int64, string, enum or ID.
type values map[string]any

// body is the request that asks a document.
func body(text string, with values) ([]byte, error) {
	if hasHeader(text) {
		sent := maps.Clone(with)
		for name, v := range sent {
			if id, ok := v.(ID); ok {
				sent[name] = id.plain()
			}
		}
		return encode(map[string]any{"query": text, "variables": sent})
	}
	var bad error
	filled := aVariable.ReplaceAllStringFunc(text, func(name string) string {
		literal, err := literalOf(with[name[1:]])
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("%s %w", name, err))
		}
		return literal
	})
	if bad != nil {
		return nil, bad
	}
	return encode(map[string]any{"query": filled})
}

func literalOf(v any) (string, error) {
	switch v := v.(type) {
	case enum:
		if !isName(string(v)) {
			return "", errors.New("is no GraphQL name")
		}
		return string(v), nil
	case ID:
		return literalOf(v.plain())
	case int64, json.Number:
		return fmt.Sprint(v), nil
	case string: // JSON's escapes are among those of GraphQL
		text, err := encode(v)
		return string(text), err
	}
	return "", errors.New("has no value")
}

var isWhole = regexp.MustCompile(`^(0|[1-9][0-9]{0,17})$`).MatchString

// plain is the id as it stands in a request: the vendor's are integers.
func (id ID) plain() any {
	if isWhole(string(id)) {
		return json.Number(id)
	}
	return string(id)
}

// encode leaves < and > as they are, so that a document stays readable.
func encode(v any) ([]byte, error) {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return []byte(strings.TrimSuffix(out.String(), "\n")), err
}
