package netrex

import (
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

// Options are the account's `options:`.
type Options struct {
	// Kinds of nodes that become devices, in the vendor's words.
	Kinds []string `yaml:"kinds"`
	// Forget is how long a node that is listed no more is kept as not listed.
	Forget time.Duration `yaml:"forget"`
	// Statistics are figures of the day, as sensors.
	Statistics []Statistic `yaml:"statistics"`
	// Links shows addresses of prepared recordings in results and events. Whoever
	// reads one may be able to download.
	Links bool `yaml:"links"`
	// Save is a folder that prepared recordings are saved in; "": they are not.
	Save string `yaml:"save"`
	// RecordingWait is how long a recording may take to be prepared.
	RecordingWait time.Duration `yaml:"recording_wait"`

	// What the vendor's texts leave open, or say in two ways.
	FormBody       bool   `yaml:"form_body"`       // token parameters in a form body instead of the query
	RevokeClient   bool   `yaml:"revoke_client"`   // client id and secret with the revocation
	ScopeSeparator string `yaml:"scope_separator"` // between scope words on the wire
	Names          Names  `yaml:"names"`
	Paths          Paths  `yaml:"paths"`
	// Schema is a file with the cloud's GraphQL schema, from the portal's schema
	// browser. Operations that do not fit it are switched off.
	Schema    string `yaml:"schema"`
	DeadToken string `yaml:"dead_token"` // a text in `errors` that means a dead token
	// Sentences are what errors of the OAuth server mean, judged before latchkey's own
	// reading of them.
	Sentences []bridge.Sentence `yaml:"sentences"`
	Documents Documents         `yaml:"documents"`
}

// Statistic names the figures of one node: a camera, or a folder with all below it.
type Statistic struct {
	Node  ID       `yaml:"node"`
	Types []string `yaml:"types"`
}

// ID is a node's id: a number, or text.
type ID string

// Names are words of the OAuth requests that the vendor's tables and examples
// write differently, or not at all.
type Names struct {
	Redirect string `yaml:"redirect"` // parameter of the return address
	Code     string `yaml:"code"`     // grant_type of a code
	Refresh  string `yaml:"refresh"`  // parameter of the refresh token
}

// Paths below base_url.
type Paths struct {
	Auth    string `yaml:"auth"`
	Token   string `yaml:"token"`
	Revoke  string `yaml:"revoke"`
	GraphQL string `yaml:"graphql"`
}

// Driver is the entry for vendors.All. There is no default base_url: the platform
// is sold under several hosts, and a secret sent to the wrong one is given away.
func Driver() bridge.Driver {
	return bridge.Driver{
		Kind:    "netrex",
		Summary: "NetRex, CamStreamer Cloud, Survilla Cloud: cameras, recordings and people counts over GraphQL",
		Defaults: bridge.Defaults{
			Grants: []bridge.Grant{bridge.GrantCode, bridge.GrantToken},
			Scope:  "read",
			Poll:   10 * time.Minute, PollFloor: time.Minute,
		},
		New: func() bridge.Options {
			return &Options{
				Kinds: []string{kindCamera}, Forget: 24 * time.Hour, RecordingWait: 10 * time.Minute, ScopeSeparator: ",",
				Names:     Names{Redirect: "redirect_uri", Code: "authorization_code", Refresh: "refresh_token"},
				Paths:     Paths{Auth: "/oauth2/auth/", Token: "/oauth2/token", Revoke: "/oauth2/revoke", GraphQL: "/api/graphql.php"},
				Documents: vendorDocuments(),
			}
		},
	}
}

// scopes are all that the vendor lists.
var scopes = []string{"read", "write", "liveview", "audiotransmit", "liveview_ptz", "liveview_light", "liveview_audioclip", "recordings", "recordings_delete", "events"}

var (
	isName  = regexp.MustCompile(`^[_A-Za-z][_0-9A-Za-z]{0,63}$`).MatchString
	isParam = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`).MatchString
	isPath  = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+/?$`).MatchString
)

const statisticsMost = 200

