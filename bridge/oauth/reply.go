package oauth

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge"
)

// tokens is what a reply of the OAuth server holds. A token present is a token
// found, however odd the rest is (T11): in x/oauth2 an `expires_in` of "" or
// 3600.0 loses a rotated refresh token.
type tokens struct {
	access, refresh, scope string
	life                   time.Duration // 0: the reply names none
}

// longest is the longest life that is believed. More seconds than this are milliseconds (T10).
const longest = 366 * 24 * time.Hour

// readTokens finds tokens in a body, whatever its content type says: JSON, also
// damaged or cut off behind the tokens, or a form. whole tells whether the body
// arrived to its end, date is the server's clock, for `expires_at`.
func readTokens(body []byte, whole bool, date time.Time, r bridge.Reading) (tokens, bool) {
	object := holder(decode(body), 8)
	if object == nil {
		object = scan(body)
	}
	if object == nil && whole {
		object = form(body)
	}
	t := tokens{access: member(object, "access_token"), refresh: member(object, "refresh_token")}
	if t.access == "" || !whole && t.refresh == "" { // a refresh token may have stood behind the cut
		return tokens{}, false
	}
	t.scope, t.life = words(find(object, "scope")), life(object, date, r)
	return t, true
}

// decode reads the first JSON value of a body; nil: there is none.
func decode(body []byte) any {
	start := max(bytes.IndexAny(body, "{["), 0)
	dec := json.NewDecoder(bytes.NewReader(body[start:]))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// holder is the outermost object with an access token (some vendors wrap it in
// `data`).
func holder(v any, depth int) map[string]any {
	if depth == 0 {
		return nil
	}
	var inside []any
	switch v := v.(type) {
	case map[string]any:
		if member(v, "access_token") != "" {
			return v
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			inside = append(inside, v[name])
		}
	case []any:
		inside = v
	}
	for _, child := range inside {
		if found := holder(child, depth-1); found != nil {
			return found
		}
	}
	return nil
}

// aMember is "name": "text" or "name": number, wherever it stands.
var aMember = regexp.MustCompile(`"([A-Za-z_-]+)"\s*:\s*("(?:[^"\\]|\\.)*"|[0-9.]+)`)

// scan reads the members of JSON that does not parse.
func scan(body []byte) map[string]any {
	if !bytes.Contains(body, []byte("ccess")) { // a megabyte of somebody's page
		return nil
	}
	object := map[string]any{}
	for _, m := range aMember.FindAllSubmatch(body, -1) {
		if v := decodeMember(m[2]); v != nil && object[string(m[1])] == nil {
			object[string(m[1])] = v
		}
	}
	if member(object, "access_token") == "" {
		return nil
	}
	return object
}

func decodeMember(text []byte) any {
	if text[0] != '"' {
		return json.Number(text)
	}
	var s string
	if json.Unmarshal(text, &s) != nil {
		return nil
	}
	return s
}

// form reads a body of name=value pairs.
func form(body []byte) map[string]any {
	values, err := url.ParseQuery(strings.TrimSpace(string(body)))
	if err != nil {
		return nil
	}
	object := make(map[string]any, len(values))
	for name := range values {
		object[name] = values.Get(name)
	}
	return object
}

// find looks for a member by its standard name, else in another spelling
// (accessToken, expiresIn: CameraManager's reseller tokens; scopes: old
// Doorkeepers). One that is null or "" counts as absent.
func find(object map[string]any, name string) any {
	if v := object[name]; v != nil && v != "" {
		return v
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		k, v := plain(key), object[key]
		if (k == plain(name) || k == plain(name)+"s") && v != nil && v != "" {
			return v
		}
	}
	return nil
}

func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

func member(object map[string]any, name string) string {
	text, _ := find(object, name).(string)
	return text
}

// words reads a scope: text, or a list of words.
func words(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var all []string
		for _, word := range v {
			if text, ok := word.(string); ok {
				all = append(all, text)
			}
		}
		return strings.Join(all, " ")
	}
	return ""
}

// life reads expires_in, else expires_at. Zero, null, "" and nonsense mean that
// none is named, never "expired".
func life(object map[string]any, date time.Time, r bridge.Reading) time.Duration {
	if s := number(find(object, "expires_in")); s > 0 {
		// Where the vendor's usual life is known, milliseconds show earlier.
		if s > longest.Seconds() || r.Life > 0 && s > 100*r.Life.Seconds() && s/1000 <= r.Life.Seconds() {
			s /= 1000
		}
		return seconds(min(s, longest.Seconds()))
	}
	at := moment(find(object, "expires_at"))
	if left := at.Sub(date); !at.IsZero() && left > 0 && left <= longest {
		return left
	}
	return 0
}

// seconds makes a duration of at least one second.
func seconds(s float64) time.Duration {
	return max(time.Duration(s*float64(time.Second)), time.Second)
}

// number reads a number or its text; anything else is 0.
func number(v any) float64 {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = strings.TrimSpace(v)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// moment reads a Unix time in seconds or milliseconds (DW Spectrum), number or
// text, or RFC 3339; anything else is zero.
func moment(v any) time.Time {
	if n := number(v); n > 1e14 || n < 0 {
		return time.Time{}
	} else if n > 1e11 {
		return time.UnixMilli(int64(n))
	} else if n > 0 {
		return time.Unix(int64(n), 0)
	}
	text, _ := v.(string)
	at, _ := time.Parse(time.RFC3339, text)
	return at
}
