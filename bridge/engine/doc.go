// Package engine is the heart of latchkey: it guards commands, supervises
// accounts and holds the one table of last values. bridge/daemon makes it;
// bridge/mqtt feeds it commands and drains its table, bridge/hass puts documents
// into the same table, the page and the command line ask through [Engine.Do].
//
// A command passes the checks of guard.go in one goroutine, in order of arrival,
// then waits in the queue of its device (queue.go), is carried out once
// (execute.go) and ends in exactly one result. What vendors find out arrives as
// facts (facts.go) and becomes messages of the [Table].
//
// Goroutines: [Engine.Run] owns all of them and returns when they have ended:
// the guard, the retain audit, the keeper of the inventory, one for each account,
// one for each task of an account that is online, and one for each device that is
// carrying out a command. Functions of a vendor that ignore their context hold up
// Run and [Engine.Remove].
package engine
