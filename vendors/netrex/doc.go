// Package netrex connects the white-label cloud of NetRex, CamStreamer Cloud and
// Survilla Cloud: the nodes that a token may see, cameras first, with recordings and
// people counts, over GraphQL at one URL. Everything is read, nothing moves. It owns
// no goroutine. What a camera can be told to do is only in a schema browser behind
// the login, so it comes from the configuration's operations.
//
// Verified against the simulator beside it only, never against the live service.
// Marks of the facts that the code rests on, all of survilla.atlassian.net (space
// KCA, pages on authorization, node tree, recordings, KPI and external ids):
//
//   - documented: a token made in the portal, or the code grant with every token
//     parameter in the URL's query; scopes joined by commas; `state` comes back; a
//     reply without token_type and scope; the client secret may be left out, then no
//     refresh token comes and the access ends with its token; revocation by POST with
//     `access_token`, which ends the refresh token too; errors as a human sentence;
//     nodeList, cameraList, camera.recordings, recordingPrepare and
//     statisticDataMetric; figures in steps of 15 minutes;
//   - seen (x/oauth2's source): it joins scopes with a space and sends a body, so the
//     requests are built by hand;
//   - inferred: authorize is a GET, `refresh_token` carries the refresh token, the
//     names of the vendor's examples (redirect_uri, authorization_code) and not those
//     of its tables (options names), `recording(recording_id:)` as the poll, a
//     recording is ready when download_url is set, preparing twice is harmless, the
//     day begins at this machine's midnight, one hour of life where a reply names none;
//   - unknown, so lenient or an option: rotation (any is taken), the status of errors
//     (a member `error` or `errors` decides, whatever the status), how a dead token is
//     answered (401, 403, a page, or options.dead_token), form bodies (form_body),
//     client credentials at the revocation (revoke_client), ids and figures as text,
//     null lists, the words of OAuth errors (sentences), whether `variables` are taken
//     (documents are filled in with typed literals; one with a header of its own is
//     sent with variables);
//   - unknown, and not built on: push, rate limits, paging, the life of portal tokens
//     and of download addresses, the rows of statisticDataMetricByGranularity, the
//     arguments of statisticData, introspection (a schema is read from a file:
//     options.schema), state and connectivity of a camera, live view, stills, PTZ,
//     lights, audio, events, inputs. Each may be made an operation of the
//     configuration.
//
// A node that is listed no more stays for a day (option forget) with its entity
// `listed` off, since a list may be short for once; a restart forgets it. `listed`
// is not connectivity. Addresses of recordings are withheld unless the option links
// is set. With the option save they are fetched into a folder, with the token and from
// the cloud's own host (whether they want it is not known); nothing there is deleted.
// What an OAuth refusal is about is told by the names that it holds (token,
// client, redirect, ...; options.sentences for a cloud that speaks otherwise). One that
// holds none counts as the grant's, is tried again, and nothing is deleted.
//
// There is no introspection: whether a token serves is tried by the document check,
// the smallest query that the vendor documents.
//
// Devices: `overview` for the account, one for each node of the configured kinds or
// with figures, by node_id. Facts for `operations`: node_id, parent_node_id, type,
// name, external_id, folder.
//
// Entity ids, permanent: cameras (of overview), listed, recording_ready,
// people_average, people_passed_by, transactions_positive, transactions_negative,
// conversion.
package netrex
