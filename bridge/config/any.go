package config

import (
	"fmt"
	"strconv"
	"strings"
)

// value decodes what has no declared type, such as the arguments of a call: nil,
// bool, int, float64, string, []any or map[string]any.
func (d *decoder) value(n *node, path string) any {
	switch n.kind {
	case mapping:
		d.print = append(d.print, path+"="+string(mapping))
		all := map[string]any{}
		for _, f := range n.fields {
			all[f.name] = d.value(f.value, join(path, f.name))
		}
		return all
	case list:
		d.print = append(d.print, path+"="+string(list))
		all := make([]any, len(n.items))
		for i, item := range n.items {
			all[i] = d.value(item, fmt.Sprintf("%s[%d]", path, i))
		}
		return all
	case empty, broken:
		d.print = append(d.print, path+"="+string(empty))
		return nil
	}
	text, ok := d.text(n, path)
	if !ok || !n.plain {
		d.print = append(d.print, path+" is text")
		return text
	}
	v, err := means(text), error(nil)
	switch v.(type) {
	case nil, bool:
	case int, int64, uint64:
		v, err = strconv.Atoi(text)
	case float64:
		if v, err = number(text); !strings.ContainsAny(text, ".eE") {
			err = strconv.ErrRange
		}
	default:
		return text
	}
	if err != nil || leadingZero(text) {
		d.add(n.at, path, "%s can be read in several ways (put quotes around it if it is text)", text)
	}
	return v
}
