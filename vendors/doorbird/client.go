package doorbird

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"latchkey/bridge"
)

// relayMax is the highest number that a relay may have.
const relayMax = 9999

// pictureMost bounds a picture; a door station's has a tenth of it.
const pictureMost = 2 << 20

// client speaks the API of one station. Errors are *bridge.Failure.
type client struct {
	cloud  bridge.Cloud
	base   string
	twice  bool // the peripheral's object is encoded once more
	viewer bool
}

// errNotNow is a picture that the user may not see now: answered 204 (seen).
var errNotNow = &bridge.Failure{Reason: bridge.ReasonRejected, Status: http.StatusNoContent,
	Message: "the station lets this user watch only for some minutes after a ring (its administrator may allow \"watch always\")"}

func (c client) metadata(ctx context.Context) (m metadata, raw json.RawMessage, err error) {
	raw, err = c.read(ctx, "/metadata", &m)
	if err == nil && bridge.MAC(m.MAC) == "" {
		err = odd("/metadata names no MAC address")
	}
	return m, raw, err
}

// allowed lists the relays that any user of the station may trigger. Users
// themselves are nobody's business here.
func (c client) allowed(ctx context.Context) (all []Relay, err error) {
	var users []user
	if _, err := c.read(ctx, "/users", &users); err != nil {
		return nil, err
	}
	seen := map[Relay]bool{}
	for _, u := range users {
		for _, r := range u.Permissions.AllowedRelays {
			one := Relay{Number: r.ID.int(), Peripheral: string(r.Peripheral)}
			if one.Number >= 1 && one.Number <= relayMax && !seen[one] {
				seen[one] = true
				all = append(all, one)
			}
		}
	}
	return all, nil
}

// names lists the station's own relays as its administrator named them.
func (c client) names(ctx context.Context) (all []Relay, err error) {
	var settings []relaySetting
	if _, err := c.read(ctx, "/relays/settings", &settings); err != nil {
		return nil, err
	}
	for _, s := range settings {
		if n := s.ID.int(); n >= 1 && n <= relayMax {
			all = append(all, Relay{Number: n, Name: s.Name})
		}
	}
	return all, nil
}

// pulse fires a relay. Without a peripheral the body is empty, as the vendor's
// sample has it; with one it never is.
func (c client) pulse(ctx context.Context, r Relay) error {
	body := []byte{}
	if r.Peripheral != "" {
		body, _ = json.Marshal(pulse{r.Peripheral}) // one text
		if c.twice {
			body, _ = json.Marshal(string(body))
		}
	}
	return c.move(ctx, "/relay/"+strconv.Itoa(r.Number), body)
}

// move sends a command that moves something. Any 2xx is success but 204: on the
// LAN twin it says that there is no right, so nobody can tell what has happened.
func (c client) move(ctx context.Context, path string, body []byte) error {
	status, err := c.act(ctx, path, body)
	if err == nil && status == http.StatusNoContent {
		return &bridge.Failure{Reason: bridge.ReasonNoAnswer, Status: status,
			Message: "the cloud answered 204, which may mean that this user has no right to do it: it may have been carried out, so look at the door before you try again"}
	}
	return err
}

func (c client) act(ctx context.Context, path string, body []byte) (status int, err error) {
	req := bridge.Request{Path: path}
	if body != nil {
		req.JSON = body
	}
	reply, err := c.cloud.Act(ctx, req)
	if err == nil && bytes.HasPrefix(bytes.TrimSpace(reply.Body), []byte("<")) { // a gateway or a sign-in page, not the API
		return reply.Status, &bridge.Failure{Reason: bridge.ReasonNoAnswer, Status: reply.Status,
			Message: "something answered with a web page instead of the cloud's API: it may have been carried out, so look at the door before you try again"}
	}
	return reply.Status, c.hint(err)
}

func (c client) live(ctx context.Context) (bridge.Image, error) {
	return c.picture(ctx, "/live/live-image")
}

// link returns the address of a picture of the history, newest first; "" if
// there are not that many.
func (c client) link(ctx context.Context, list string, index int) (string, error) {
	var links []pictureLink
	if _, err := c.read(ctx, "/cloud-recording/images/"+list, &links); err != nil {
		return "", err
	}
	if index >= len(links) {
		return "", nil
	}
	return links[index].URL, nil
}

// recorded fetches a picture of the history. The list is foreign text: its
// address is asked, with the bearer, on the cloud's own scheme and host alone.
func (c client) recorded(ctx context.Context, link string) (bridge.Image, error) {
	home, err1 := url.Parse(c.base)
	u, err2 := url.Parse(link)
	if err1 != nil || err2 != nil || u.Scheme != home.Scheme || !strings.EqualFold(u.Host, home.Host) || u.User != nil {
		return bridge.Image{}, odd("the history names a picture that is not on this cloud")
	}
	return c.picture(ctx, link)
}

func (c client) picture(ctx context.Context, path string) (bridge.Image, error) {
	reply, err := c.cloud.Read(ctx, bridge.Request{Path: path, Accept: "image/jpeg", Limit: pictureMost})
	switch {
	case err != nil:
		return bridge.Image{}, err
	case reply.Status == http.StatusNoContent:
		return bridge.Image{}, errNotNow
	case http.DetectContentType(reply.Body) != "image/jpeg":
		return bridge.Image{}, odd("the cloud's picture is no JPEG")
	}
	return bridge.Image{Type: "image/jpeg", Bytes: reply.Body}, nil
}

// read reads JSON. A 204 where there should be JSON is a lack of rights.
func (c client) read(ctx context.Context, path string, into any) (json.RawMessage, error) {
	reply, err := c.cloud.Read(ctx, bridge.Request{Path: path})
	if err != nil {
		return nil, c.hint(err)
	}
	if reply.Status == http.StatusNoContent {
		return nil, c.hint(&bridge.Failure{Reason: bridge.ReasonRejected, Status: reply.Status, Message: "the cloud answered " + path + " with nothing"})
	}
	if err := json.Unmarshal(reply.Body, into); err != nil {
		return nil, odd(fmt.Sprintf("the cloud's answer to %s is not understood", path))
	}
	return reply.Body, nil
}

// hint adds what may help: which call needs which scope is not known.
func (c client) hint(err error) error {
	var f *bridge.Failure
	if !c.viewer || !errors.As(err, &f) || f.Status != http.StatusUnauthorized && f.Status != http.StatusForbidden && f.Status != http.StatusNoContent {
		return err
	}
	more := *f
	more.Message += " (it may need a sign-in as the station's administrator, with scope: " + admin + ")"
	return &more
}

func odd(message string) *bridge.Failure {
	return &bridge.Failure{Reason: bridge.ReasonNoAnswer, Message: message}
}

// unreachable tells that the cloud is well and the station is not (seen).
func unreachable(err error) bool {
	var f *bridge.Failure
	return errors.As(err, &f) && (f.Status == http.StatusBadGateway || f.Status == http.StatusGatewayTimeout)
}

// forbidden tells that the grant may not ask this.
func forbidden(err error) bool {
	var f *bridge.Failure
	return errors.As(err, &f) && f.Reason == bridge.ReasonRejected
}
