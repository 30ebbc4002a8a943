package dwspectrum

import (
	"strings"
	"time"

	"latchkey/bridge"
)

// Origins and lanes.
const (
	vms    = "vms"
	stills = "stills"
)

// Profile says how the cloud is spoken to.
func (o *Options) Profile(s bridge.Settings) bridge.Profile {
	base := strings.TrimSuffix(s.BaseURL, "/")
	scope, _ := parseScope(s.Scope, s.BaseURL) // checked before
	p := bridge.Profile{
		Dialect: o.dialect(s, base, scope),
		Origins: map[string]bridge.Origin{
			"":  {Base: base},
			vms: {Base: strings.ReplaceAll(relayBase(o.RelayHost), systemMark, "{narrow}"), Narrowed: !scope.own(), Redirect: o.RedirectDomain},
		},
		Pace: map[string]bridge.Pace{
			"":     {Every: time.Second, InFlight: 1},
			vms:    {Every: 50 * time.Millisecond, InFlight: 2},
			stills: {Every: 200 * time.Millisecond, InFlight: 1},
		},
	}
	return p
}

func (o *Options) dialect(s bridge.Settings, base string, scope scope) bridge.Dialect {
	fixed := func(name, text string) bridge.Param { return bridge.Param{Name: name, Text: text} }
	of := func(name string, field bridge.Field) bridge.Param { return bridge.Param{Name: name, From: field} }
	// The client has no secret, and a code is exchanged without even its name.
	ask := func(grant string, params ...bridge.Param) *bridge.Ask {
		return &bridge.Ask{URL: base + o.TokenPath, In: bridge.InJSON,
			Params: append([]bridge.Param{fixed("grant_type", grant), fixed("response_type", "token")}, params...)}
	}
	client, scoped, refresh := of("client_id", bridge.FieldClientID), of("scope", bridge.FieldScope), of("refresh_token", bridge.FieldRefreshToken)
	revoke := func(field bridge.Field) bridge.Ask {
		return bridge.Ask{URL: base + "/oauth/revoke/", In: bridge.InJSON, Bearer: true, Params: []bridge.Param{of("token", field)}}
	}
	d := bridge.Dialect{
		Grant: s.Grant, ClientID: s.ClientID, Scope: s.Scope, Login: bridge.Login{Username: s.Username, Password: s.Password},
		Authorize: &bridge.Authorize{URL: base + "/authorize", Return: o.ReturnParam, Params: []bridge.Param{client}, StateInURL: o.StateInURL, NoScope: true},
		Exchange:  ask("authorization_code", of("code", bridge.FieldCode), scoped),
		Refresh:   ask("refresh_token", client, refresh, scoped),
		Reading:   reading(),
	}
	if s.Grant == bridge.GrantPassword {
		d.Authorize, d.Exchange = nil, nil
		d.Acquire = ask("password", client, of("username", bridge.FieldUsername), of("password", bridge.FieldPassword), scoped)
	}
	if scope.tokens() {
		d.Inspect = &bridge.Ask{Method: "GET", URL: base + "/oauth/introspect/", In: bridge.InQuery, Bearer: true, Params: []bridge.Param{of("token", bridge.FieldAccessToken)}}
		d.Identity = &bridge.Identity{Member: "username"} // of what Inspect says (seen at /cdb/oauth2/introspect)
		d.Narrow = ask("refresh_token", client, refresh, bridge.Param{Name: "scope", Text: "cloudSystemId=", From: bridge.FieldNarrow})
		// The access token is the bearer of both, so it goes last (documented).
		d.Revoke = []bridge.Ask{revoke(bridge.FieldRefreshToken), revoke(bridge.FieldAccessToken)}
	}
	return d
}

// reading knows the cloud database's codes (seen). A 2xx may hold one too.
func reading() bridge.Reading {
	r := bridge.Reading{Life: time.Hour, ErrorIn: "resultCode", Fine: "ok", Codes: map[string]bridge.Verdict{}}
	for _, code := range []string{"notAuthorized", "badUsername", "credentialsRemovedPermanently", "forbidden", "accountNotActivated", "accountBlocked", "secondFactorRequired"} {
		r.Codes[code] = bridge.BadGrant
	}
	for _, code := range []string{"retryLater", "serviceUnavailable", "vmsRequestFailure", "dbError", "networkError", "unknownError"} {
		r.Codes[code] = bridge.Passing
	}
	return r
}
