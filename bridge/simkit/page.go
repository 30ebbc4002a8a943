package simkit

import (
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The form fields of the consent page, which is one plain form: [Person] fills
// it in by HTTP, people in a browser.
const (
	fieldName     = "username"
	fieldPassword = "password"
	fieldDecision = "decision"
	decisionAllow = "allow"
	decisionDeny  = "deny"
)

// ServeAuthorize is the consent page: GET shows it, its form posts to the same
// URL and leads back to the client.
func (i *Issuer) ServeAuthorize(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	if err := r.ParseForm(); err != nil {
		showError(w, "unreadable request")
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	c, redirect, problem := i.returnTo(r.Form)
	if problem != "" {
		showError(w, problem) // redirecting to an address that is not the client's would hand it the code
		return
	}
	scope, bad := i.asked(c, r.Form)
	decision := r.PostForm.Get(fieldDecision)
	switch {
	case bad == InvalidScope && i.rules.BadScope == BadScopePage:
		showError(w, "the requested scope is invalid")
	case bad != "":
		i.back(w, redirect, r.Form, "error", bad)
	case decision == decisionDeny && i.rules.Denied == DeniedPage:
		showError(w, "refused")
	case decision == decisionDeny && i.rules.Denied == DeniedBare:
		i.back(w, redirect, r.Form, "", "")
	case decision == decisionDeny:
		i.back(w, redirect, r.Form, "error", "access_denied")
	case decision == decisionAllow:
		u, ok := i.user(r.PostForm.Get(fieldName))
		if !ok || u.Password != r.PostForm.Get(fieldPassword) || !i.rules.within(scope, u.Scopes) {
			i.show(w, c, scope, "Wrong user or password, or not a user who may allow this.")
			return
		}
		of := i.family(Grant{Type: "authorization_code", Client: c.ID, User: u.Name, Of: u.Of, Scope: scope})
		i.back(w, redirect, r.Form, "code", i.newCode(of, redirect, r.Form.Get("code_challenge")))
	default:
		i.show(w, c, scope, "")
	}
}

// returnTo finds the client and the address that it may be answered at.
func (i *Issuer) returnTo(p url.Values) (c Client, redirect, problem string) {
	c = Client{ID: p.Get("client_id")}
	if known := i.rules.Clients; len(known) > 0 {
		at := slices.IndexFunc(known, func(k Client) bool { return k.ID == c.ID })
		if at < 0 {
			return c, "", "unknown client_id"
		}
		c = known[at]
	}
	names := i.rules.Return
	if len(names) == 0 {
		names = []string{"redirect_uri"}
	}
	for _, name := range names {
		if redirect = p.Get(name); redirect != "" {
			break
		}
	}
	if !absolute(redirect) || (len(c.Redirects) > 0 && !slices.Contains(c.Redirects, redirect)) {
		return c, "", "the return address is not registered for this client"
	}
	return c, redirect, ""
}

// asked returns the scope, and the OAuth error that the request deserves.
func (i *Issuer) asked(c Client, p url.Values) (scope, bad string) {
	if !i.rules.NoResponseType && p.Get("response_type") != "code" {
		return "", "unsupported_response_type"
	}
	method := p.Get("code_challenge_method")
	if i.rules.PKCE && p.Get("code_challenge") == "" || p.Get("code_challenge") != "" && method != "S256" {
		return "", InvalidRequest
	}
	scope = p.Get("scope")
	if i.badScope(c, User{}, scope) == nil {
		return scope, ""
	}
	if i.rules.BadScope == BadScopeDropped {
		return "", ""
	}
	return "", InvalidScope
}

func (i *Issuer) newCode(of *family, redirect, challenge string) string {
	now := time.Now()
	if len(i.codes) > keptTokens {
		maps.DeleteFunc(i.codes, func(_ string, k *consent) bool { return !now.Before(k.expires) })
	}
	text := i.newText("code")
	i.codes[text] = &consent{redirect: redirect, challenge: challenge, expires: now.Add(or(i.rules.CodeLife, 10*time.Minute)), of: of}
	return text
}

// back redirects to the client: the query that it has stays, state comes before
// the code, as DoorBird prints it.
func (i *Issuer) back(w http.ResponseWriter, redirect string, p url.Values, name, value string) {
	add := func(name, value string) {
		sep := "?"
		if strings.Contains(redirect, "?") {
			sep = "&"
		}
		redirect += sep + name + "=" + url.QueryEscape(value)
	}
	if state := p.Get("state"); state != "" && !i.rules.NoEcho {
		add("state", state)
	}
	if name != "" {
		add(name, value)
	}
	for _, extra := range slices.Sorted(maps.Keys(i.rules.Extra)) {
		add(extra, i.rules.Extra[extra])
	}
	w.Header().Set("Location", redirect)
	w.WriteHeader(http.StatusFound)
}

func (i *Issuer) show(w http.ResponseWriter, c Client, scope, problem string) {
	var first User // a user who may allow this is filled in: nobody has to look up a simulated password
	for _, u := range i.rules.Users {
		if i.rules.within(scope, u.Scopes) {
			first = u
			break
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consentPage.Execute(w, map[string]any{"Client": c.ID, "Scope": scope, "Problem": problem, "User": first})
}

func showError(w http.ResponseWriter, problem string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusBadRequest)
	_ = errorPage.Execute(w, problem)
}

var errorPage = template.Must(template.New("").Parse(`<!doctype html><title>Error</title><h1>Sign-in is not possible</h1><p>{{.}}</p>
`))

var consentPage = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Simulated sign-in</title><link rel="icon" href="data:,"></head><body>
<h1>Simulated sign-in</h1>
<p>{{.Client}} asks for access{{with .Scope}} with scope <b>{{.}}</b>{{end}}. This is a simulator: no real account is involved.</p>
{{with .Problem}}<p role="alert">{{.}}</p>{{end}}
<form method="post">
<p><label>User <input name="username" value="{{.User.Name}}"></label></p>
<p><label>Password <input name="password" value="{{.User.Password}}"></label></p>
<p><button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Refuse</button></p>
</form></body></html>
`))
