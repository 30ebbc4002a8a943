package hass

import (
	"encoding/json"
	"fmt"
	"maps"
)

// Document is one discovery message.
type Document struct {
	Topic string
	// Account and Device are what it describes: for the bridge both are `bridge`,
	// for an account the device is `account`.
	Account, Device string
	// Entity is set in the single-component form, where a document is one entity.
	Entity  string
	Payload []byte
	// Twice are keys that two entities asked for; only the first is in the payload.
	Twice []string
}

func (d Document) subject() subject { return subject{d.Account, d.Device} }

// component is one entity as it stands in a document, before it is encoded.
type component map[string]any

// encode makes the payload. Keys come out sorted, so that equal documents are
// equal bytes.
func encode(v any) []byte {
	payload, err := json.Marshal(v)
	if err != nil {
		panic("hass: a document is not plain data: " + err.Error()) // only texts, numbers, flags and lists are ever put in
	}
	return payload
}

// body is a payload taken apart: the components stay as they are written.
type body struct {
	root       map[string]json.RawMessage
	components map[string]json.RawMessage
}

// parse takes a device document apart.
func parse(payload []byte) (body, error) {
	var b body
	if err := json.Unmarshal(payload, &b.root); err != nil {
		return b, fmt.Errorf("read document: %v", err)
	}
	if raw, ok := b.root["components"]; ok {
		if err := json.Unmarshal(raw, &b.components); err != nil {
			return b, fmt.Errorf("read components of document: %v", err)
		}
	}
	return b, nil
}

// with returns the payload of this document with the given components in place
// of its own of the same key.
func (b body) with(changes map[string]json.RawMessage) []byte {
	components := maps.Clone(b.components)
	maps.Copy(components, changes)
	return b.payload(components)
}

func (b body) payload(components map[string]json.RawMessage) []byte {
	root := maps.Clone(b.root)
	root["components"] = encode(components)
	return encode(root)
}

// platformOf reads the platform of a component.
func platformOf(raw json.RawMessage) string {
	var c struct {
		Platform string `json:"platform"`
	}
	if json.Unmarshal(raw, &c) != nil {
		return ""
	}
	return c.Platform
}

// marker is what a component is reduced to, so that Home Assistant removes it.
func marker(platform string) json.RawMessage {
	return encode(map[string]string{"platform": platform})
}
