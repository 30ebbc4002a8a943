package config

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// text reads a scalar as it was written: 0123 stays 0123, and on stays on.
func (d *decoder) text(n *node, path string) (string, bool) {
	switch n.kind {
	case scalar:
		text, ok := d.expand(n, path)
		d.print = append(d.print, path+"="+text)
		return text, ok
	case broken:
	case empty:
		d.add(n.place(), path, `has no value (remove the key, or write "")`)
	default:
		d.add(n.place(), path, "want text, got %s", n.kind)
	}
	return "", false
}

// textReader returns how a value of v's type is read from text; nil: it is not.
func textReader(v reflect.Value) func(string) error {
	switch p := v.Addr().Interface().(type) {
	case *time.Duration:
		return func(text string) (err error) { *p, err = duration(text); return err }
	case *netip.Prefix:
		return func(text string) (err error) { *p, err = network(text); return err }
	case *slog.Level:
		return func(text string) error {
			if p.UnmarshalText([]byte(text)) != nil {
				return fmt.Errorf("%q is no level (known: debug, info, warn, error)", text)
			}
			return nil
		}
	case encoding.TextUnmarshaler:
		return func(text string) error {
			if err := p.UnmarshalText([]byte(text)); err != nil {
				return fmt.Errorf("is not understood: %v", err)
			}
			return nil
		}
	}
	return nil
}

func duration(text string) (time.Duration, error) {
	t, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%q is no time span (write it with a unit: 500ms, 10s, 5m, 168h)", text)
	case t < 0:
		return 0, fmt.Errorf("%s is below zero", text)
	}
	return t, nil
}

// network reads an address or a network; an address is a network of one.
func network(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf("%q is no address and no network (such as 172.18.0.2 or 172.18.0.0/16)", text)
	}
	return p.Masked(), nil
}

// scalar decodes text, a bool or a number. A number with a leading zero is
// refused: YAML takes 0123 for 83, people for a code.
func (d *decoder) scalar(n *node, v reflect.Value, path string) {
	if v.Kind() == reflect.String {
		if text, ok := d.text(n, path); ok {
			v.SetString(text)
		}
		return
	}
	want := "a value that latchkey can take"
	var parse func(text string) error
	read := reflect.New(v.Type()).Elem()
	switch {
	case v.Kind() == reflect.Bool:
		want, parse = "true or false", func(text string) error { b, err := boolean(text); read.SetBool(b); return err }
	case v.CanInt():
		want, parse = "a whole number", func(text string) error {
			i, err := strconv.ParseInt(text, 10, v.Type().Bits())
			read.SetInt(i)
			return err
		}
	case v.CanUint():
		want, parse = "a whole number from 0 on", func(text string) error {
			i, err := strconv.ParseUint(text, 10, v.Type().Bits())
			read.SetUint(i)
			return err
		}
	case v.CanFloat():
		want, parse = "a number", func(text string) error { f, err := number(text); read.SetFloat(f); return err }
	}
	if n.kind == mapping || n.kind == list {
		d.add(n.place(), path, "want %s, got %s", want, n.kind)
		return
	}
	text, ok := d.text(n, path)
	switch {
	case !ok:
	case parse == nil || !n.plain:
		d.add(n.at, path, "want %s, got text", want)
	case leadingZero(text):
		d.add(n.at, path, "want %s without leading zeros", want)
	default:
		if err := parse(text); errors.Is(err, strconv.ErrRange) {
			d.add(n.at, path, "want %s, got %s, which is out of range", want, text)
		} else if err != nil {
			d.add(n.at, path, "want %s, got %s", want, text)
		} else {
			v.Set(read)
		}
	}
}

// boolean takes the words that YAML takes.
func boolean(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on":
		return true, nil
	case "false", "no", "off":
		return false, nil
	}
	return false, strconv.ErrSyntax
}

func number(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsInf(f, 0) || math.IsNaN(f)) {
		err = strconv.ErrSyntax
	}
	return f, err
}

func leadingZero(text string) bool {
	text = strings.TrimLeft(text, "+-")
	return len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9'
}
