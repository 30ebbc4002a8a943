// Package mqtt is latchkey's link to the broker. It sends what the engine's
// table holds, hands over what arrives, and keeps no values: after each connect
// everything is sent again from the table. It knows nothing of Home Assistant.
// bridge/daemon makes the one [Client].
//
// One life of the link, in this order: connect with a clean session, a fixed
// client id and the retained will; send everything ([Source.All]: bridge/state
// first) with at most 20 publishes unacknowledged; [Link.Subscribing], one
// SUBSCRIBE for all routes, [Link.Subscribed] when it is answered; then what
// changes, as it changes. A lost link is made anew after a pause of at most about
// half a minute.
//
// The client speaks MQTT 3.1.1 through paho, whose habits shape this package:
//
//   - Its own reconnecting stays off, and each link gets a paho client of its
//     own. After a reconnect paho sends what was not acknowledged again, clean
//     session or not, unordered and beside our resend, so that an old value could
//     win (M7) and an event come twice (H13); it never frees the ids of those
//     publishes; and its back-off has no jitter, starts anew after a link of
//     seven seconds (M4), and is a sleep that nothing ends, so that a stop would
//     leave goroutines behind. [pace] waits instead.
//   - Its handlers run one at a time in the order of arrival and stop everything
//     while they wait, so a [Route] must not block (M8, M9).
//   - IsConnected is true while it only tries: IsConnectionOpen counts (M3).
//   - Closing the socket below it goes unnoticed: see wire.cut.
//   - Its loggers are package globals and stay off, as they are.
//
// Goroutines: Run's own, which sends, and paho's, which end with the link.
package mqtt
