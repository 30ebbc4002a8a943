package oauth

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"latchkey/bridge"
)

// T10, T11, T12: what is read of odd replies. Life is in seconds, 0: none named.
func TestReadTokens(t *testing.T) {
	date := time.Unix(1_700_000_000, 0)
	hour := bridge.Reading{Life: time.Hour}
	for _, c := range []struct {
		name, body string
		r          bridge.Reading
		want       string // access refresh scope life
	}{
		{"doorbird", `{"access_token":"a","token_type":"Bearer","expires_in":3600,"scope":"deviceViewer","refresh_token":"r"}`, bridge.Reading{}, "a r deviceViewer 3600"},
		{"dwspectrum: strings", `{"scope":"https://h/ cloudSystemId=*","expires_at":"1700009999000","expires_in":"7200","access_token":"a","refresh_token":"r"}`, bridge.Reading{}, "a r https://h/ cloudSystemId=* 7200"},
		{"netrex: no scope, no type", `{"access_token":"a","expires_in":3600,"refresh_token":"r"}`, bridge.Reading{}, "a r  3600"},
		{"reseller: camel case", `{"accessToken":"a","tokenType":"bearer","expiresIn":43199,"scope":"read"}`, bridge.Reading{}, "a  read 43199"},
		{"wrapped", `{"data":{"access_token":"a","refresh_token":"r","expires_in":60}}`, bridge.Reading{}, "a r  60"},
		{"wrapped deeper, in a list", `{"result":[{"tokens":{"access_token":"a","refresh_token":"r"}}]}`, bridge.Reading{}, "a r  0"},
		{"scope a list", `{"access_token":"a","scope":["x","y",3]}`, bridge.Reading{}, "a  x y 0"},
		{"scopes", `{"access_token":"a","scopes":["x"]}`, bridge.Reading{}, "a  x 0"},
		{"float text", `{"access_token":"a","refresh_token":"r","expires_in":"3600.0"}`, bridge.Reading{}, "a r  3600"},
		{"exponent", `{"access_token":"a","expires_in":1e3}`, bridge.Reading{}, "a   1000"},
		{"empty text", `{"access_token":"a","refresh_token":"r","expires_in":""}`, bridge.Reading{}, "a r  0"},
		{"null", `{"access_token":"a","refresh_token":null,"expires_in":null,"error":null}`, bridge.Reading{}, "a   0"},
		{"zero, negative, nonsense", `{"access_token":"a","expires_in":-5,"expires_at":"soon"}`, bridge.Reading{}, "a   0"},
		{"object", `{"access_token":"a","refresh_token":"r","expires_in":{"s":1},"scope":7}`, bridge.Reading{}, "a r  0"},
		{"keycloak", `{"access_token":"a","refresh_token":"r","expires_in":300,"refresh_expires_in":0,"not-before-policy":0}`, bridge.Reading{}, "a r  300"},
		{"milliseconds, unmistakable", `{"access_token":"a","expires_in":86400000}`, bridge.Reading{}, "a   86400"},
		{"milliseconds, by the vendor's life", `{"access_token":"a","expires_in":3599000}`, hour, "a   3599"},
		{"sixty days are believed", `{"access_token":"a","expires_in":5184000}`, bridge.Reading{}, "a   5184000"},
		{"for ever is a year", `{"access_token":"a","expires_in":1e300}`, bridge.Reading{}, "a   31622400"},
		{"expires_at, seconds", `{"access_token":"a","expires_at":1700000090}`, bridge.Reading{}, "a   90"},
		{"expires_at, milliseconds in text", `{"access_token":"a","expires_at":"1700000090000"}`, bridge.Reading{}, "a   90"},
		{"expires_at, RFC 3339", `{"access_token":"a","expires_at":"2023-11-14T22:14:50Z"}`, bridge.Reading{}, "a   90"},
		{"expires_at in the past says nothing", `{"access_token":"a","expires_at":1600000000}`, bridge.Reading{}, "a   0"},
		{"a form", `access_token=a&refresh_token=r%2B1&expires_in=60`, bridge.Reading{}, "a r+1  60"},
		{"guarded JSON", ")]}',\n{\"access_token\":\"a\",\"refresh_token\":\"r\"}", bridge.Reading{}, "a r  0"},
		{"trailing text", `{"access_token":"a","refresh_token":"r"} <!-- x -->`, bridge.Reading{}, "a r  0"},
		{"damaged JSON", `{"access_token":"a\u002f","expires_in":,"refresh_token":"r",}`, bridge.Reading{}, "a/ r  0"},
		{"first of two spellings that holds something", `{"access_token":"","accessToken":"a"}`, bridge.Reading{}, "a   0"},
		{"an error beside a token", `{"error":"","resultCode":"ok","access_token":"a"}`, bridge.Reading{}, "a   0"},
	} {
		got, ok := readTokens([]byte(c.body), true, date, c.r)
		text := fmt.Sprintf("%s %s %s %d", got.access, got.refresh, got.scope, got.life/time.Second)
		if !ok || text != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, text, ok, c.want)
		}
	}
	for _, body := range []string{"", "{}", "[]", "null", `"access_token"`, `{"access_token":""}`, `{"access_token":null}`, `{"access_token":{"a":1}}`,
		`{"error":"access_token is missing"}`, "<html>access_token</html>", `{"access_token":"a`} {
		if got, ok := readTokens([]byte(body), true, date, bridge.Reading{}); ok {
			t.Errorf("%q: found %+v", body, got.access)
		}
	}
	cut := `{"access_token":"aaaa","expires_in":3600,"refresh_token":"rrrr","scope":"read"}`
	for n := range len(cut) {
		got, ok := readTokens([]byte(cut[:n]), false, date, bridge.Reading{})
		if ok && (got.access != "aaaa" || got.refresh != "rrrr") {
			t.Fatalf("cut at %d: found %q %q", n, got.access, got.refresh)
		}
		if want := n >= len(`{"access_token":"aaaa","expires_in":3600,"refresh_token":"rrrr"`); ok != want {
			t.Fatalf("cut at %d: found %v, want %v", n, ok, want)
		}
	}
}

