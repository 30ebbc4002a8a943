// Package operations runs what an owner writes under `operations:` and
// `entities:` of an account: named HTTP and GraphQL calls with typed arguments,
// lists that yield devices, values that become states, and entities that call.
// It also gives a vendor the raw calls `graphql` and `request`.
//
// bridge/daemon uses it: [Check] when a configuration is loaded, [Warn] for what
// is odd, [Extend] when an account is opened, [Gone] for the inventory. To the
// engine the result is an ordinary account: operations are calls and tasks, their
// devices are facts. Entities of the configuration join a vendor's own devices on
// their way: Extend wraps the Report of every task, call and push, and adds them
// to the devices that match. The engine knows nothing of it.
//
// Nothing is spliced into text. Paths are templates whose jq values are escaped
// as one segment, bodies and variables are built as values. A jq program has no
// environment, no modules and no input but its own; it runs for at most
// programTime and gives at most outputMost. It is its owner's own text all the
// same: one native step on huge numbers cannot be stopped.
//
// What jq reads: `args`; `device`, the item of `each` for an operation's device
// and the vendor's facts for a vendor's (one that is an integer in its shortest
// form is a number), with `id`; `account` with `id` and `name`; `page`; `now`;
// `midnight`. After a restart and until the list has been read again, an
// operation's device has only its id: a call that reads more of it reads the list
// first.
//
// A write is sent at most once, by bridge.Cloud.Act. `ok` is judged after the
// status. When its reply cannot be read nobody knows whether it was carried out:
// no_answer. Over HTTP only GET and HEAD can be reads.
//
// The package owns no goroutine. State between runs (which devices there are,
// their newest items) is guarded by one mutex, never held over a request.
package operations
