package operations

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"latchkey/bridge"
)

// speech says what entities of a kind do: the commands they take, whether any
// payload, and whether they show a value.
type speech struct {
	says      []string
	any       bool // a payload as an argument
	commanded bool // must take a command
	shows     bool // may show a value
	mustShow  bool
}

// kinds lists the platforms of the configuration. A lock without a real state is
// refused: it would show a door as locked that nobody has looked at.
func kinds() map[bridge.Kind]speech {
	return map[bridge.Kind]speech{
		bridge.Button:       {says: []string{"PRESS"}, commanded: true},
		bridge.Lock:         {says: []string{"LOCK", "UNLOCK", "OPEN"}, commanded: true, shows: true, mustShow: true},
		bridge.Switch:       {says: []string{"ON", "OFF"}, commanded: true, shows: true},
		bridge.Number:       {any: true, commanded: true, shows: true},
		bridge.Select:       {any: true, commanded: true, shows: true},
		bridge.Sensor:       {shows: true, mustShow: true},
		bridge.BinarySensor: {shows: true, mustShow: true},
		bridge.Event:        {shows: true, mustShow: true},
		bridge.ImageKind:    {shows: true, mustShow: true},
	}
}

// entity compiles one entity, all but its verbs.
func (c *checker) entity(r *rules, path string, rule bridge.EntityRule) *entity {
	e := &entity{EntityRule: rule}
	at := func(key string) string { return path + "." + key }
	speaks, known := kinds()[rule.Platform]
	c.wrong(!bridge.IsID(rule.ID) || bridge.IsReservedID(rule.ID), at("id"), "no entity can be called %q (1 to %d of a-z, 0-9 and _, and no reserved word)", shorten(rule.ID, 80), bridge.MaxID)
	c.wrong(!known, at("platform"), "%q is none (one of: %v)", rule.Platform, slices.Sorted(maps.Keys(kinds())))
	c.wrong(utf8.RuneCountInString(rule.Name) > 128, at("name"), "is too long")
	c.wrong(rule.For == "", at("for"), "is missing: an operation that yields devices, a kind of device or one original id")
	if e.of = r.operation(rule.For); e.of != nil && !e.of.yields() {
		c.wrong(true, at("for"), "the operation %q yields no devices (it has no `each` and `device`)", rule.For)
	}
	if rule.From != "" {
		e.from = r.operation(rule.From)
		if !c.wrong(e.from == nil, at("from"), "there is no operation %q", rule.From) {
			c.wrong(e.from.from != nil && e.of != nil && e.from.from != e.of, at("from"), "%q runs for devices of %q, not of %q", rule.From, e.from.For, rule.For)
			e.from.feeds = append(e.from.feeds, e)
		}
	}
	if rule.Value == "" && rule.From != "" {
		rule.Value = "."
	}
	c.wrong(rule.Platform == bridge.ImageKind && rule.From == "", at("from"), "is missing: which operation gives the picture")
	e.value = c.jq(at("value"), rule.Value)
	if known {
		c.wrong(speaks.mustShow && rule.Value == "", at("value"), "is missing: a %s shows one", rule.Platform)
		c.wrong(!speaks.shows && rule.Value != "", at("value"), "a %s has none", rule.Platform)
	}
	listed := rule.Platform == bridge.Select || rule.Platform == bridge.Event
	c.wrong(listed && len(rule.Options) == 0, at("options"), "is missing: a %s lists what it may be", rule.Platform)
	c.wrong(!listed && rule.Platform != bridge.Sensor && len(rule.Options) > 0, at("options"), "a %s has none", rule.Platform)
	ranged := rule.Min != nil || rule.Max != nil || rule.Step != nil
	c.wrong(ranged && rule.Platform != bridge.Number, path, "min, max and step go with a number")
	c.wrong(rule.Min != nil && rule.Max != nil && *rule.Min >= *rule.Max, at("min"), "is not below max")
	c.wrong(rule.Step != nil && *rule.Step <= 0, at("step"), "must be above 0")
	c.wrong(rule.StateClass != "" && rule.Platform != bridge.Sensor, at("state_class"), "goes with a sensor")
	c.wrong(rule.Unit != "" && rule.Platform != bridge.Sensor && rule.Platform != bridge.Number, at("unit"), "goes with a sensor or number")
	c.wrong(rule.Category != "" && rule.Category != "config" && rule.Category != "diagnostic", at("category"), "is config or diagnostic")
	e.made = bridge.Entity{
		ID: rule.ID, Name: rule.Name, Kind: rule.Platform, Class: rule.Class, Unit: rule.Unit, Icon: rule.Icon, StateClass: rule.StateClass,
		Options: rule.Options, Min: rule.Min, Max: rule.Max, Step: rule.Step,
		Diagnostic: rule.Category == "diagnostic", Setting: rule.Category == "config", OffAtFirst: rule.Enabled != nil && !*rule.Enabled,
	}
	for _, v := range e.written() {
		if o := r.operation(v.Call); o != nil {
			o.called = true
		}
	}
	return e
}

