package bridgetest

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/bridge"
	"latchkey/bridge/simkit"
)

// Recorded signs in, refreshes, does these calls and signs out, and returns what
// of it went over the wire, for [Golden]: each request as it arrived, headers in
// order, with names for tokens and codes. What a browser sends is shown by its
// address alone.
func Recorded(t *testing.T, v Vendor, calls ...Command) string {
	h := begin(t, v)
	h.stopEngine()
	out := &strings.Builder{}
	first := func(on string) []simkit.Seen { all := h.sim.Log.Of(on); return all[:min(len(all), 1)] }
	if d := h.profile.Dialect; d.Authorize != nil && v.Person.Name != "" {
		for _, seen := range first("GET " + h.consent()) {
			fmt.Fprintf(out, "# sign-in\nGET %s\n\n", seen.Target)
		}
		h.show(out, "code for tokens", first(methodOf(*d.Exchange)+" "+pathOf(d.Exchange.URL)))
		if i := d.Identity; i != nil && i.URL == "" {
			h.show(out, "whose tokens they are", first(methodOf(*d.Inspect)+" "+pathOf(d.Inspect.URL)))
		} else if i != nil {
			h.show(out, "whose tokens they are", first("GET "+pathOf(i.URL)))
		}
	} else if d.Acquire != nil {
		h.show(out, "tokens", first(methodOf(*d.Acquire)+" "+pathOf(d.Acquire.URL)))
	}
	mints := h.mints()
	h.show(out, "a token for one resource", mints[:min(len(mints), 1)])
	sent := func(what string, do func() error) {
		h.sim.Log.Reset()
		if err := do(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		h.show(out, what, h.sim.Log.Of(""))
	}
	sent("refresh", func() error { return h.keeper.Refresh(t.Context(), one) })
	for _, c := range calls {
		sent(strings.TrimSpace(fmt.Sprintf("%s %s", c.Name, said(c.Args))), func() error { return h.callWith(t.Context(), c.Name, c.Args) })
	}
	sent("logout", func() error { _, err := h.keeper.Logout(t.Context(), one); return err })
	return h.named(out.String())
}

// said are arguments as the command line takes them.
func said(args bridge.Args) string {
	var all []string
	for name, v := range args {
		all = append(all, fmt.Sprintf("%s=%v", name, v))
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// show writes requests as HTTP/1.1 has them.
func (h *home) show(out *strings.Builder, what string, all []simkit.Seen) {
	for _, seen := range all {
		fmt.Fprintf(out, "# %s\n%s %s HTTP/1.1\n", what, seen.Method, seen.Target)
		var lines []string
		for name, values := range seen.Header {
			lines = append(lines, name+": "+strings.Join(values, ", "))
		}
		slices.Sort(lines)
		fmt.Fprintf(out, "%s\n\n", strings.Join(lines, "\n"))
		if len(seen.Body) > 0 {
			fmt.Fprintf(out, "%s\n\n", seen.Body)
		}
	}
}

// passing may stand in an address that is itself a parameter.
var passing = regexp.MustCompile(`(state|code_challenge|code_verifier)(=|%3D)[^&%\s]+`)

// named gives names to what is another text each time.
func (h *home) named(text string) string {
	text = passing.ReplaceAllString(text, "$1$2{$1}")
	for _, secret := range h.sim.Issuer.Secrets() {
		name := "{code}"
		token, isToken := h.sim.Issuer.Look(secret)
		switch {
		case isToken:
			name = "{" + token.Use + "_token}"
		case strings.Contains(fmt.Sprint(h.sim.Issuer.Rules().Clients, h.sim.Issuer.Rules().Users), secret):
			continue // a sample's, always the same
		}
		text = strings.NewReplacer(secret, name, url.QueryEscape(secret), name).Replace(text)
	}
	host, _ := url.Parse(h.url)
	return strings.NewReplacer(host.Host, "{host}", url.QueryEscape(host.Host), "{host}").Replace(text)
}
