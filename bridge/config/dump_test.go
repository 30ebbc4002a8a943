package config_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"latchkey/bridge"
	"latchkey/bridge/config"
)

// dump shows a configuration without what is zero, secrets in clear.
func dump(c *config.Config) string {
	var out strings.Builder
	for _, w := range c.Warnings {
		fmt.Fprintf(&out, "warning %s\n", w)
	}
	all := *c
	all.Warnings, all.Sources = nil, nil
	show(&out, "", reflect.ValueOf(all))
	for _, name := range slices.Sorted(maps.Keys(c.Sources)) {
		fmt.Fprintf(&out, "read %s\n", name)
	}
	return out.String()
}

func show(out *strings.Builder, path string, v reflect.Value) {
	pointed := false // what is pointed at was given, zero or not
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer && v.Type() != reflect.TypeFor[bridge.Secret]() {
		if v.IsNil() {
			return
		}
		v, pointed = v.Elem(), true
	}
	line := func(value any) { fmt.Fprintf(out, "%s = %v\n", strings.TrimPrefix(path, "."), value) }
	if v.IsZero() && !pointed {
		return
	}
	if v.IsZero() && v.Kind() == reflect.Struct {
		line("{}")
		return
	}
	var value any // nil for an embedded struct that is not exported
	if v.CanInterface() {
		value = v.Interface()
	}
	switch x := value.(type) {
	case bridge.Secret:
		if !strings.HasSuffix(path, ".Print") && !x.Empty() {
			line("secret " + x.Reveal())
		}
		return
	case bridge.Driver:
		line(x.Kind)
		return
	case fmt.Stringer:
		line(x)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() || f.Anonymous {
				name := "." + f.Name
				if f.Anonymous {
					name = ""
				}
				show(out, path+name, v.Field(i))
			}
		}
	case reflect.Map:
		for _, k := range slices.SortedFunc(maps.Keys(asMap(v)), strings.Compare) {
			show(out, path+"."+k, asMap(v)[k])
		}
	case reflect.Slice:
		for i := range v.Len() {
			show(out, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.String:
		line(strconv.Quote(v.String()))
	default:
		line(fmt.Sprintf("%v (%s)", v, v.Kind()))
	}
}

func asMap(v reflect.Value) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for _, k := range v.MapKeys() {
		all[k.String()] = v.MapIndex(k)
	}
	return all
}