// written are the verbs as they were meant: `call` is short for one PRESS.
func (e *entity) written() []bridge.VerbRule {
	if e.Call == "" {
		return e.Verbs
	}
	return append([]bridge.VerbRule{{Says: "PRESS", Call: e.Call, Args: e.Args}}, e.Verbs...)
}

// verbs judges and makes an entity's verbs.
func (c *checker) verbs(r *rules, calls []bridge.Call, path string, e *entity) {
	speaks, known := kinds()[e.Platform]
	verbs := e.written()
	c.wrong(e.Call != "" && (len(e.Verbs) > 0 || e.Platform != bridge.Button), path+".call", "is short for the one verb of a button: use verbs")
	c.wrong(e.Call == "" && len(e.Args) > 0, path+".args", "goes with call")
	if known {
		c.wrong(speaks.commanded && len(verbs) == 0, path, "a %s needs verbs (or call)", e.Platform)
		c.wrong(!speaks.commanded && len(verbs) > 0, path, "a %s takes no commands", e.Platform)
	}
	for i, v := range verbs {
		at := fmt.Sprintf("%s.verbs[%d]", path, i)
		if e.Call != "" {
			at = path
		}
		if known && speaks.commanded {
			options := append(slices.Clip(speaks.says), e.Options...)
			c.wrong(v.Says != "" && !slices.Contains(options, v.Says), at+".says", "a %s is never told %q (one of: %q)", e.Platform, v.Says, options)
			c.wrong(v.Value != "" && !speaks.any, at+".value", "a %s has no payload of its own", e.Platform)
		}
		c.wrong((v.Says == "") == (v.Value == ""), at, "want either says (which payload it is for) or value (which argument takes the payload)")
		c.wrong(slices.ContainsFunc(verbs[:i], func(b bridge.VerbRule) bool { return b.Says == v.Says }), at+".says", "%q is there already", v.Says)
		c.verb(r, calls, at, e, v)
		e.made.Verbs = append(e.made.Verbs, bridge.Verb{Says: v.Says, Call: v.Call, Args: v.Args, Value: v.Value})
	}
}

// verb judges what a verb calls. A call that is neither an operation nor known to
// be the vendor's can only be judged where the vendor's are known.
func (c *checker) verb(r *rules, calls []bridge.Call, at string, e *entity, v bridge.VerbRule) {
	var call bridge.Call
	if o := r.operation(v.Call); o != nil {
		call = o.call()
		switch {
		case o.from != nil && e.of != nil && o.from != e.of:
			c.wrong(true, at+".call", "%q runs for devices of %q, not of %q", v.Call, o.For, e.For)
		case o.from == nil && e.of != nil && o.For != "":
			c.wrong(true, at+".call", "%q runs for %q, not for devices of %q", v.Call, o.For, e.For)
		}
	} else if i := slices.IndexFunc(calls, func(k bridge.Call) bool { return k.Name == v.Call }); i >= 0 {
		call = calls[i]
	} else {
		c.wrong(v.Call == "" || calls != nil && !slices.Contains(ownCalls, v.Call), at+".call", "there is no operation and no call %q", v.Call)
		return
	}
	for _, a := range call.Args {
		given, there := v.Args[a.Name]
		switch {
		case there && a.Name == v.Value:
			c.wrong(true, at+".args."+a.Name, "is the payload already")
		case there:
			if err := fits(a, given); err != nil {
				c.wrong(true, at+".args."+a.Name, "%v", err)
			} else if o := r.operation(v.Call); o != nil {
				err := within(o.Operation.Args[a.Name], given)
				c.wrong(err != nil, at+".args."+a.Name, "%v", err)
			}
		default:
			c.wrong(!a.Optional && a.Name != v.Value && a.Name != deviceArg, at+".args", "the argument %q of %q is missing", a.Name, v.Call)
		}
	}
	declared := func(name string) bool {
		return slices.ContainsFunc(call.Args, func(a bridge.Arg) bool { return a.Name == name })
	}
	c.wrong(v.Value != "" && !declared(v.Value), at+".value", "%q has no argument %q", v.Call, v.Value)
	for _, name := range slices.Sorted(maps.Keys(v.Args)) {
		c.wrong(!declared(name), at+".args."+name, "%q has no such argument", v.Call)
	}
}
