package netrex

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/bridge"
)

// words of a scope, which may be written with commas or spaces.
func words(scope string) []string {
	return strings.FieldsFunc(scope, func(r rune) bool { return r == ',' || r == ' ' })
}

func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// sentences reads the OAuth server's errors, whose words are nowhere written down:
// by the names that its page has for what a request holds. What none of them fits
// may be of the grant, or of the system (the page knows both).
func sentences() []bridge.Sentence {
	return []bridge.Sentence{
		{Holds: "system error", Means: bridge.Passing},
		{Holds: "token", Means: bridge.BadGrant}, {Holds: "authorization code", Means: bridge.BadGrant},
		{Holds: "client", Means: bridge.BadClient}, {Holds: "secret", Means: bridge.BadClient}, {Holds: "redirect", Means: bridge.BadClient},
		{Holds: "scope", Means: bridge.BadClient}, {Holds: "grant type", Means: bridge.BadClient}, {Holds: "grant_type", Means: bridge.BadClient},
	}
}

// Profile says how the cloud is spoken to. A portal token has no OAuth of its own:
// it is never refreshed, and revoking what an owner made in the portal is not
// latchkey's business.
func (o *Options) Profile(s bridge.Settings) bridge.Profile {
	base := strings.TrimSuffix(s.BaseURL, "/")
	p := bridge.Profile{
		Dialect: bridge.Dialect{Grant: s.Grant, Static: s.Token, Reading: bridge.Reading{FreeText: true, Sentences: slices.Concat(o.Sentences, sentences())},
			Probe: &bridge.Ask{URL: base + o.Paths.GraphQL, In: bridge.InJSON, Bearer: true, Params: []bridge.Param{{Name: "query", Text: o.Documents.Check}}}},
		Origins: map[string]bridge.Origin{"": {Base: base}},
		Pace:    map[string]bridge.Pace{"": {Every: 100 * time.Millisecond}}, // rate limits are not known
		GraphQL: o.Paths.GraphQL,
		Schema:  o.Schema, Documents: map[string]string{},
		// How a dead token is answered is not known: 401, 403, a sign-in page, or 200
		// with errors (then by the configured text).
		Renew403: true, RenewPage: true, RenewText: o.DeadToken,
	}
	for _, doc := range o.Documents.all() {
		p.Documents["options.documents."+doc.name] = doc.text
	}
	if s.Grant == bridge.GrantToken {
		return p
	}
	d := &p.Dialect
	d.ClientID, d.Secret = s.ClientID, s.ClientSecret
	d.Scope, d.Separator = strings.Join(words(s.Scope), " "), o.ScopeSeparator
	in := bridge.InQuery
	if o.FormBody {
		in = bridge.InForm
	}
	d.Authorize = &bridge.Authorize{
		URL: base + o.Paths.Auth, Return: o.Names.Redirect, Echo: true,
		Params: []bridge.Param{
			{Name: "response_type", Text: "code"}, {Name: "client_id", From: bridge.FieldClientID}, {Name: "scope", From: bridge.FieldScope},
		},
	}
	token := func(params ...bridge.Param) *bridge.Ask {
		return &bridge.Ask{URL: base + o.Paths.Token, In: in, Client: bridge.ClientParams, Params: params}
	}
	d.Exchange = token(
		bridge.Param{Name: "grant_type", Text: o.Names.Code},
		bridge.Param{Name: "code", From: bridge.FieldCode},
		bridge.Param{Name: o.Names.Redirect, From: bridge.FieldRedirect})
	if !d.Secret.Empty() { // without it the access is made to end: asking would only get the grant refused
		d.Refresh = token(
			bridge.Param{Name: "grant_type", Text: "refresh_token"},
			bridge.Param{Name: o.Names.Refresh, From: bridge.FieldRefreshToken})
	}
	revoke := bridge.Ask{URL: base + o.Paths.Revoke, In: bridge.InQuery, Params: []bridge.Param{{Name: "access_token", From: bridge.FieldAccessToken}}}
	if o.RevokeClient {
		revoke.Client = bridge.ClientParams
	}
	d.Revoke = []bridge.Ask{revoke}
	return p
}
