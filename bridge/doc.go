// Package bridge holds latchkey's words and its seam: plain data and the small
// interfaces between the rooms of the house. It starts nothing, owns no
// goroutine and imports the standard library alone.
//
// A vendor is declarations plus small functions, and nothing of it runs by
// itself: a [Driver] makes [Options] from the configuration; these check
// themselves, give a [Profile] (how the cloud's OAuth speaks, where its API is,
// how gently it wants to be asked) and open an [Account] of tasks and calls. A
// task reads the cloud and reports [Fact] values; a call is one thing that can
// be asked for, by MQTT, on the command line, on the page or by an entity's verb.
//
// Who uses what: vendors/<name> imports this package and nothing else of
// latchkey. bridge/engine supervises accounts and guards commands, bridge/oauth
// implements [Tokens] from a [Dialect], bridge/cloud implements [Cloud],
// bridge/mqtt sends [Message] values, bridge/hass describes [Listing] values.
// A vendor never sees a token, a topic, a retry or a lock.
//
// At most once is a [Permit], not a rule of good manners: the engine's guard
// makes one for each command, and [Cloud].Act sends nothing without it.
package bridge
