// Package generic is any cloud with OAuth 2 and an HTTP or GraphQL API, described
// wholly in the configuration: `options` say how its tokens are got, `operations`
// and `entities` (bridge/operations) what it can do. It has no call, task or
// entity of its own.
//
// What is not said is taken from the standards: the parameters of RFC 6749, PKCE
// of RFC 7636, revocation of RFC 7009, introspection of RFC 7662. Entries of
// `params` are added to these, or replace the one of the same name; "" leaves it
// out. A value may end in one {field} that latchkey fills in, such as
// `token: "{access_token}"`: client_id, code, redirect, refresh_token,
// access_token, scope, username, password, external, verifier.
//
// URLs are below base_url ("/oauth/token"), or absolute where sign-in lives on
// another host. Verified against the simulator only.
package generic
