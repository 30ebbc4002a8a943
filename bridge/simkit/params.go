package simkit

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Params reads the parameters of a request to the OAuth server from the places
// that the rules allow; elsewhere they are not seen. For endpoints beside the
// token endpoint (revoke, introspect).
func (i *Issuer) Params(r *http.Request) (url.Values, *Refusal) { return i.Rules().params(r) }

// Client finds the client that a request names, by the ways that the rules
// allow.
func (i *Issuer) Client(r *http.Request, p url.Values) (Client, *Refusal) {
	c, _, refusal := i.Rules().client(r, p)
	return c, refusal
}

// Refuse answers with a refusal in the vendor's words.
func (i *Issuer) Refuse(w http.ResponseWriter, f Refusal) { i.Rules().refuse(f).Send(w) }

func (r Rules) params(req *http.Request) (url.Values, *Refusal) {
	in := r.In
	if len(in) == 0 {
		in = []Place{InForm}
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, &Refusal{Code: InvalidRequest, Why: "unreadable body"}
	}
	req.Body = io.NopCloser(bytes.NewReader(body)) // whoever comes next may read it too
	all := url.Values{}
	if slices.Contains(in, InQuery) {
		all = req.URL.Query()
	}
	media, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	var more url.Values
	switch {
	case len(body) == 0:
	case media == "application/x-www-form-urlencoded" && slices.Contains(in, InForm):
		more, err = url.ParseQuery(string(body))
	case media == "application/json" && slices.Contains(in, InJSON):
		more, err = fromJSON(body)
	case media == "application/x-www-form-urlencoded": // not read here: as if it were not there
	default:
		err = fmt.Errorf("content type %q", media)
	}
	if err != nil {
		return nil, &Refusal{Code: InvalidRequest, Why: err.Error()}
	}
	for name, values := range more {
		all[name] = append(all[name], values...)
	}
	for name, values := range all {
		if len(values) > 1 {
			return nil, &Refusal{Code: InvalidRequest, Why: "repeated parameter " + name}
		}
	}
	return all, nil
}

// fromJSON reads a flat JSON object of texts and numbers.
func fromJSON(body []byte) (url.Values, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var members map[string]any
	if err := dec.Decode(&members); err != nil {
		return nil, err
	}
	all := url.Values{}
	for name, v := range members {
		switch v := v.(type) {
		case string:
			all.Set(name, v)
		case json.Number:
			all.Set(name, v.String())
		default:
			return nil, fmt.Errorf("parameter %s is no text", name)
		}
	}
	return all, nil
}

// client finds the client. whole is false where it left its secret out.
func (r Rules) client(req *http.Request, p url.Values) (c Client, whole bool, refusal *Refusal) {
	auth := r.Auth
	if len(auth) == 0 {
		auth = []ClientAuth{AuthParams}
	}
	id, secret := "", ""
	if slices.Contains(auth, AuthParams) {
		id, secret = p.Get("client_id"), p.Get("client_secret")
	}
	if user, pass, ok := req.BasicAuth(); ok && (slices.Contains(auth, AuthBasic) || slices.Contains(auth, AuthBasicEncoded)) {
		if secret != "" && !r.TwoWays {
			return Client{}, false, &Refusal{Code: InvalidRequest, Why: "secret in header and parameters"}
		}
		id, secret = user, pass
		if !slices.Contains(auth, AuthBasic) {
			id, secret = unescape(user), unescape(pass)
		}
	}
	if len(r.Clients) == 0 {
		return Client{ID: p.Get("client_id")}, true, nil
	}
	if id == "" && slices.Contains(auth, AuthNone) {
		return Client{}, true, nil
	}
	for _, c := range r.Clients {
		switch {
		case c.ID != id:
		case subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) == 1:
			return c, true, nil
		case secret == "" && r.Secretless:
			return c, false, nil
		}
	}
	return Client{}, false, &Refusal{Code: InvalidClient, Why: "unknown client or wrong secret"}
}

// unescape undoes form encoding; text that is none stays as it is, and then
// matches no secret that needed encoding.
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// needs lists the required parameters of a grant type, and all allowed ones.
func (r Rules) needs(grantType string) (required, allowed []string) {
	needs, optional := r.Needs, r.Optional
	if needs == nil {
		needs = map[string][]string{
			"authorization_code": {"code", "redirect_uri"},
			"refresh_token":      {"refresh_token"},
			"password":           {"username", "password"},
		}
	}
	if optional == nil {
		optional = map[string][]string{"": {"scope", "code_verifier"}}
	}
	required = append(append([]string{}, needs[""]...), needs[grantType]...)
	allowed = append(append(append([]string{"grant_type", "client_id", "client_secret"}, required...), optional[""]...), optional[grantType]...)
	return required, allowed
}

// JSON makes an answer of a value.
func JSON(status int, v any) *Answer {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("simkit: encode an answer: %v", err)) // a simulator's own data
	}
	return &Answer{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

// Send writes the answer. Headers that are already set stay.
func (a *Answer) Send(w http.ResponseWriter) {
	for name, values := range a.Header {
		if w.Header().Get(name) == "" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

// absolute tells whether a return URL carries a scheme and a host.
func absolute(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && strings.HasPrefix(u.Scheme, "http")
}
