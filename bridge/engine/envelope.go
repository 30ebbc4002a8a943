package engine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"latchkey/bridge"
)

// idMost is the length of the longest id of an envelope.
const idMost = 64

// lastSecond is the latest Unix second that RFC 3339 can write (year 9999); more
// than that is milliseconds.
const lastSecond = 253402300799

// readSet reads a message on a `set` topic, an envelope or a plain payload, and
// finds the verb that it says.
func readSet(c *command) error {
	if c.local() {
		return c.says(c.ask.Action)
	}
	if !bytes.HasPrefix(bytes.TrimLeft(c.payload, " \t\r\n"), []byte("{")) {
		return c.says(string(c.payload))
	}
	members, err := envelope(c)
	if err != nil {
		return err
	}
	for key := range members {
		if key != "action" {
			return fmt.Errorf("unknown key %q", shown(key))
		}
	}
	switch action := members["action"].(type) {
	case string:
		return c.says(action)
	case json.Number:
		return c.says(action.String())
	case nil:
		if _, given := members["action"]; !given {
			return errors.New("action is missing")
		}
	}
	return errors.New("action is neither text nor a number")
}

// readCall reads a message on a `call` topic. A call that moves something needs
// the member args, at least {}: an empty message may be somebody's clearing of the
// topic (hazard H22).
func readCall(c *command) error {
	if c.local() {
		return c.takeArgs(c.ask.Args, fromText)
	}
	given := map[string]any{}
	if len(c.payload) == 0 {
		if c.moves() {
			return errors.New("it is empty, and this call moves something")
		}
	} else {
		members, err := envelope(c)
		if err != nil {
			return err
		}
		for key := range members {
			if key != "args" {
				return fmt.Errorf("unknown key %q", shown(key))
			}
		}
		if args, ok := members["args"]; ok {
			if given, ok = args.(map[string]any); !ok {
				return errors.New("args is no object")
			}
		} else if c.moves() {
			return errors.New("args is missing, and this call moves something")
		}
	}
	return c.takeArgs(given, canonical)
}

// envelope reads id and sent_at into the command and returns the other members.
func envelope(c *command) (map[string]any, error) {
	v, err := strict(c.payload)
	if err != nil {
		return nil, err
	}
	members, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("it is no JSON object")
	}
	if v, given := members["id"]; given {
		id, ok := v.(string)
		if !ok || !isEnvelopeID(id) {
			return nil, fmt.Errorf("id is not 1 to %d of A-Z a-z 0-9 . _ -", idMost)
		}
		c.id = id
		delete(members, "id")
	}
	if v, given := members["sent_at"]; given {
		at, ok := moment(v)
		if !ok {
			return nil, errors.New("sent_at is neither Unix seconds nor RFC 3339 with an offset")
		}
		c.sentAt = at
		delete(members, "sent_at")
	}
	return members, nil
}

func isEnvelopeID(s string) bool {
	return s != "" && len(s) <= idMost &&
		strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// moment reads Unix seconds, fractions allowed, or RFC 3339.
func moment(v any) (time.Time, bool) {
	switch v := v.(type) {
	case json.Number:
		s, err := v.Float64()
		if err != nil || s < 0 || s > lastSecond {
			return time.Time{}, false
		}
		whole, part := math.Modf(s)
		return time.Unix(int64(whole), int64(part*1e9)), true
	case string:
		// time.Parse lets an hour of one digit and a decimal comma pass (golang/go #54580).
		t, err := time.Parse(time.RFC3339, v)
		return t, err == nil && v[13] == ':' && !strings.Contains(v, ",") && t.Unix() >= 0
	}
	return time.Time{}, false
}

// says finds the verb that a text on an entity means, and its arguments.
func (c *command) says(text string) error {
	if text == "" {
		return errors.New("it says nothing")
	}
	for _, v := range c.entity.verbs {
		free := v.Says == ""
		if !free && v.Says != text {
			continue
		}
		args := make(bridge.Args, len(v.args)+1)
		for name, value := range v.args {
			args[name] = value
		}
		verb := text
		if free {
			value, err := c.entity.value(v, text)
			if err != nil {
				return err
			}
			args[v.Value], verb = value, spelling(value)
		}
		c.call, c.args, c.effect, c.action, c.verb = v.call, args, v.call.Effect, text, verb
		return nil
	}
	return fmt.Errorf("it is none of the actions %s", c.entity.actions())
}
