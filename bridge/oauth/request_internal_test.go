package oauth

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http/httputil"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares a text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// params makes parameters of name, field pairs; a field in quotes is a text.
func params(list ...string) []bridge.Param {
	var all []bridge.Param
	for i := 0; i < len(list); i += 2 {
		p := bridge.Param{Name: list[i], From: bridge.Field(list[i+1])}
		if text, ok := strings.CutPrefix(list[i+1], "'"); ok {
			p = bridge.Param{Name: list[i], Text: text}
		}
		all = append(all, p)
	}
	return all
}

// The requests of the five vendors' dialects, as their sheets print them.
func TestRequests(t *testing.T) {
	secret := func(id, text string) bridge.Dialect {
		return bridge.Dialect{ClientID: id, Secret: bridge.NewSecret(text)}
	}
	all := fill{code: "CODE", redirect: "https://h/cb?a=b", refresh: "u-u:10042", access: "AT", verifier: "V", narrow: "sys-1"}
	var out bytes.Buffer
	for _, c := range []struct {
		name string
		d    bridge.Dialect
		ask  bridge.Ask
	}{
		{"doorbird refresh: form, client in it", secret("cid", "cs"), bridge.Ask{URL: "https://api.doorbird.io/auth/token", Client: bridge.ClientParams,
			Params: params("grant_type", "'refresh_token", "refresh_token", "refresh_token")}},
		{"doorbird exchange", secret("cid", "cs"), bridge.Ask{URL: "https://api.doorbird.io/auth/token", Client: bridge.ClientParams,
			Params: params("grant_type", "'authorization_code", "code", "code", "redirect_uri", "redirect")}},
		{"cameramanager refresh: query, raw Basic, empty body", func() bridge.Dialect { d := secret("cm.test", "s+e/c%ret"); d.Scope = "read"; return d }(),
			bridge.Ask{URL: "https://rest.cameramanager.com/oauth/token", In: bridge.InQuery, Client: bridge.ClientBasic,
				Params: params("grant_type", "'refresh_token", "scope", "scope", "refresh_token", "refresh_token")}},
		{"cameramanager logout", secret("cm.test", "s"), bridge.Ask{Method: "DELETE", URL: "https://rest.cameramanager.com/rest/v2.0/users/self/tokens/current", Bearer: true}},
		{"keycloak: encoded Basic", secret("a b", "s+e/c%ret:"), bridge.Ask{URL: "https://kc.test/token", Client: bridge.ClientBasicEncoded,
			Params: params("grant_type", "'refresh_token", "refresh_token", "refresh_token")}},
		{"dwspectrum refresh: JSON, no client", bridge.Dialect{ClientID: "latchkey-1"}, bridge.Ask{URL: "https://dwspectrum.digital-watchdog.com/oauth/token/", In: bridge.InJSON,
			Params: params("grant_type", "'refresh_token", "response_type", "'token", "refresh_token", "refresh_token", "client_id", "client_id")}},
		{"dwspectrum mint: text and field", bridge.Dialect{}, bridge.Ask{URL: "https://dwspectrum.digital-watchdog.com/oauth/token/", In: bridge.InJSON,
			Params: append(params("grant_type", "'refresh_token", "refresh_token", "refresh_token"), bridge.Param{Name: "scope", Text: "cloudSystemId=", From: bridge.FieldNarrow})}},
		{"dwspectrum introspect: GET with query", bridge.Dialect{}, bridge.Ask{Method: "GET", URL: "https://dwspectrum.digital-watchdog.com/oauth/introspect/", Bearer: true,
			Params: params("token", "access_token")}},
		{"netrex exchange: all in the query", func() bridge.Dialect { d := secret("n", "ns"); d.Scope, d.Separator = "read liveview", ","; return d }(),
			bridge.Ask{URL: "https://system2.netrex.cz/oauth2/token?x=1", In: bridge.InQuery, Client: bridge.ClientParams,
				Params: params("grant_type", "'authorization_code", "code", "code", "redirect_uri", "redirect", "scope", "scope")}},
		{"netrex without a secret", bridge.Dialect{ClientID: "n"}, bridge.Ask{URL: "https://system2.netrex.cz/oauth2/token", In: bridge.InQuery, Client: bridge.ClientParams,
			Params: params("grant_type", "'authorization_code", "code", "code")}},
		{"sensorberg password: empty external token left out", func() bridge.Dialect {
			d := secret("sb", "sbs")
			d.Scope, d.Login = "me", bridge.Login{Username: "anna", Password: bridge.NewSecret("p&w")}
			return d
		}(), bridge.Ask{URL: "https://base.sensorberg.com/oauth/token", Client: bridge.ClientParams, Accept: "application/vnd.api+json",
			Params: params("grant_type", "'password", "username", "username", "password", "password", "external_authentication_token", "external", "scope", "scope")}},
		{"pkce verifier", bridge.Dialect{ClientID: "p"}, bridge.Ask{URL: "https://as.test/token", Client: bridge.ClientParams, Params: params("code", "code", "code_verifier", "verifier")}},
	} {
		req, err := build(context.Background(), &c.d, &c.ask, all)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if req.GetBody != nil {
			t.Errorf("%s: GetBody is set: a transport may send the request twice", c.name)
		}
		dump, err := httputil.DumpRequest(req, true)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.ReplaceAll(string(dump), "\r\n", "\n"), "\n")
		if end := len(lines) - 2; end > 2 {
			sort.Strings(lines[2:end])
		}
		fmt.Fprintf(&out, "# %s\n%s\n\n", c.name, strings.TrimSpace(strings.Join(lines, "\n")))
	}
	golden(t, "requests.golden", out.String())
}

// Secrets go out over https, or to this machine.
func TestEndpoint(t *testing.T) {
	for url, want := range map[string]bool{
		"https://a.test/token": true, "http://127.0.0.1:1/token": true, "http://[::1]/token": true, "http://localhost/x": true,
		"http://a.test/token": false, "/token": false, "ftp://a.test/": false, "": false, "https://": false, "http://127.0.0.1.evil.test/": false,
		"https://a.test/%zz?secret=CANARY": false,
	} {
		_, err := endpoint(url)
		if (err == nil) != want || err != nil && strings.Contains(err.Error(), "CANARY") {
			t.Errorf("endpoint(%q): %v, want it taken: %v", url, err, want)
		}
	}
	d := bridge.Dialect{Refresh: &bridge.Ask{URL: "http://a.test", Params: params("refresh_token", "refresh_token")}, Authorize: &bridge.Authorize{URL: "x"}, Identity: &bridge.Identity{URL: "y"}}
	if err := New(Options{}).Add(Account{ID: "gate", Dialect: d}); err == nil || len(strings.Split(err.Error(), "\n")) != 4 {
		t.Errorf("Add() = %v, want all four mistakes", err)
	}
}
