package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxExpanded bounds what aliases may grow a file to.
const maxExpanded = 100_000

// parser turns YAML into a tree.
type parser struct {
	*report
	open     map[*yaml.Node]bool // anchors being expanded
	expanded int
}

// parse reads one document. It returns an empty mapping where there is none.
func parse(data []byte, r *report) (root *node) {
	root = &node{kind: mapping, at: pos{1, 1}}
	p := &parser{report: r, open: map[*yaml.Node]bool{}}
	// The library ends some of its own faults by a panic; a reload must not end the daemon.
	defer func() {
		if v := recover(); v != nil {
			p.add(pos{1, 1}, "", "the YAML reader failed: please report this file's form")
		}
	}()
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		p.add(pos{1, 1}, "", "cannot be read as YAML")
		return root
	}
	var document, second yaml.Node
	if err := loader.Load(&document); err != nil {
		if err != io.EOF {
			p.syntax(data, err)
		}
		return root
	}
	switch err := loader.Load(&second); {
	case err == nil:
		p.add(pos{second.Line, second.Column}, "", "a second document starts here (remove the line ---)")
	case err != io.EOF:
		p.syntax(data, err)
	}
	if len(document.Content) != 1 {
		return root
	}
	switch n := p.convert(document.Content[0], ""); n.kind {
	case mapping:
		return n
	case empty, broken:
	default:
		p.add(n.at, "", "the file must be a mapping of settings, not %s", n.kind)
	}
	return root
}

// syntax words an error of the library for people. Its own text may quote the
// file, and with it a secret that was written without quotes.
func (p *parser) syntax(data []byte, err error) {
	e, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		p.add(pos{1, 1}, "", "cannot be read as YAML")
		return
	}
	at := pos{e.Mark.Line, e.Mark.Column}
	if at.line == 0 {
		p.add(badByte(data), "", "a byte that YAML does not allow (save the file as UTF-8 text)")
		return
	}
	message := e.Message
	switch {
	case strings.HasPrefix(message, "unknown anchor"):
		message = "* names an anchor that is not there (put quotes around a value that starts with *)"
	case strings.Contains(message, "cannot start any token"):
		message = "a value cannot start so (indent with spaces, not with tabs; put quotes around a value that starts with % @ or `)"
	case strings.Contains(message, "mapping values are not allowed"):
		message = "no `key: value` may stand here (look at the indentation; put quotes around a value that holds a colon and a space)"
	case strings.Contains(message, "unexpected end of stream") && e.ContextMark.Line > 0:
		at, message = pos{e.ContextMark.Line, e.ContextMark.Column}, "the quotes that start here do not end"
	case strings.HasPrefix(message, "found character '"):
		message = "a character that no tag may hold (put quotes around a value that starts with !)"
	case e.ContextMsg != "":
		message += " " + e.ContextMsg
	}
	p.add(at, "", "%s", message)
}

// badByte finds the first byte that is not UTF-8 or a control character.
func badByte(data []byte) pos {
	at := pos{1, 1}
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1, r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r < 0xa0 && r != 0x85:
			return at
		case r == '\n':
			at = pos{at.line + 1, 0}
		}
		at.col++
		data = data[size:]
	}
	return pos{1, 1}
}

// convert takes over one value and what is below it.
func (p *parser) convert(y *yaml.Node, path string) *node {
	n := &node{kind: empty, at: pos{y.Line, y.Column}}
	if len(p.open) > 0 {
		p.expanded++
	}
	if p.expanded > maxExpanded {
		if p.expanded == maxExpanded+1 {
			p.add(n.at, path, "aliases make the file grow beyond all measure")
		}
		n.kind = broken
		return n
	}
	if y.Style&yaml.TaggedStyle != 0 {
		p.add(n.at, path, "tags (a word after !) have no meaning here (use ${NAME} or x_file for secrets; put quotes around a value that starts with !)")
		n.kind = broken
		return n
	}
	switch y.Kind {
	case yaml.ScalarNode:
		n.text = y.Value
		n.plain = y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
		if !n.plain || y.Tag != "!!null" {
			n.kind = scalar
		}
	case yaml.SequenceNode:
		n.kind = list
		for i, item := range y.Content {
			n.items = append(n.items, p.convert(item, fmt.Sprintf("%s[%d]", path, i)))
		}
	case yaml.MappingNode:
		n.kind = mapping
		p.fields(n, y, path)
	case yaml.AliasNode:
		if p.open[y.Alias] {
			p.add(n.at, path, "an anchor that holds itself")
			n.kind = broken
			return n
		}
		p.open[y.Alias] = true
		n = p.convert(y.Alias, path)
		delete(p.open, y.Alias)
	}
	return n
}

// fields takes over a mapping. What `<<` brings in gives way to the mapping's own.
func (p *parser) fields(n *node, y *yaml.Node, path string) {
	seen := map[string]*node{}
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, at := y.Content[i], pos{y.Content[i].Line, y.Content[i].Column}
		if key.Kind != yaml.ScalarNode || key.Style&yaml.TaggedStyle != 0 {
			p.add(at, path, "a key must be plain text")
			continue
		}
		if key.Tag == "!!merge" {
			merged = append(merged, p.convert(y.Content[i+1], path))
			continue
		}
		below := join(path, key.Value)
		if first := seen[key.Value]; first != nil {
			p.add(at, below, "given twice (first in line %d)", first.key.line)
			continue
		}
		value := p.convert(y.Content[i+1], below)
		value.key = at
		seen[key.Value] = value
		n.fields = append(n.fields, field{key.Value, value})
	}
	for len(merged) > 0 {
		m := merged[0]
		merged = merged[1:]
		switch m.kind {
		case list:
			merged = append(m.items, merged...)
		case mapping:
			for _, f := range m.fields {
				if seen[f.name] == nil {
					seen[f.name] = f.value
					n.fields = append(n.fields, f)
				}
			}
		case broken:
		default:
			p.add(m.at, path, "<< takes a mapping, or a list of mappings")
		}
	}
}

// means returns what a scalar without quotes stands for in YAML: nil, a bool, an
// int, a float64, or something else that is text to latchkey (a date, say).
func means(text string) (v any) {
	if err := (&yaml.Node{Kind: yaml.ScalarNode, Value: text}).Load(&v); err != nil {
		return text
	}
	return v
}
