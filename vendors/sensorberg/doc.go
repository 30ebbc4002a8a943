// Package sensorberg connects Sensorberg's Smart Spaces cloud: doors, locker boxes
// and rooms that can be opened. The vendor publishes how to sign in and what its
// APIs look like in general, but no path, type or mutation of its units. So units,
// openings and all entities are operations of the configuration (`operations`,
// `entities`), taken from the tenant's own Swagger or schema; the calls graphql
// and request serve to find them. This package is the dialect, and one task that
// checks the token. It owns no goroutine.
//
// Verified against the simulator beside it only, never against the live service.
// Marks of the facts that the code rests on:
//
//   - documented (https://developer.sensorberg.com/en/smart-spaces/developers/api/general/,
//     .../api/authentication/ and .../api/graphql): /oauth/token with a form body;
//     client_credentials with client id, secret and scope among the fields; the
//     external token, with client id and scope and without a secret, in the query;
//     /oauth/authorize, /oauth/revoke (RFC 7009), /oauth/introspect (RFC 7662) and
//     /oauth/token/info; the scopes me (a user's token), app (an application's) and
//     basic (an application's with the basic right); GraphQL as an application
//     needs client_credentials; application/vnd.api+json on writes; /graphql;
//   - inferred, strongly: the OAuth server is the library Doorkeeper, of unknown
//     version;
//   - seen in that library: the refresh grant and a new pair each time, the old one
//     ending at once or when the new access token is first used; `state` comes back;
//     Basic with id and secret as they are, and never both ways at once; PKCE where
//     its columns exist, ignored elsewhere; the shapes of token info, and that it
//     answers 401 `invalid_token` to a dead token; that access and refresh token are
//     one record, so that revoking either ends both; a 200 from revoke proves
//     nothing, so a logout that token info does not confirm is called not proven;
//     a token cannot introspect itself, so client id and secret ask;
//   - seen: an application's token has no refresh token, whatever the sample shows.
//     It is asked for anew, one at a time: asking may end the former one;
//   - seen: the library refuses to register return addresses with plain http, also
//     of this machine. Signing in by authorization code needs an https public_url,
//     or `login --paste`;
//   - inferred: the parameters username and password of a user's sign-in; members
//     query and variables of a GraphQL request;
//   - slips of the texts: "user_credentials" for client_credentials, and the sample
//     reply to an external token, which repeats the request;
//   - unknown, left to options: how the client names itself (client_auth), where an
//     external token travels in the long run (external_token_in: the library's next
//     release no longer reads the query), whether token info is switched on
//     (health_check; one that is missing is no failure), PKCE, rate limits (pace);
//   - unknown, left to operations: every path, type and mutation, PUT or PATCH;
//   - unknown, and not built on: push and webhooks, page sizes, the state of a lock,
//     opening over HTTP at all. DELETE /oauth/token is listed and never sent.
//
// A 401 renews the token only if it says invalid_token, because a command is sent
// again after it: anything else could be another refusal.
//
// Calls of the daemon: token_info and introspect from the dialect (introspection
// needs the client's secret), graphql and request from the profile. request speaks
// JSON:API and keeps out of /oauth. Both hand the token's rights to everyone who
// may publish call topics; writes through them need raw_writes.
//
// Entity ids: none of its own, and no device. The example configuration uses open,
// opening, available and label.
package sensorberg
