package bridge

import "context"

// Call is one thing that can be asked of an account, by name. An entity's
// [Verb] names a call with bound arguments, so that MQTT, the command line, the
// page and the configuration share one path and one guard.
type Call struct {
	Name, Summary string
	Args          []Arg
	Effect        Effect
	// OfEntity: a writing call stands for the entity whose verb names it with
	// these arguments (relay number 1 = PRESS on relay_1): permission, cool-down,
	// the waiting slot and the log belong to that entity, and without such an
	// entity the call is refused as unknown_target. Otherwise a write stands for
	// no entity and is matched by its name, action CALL.
	OfEntity bool
	// AnyArgs: with the argument `device` and OfEntity, it stands for the one entity
	// of that device that calls it, whatever its other arguments: an operation of
	// the configuration with `for`.
	AnyArgs bool
	// Raw judges a raw call (graphql, request) by its arguments; nil: not raw. A
	// raw write needs `raw_writes: true`.
	Raw func(Args) (Effect, error)
	// Steps is how many writes one permit covers; 0 means 1. More only where nothing
	// moves (installing hooks): the command's deadline then is for its beginning, and
	// all steps together have as long as a read.
	Steps int
	// Do does it once. It returns the vendor's data: anything that encodes to
	// JSON, an [Image], or nil.
	Do func(context.Context, Order) (any, error)
	// Stop ends what Do has set going (a camera that turns); Do waits as long as it
	// is to last, or until its context ends. It follows every Do that may have been
	// carried out, also while the daemon stops, by a permit of its own, and again
	// where it fails: so it must do no harm when repeated. nil: nothing goes on.
	Stop func(context.Context, Order) error
}

// Effect tells a read from a write.
type Effect int

// Reads moves nothing and may be repeated; Writes is sent at most once.
const (
	Reads Effect = iota
	Writes
)

// Order is one call being carried out. Args are already checked against the
// declaration, defaults filled in. Device is the entity's, zero where the call
// stands for none.
type Order struct {
	Device Device
	Args   Args
	Report Report
}

// Arg declares one argument of a call.
type Arg struct {
	Name     string
	Type     ArgType
	Min, Max int64    // value of an int, length of a text in characters; both 0: int unbounded, text up to 256
	OneOf    []string // allowed texts
	Optional bool     // may be left out; Default is then filled in when it is not nil
	Default  any
}

// ArgType is the type of an argument. JSON is any JSON value.
type ArgType string

// The types of arguments. In Args they are int64, float64, string, bool and any.
const (
	ArgInt    ArgType = "int"
	ArgNumber ArgType = "number"
	ArgText   ArgType = "string"
	ArgBool   ArgType = "bool"
	ArgJSON   ArgType = "json"
)

// Args are checked arguments by name.
type Args map[string]any

// Int returns an int argument, 0 where it was left out.
func (a Args) Int(name string) int64 { n, _ := a[name].(int64); return n }

// Text returns a string argument, "" where it was left out.
func (a Args) Text(name string) string { s, _ := a[name].(string); return s }
