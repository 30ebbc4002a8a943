// Package oauth keeps the tokens of vendor clouds: it speaks their dialects,
// refreshes before the end, signs in and out, and tells how each account is.
// bridge/daemon makes one [Keeper]; bridge/cloud asks it for bearers through
// bridge.Tokens; bridge/store implements its [Store]; bridge/web begins and ends
// sign-ins. Vendors declare a bridge.Dialect and never see a token.
//
// # The one way to refresh
//
// All token calls of an account are made in its turn, one at a time, detached
// from callers and from the stop. (1) The stored record is read again; renewed
// meanwhile: that is used. (2) The journal is opened: the record with an intent
// (attempt, hash of the refresh token, start, owner) is committed by
// compare-and-set. No commit, no vendor call; the loser of two never calls.
// (3) One call, 15 s, never repeated by the transport. (4) The tokens are found
// however odd the reply is. (5) One commit: new pair, previous pair kept,
// journal closed. (6) Only then the access token is handed out.
//
// # When the journal is open
//
// It is open at a start that follows a crash, and after a call whose reply was
// lost: the refresh token may have been spent. Then
//
//	(a) the access token serves            -> it is used, and nothing is sent: on
//	                                          servers that kill the family on
//	                                          reuse, asking again would end it too
//	(b) it does not, or ends, or gets 401  -> the stored refresh token is sent once
//	                                          more, and again on the back-off until
//	                                          a definite answer
//	(c) (b) was refused                    -> the previous pair's is sent, if it
//	                                          never was; a lost reply spends it
//	(d) (c) was refused, or cannot be      -> acquire anew where the account can, else
//	                                          login_needed, lost_in_flight
//
// With the journal closed a refused refresh token leads to (d) at once, reason
// revoked: trying the previous one could only end an access token that still
// serves. Acquiring (client credentials, a password) spends nothing, so it knows
// no (a) to (c). No error ever deletes a token.
//
// # What is kept where
//
// The record is the only thing stored: sealed by the store, versioned, holding
// both pairs, the journal, the identity, the back-off, the end state, the day's
// count of calls and a sign-in that is not confirmed. A record that the store
// does not take waits in memory: its pair is not handed out, and nothing else is
// asked of the vendor until it is saved.
//
// Lives are counted from a reply's arrival with the monotonic clock. Wall times
// matter after a start only, and while the clock is not trusted (or was not when
// they were written) the access token is tried, never judged.
//
// # Goroutines
//
// [Keeper.Run] is one goroutine that plans for all accounts and tells their
// health; each turn that it begins is a goroutine, at most twice
// Options.Parallel of them, and Run waits for them at the end. An account costs
// no goroutine and no timer. [Keeper.Finish], [Keeper.Logout] and the like work
// on their caller's goroutine, in the account's turn.
package oauth
