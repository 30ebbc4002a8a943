package sensorberg

import (
	"net/http"
	"strings"
	"time"

	"latchkey/bridge"
)

// jsonAPI is the media type of the APIs besides GraphQL, without parameters.
const jsonAPI = "application/vnd.api+json"

// life of an access token whose reply names none: the vendor's sample has 14 days.
// A 401 ends it before.
const life = 1209600 * time.Second

// Profile says how the cloud is spoken to.
func (o *Options) Profile(s bridge.Settings) bridge.Profile {
	base := strings.TrimSuffix(s.BaseURL, "/")
	return bridge.Profile{
		Dialect: o.dialect(s, base+o.OAuth),
		Origins: map[string]bridge.Origin{"": {Base: base}},
		Pace:    map[string]bridge.Pace{"": {Every: o.Pace, Yields: true}},
		GraphQL: o.GraphQL,
		Request: &bridge.RawRequest{Media: jsonAPI, Deny: []string{o.OAuth}},
		Renew:   "invalid_token",
	}
}

// scope is what is asked for: by default a user's for a user, an application's
// for an application.
func scope(s bridge.Settings) string {
	switch {
	case s.Scope != "":
		return s.Scope
	case s.Grant == bridge.GrantClient:
		return scopeApp
	}
	return scopeMe
}

func (o *Options) dialect(s bridge.Settings, server string) bridge.Dialect {
	form := func(path string, params ...bridge.Param) *bridge.Ask {
		return &bridge.Ask{URL: server + path, In: bridge.InForm, Client: o.ClientAuth, Params: params}
	}
	kind := func(grant string) bridge.Param { return bridge.Param{Name: "grant_type", Text: grant} }
	asked := bridge.Param{Name: "scope", From: bridge.FieldScope}
	d := bridge.Dialect{
		Grant: s.Grant, ClientID: s.ClientID, Secret: s.ClientSecret, Scope: scope(s),
		Login:     bridge.Login{Username: s.Username, Password: s.Password, External: s.ExternalToken},
		TokenInfo: &bridge.Ask{Method: http.MethodGet, URL: server + "/token/info", Bearer: true},
		Inspect:   form("/introspect", bridge.Param{Name: "token", From: bridge.FieldAccessToken}),
		// Access and refresh token are one record. The refresh token is the better name
		// of it: since 5.8.2 the library revokes by it after the access token's end, too.
		Revoke: []bridge.Ask{*form("/revoke",
			bridge.Param{Name: "token", From: bridge.FieldAccessToken},
			bridge.Param{Name: "token", From: bridge.FieldRefreshToken})},
		RevokeUnproven: true, // a 200 from the library says nothing, also of what it did not revoke
		Reading:        bridge.Reading{Life: life},
	}
	if s.Grant == bridge.GrantClient { // no refresh: on expiry it is asked anew
		d.Acquire = form("/token", kind("client_credentials"), asked)
		return d
	}
	d.Refresh = form("/token", kind("refresh_token"), bridge.Param{Name: "refresh_token", From: bridge.FieldRefreshToken})
	d.Identity = &bridge.Identity{URL: d.TokenInfo.URL, Member: "resource_owner_id"}
	switch {
	case s.Grant == bridge.GrantCode:
		d.Authorize = &bridge.Authorize{URL: server + "/authorize", PKCE: o.PKCE, Echo: true, Params: []bridge.Param{
			{Name: "response_type", Text: "code"}, {Name: "client_id", From: bridge.FieldClientID}, asked,
		}}
		d.Exchange = form("/token", kind("authorization_code"),
			bridge.Param{Name: "code", From: bridge.FieldCode},
			bridge.Param{Name: "redirect_uri", From: bridge.FieldRedirect},
			bridge.Param{Name: "code_verifier", From: bridge.FieldVerifier})
	case s.ExternalToken.Empty():
		d.Acquire = form("/token", kind("password"),
			bridge.Param{Name: "username", From: bridge.FieldUsername},
			bridge.Param{Name: "password", From: bridge.FieldPassword}, asked)
	default:
		d.Acquire = form("/token", kind("password"), bridge.Param{Name: "external_authentication_token", From: bridge.FieldExternal}, asked)
		if o.ExternalTokenIn == bridge.InQuery { // as the vendor's sample: no secret
			d.Acquire.In, d.Acquire.Client = bridge.InQuery, bridge.ClientNone
			d.Acquire.Params = append(d.Acquire.Params, bridge.Param{Name: "client_id", From: bridge.FieldClientID})
		}
	}
	return d
}
