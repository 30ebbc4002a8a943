package operations

import (
	"regexp"
	"strings"

	"latchkey/bridge"
)

// operation is one operation of the configuration, compiled.
type operation struct {
	bridge.Operation
	name string

	target          *target   // of http
	document        *document // of graphql
	variables, body *program
	next, more      *program
	each, id, label *program
	ok, result      *program
	args            []bridge.Arg
	from            *operation // the operation that yields the devices of `for`; nil: a vendor's
	called          bool       // by an entity
	feeds           []*entity  // their `from`, in the order of the configuration
	off             error      // why it is switched off: the cloud's schema does not have it
	readsDevice     bool       // a program of the request reads .device
	readsItem       bool       // and more of it than its id
	readsPage       bool
}

// yields tells whether the operation lists devices.
func (o *operation) yields() bool { return o.each != nil && o.id != nil }

// prefix marks sources and tasks as ours, so that none is taken for a vendor's.
const prefix = "operation:"

// source names the devices that one run lists: those of another device are a list
// of their own, or one device's answer would remove another's.
func (o *operation) source(parent string) string {
	if parent == "" {
		return prefix + o.name
	}
	return prefix + o.name + "/" + parent
}

func (o *operation) task() string { return prefix + o.name }

// Gone tells whether a source of devices in the inventory was an operation that
// the configuration no longer has.
func Gone(s bridge.Settings) func(source string) bool {
	return func(source string) bool {
		name, ours := strings.CutPrefix(source, prefix)
		name, _, _ = strings.Cut(name, "/")
		o, there := s.Operations[name]
		return ours && (!there || o.Device == nil)
	}
}

// asking are the programs that make a request.
func (o *operation) asking() []*program {
	all := []*program{o.variables, o.body}
	if o.target != nil {
		all = append(all, o.target.programs()...)
	}
	return all
}

// What a program reads of its environment, by its text: .device, or {device} for
// short. A word in a string of its own is none.
var (
	usesDevice = regexp.MustCompile(`\.device\b|[{,]\s*device\s*[,}]`)
	usesPage   = regexp.MustCompile(`\.page\b|[{,]\s*page\s*[,}]`)
	justID     = regexp.MustCompile(`\.device\.id\b`)
)

// survey notes what the request's programs read.
func (o *operation) survey() {
	for _, p := range o.asking() {
		if p == nil {
			continue
		}
		whole := strings.TrimSpace(p.text) == "."
		o.readsDevice = o.readsDevice || whole || usesDevice.MatchString(p.text)
		o.readsItem = o.readsItem || whole || usesDevice.MatchString(justID.ReplaceAllString(p.text, ""))
		o.readsPage = o.readsPage || whole || usesPage.MatchString(p.text)
	}
}

// deviceArg names the argument that stands for a device; the engine fills it in.
const deviceArg = "device"

// call is the operation as the engine sees it, all but what it does.
func (o *operation) call() bridge.Call {
	c := bridge.Call{Name: o.name, Summary: "operation of the configuration: " + o.HTTP, Args: o.args}
	if o.GraphQL != "" {
		c.Summary = "operation of the configuration: GraphQL"
	}
	if o.For != "" {
		c.Args = append(c.Args[:len(c.Args):len(c.Args)], bridge.Arg{Name: deviceArg, Type: bridge.ArgText, Min: 1, Max: bridge.MaxID})
	}
	if o.Write {
		c.Effect, c.OfEntity, c.AnyArgs = bridge.Writes, o.called, o.For != ""
	}
	return c
}

// entity is one entity of the configuration, compiled.
type entity struct {
	bridge.EntityRule
	made  bridge.Entity
	value *program
	from  *operation // whose result the value is of; nil: the device's item
	of    *operation // the operation that yields its devices; nil: a vendor's
}

// on tells whether the entity is to be on a device.
func (e *entity) on(d bridge.Device) bool { return matches(e.For, e.of, d) }

// matches tells whether a device is meant by a `for`: the operation that yields
// it, its kind, or its original id.
func matches(target string, of *operation, d bridge.Device) bool {
	if of != nil {
		return d.Kind == of.kind()
	}
	return d.Kind == target || original(d) == target
}

// kind is the kind of the devices that an operation yields.
func (o *operation) kind() string { return prefix + o.name }

// rules are the compiled operations and entities of an account.
type rules struct {
	account    map[string]any
	base       string
	graphql    string
	operations []*operation // lists first, then by name
	odd        []error      // of the vendor's own documents, that the schema does not have
	entities   []*entity
}

func (r *rules) operation(name string) *operation {
	for _, o := range r.operations {
		if o.name == name {
			return o
		}
	}
	return nil
}

// lister is the operation that yields a device; nil: it is a vendor's.
func (r *rules) lister(d bridge.Device) *operation {
	name, ours := strings.CutPrefix(d.Kind, prefix)
	if !ours {
		return nil
	}
	return r.operation(name)
}