// T11: a token present is a token found, whatever stands beside it.
func FuzzTokenPresent(f *testing.F) {
	f.Add("a1", "r1", `"expires_in":""`, false)
	f.Add("a:b/c+d", "r", `"expires_in":3600.0,"x":{"access_token":7}`, true)
	f.Add("a", "r", `"expires_in":NaN`, false)
	f.Add("a", "r", `"scope":[1,{}],"expires_at":"1e999","expires_in":{}`, false)
	f.Fuzz(func(t *testing.T, access, refresh, others string, wrapped bool) {
		a, err1 := json.Marshal(access)
		r, err2 := json.Marshal(refresh)
		var round [2]string
		_, _ = json.Unmarshal(a, &round[0]), json.Unmarshal(r, &round[1])
		if err1 != nil || err2 != nil || round != [2]string{access, refresh} || access == "" || refresh == "" {
			return // not text that JSON can carry
		}
		body := fmt.Sprintf(`{"access_token":%s,"refresh_token":%s,%s}`, a, r, others)
		if wrapped {
			body = `{"ok":true,"data":` + body + `}`
		}
		if !json.Valid([]byte(body)) {
			body = fmt.Sprintf(`{"access_token":%s,"refresh_token":%s}`, a, r) + others
		} else if again := map[string]any{}; json.Unmarshal([]byte("{"+others+"}"), &again) == nil && (find(again, "access_token") != nil || find(again, "refresh_token") != nil) {
			return // says it twice
		}
		got, ok := readTokens([]byte(body), true, time.Now(), bridge.Reading{Life: time.Hour})
		if !ok || got.access != access || got.refresh != refresh || got.life < 0 || got.life > longest {
			t.Errorf("%s: found %q %q %s, %v", body, got.access, got.refresh, got.life, ok)
		}
	})
}

// Any bytes at all: no panic, and nothing absurd.
func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"access_token":"a","expires_in":1e999}`), true, 200, "120")
	f.Add([]byte(`{"access_token":"a","refr`), false, 429, "Wed, 21 Oct 2026 07:28:00 GMT")
	f.Add([]byte("access_token=a&expires_in=-1"), true, 400, "-7")
	f.Fuzz(func(t *testing.T, body []byte, whole bool, status int, after string) {
		got, ok := readTokens(body, whole, time.Now(), bridge.Reading{})
		if ok && got.access == "" || got.life < 0 || got.life > longest {
			t.Errorf("%q: %+v", body, got.life)
		}
		why := refused(status, map[string][]string{"Retry-After": {after}}, body, &bridge.Dialect{}, &bridge.Ask{})
		if why.wait < 0 || why.wait > longestWait || why.Message == "" || why.Code == "" {
			t.Errorf("%q: %+v", body, why)
		}
	})
}