// Check returns all mistakes.
func (o *Options) Check(s bridge.Settings) error {
	var errs []error
	wrong := func(is bool, path, format string, args ...any) {
		if is {
			errs = append(errs, bridge.At(path, format, args...))
		}
	}
	if s.Grant == bridge.GrantCode {
		wrong(s.ClientID == "", "client_id", "is missing: make an OAuth2 application in the portal (user icon, </> API), or use a token made there with `grant: token`")
		wrong(len(words(s.Scope)) == 0, "scope", "is empty: read is the least")
		for _, word := range words(s.Scope) {
			wrong(!slices.Contains(scopes, word), "scope", "%q is not known (one of: %s)", word, strings.Join(scopes, ", "))
		}
	}
	for i, kind := range o.Kinds {
		wrong(!isName(kind), at("options.kinds", i), "%q is no kind of node such as camera", kind)
	}
	wrong(o.Forget < 0 || o.Forget > 30*24*time.Hour, "options.forget", "must be 0 to 720h")
	wrong(o.RecordingWait < time.Minute || o.RecordingWait > 24*time.Hour, "options.recording_wait", "must be 1m to 24h")
	errs = append(errs, o.checkStatistics()...)
	wrong(!slices.Contains([]string{",", " ", "+"}, o.ScopeSeparator), "options.scope_separator", "%q is none of a comma, a space and a plus sign", o.ScopeSeparator)
	oneOf := func(path, got string, all ...string) {
		wrong(!slices.Contains(all, got), path, "%q is not known (one of: %s)", got, strings.Join(all, ", "))
	}
	oneOf("options.names.redirect", o.Names.Redirect, "redirect_uri", "redirect_url")
	oneOf("options.names.code", o.Names.Code, "authorization_code", "auth_code")
	wrong(!isParam(o.Names.Refresh), "options.names.refresh", "%q is no name of a parameter", o.Names.Refresh)
	for _, p := range []struct{ name, path string }{{"auth", o.Paths.Auth}, {"token", o.Paths.Token}, {"revoke", o.Paths.Revoke}, {"graphql", o.Paths.GraphQL}} {
		wrong(!isPath(p.path) || strings.Contains(p.path+"/", "/../"), "options.paths."+p.name, "%q is no path such as /oauth2/token", p.path)
	}
	wrong(o.Save != "" && !filepath.IsAbs(o.Save), "options.save", "%q is no absolute path", o.Save)
	wrong(o.Schema != "" && !filepath.IsAbs(o.Schema), "options.schema", "%q is no absolute path", o.Schema)
	wrong(o.DeadToken != "" && len(o.DeadToken) < 8, "options.dead_token", "%q is too short to mean only a dead token", o.DeadToken)
	for i, s := range o.Sentences {
		path := at("options.sentences", i)
		wrong(len(s.Holds) < 4, path+".holds", "%q is too short to mean only that", s.Holds)
		oneOf(path+".means", string(s.Means), string(bridge.BadClient), string(bridge.BadGrant), string(bridge.Passing))
	}
	for _, d := range o.Documents.all() {
		if err := d.check(); err != nil {
			errs = append(errs, bridge.At("options.documents."+d.name, "%w", err))
		}
	}
	return errors.Join(errs...)
}

func (o *Options) checkStatistics() (errs []error) {
	figures, seen := 0, map[string]bool{}
	for i, st := range o.Statistics {
		path := at("options.statistics", i)
		if st.Node == "" || len(st.Node) > bridge.MaxID {
			errs = append(errs, bridge.At(path+".node", "is no node_id"))
		}
		if len(st.Types) == 0 {
			errs = append(errs, bridge.At(path+".types", "is empty (any of: %s)", strings.Join(figureTypes(), ", ")))
		}
		for j, kind := range st.Types {
			key := string(st.Node) + " " + kind
			switch {
			case !slices.Contains(figureTypes(), kind):
				errs = append(errs, bridge.At(at(path+".types", j), "%q is not known (one of: %s)", kind, strings.Join(figureTypes(), ", ")))
			case seen[key]:
				errs = append(errs, bridge.At(at(path+".types", j), "%q stands there twice for node %s", kind, st.Node))
			}
			seen[key] = true
			figures++
		}
	}
	if figures > statisticsMost {
		errs = append(errs, bridge.At("options.statistics", "asks for %d figures, at most %d", figures, statisticsMost))
	}
	return errs
}
