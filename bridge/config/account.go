package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"latchkey/bridge"
)

// account decodes and checks one account.
func (l *loader) account(f field) (a Account, ok bool) {
	path, n := join("accounts", f.name), f.value
	switch {
	case !bridge.IsID(f.name):
		l.add(n.key, path, "no account can have this id (1 to %d of a-z, 0-9 and _)", bridge.MaxID)
	case bridge.IsReservedID(f.name):
		l.add(n.key, path, "this id is reserved (choose another, such as my_%s)", f.name)
	}
	if n.kind != mapping {
		l.add(n.place(), path, "want a mapping with vendor and more, got %s", n.kind)
		return a, false
	}
	l.print = nil
	a.Driver = l.vendor(n, path)
	d := a.Driver.Defaults
	a.Settings = bridge.Settings{ID: f.name, BaseURL: d.BaseURL, Scope: d.Scope, Poll: d.Poll, Keepalive: d.Keepalive}
	var decoded struct {
		bridge.Settings `yaml:",inline"`
		Options         *node `yaml:"options"`
	}
	decoded.Settings = a.Settings
	l.into(n, reflect.ValueOf(&decoded).Elem(), path)
	a.Settings = decoded.Settings
	if a.Driver.New == nil {
		return a, false // no such vendor: what its options may be is not known
	}
	a.Options = a.Driver.New()
	if decoded.Options != nil {
		l.into(decoded.Options, reflect.ValueOf(a.Options).Elem(), path+".options")
	}
	a.Print = l.fingerprint()

	l.addTree(n, path, l.complete(n, &a))
	l.warnTree(n, path, warnAccount(a))
	l.addTree(n, path, a.Options.Check(a.Settings))
	if l.o.CheckOperations != nil {
		l.addTree(n, path, l.o.CheckOperations(a))
	}
	if l.o.WarnOperations != nil {
		l.warnTree(n, path, l.o.WarnOperations(a))
	}
	return a, true
}

// vendor finds the account's driver; the zero driver where there is none.
func (l *loader) vendor(n *node, path string) bridge.Driver {
	name := n.get("vendor")
	if name == nil {
		l.add(n.key, path, "vendor is missing%s", suggest("", l.vendors()))
		return bridge.Driver{}
	}
	kind, ok := l.text(name, path+".vendor")
	if !ok {
		return bridge.Driver{}
	}
	for _, d := range l.o.Drivers {
		if d.Kind == kind {
			return d
		}
	}
	l.add(name.at, path+".vendor", "%q is no vendor%s", kind, suggest(kind, l.vendors()))
	return bridge.Driver{}
}

func (l *loader) vendors() (kinds []string) {
	for _, d := range l.o.Drivers {
		kinds = append(kinds, d.Kind)
	}
	return kinds
}

// fingerprint hashes what was decoded since the last one, whatever its order.
func (l *loader) fingerprint() bridge.Secret {
	slices.Sort(l.print)
	h := sha256.New()
	for _, line := range l.print {
		fmt.Fprintf(h, "%d:%s", len(line), line)
	}
	return bridge.NewSecret(string(h.Sum(nil)))
}

// complete fills in what follows from other settings and checks what holds for
// every vendor. Whether a grant needs a client id is the vendor's to say.
func (l *loader) complete(n *node, a *Account) error {
	d, s := a.Driver.Defaults, &a.Settings
	if s.Name == "" {
		s.Name = s.ID
	}
	if s.BaseURL == "" {
		s.BaseURL = d.BaseURL
	}
	if s.Grant == "" && len(d.Grants) > 0 {
		s.Grant = d.Grants[0]
	}
	var grants []string
	for _, g := range d.Grants {
		grants = append(grants, string(g))
	}
	return errors.Join(
		checkName("name", s.Name), checkName("area", s.Area),
		checkBase(a),
		wrongIf(!slices.Contains(d.Grants, s.Grant), "grant", "%s does not have %q (one of: %s)", s.Vendor, s.Grant, strings.Join(grants, ", ")),
		wrongIf(s.Grant == bridge.GrantToken && s.Token.Empty(), "token", "the grant token needs one (made in the vendor's portal)"),
		wrongIf(s.Grant == bridge.GrantPassword && s.Username == "" && s.ExternalToken.Empty(), "username", "the grant password needs username and password, or external_token"),
		wrongIf(s.Grant == bridge.GrantPassword && s.Username != "" && s.Password.Empty(), "password", "the grant password needs it beside username"),
		wrongIf(s.Poll < d.PollFloor, "poll", "%s is too often for %s (at least %s)", s.Poll, s.Vendor, d.PollFloor),
		checkPermissions(n.get("permissions"), s.Permissions),
	)
}

func checkName(path, name string) error {
	return wrongIf(utf8.RuneCountInString(name) > 128 || !printable(name), path, "must be one line of at most 128 characters")
}

// checkBase keeps tokens off the wire in clear text.
func checkBase(a *Account) error {
	const path = "base_url"
	if a.BaseURL == "" {
		return bridge.At(path, "is missing: %s has no address of its own", a.Vendor)
	}
	u, err := parseURL(path, a.BaseURL, "https", "http")
	switch {
	case err != nil:
		return err
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return bridge.At(path, "must be https: plain http would show tokens to the network (only a simulator on this machine may have it)")
	case u.RawQuery != "" || u.Fragment != "":
		return bridge.At(path, "may have no query and no fragment")
	}
	a.BaseURL = strings.TrimRight(a.BaseURL, "/")
	return nil
}

// checkPermissions wants `allow` written out: a rule without it could be meant
// either way. n is what was written.
func checkPermissions(n *node, rules []bridge.Permission) error {
	var errs []error
	for i, p := range rules {
		at := fmt.Sprintf("permissions[%d]", i)
		errs = append(errs,
			wrongIf(n.items[i].get("allow") == nil, at+".allow", "say allow: true or allow: false"),
			wrongIf(p.Device != "" && !bridge.IsID(p.Device), at+".device", "%q is no device id", p.Device),
			wrongIf(p.Entity != "" && !bridge.IsID(p.Entity), at+".entity", "%q is no entity id", p.Entity),
			wrongIf(p.Actions != nil && len(p.Actions) == 0, at+".actions", "is empty (leave it out to match all actions)"),
		)
		for j, action := range p.Actions {
			verb := strings.ToUpper(action)
			known := slices.Contains([]string{"PRESS", "ON", "OFF", "LOCK", "UNLOCK", "OPEN", "CALL"}, verb)
			errs = append(errs,
				wrongIf(action == "", fmt.Sprintf("%s.actions[%d]", at, j), "is empty"),
				wrongIf(known && action != verb, fmt.Sprintf("%s.actions[%d]", at, j), "actions are written in capitals: %s", verb))
		}
	}
	return errors.Join(errs...)
}

// warnAccount tells of what is given and not used.
func warnAccount(a Account) error {
	unused := func(path string, s bridge.Secret, used bridge.Grant) error {
		return wrongIf(!s.Empty() && a.Grant != used, path, "not used by the grant %s (grant: %s uses it)", a.Grant, used)
	}
	return errors.Join(
		unused("token", a.Token, bridge.GrantToken),
		unused("password", a.Password, bridge.GrantPassword),
		unused("external_token", a.ExternalToken, bridge.GrantPassword),
	)
}
