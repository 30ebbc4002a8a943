package operations

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

const (
	everyLeast = 30 * time.Second
	namesMost  = 200 // operations, and entities, of an account
)

// Check judges the operations and entities of an account. All mistakes are
// joined, each made by [bridge.At]. profile and calls are the vendor's; nil: not
// known, and what depends on them is not judged.
func Check(s bridge.Settings, profile *bridge.Profile, calls []bridge.Call) error {
	_, err := read(s, profile, calls)
	return err
}

// Warn tells of what is allowed and odd, in the same form: an operation that
// needs a scope that is not asked for, or that the cloud's schema does not have.
func Warn(s bridge.Settings, profile *bridge.Profile) error {
	asked := strings.FieldsFunc(s.Scope, isBetween)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.Operations)) {
		for _, scope := range strings.FieldsFunc(s.Operations[name].Needs, isBetween) {
			if len(asked) > 0 && !slices.Contains(asked, scope) {
				errs = append(errs, bridge.At("operations."+name+".needs", "the scope %q is not asked for (scope: %s)", scope, s.Scope))
			}
		}
	}
	if r, _ := read(s, profile, nil); r != nil {
		for _, o := range r.operations {
			if o.off != nil {
				errs = append(errs, bridge.At("operations."+o.name+".graphql", "the operation is switched off, for it does not fit the schema: %v", o.off))
			}
		}
		errs = append(errs, r.odd...)
	}
	return errors.Join(errs...)
}

func isBetween(r rune) bool { return r == ' ' || r == ',' }

// checker collects mistakes.
type checker struct {
	errs []error
}

func (c *checker) wrong(is bool, path, format string, args ...any) bool {
	if is {
		c.errs = append(c.errs, bridge.At(path, format, args...))
	}
	return is
}

// jq compiles a program.
func (c *checker) jq(path, text string) *program {
	p, err := compile(text)
	c.wrong(err != nil, path, "%v", err)
	return p
}

// ownCalls are named calls that the daemon or this package gives an account.
var ownCalls = []string{"refresh", "introspect", "token_info", "graphql", "request"}

// read compiles everything.
func read(s bridge.Settings, profile *bridge.Profile, calls []bridge.Call) (*rules, error) {
	c := &checker{}
	r := &rules{account: map[string]any{"id": s.ID, "name": s.Name}}
	if profile != nil {
		r.base, r.graphql = profile.Origins[""].Base, profile.GraphQL
	}
	c.wrong(len(s.Operations) > namesMost, "operations", "are %d, more than %d", len(s.Operations), namesMost)
	c.wrong(len(s.Entities) > namesMost, "entities", "are %d, more than %d", len(s.Entities), namesMost)
	for _, name := range slices.Sorted(maps.Keys(s.Operations)) {
		path := "operations." + name
		c.wrong(!bridge.IsID(name), path, "no operation can be called %q (1 to %d of a-z, 0-9 and _)", shorten(name, 80), bridge.MaxID)
		c.wrong(slices.Contains(ownCalls, name) || slices.ContainsFunc(calls, func(v bridge.Call) bool { return v.Name == name }), path, "%q is a call of the account already", name)
		o := c.operation(path, name, s.Operations[name])
		if profile != nil && o.document != nil {
			c.wrong(profile.GraphQL == "", path+".graphql", "this account has no GraphQL")
		}
		r.operations = append(r.operations, o)
	}
	for _, o := range r.operations {
		c.target(r, o)
	}
	for i, rule := range s.Entities {
		r.entities = append(r.entities, c.entity(r, fmt.Sprintf("entities[%d]", i), rule))
	}
	for i, e := range r.entities {
		twice := slices.IndexFunc(r.entities[:i], func(b *entity) bool { return b.ID == e.ID && b.For == e.For })
		c.wrong(twice >= 0, fmt.Sprintf("entities[%d].id", i), "%q is there already for %q (entities[%d])", e.ID, e.For, twice)
	}
	for i, e := range r.entities { // all operations are known to be called or not by now
		c.verbs(r, calls, fmt.Sprintf("entities[%d]", i), e)
	}
	c.fit(r, profile)
	slices.SortStableFunc(r.operations, func(a, b *operation) int { return rank(a) - rank(b) })
	return r, errors.Join(c.errs...)
}

// rank puts lists before what runs for their devices: the engine runs tasks for
// the first time in this order.
func rank(o *operation) int {
	switch {
	case o.yields() && o.For == "":
		return 0
	case o.yields():
		return 1
	}
	return 2
}

// target resolves an operation's `for`.
func (c *checker) target(r *rules, o *operation) {
	if o.For == "" {
		return
	}
	path := "operations." + o.name + ".for"
	o.from = r.operation(o.For)
	switch {
	case o.from == nil:
	case o.from == o:
		c.wrong(true, path, "an operation cannot run for its own devices")
		o.from = nil
	case !o.from.yields():
		c.wrong(true, path, "the operation %q yields no devices (it has no `each` and `device`)", o.For)
	case o.yields() && o.from.For != "":
		c.wrong(true, path, "devices of devices of devices are not to be had")
	}
}

