package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"latchkey/bridge"
)

// decoder writes the tree into values that hold their defaults already. It is
// strict: an unknown key, a wrong type or a value left empty is a problem.
//
// It takes structs with `yaml:"name"` and `yaml:",inline"`, maps with text keys,
// slices, pointers, text, bools, numbers, any, [bridge.Secret], time.Duration,
// netip.Prefix and what reads itself from text. A list replaces the default, a
// mapping is added to it.
type decoder struct {
	*report
	*reader
	o           Options
	print       []string          // what was decoded, as `path=value`, for [Account].Print
	secretFiles map[string]string // the files that secrets were read from, by path
	inline      bool              // a secret stands in the configuration file itself
}

// into decodes n into v, which must be settable.
func (d *decoder) into(n *node, v reflect.Value, path string) {
	if n.kind == broken {
		return
	}
	if v.Type() == reflect.TypeFor[*node]() {
		v.Set(reflect.ValueOf(n)) // decoded later
		return
	}
	if v.Type() == reflect.TypeFor[bridge.Secret]() && d.leaves(n, path) {
		v.Set(reflect.ValueOf(notRead))
		return
	}
	if read := textReader(v); read != nil {
		if text, ok := d.text(n, path); ok {
			if err := read(text); err != nil {
				d.add(n.at, path, "%s", err)
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if n.kind == empty && v.Type().Elem().Kind() == reflect.Struct {
			return
		}
		fresh := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			fresh.Elem().Set(v.Elem())
		}
		d.into(n, fresh.Elem(), path)
		v.Set(fresh)
	case reflect.Struct, reflect.Map, reflect.Slice:
		d.container(n, v, path)
	case reflect.Interface:
		if value := d.value(n, path); value != nil {
			v.Set(reflect.ValueOf(value))
		}
	default:
		d.scalar(n, v, path)
	}
}

// notRead stands for a secret that is given and cannot or shall not be read: what
// needs one is not to complain as well.
var notRead = bridge.NewSecret("not read")

// leaves tells whether a secret is given and left unresolved. That of the store is
// not: without it nothing can be read.
func (d *decoder) leaves(n *node, path string) bool {
	return d.o.NoSecrets && n.text != "" && !strings.HasPrefix(path, "store.")
}

// container decodes what has parts. A key with nothing behind it leaves the
// default: all its parts may be commented out.
func (d *decoder) container(n *node, v reflect.Value, path string) {
	want := mapping
	if v.Kind() == reflect.Slice {
		want = list
	}
	if n.kind == empty {
		return
	}
	if n.kind != want {
		d.add(n.place(), path, "want %s, got %s", want, n.kind)
		return
	}
	d.print = append(d.print, path+"="+string(want))
	switch v.Kind() {
	case reflect.Struct:
		d.fields(n, v, path)
	case reflect.Map:
		all := reflect.MakeMap(v.Type())
		for _, k := range v.MapKeys() {
			all.SetMapIndex(k, v.MapIndex(k))
		}
		for _, f := range n.fields {
			name := reflect.ValueOf(f.name).Convert(v.Type().Key())
			element := reflect.New(v.Type().Elem()).Elem()
			if old := v.MapIndex(name); old.IsValid() {
				element.Set(old)
			}
			d.into(f.value, element, join(path, f.name))
			all.SetMapIndex(name, element)
		}
		v.Set(all)
	case reflect.Slice:
		all := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
		for i, item := range n.items {
			d.into(item, all.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
		v.Set(all)
	}
}

// fields decodes a mapping into a struct. Every secret x may stand under x_file.
func (d *decoder) fields(n *node, v reflect.Value, path string) {
	known := map[string]reflect.Value{}
	fieldsOf(v, known)
	files := map[string]reflect.Value{}
	for name, f := range known {
		if f.Type() == reflect.TypeFor[bridge.Secret]() && !known[name+"_file"].IsValid() {
			files[name+"_file"] = f
		}
	}
	for _, f := range n.fields {
		switch below := join(path, f.name); {
		case known[f.name].IsValid():
			d.into(f.value, known[f.name], below)
			text := f.value.text
			d.inline = d.inline || files[f.name+"_file"].IsValid() && text != "" && !strings.HasPrefix(text, "${")
		case !files[f.name].IsValid():
			names := slices.AppendSeq(slices.Collect(maps.Keys(known)), maps.Keys(files))
			d.add(f.value.key, below, "unknown key%s", suggest(f.name, names))
		}
	}
	for _, f := range n.fields {
		if s := files[f.name]; s.IsValid() {
			name := strings.TrimSuffix(f.name, "_file")
			d.secretFile(f.value, n.get(name), s, path, name)
		}
	}
}

// secretFile sets a secret from the file that n names.
func (d *decoder) secretFile(n, inline *node, v reflect.Value, path, name string) {
	below := join(path, name+"_file")
	if d.leaves(n, below) {
		v.Set(reflect.ValueOf(notRead))
		return
	}
	file, ok := d.text(n, below)
	secret := notRead
	switch {
	case ok && file == "":
		return
	case inline != nil && inline.text != "":
		d.add(n.key, below, "%s is given as well (write only one of them)", name)
		return
	case ok && !d.unknown(file):
		read, err := d.secretText(file)
		if err != nil {
			d.add(n.at, below, "%s", err)
			break
		}
		secret = bridge.NewSecret(read)
		d.secretFiles[below] = d.path(file)
		d.print = append(d.print, below+" holds "+read)
	}
	v.Set(reflect.ValueOf(secret))
}

// fieldsOf collects the settable fields of a struct by their names in the file.
func fieldsOf(v reflect.Value, into map[string]reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			fieldsOf(v.Field(i), into)
		case !f.IsExported() || name == "-":
		case name == "":
			into[strings.ToLower(f.Name)] = v.Field(i)
		default:
			into[name] = v.Field(i)
		}
	}
}
