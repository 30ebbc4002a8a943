package generic

import (
	"maps"
	"slices"
	"strings"

	"latchkey/bridge"
)

// Profile says how the cloud is spoken to.
func (o *Options) Profile(s bridge.Settings) bridge.Profile {
	return bridge.Profile{
		Dialect: o.dialect(s),
		Origins: map[string]bridge.Origin{"": {Base: strings.TrimSuffix(s.BaseURL, "/")}},
		Pace:    map[string]bridge.Pace{"": {Every: o.Pace}},
		GraphQL: o.GraphQL,
	}
}

// Open makes nothing: all functions come from the configuration.
func (o *Options) Open(bridge.Settings, bridge.Env) (bridge.Account, error) {
	return bridge.Account{}, nil
}

func (o *Options) dialect(s bridge.Settings) bridge.Dialect {
	a := o.OAuth
	d := bridge.Dialect{
		Grant: s.Grant, ClientID: s.ClientID, Secret: s.ClientSecret, Scope: s.Scope, Separator: a.Separator, Static: s.Token,
		Login:   bridge.Login{Username: s.Username, Password: s.Password, External: s.ExternalToken},
		Reading: bridge.Reading{Life: a.Life},
	}
	scope := bridge.Param{Name: "scope", From: bridge.FieldScope}
	kind := func(grant string) bridge.Param { return bridge.Param{Name: "grant_type", Text: grant} }
	switch s.Grant {
	case bridge.GrantToken:
		d.Inspect, d.Revoke = o.inspect(s), o.revoke(s)
		return d
	case bridge.GrantCode:
		back := a.Authorize.Return
		if back == "" {
			back = "redirect_uri"
		}
		d.Authorize = &bridge.Authorize{URL: address(s.BaseURL, a.Authorize.URL), Return: a.Authorize.Return, PKCE: a.Authorize.PKCE, Echo: a.Authorize.Echo,
			Params: merge(a.Authorize.Params, bridge.Param{Name: "response_type", Text: "code"}, bridge.Param{Name: "client_id", From: bridge.FieldClientID}, scope)}
		standard := []bridge.Param{kind("authorization_code"), {Name: "code", From: bridge.FieldCode}, {Name: back, From: bridge.FieldRedirect}}
		if a.Authorize.PKCE {
			standard = append(standard, bridge.Param{Name: "code_verifier", From: bridge.FieldVerifier})
		}
		d.Exchange = a.Token.ask(s, standard...)
	case bridge.GrantClient:
		d.Acquire = a.Token.ask(s, kind("client_credentials"), scope)
	case bridge.GrantPassword:
		d.Acquire = a.Token.ask(s, kind("password"), bridge.Param{Name: "username", From: bridge.FieldUsername}, bridge.Param{Name: "password", From: bridge.FieldPassword},
			bridge.Param{Name: "external_token", From: bridge.FieldExternal}, scope)
	}
	refresh := a.Token
	if a.Refresh != nil {
		refresh = *a.Refresh
	}
	d.Refresh = refresh.ask(s, kind("refresh_token"), bridge.Param{Name: "refresh_token", From: bridge.FieldRefreshToken})
	d.Inspect, d.Revoke = o.inspect(s), o.revoke(s)
	return d
}

func (o *Options) inspect(s bridge.Settings) *bridge.Ask {
	if o.OAuth.Introspect == nil {
		return nil
	}
	return o.OAuth.Introspect.ask(s, bridge.Param{Name: "token", From: bridge.FieldAccessToken})
}

// revoke ends the token that the account lives by: the refresh token where the
// grant brings one.
func (o *Options) revoke(s bridge.Settings) (asks []bridge.Ask) {
	lives := bridge.FieldAccessToken
	if s.Grant == bridge.GrantCode || s.Grant == bridge.GrantPassword {
		lives = bridge.FieldRefreshToken
	}
	for _, a := range o.OAuth.Revoke {
		asks = append(asks, *a.ask(s, bridge.Param{Name: "token", From: lives}))
	}
	return asks
}

// ask makes the request of the standard's parameters and the configured ones.
func (a Ask) ask(s bridge.Settings, standard ...bridge.Param) *bridge.Ask {
	made := &bridge.Ask{URL: address(s.BaseURL, a.URL), In: a.In, Params: merge(a.Params, standard...)}
	switch a.Client {
	case "none":
	case "":
		made.Client = bridge.ClientBasicEncoded
		if s.ClientSecret.Empty() {
			made.Client = bridge.ClientParams
		}
	default:
		made.Client = bridge.ClientAuth(a.Client)
	}
	return made
}

// merge adds configured parameters to the standard's; one of the same name
// replaces it, and "" leaves it out.
func merge(configured map[string]string, standard ...bridge.Param) (params []bridge.Param) {
	for _, p := range standard {
		if _, replaced := configured[p.Name]; !replaced {
			params = append(params, p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		text := configured[name]
		if found := hasField.FindStringSubmatch(text); found != nil {
			params = append(params, bridge.Param{Name: name, Text: found[1], From: bridge.Field(found[2])})
		} else if text != "" {
			params = append(params, bridge.Param{Name: name, Text: text})
		}
	}
	return params
}
