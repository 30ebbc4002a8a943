package oauth

import (
	"strings"
	"testing"

	"latchkey/bridge"
)

// A dialect whose sign-in or refresh cannot work is told before a person tries it.
func TestCheck(t *testing.T) {
	whole := func() *bridge.Dialect {
		ask := func(list ...string) *bridge.Ask {
			return &bridge.Ask{URL: "https://as.test/token", Params: params(list...)}
		}
		return &bridge.Dialect{
			Authorize: &bridge.Authorize{URL: "https://as.test/authorize", PKCE: true},
			Exchange:  ask("code", "code", "redirect_uri", "redirect", "code_verifier", "verifier"),
			Refresh:   ask("refresh_token", "refresh_token"),
			Narrow:    ask("refresh_token", "refresh_token", "scope", "narrow"),
		}
	}
	for _, row := range []struct {
		name  string
		spoil func(*bridge.Dialect)
		want  string // part of the error; "": none
	}{
		{"whole", func(*bridge.Dialect) {}, ""},
		{"without PKCE", func(d *bridge.Dialect) {
			d.Authorize.PKCE = false
			d.Exchange.Params = params("code", "code")
		}, ""},
		{"no exchange", func(d *bridge.Dialect) { d.Exchange = nil }, "authorize: without exchange no sign-in can end"},
		{"no verifier", func(d *bridge.Dialect) { d.Exchange.Params = params("code", "code") }, "exchange: no parameter is FieldVerifier, and authorize wants PKCE"},
		{"no code", func(d *bridge.Dialect) { d.Exchange.Params = params("code_verifier", "verifier") }, "exchange: no parameter is FieldCode"},
		{"no refresh token", func(d *bridge.Dialect) { d.Refresh.Params = params("grant_type", "'refresh_token") }, "refresh: no parameter is FieldRefreshToken"},
		{"no resource", func(d *bridge.Dialect) { d.Narrow.Params = params("refresh_token", "refresh_token") }, "narrow: no parameter is FieldNarrow"},
		{"plain http", func(d *bridge.Dialect) { d.Refresh.URL = "http://as.test/token" }, "must be https"},
	} {
		d := whole()
		row.spoil(d)
		err := check(d)
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
}
