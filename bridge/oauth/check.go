package oauth

import (
	"errors"
	"fmt"
	"slices"

	"latchkey/bridge"
)

// check finds mistakes of a dialect before anything is sent.
func check(d *bridge.Dialect) error {
	var all []error
	see := func(name, raw string) {
		if _, err := endpoint(raw); err != nil {
			all = append(all, fmt.Errorf("%s: %w", name, err))
		}
	}
	for _, one := range []struct {
		name string
		ask  *bridge.Ask
	}{{"exchange", d.Exchange}, {"acquire", d.Acquire}, {"refresh", d.Refresh}, {"narrow", d.Narrow}, {"inspect", d.Inspect}, {"token info", d.TokenInfo}, {"probe", d.Probe}} {
		if one.ask != nil {
			see(one.name, one.ask.URL)
		}
	}
	for i := range d.Revoke {
		see("revoke", d.Revoke[i].URL)
	}
	if d.Authorize != nil {
		see("authorize", d.Authorize.URL)
		if d.Exchange == nil {
			all = append(all, errors.New("authorize: without exchange no sign-in can end"))
		}
	}
	if i := d.Identity; i != nil && (i.URL != "" || d.Inspect == nil) {
		see("identity", i.URL)
	}
	carries := func(name string, ask *bridge.Ask, field bridge.Field, called, why string) {
		if ask != nil && !slices.ContainsFunc(ask.Params, func(p bridge.Param) bool { return p.From == field }) {
			all = append(all, fmt.Errorf("%s: no parameter is %s%s", name, called, why))
		}
	}
	carries("exchange", d.Exchange, bridge.FieldCode, "FieldCode", "")
	carries("refresh", d.Refresh, bridge.FieldRefreshToken, "FieldRefreshToken", "")
	carries("narrow", d.Narrow, bridge.FieldNarrow, "FieldNarrow", "")
	if d.Authorize != nil && d.Authorize.PKCE {
		carries("exchange", d.Exchange, bridge.FieldVerifier, "FieldVerifier", ", and authorize wants PKCE")
	}
	return errors.Join(all...)
}
