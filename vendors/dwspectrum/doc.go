// Package dwspectrum connects DW Spectrum, Digital Watchdog's label of Network
// Optix's VMS, by way of DW Cloud: the account's systems with their state of
// health, and of each configured system the servers, cameras with stills, soft
// triggers, inputs and outputs, PTZ presets, event rules and logged events. It owns
// no goroutine.
//
// The broad token asks the cloud and mints one token for each configured system;
// a system is asked with its own token alone, through the relay, which sends every
// call on to a node (307) below options.redirect_domain. Each system's devices are
// a source of their own, so that one that does not answer removes nothing.
//
// Verified against the simulator beside it only, never against the live service.
// Facts that only Network Optix states hold here by the shared code (inferred).
// Marks of the facts that the code rests on:
//
//   - documented (DW articles 1107 to 1109; Nx articles and v4 API description): the
//     sign-in with redirect_url, a client id of one's own and no secret; JSON token
//     calls with response_type, expires_in and expires_at as text; refresh; scopes
//     that only shrink, cloudSystemId=<id> for a system; a token that does not reach
//     the token endpoint cannot revoke itself; revoking, the refresh token first;
//     introspection; /api/systems/; the relay's name; REST v4: site, servers,
//     devices, image, PTZ, triggers, generic events, io, rules, log, bookmarks,
//     schedule; /api/ptz and /api/createEvent for older systems;
//   - seen in the vendor's own code or samples: /cdb/oauth2/token and /cdb/systems,
//     the fields of a system, trafficRelayHost, resultCode and its words also in a
//     2xx, the minting call, the password grant, REST v1 to v3 and their images,
//     braces around ids before v4, ptzCapabilities as a mask on v3, lists inside of
//     {"reply"}, /ec2/cameraThumbnail, soft triggers in /ec2/getEventRules before
//     6.1 with inputPortId and caption in a condition that is JSON inside of text,
//     executeEventAction with relayOutputId and durationMs in such a text, 307 of
//     the relay, event types spelled motion and cameraMotionEvent;
//   - inferred: 5.0 to 6.1 have REST v1 to v4 and newer systems keep older ones; a
//     minted set spends nothing and its refresh token is dropped; with a scope
//     without the whole cloud the listing is /cdb/systems; state travels safely
//     inside of redirect_url (state_in_url); an instant trigger before 6.1 has no
//     state; before v4 ids are taken without braces in paths; presets exist where
//     the capabilities say so; the portal's introspection names the username, as
//     that of /cdb/oauth2 does (where it does not, or the scope is without tokens, a
//     sign-in on another account is not noticed);
//   - unknown, and not built on: whether state comes back by itself, the answer to a
//     refused sign-in, the life of a code and of the refresh token, rotation (what
//     comes is kept by the keeper), bodies of introspection, revocation and portal
//     errors (any is taken), rate limits (so lists are asked once a minute and
//     triggers, presets and rules every ten), how an offline system is answered
//     (503, 404 and endless redirects are all failures), which member of a logged
//     event names the camera (the one that holds the id of a known one), triggers,
//     rules, io and generic events by REST v3 (the older ways are used), whether a
//     trigger before 6.1 is prolonged (so it has all three buttons, start and stop
//     off at first), prolongation_period (ignored).
//
// A camera that is moved (ptz_move, at most 3 s) is stopped by latchkey, also when
// latchkey is told to stop; it turns on only if latchkey is killed in these seconds,
// or its stop is not taken for 5 s, which the result says.
//
// Left out: the WebSocket of 6.1 (what it does when its token ends is unknown, and
// bridge.Cloud has no streams: inputs, outputs and logged events are polled), the
// health history of a system, streams and archive. authKey, credentials, e-mail and
// passwords in addresses are dropped where lists are read.
//
// A camera whose system or own status says Offline refuses commands, soft triggers
// included. A missing status says nothing: the camera keeps what it showed.
//
// Entity ids, permanent. System: connection, health, version, role, rule_<rule>.
// Server: connection, version. Camera or other device: connection, status,
// recording, still, refresh_still, event, trigger_<trigger> (a prolonged one:
// trigger_<trigger>_start and _stop), preset_<preset>, input_<port>, output_<port>
// (before 6.1 without auto-reset: output_<port>_on and _off). Ids of the vendor
// stand in them as bridge.DeviceID makes them, shortened above 44 characters.
package dwspectrum
