// Package cameramanager connects Eagle Eye CameraManager (rest.cameramanager.com):
// the cameras of one user with their state, stills, stream addresses and
// recordings. Everything is read, nothing moves. It owns no goroutine.
//
// It is not the Eagle Eye Cloud VMS, which has other hosts and another API.
//
// Verified against the simulator beside it only, never against the live service.
// Marks of the facts that the code rests on, all of developer.cameramanager.com:
//
//   - documented (docs/oauth-login-panel-refresh-token): the code grant, with every
//     token parameter in the query string and `scope` in each of them, a Basic
//     header of id and secret, `Accept: application/json`, a refresh token that
//     comes back unchanged and works until logout, logout by DELETE of
//     users/self/tokens/current with the access token, which ends both. The sample
//     header there lacks its colon: built by hand it is id:secret;
//   - documented (API pages): the fields of users, recordings and errors; a still is
//     rendered on demand, only few at once, and is to be fetched once and cached;
//     recordings come oldest first, 10 to 200 at a time, spans above 12 h are to be
//     avoided, and times are sent with a numeric offset (a Z is refused);
//   - seen in public clients: the paths and their versions, which live side by side
//     (option versions), the fields of cameras and states, the state of all cameras
//     at once, token-less stream URLs, `resolution` and `includeTimestamp` of a
//     still, an access token that dies early (clients mix up 401 and 403);
//   - inferred: passwordKnown as a problem, the end of the newest recording as the
//     last activity, one still at a time and one a minute for each camera, two
//     minutes of rest after a refused one, `read` as the scope that suffices;
//   - unknown, and not built on: whether `state` comes back from the sign-in, the
//     values of the status strings (shown as text), the status of a refused still,
//     error codes, rate limits, paths of events, zones, PTZ, light and sirens, any
//     push.
//
// Media URLs are given without a token: with one they would give the grant away.
//
// Entity ids, permanent: connection, recording, sd_recording, audio,
// password_problem, password_status, firmware_status, connection_type,
// last_connection_result, still, refresh_still, last_recording; with a configured
// path (experimental) detection.
package cameramanager