// operation compiles one operation.
func (c *checker) operation(path, name string, rule bridge.Operation) *operation {
	o := &operation{Operation: rule, name: name}
	at := func(key string) string { return path + "." + key }
	c.wrong((rule.HTTP == "") == (rule.GraphQL == ""), path, "want either http or graphql")
	if rule.HTTP != "" {
		var err error
		o.target, err = parseTarget(rule.HTTP)
		c.wrong(err != nil, at("http"), "%v", err)
		if o.target != nil {
			reads := o.target.method == "GET" || o.target.method == "HEAD"
			c.wrong(!reads && !rule.Write, at("http"), "%s may move something: say write: true", o.target.method)
			c.wrong(reads && rule.Body != "", at("body"), "a %s has no body", o.target.method)
		}
		c.wrong(rule.Variables != "", at("variables"), "go with graphql (http has body)")
	}
	if rule.GraphQL != "" {
		var err error
		o.document, err = parseDocument(rule.GraphQL)
		c.wrong(err != nil, at("graphql"), "%v", err)
		if o.document != nil {
			c.wrong(o.document.writes && !rule.Write, at("graphql"), "a mutation moves something: say write: true")
			c.wrong(!o.document.writes && rule.Write, at("write"), "a query moves nothing")
			c.wrong(len(o.document.uses) > 0 && rule.Variables == "" && len(o.document.types) == 0, at("variables"), "is missing: $%s needs a value", first(o.document.uses))
			c.wrong(len(o.document.uses) == 0 && len(o.document.types) == 0 && rule.Variables != "", at("variables"), "the document has none")
		}
		c.wrong(rule.Body != "", at("body"), "goes with http (graphql has variables)")
		c.wrong(rule.Media != "", at("media"), "goes with http")
	}
	c.wrong(rule.Media != "" && !isMedia(rule.Media), at("media"), "%q is no media type such as application/vnd.api+json", shorten(rule.Media, 60))
	o.variables, o.body = c.jq(at("variables"), rule.Variables), c.jq(at("body"), rule.Body)
	o.each, o.ok, o.result = c.jq(at("each"), rule.Each), c.jq(at("ok"), rule.OK), c.jq(at("result"), rule.Result)
	if rule.Page != nil {
		c.wrong(rule.Page.Next == "", at("page.next"), "is missing")
		c.wrong(rule.Each == "", at("page"), "needs each: what the pages are made of")
		c.wrong(rule.Result != "", at("result"), "does not go with page (the items of all pages are the result)")
		o.next, o.more = c.jq(at("page.next"), rule.Page.Next), c.jq(at("page.more"), rule.Page.More)
	}
	if rule.Device != nil {
		c.wrong(rule.Each == "", at("device"), "needs each: which items are devices")
		c.wrong(rule.Device.ID == "", at("device.id"), "is missing")
		o.id, o.label = c.jq(at("device.id"), rule.Device.ID), c.jq(at("device.name"), rule.Device.Name)
	}
	o.args = c.args(path, rule.Args)
	needed := required(o.args)
	if rule.Write {
		c.wrong(rule.Every != 0, at("every"), "a write is never repeated by itself")
		c.wrong(rule.Page != nil, at("page"), "a write has no pages")
		c.wrong(rule.Each != "", at("each"), "a write yields no devices")
	} else if rule.Every != 0 {
		c.wrong(rule.Every < everyLeast, at("every"), "%s is too often (at least %s)", rule.Every, everyLeast)
		c.wrong(needed >= 0, at("every"), "runs by itself, and the argument %q has no default", argName(o.args, needed))
	}
	o.survey()
	if o.document != nil && rule.Page != nil {
		c.wrong(!o.readsPage, at("variables"), "nothing uses .page, so each page would be the first")
	}
	c.names(at, o)
	return o
}

var (
	isMedia = regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]*/[a-z0-9*][a-z0-9.+*-]*$`).MatchString
	argUsed = regexp.MustCompile(`(?:^|[^\w.\])?"])\.args\.([A-Za-z_]\w*)`)
)

// names finds arguments that a program reads and nobody declares.
func (c *checker) names(at func(string) string, o *operation) {
	check := func(key string, programs ...*program) {
		for _, p := range programs {
			if p == nil {
				continue
			}
			for _, found := range argUsed.FindAllStringSubmatch(p.text, -1) {
				_, there := o.Args[found[1]]
				c.wrong(!there && !(found[1] == deviceArg && o.For != ""), at(key), "reads the argument %q, which is not declared in args", found[1])
			}
		}
	}
	check("variables", o.variables)
	check("body", o.body)
	if o.target != nil {
		check("http", o.target.programs()...)
	}
}

func first(uses []use) string {
	if len(uses) == 0 {
		return ""
	}
	return uses[0].name
}

func argName(args []bridge.Arg, i int) string {
	if i < 0 {
		return ""
	}
	return args[i].Name
}
