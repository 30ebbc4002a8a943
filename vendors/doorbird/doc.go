// Package doorbird connects a DoorBird door station by way of the vendor's cloud:
// relays as buttons, the light, pictures, and rings and motion that the cloud
// pushes or the station tells by hooks. It owns no goroutine. One account is one
// grant, one grant is one station (inferred: nothing in the API carries its id).
//
// Verified against the simulator beside it only, never against the live service.
// Marks of the facts that the code rests on:
//
//   - documented (https://api.doorbird.io/swagger-ui/auth.html and
//     notification.html): the code grant with form bodies and the client's id and
//     secret among the fields, one of two scopes, a new refresh token with each
//     refresh, revocation of the access token, POST /relay/1 with an empty JSON
//     body, the partner push and its key, and that favourites and schedules exist.
//     The vendor prints authorize, token and revoke as relative addresses;
//   - seen in public clients: the host and /auth/authorize and /auth/token, every
//     other path of the API, 204 on a picture for "may not watch now", 401 for a
//     dead token, 502 and 504 for a station that is not reached, a history that
//     lags behind the bell;
//   - documented for the LAN API, taken over: 204 on a command means "no right", so
//     here it is no success but `no_answer`; one http output for an event and time,
//     which a second one replaces; a favourite that is deleted takes its outputs
//     along; 507 for a full list;
//   - inferred: /auth/revoke, one JSON object {"peripheral": id} for a controller's
//     relay (option peripheral_body selects the seen, doubly encoded form), which
//     calls need an admin's grant, one push for each user of a ring;
//   - unknown, and not built on: the state of a relay, door history, battery, an
//     online flag, rate limits, times in the history, which scope a call needs, what
//     a used refresh token does to its family, other kinds of push. A kind that is
//     not known is published as it came, by the entity event.
//
// A relay of a paired controller shares its number with a relay of the station,
// and without a body the station's fires: another door. So the body is never left
// out where a peripheral is meant, and there is no fallback.
//
// Hooks (hooks_plan, hooks_install, hooks_remove) are for those without the partner
// push: favourites whose address is latchkey's secret path, and rules that call
// them. A rule is read, changed and written back; another system's call is displaced
// only on request, and kept in a note to be put back.
//
// Entity ids, permanent: relay_<n>, relay_<peripheral>_<n> (entities of the
// station's device), light, refresh_picture, live, connection, last_ring
// (last_ring_<n> for bell n >= 2), last_motion; with an admin's grant restart; with
// push_key or a hook ring (ring_<n>) and motion; with a hook opened; with push_key
// event.
package doorbird
