package operations

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"unicode/utf8"

	"latchkey/bridge"
)

// textMost is the length of a text without a declared one, as for every call.
const textMost = 256

// args compiles the declared arguments, in the order of their names.
func (c *checker) args(path string, rules map[string]bridge.ArgRule) (args []bridge.Arg) {
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		at, rule := path+".args."+name, rules[name]
		a := bridge.Arg{Name: name, Type: bridge.ArgType(rule.Type)}
		c.wrong(!bridge.IsID(name), at, "no argument can be called %q (a-z, 0-9 and _)", shorten(name, 40))
		c.wrong(name == deviceArg, at, "this name stands for the device of `for`")
		switch rule.Type {
		case "string", "int", "number":
		case "enum":
			a.Type, a.OneOf = bridge.ArgText, rule.Values
			c.wrong(len(rule.Values) == 0, at+".values", "is missing: an enum needs some")
		case "bool":
		default:
			c.wrong(true, at+".type", "%q is no type (string, int, number, bool or enum)", shorten(rule.Type, 40))
			continue
		}
		bounded := rule.Type == "string" || rule.Type == "int" || rule.Type == "number"
		c.wrong(!bounded && (rule.Min != nil || rule.Max != nil), at, "min and max go with string, int and number")
		c.wrong(rule.Type != "enum" && len(rule.Values) > 0, at+".values", "go with enum")
		if bounded {
			a.Min, a.Max = c.bounds(at, rule)
		}
		if rule.Default != nil {
			a.Optional, a.Default = true, rule.Default
			if err := fits(a, rule.Default); err != nil {
				c.wrong(true, at+".default", "%v", err)
			} else if err := within(rule, rule.Default); err != nil {
				c.wrong(true, at+".default", "%v", err)
			}
		}
		args = append(args, a)
	}
	return args
}

// bounds are min and max as whole numbers; those of a number that are none are
// judged by [within].
func (c *checker) bounds(at string, rule bridge.ArgRule) (least, most int64) {
	const limit = 1 << 53
	least, most = -limit, limit
	if rule.Type == "string" {
		least, most = 0, textMost
	}
	for _, bound := range []*float64{rule.Min, rule.Max} {
		if bound == nil {
			continue
		}
		c.wrong(rule.Type != "number" && *bound != math.Trunc(*bound) || math.Abs(*bound) > limit, at, "%v is no bound of a %s", *bound, rule.Type)
	}
	if rule.Min != nil {
		least = int64(math.Floor(*rule.Min))
	}
	if rule.Max != nil {
		most = int64(math.Ceil(*rule.Max))
	}
	c.wrong(rule.Type == "string" && (least < 0 || most < 1 || most > 4096), at, "the length of a text is 0 to 4096")
	c.wrong(rule.Min != nil && rule.Max != nil && *rule.Min > *rule.Max, at, "min is above max")
	return least, most
}

// within judges a number by its exact bounds.
func within(rule bridge.ArgRule, v any) error {
	if rule.Type != "number" && rule.Type != "int" {
		return nil
	}
	f, ok := number(v)
	if ok && (rule.Min != nil && f < *rule.Min || rule.Max != nil && f > *rule.Max) {
		return fmt.Errorf("%v is outside its bounds", v)
	}
	return nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// fits judges a value of the configuration by the declaration of an argument, as
// the engine will.
func fits(a bridge.Arg, v any) error {
	switch a.Type {
	case bridge.ArgText:
		text, ok := v.(string)
		most := a.Max
		if a.Min == 0 && a.Max == 0 {
			most = textMost
		}
		switch n := int64(utf8.RuneCountInString(text)); {
		case !ok:
			return fmt.Errorf("%v is no text (put quotes around it)", v)
		case n < a.Min || n > most:
			return fmt.Errorf("%q has %d characters, not %d to %d", shorten(text, 40), n, a.Min, most)
		case len(a.OneOf) > 0 && !slices.Contains(a.OneOf, text):
			return fmt.Errorf("%q is none of %q", text, a.OneOf)
		}
	case bridge.ArgInt, bridge.ArgNumber:
		f, ok := number(v)
		switch {
		case !ok || a.Type == bridge.ArgInt && f != math.Trunc(f):
			return fmt.Errorf("%v is no %s", v, a.Type)
		case (a.Min != 0 || a.Max != 0) && (f < float64(a.Min) || f > float64(a.Max)):
			return fmt.Errorf("%v is not %d to %d", v, a.Min, a.Max)
		}
	case bridge.ArgBool:
		if _, ok := v.(bool); !ok {
			return fmt.Errorf("%v is neither true nor false", v)
		}
	}
	return nil
}
