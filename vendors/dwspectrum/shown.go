package dwspectrum

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// userinfo is what stands before the host of an address. It may hold any
// character, so everything up to the last @ goes.
var userinfo = regexp.MustCompile(`://\S*@`)

// withoutSecrets decodes a list of the vendor without keys, passwords and whom the
// system belongs to: systems carry an authKey, cameras their credentials and a URL
// with them, storages a path with a password.
func withoutSecrets(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, odd("the request")
	}
	return clean(v), nil
}

func clean(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			if secret(name) {
				delete(v, name)
				continue
			}
			v[name] = clean(v[name])
		}
	case []any:
		for i := range v {
			v[i] = clean(v[i])
		}
	case string:
		return userinfo.ReplaceAllString(v, "://")
	}
	return v
}

func secret(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"authkey", "password", "token", "secret", "credential", "email", "ownerfullname", "hash", "digest", "cookie"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}
