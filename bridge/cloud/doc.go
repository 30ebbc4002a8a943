// Package cloud is the HTTP client that a vendor gets for one account. It
// implements [bridge.Cloud]: a vendor says what to ask, this package adds the
// bearer, keeps the pace, the deadlines and the limits, and says in one of the
// Contract's reasons why there is no answer. bridge/daemon makes one [Client] an
// account.
//
// [Client.Read] moves nothing and may be repeated. [Client.Act] moves something
// and goes out at most once:
//
//   - it takes the guard's [bridge.Permit] with the bearer already in hand, right
//     before the request leaves;
//   - it is sent a second time only if the first provably had no effect: no
//     connection was obtained (one new dial), the cloud answered 401 (one renewal),
//     or 307/308 to a domain that the vendor declares (at most 5 hops; the node is
//     remembered). All of this stays inside the permit's deadline;
//   - whatever happens after a connection was obtained and before a whole answer
//     is there is [bridge.ReasonNoAnswer], never a reason to try again;
//   - net/http may not repeat it either. Its transport silently repeats a GET, and
//     a POST with an Idempotency-Key, when a kept-alive connection dies (hazard
//     H8): such commands use connections of their own that are never reused, and
//     the body of any other cannot be rewound.
//
// HTTP/1.1 only: an account makes a few requests a minute, and HTTP/2 has rules
// of its own for sending again.
//
// The bearer goes to the origin's own scheme and host, or below the domain that
// the vendor declares for redirects, over https, or plain http on loopback where
// simulators live. Neither a message nor a log line holds a URL or a token.
//
// The package owns no goroutine beyond those of net/http, which end with
// [Client.Close] and the contexts of the requests.
package cloud
