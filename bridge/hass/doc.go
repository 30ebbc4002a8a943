// Package hass describes latchkey to Home Assistant: one retained discovery
// document for the bridge, for each account and for each device, checked as Home
// Assistant would check it before it leaves.
//
// [Describe] turns the inventory into documents, [Check] is the validator and
// [Publisher] puts what passed into the engine's table, answers Home Assistant's
// birth message and takes away what is gone. Nothing here touches a socket: the
// table's owner sends, bridge/mqtt hands messages in. bridge/daemon wires it.
//
// Removal is the delicate part. A component that is left out of a document stays
// in Home Assistant, and so does one whose removal Home Assistant did not hear.
// So the ledger keeps, durably and before anything is sent, every component that
// Home Assistant may know from us; what is in it but no longer wanted is shown
// once more, marked as removed, and forgotten only when Home Assistant was
// there to hear it (hazard M17).
//
// Whether Home Assistant is there is known from its birth message and its will
// alone, and neither is retained by default. So a removal runs as soon as the
// link to the broker is open, and is forgotten only if a birth message was seen
// in this run and no `offline` since; otherwise it runs once more after the
// next birth. A removal that Home Assistant had heard already is repeated
// harmlessly.
//
// The one goroutine is the caller's of [Publisher.Run]. It alone owns documents
// and ledger; the other methods leave a note for it and return at once.
package hass
