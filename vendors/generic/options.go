package generic

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

// Options are the account's `options:`.
type Options struct {
	OAuth   OAuth         `yaml:"oauth"`
	GraphQL string        `yaml:"graphql"` // path of the endpoint; "": none
	Pace    time.Duration `yaml:"pace"`    // least time between two reads
}

// OAuth is how tokens are got. The zero value serves the grant `token` alone.
type OAuth struct {
	Authorize  Authorize     `yaml:"authorize"`
	Token      Ask           `yaml:"token"`
	Refresh    *Ask          `yaml:"refresh"` // nil: as Token
	Revoke     []Ask         `yaml:"revoke"`  // in order; none: the cloud cannot
	Introspect *Ask          `yaml:"introspect"`
	Separator  string        `yaml:"separator"` // between scope words; "": a space
	Life       time.Duration `yaml:"life"`      // of a token whose reply names none; 0: one hour
}

// Authorize is the consent page.
type Authorize struct {
	URL    string            `yaml:"url"`
	Return string            `yaml:"return"` // name of the return address; "": redirect_uri
	PKCE   bool              `yaml:"pkce"`
	Echo   bool              `yaml:"echo"` // the cloud is known to give `state` back
	Params map[string]string `yaml:"params"`
}

// Ask is one request to the OAuth server.
type Ask struct {
	URL    string            `yaml:"url"`
	In     bridge.Place      `yaml:"in"`     // "": form
	Client string            `yaml:"client"` // none | params | basic | basic_encoded; "": basic_encoded with a secret, else params
	Params map[string]string `yaml:"params"`
}

// Driver is the entry for vendors.All.
func Driver() bridge.Driver {
	return bridge.Driver{
		Kind:    "generic",
		Summary: "any cloud with OAuth 2, described in the configuration",
		Defaults: bridge.Defaults{
			Grants: []bridge.Grant{bridge.GrantCode, bridge.GrantClient, bridge.GrantPassword, bridge.GrantToken},
			Poll:   time.Minute,
		},
		New: func() bridge.Options { return &Options{} },
	}
}

// checker collects mistakes below the account's settings.
type checker struct {
	base string
	errs []error
}

func (c *checker) wrong(is bool, path, format string, args ...any) {
	if is {
		c.errs = append(c.errs, bridge.At(path, format, args...))
	}
}

// Check returns all mistakes.
func (o *Options) Check(s bridge.Settings) error {
	c := &checker{base: s.BaseURL}
	a := o.OAuth
	const at = "options.oauth."
	if s.Grant != bridge.GrantToken {
		c.wrong(s.ClientID == "" && a.Token.Client != "none", "client_id", "is missing: the cloud gives one (or client: none)")
		c.ask(at+"token", a.Token)
	}
	if s.Grant == bridge.GrantCode {
		c.url(at+"authorize.url", a.Authorize.URL)
		c.params(at+"authorize.params", a.Authorize.Params)
	}
	c.wrong(a.Authorize.Return != "" && !isName(a.Authorize.Return), at+"authorize.return", "%q is no name of a parameter", a.Authorize.Return)
	if a.Refresh != nil {
		c.ask(at+"refresh", *a.Refresh)
	}
	if a.Introspect != nil {
		c.ask(at+"introspect", *a.Introspect)
	}
	for i, ask := range a.Revoke {
		c.ask(fmt.Sprintf("%srevoke[%d]", at, i), ask)
	}
	c.wrong(len(a.Separator) > 3 || strings.ContainsFunc(a.Separator, func(r rune) bool { return r < ' ' || r > '~' }), at+"separator", "must be up to 3 plain characters")
	c.wrong(a.Life < 0 || a.Life > 10*365*24*time.Hour, at+"life", "must be 0 to 10 years")
	if o.GraphQL != "" {
		u, err := url.Parse(o.GraphQL)
		c.wrong(err != nil || !strings.HasPrefix(o.GraphQL, "/") || strings.HasPrefix(o.GraphQL, "//") || u.RawQuery != "" || u.Fragment != "" || strings.Contains(o.GraphQL, ".."),
			"options.graphql", "must be a path below base_url, such as /graphql")
	}
	c.wrong(o.Pace < 0 || o.Pace > time.Minute, "options.pace", "must be 0 to 1m")
	return errors.Join(c.errs...)
}

func (c *checker) ask(path string, a Ask) {
	c.url(path+".url", a.URL)
	c.wrong(!slices.Contains([]bridge.Place{"", bridge.InForm, bridge.InQuery, bridge.InJSON}, a.In), path+".in", "%q is none of form, query, json", a.In)
	c.wrong(!slices.Contains([]string{"", "none", "params", "basic", "basic_encoded"}, a.Client), path+".client", "%q is none of none, params, basic, basic_encoded", a.Client)
	c.params(path+".params", a.Params)
}

// url wants an address that secrets may be sent to.
func (c *checker) url(path, text string) {
	if text == "" {
		c.wrong(true, path, "is missing")
		return
	}
	u, err := url.Parse(address(c.base, text))
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		c.wrong(true, path, "want a path below base_url or an absolute URL")
		return
	}
	host := u.Hostname()
	local := host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
	c.wrong(u.Scheme != "https" && (u.Scheme != "http" || !local), path, "must be https: plain http would show secrets to the network")
}

var (
	isName   = regexp.MustCompile(`^[A-Za-z0-9_.\[\]-]{1,64}$`).MatchString
	hasField = regexp.MustCompile(`^([^{}]*)\{([a-z_]+)\}$`)
)

func fields() []bridge.Field {
	return []bridge.Field{bridge.FieldClientID, bridge.FieldCode, bridge.FieldRedirect, bridge.FieldRefreshToken, bridge.FieldAccessToken,
		bridge.FieldScope, bridge.FieldUsername, bridge.FieldPassword, bridge.FieldExternal, bridge.FieldVerifier}
}

func (c *checker) params(path string, params map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		c.wrong(!isName(name), path, "%q is no name of a parameter", name)
		found := hasField.FindStringSubmatch(params[name])
		c.wrong(found == nil && strings.ContainsAny(params[name], "{}"), path+"."+name, "want text, or text that ends in one {field}")
		c.wrong(found != nil && !slices.Contains(fields(), bridge.Field(last(found))), path+"."+name, "there is no {%s} (one of: %v)", last(found), fields())
	}
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

// address resolves a URL of the options.
func address(base, text string) string {
	if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
		return strings.TrimSuffix(base, "/") + text
	}
	return text
}
