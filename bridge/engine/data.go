package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"latchkey/bridge"
)

// dataMost is the size of the largest `result` of a call.
const dataMost = 256 << 10

// resultData encodes what a call has returned, without secrets. What cannot be
// shown is nil, and the message says so.
func resultData(v any) (data json.RawMessage, message string) {
	if v == nil {
		return nil, ""
	}
	data, err := json.Marshal(v)
	if err == nil {
		switch v.(type) {
		case bridge.Image, *bridge.Image:
		default:
			data, err = withoutSecrets(data)
		}
	}
	switch {
	case err != nil:
		return nil, "done, but the vendor's data cannot be shown as JSON"
	case len(data) > dataMost:
		return nil, fmt.Sprintf("done, but the vendor's data has %d bytes, more than %d, and is left out", len(data), dataMost)
	}
	return data, ""
}

// withoutSecrets takes out every member whose name is that of a secret (hazard
// H19). The names are compared without case, `_` and `-`.
func withoutSecrets(data []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if !strip(v) {
		return data, nil
	}
	return json.Marshal(v)
}

func strip(v any) (changed bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			if isSecretName(key) {
				delete(v, key)
				changed = true
			} else if strip(member) {
				changed = true
			}
		}
	case []any:
		for _, item := range v {
			if strip(item) {
				changed = true
			}
		}
	}
	return changed
}

var nameNoise = strings.NewReplacer("_", "", "-", "")

// isSecretName knows the names under which the vendors' sheets show secrets.
func isSecretName(name string) bool {
	switch nameNoise.Replace(strings.ToLower(name)) {
	case "token", "accesstoken", "refreshtoken", "idtoken", "sessiontoken", "secret", "clientsecret", "password", "passphrase", "pin",
		"sessionkey", "sessionid", "authkey", "authkeyhash", "apikey", "privatekey", "authorization", "cookie", "credentials":
		return true
	}
	return false
}

// encodeResult is encode for what somebody waits for.
func encodeResult(r bridge.Result) []byte {
	text, err := r.AppendJSON(make([]byte, 0, 512))
	if err != nil {
		return []byte("null")
	}
	return text
}

// encode writes a value of our own, which cannot fail.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		return []byte("null")
	}
	return data
}
