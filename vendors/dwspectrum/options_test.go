package dwspectrum_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/dwspectrum"
	sim "latchkey/vendors/dwspectrum/dwspectrumsim"
)

func TestDriver(t *testing.T) {
	d := dwspectrum.Driver()
	if d.Kind != "dwspectrum" || d.Defaults.BaseURL != base || d.Defaults.Grants[0] != bridge.GrantCode || d.Defaults.Poll != time.Minute || d.Defaults.Scope != "" {
		t.Errorf("driver: %+v", d)
	}
	if d.New() == d.New() {
		t.Error("two accounts share their options")
	}
}

const id1, id2 = sim.System61, sim.System51

func TestCheck(t *testing.T) {
	known := "(one of: " + base + ", " + base + "/cdb/oauth2/token, " + base + "/cdb/system)"
	for _, c := range []struct {
		name    string
		options func(*dwspectrum.Options)
		change  func(*bridge.Settings)
		want    string // all errors, one a line
	}{
		{name: "defaults"},
		{name: "systems", options: systems(id1, id2)},
		{name: "default scope written out", change: scoped(base + " cloudSystemId=*"), options: systems(id1)},
		{name: "default scope with a slash", change: scoped(base + "/ cloudSystemId=*"), options: systems(id1)},
		{name: "tokens alone", change: scoped(base + "/cdb/oauth2/token cloudSystemId=*"), options: systems(id1, id2)},
		{name: "systems alone", change: scoped(base + "/cdb/system cloudSystemId=*")},
		{name: "both", change: scoped(base + "/cdb/oauth2/token " + base + "/cdb/system cloudSystemId=*"), options: systems(id1)},
		{name: "one system", change: scoped("cloudSystemId=" + id1), options: systems(strings.ToUpper(id1))},
		{name: "demo", change: func(s *bridge.Settings) { s.BaseURL = "http://127.0.0.1:1" }, options: func(o *dwspectrum.Options) {
			o.RelayHost, o.RedirectDomain = "http://127.0.0.1:1/relay/{system}", "localhost"
		}},
		{name: "other label", change: func(s *bridge.Settings) { s.BaseURL = "https://nxvms.com" }, options: func(o *dwspectrum.Options) {
			o.RelayHost, o.TokenPath, o.SystemsPath, o.ReturnParam = "https://{system}.relay.example", "/cdb/oauth2/token", "/cdb/systems", "redirect_uri"
		}},
		{name: "off", options: func(o *dwspectrum.Options) { o.IO, o.Events, o.Stills, o.StillSize = 0, 0, 0, "" }},

		{name: "client", change: func(s *bridge.Settings) { s.ClientID = "" },
			want: "client_id: must be a name of your own without spaces, such as latchkey-my-home: DW Cloud wants a stable one that nobody else uses"},
		{name: "secret", change: func(s *bridge.Settings) { s.ClientSecret = bridge.NewSecret("s") }, want: "client_secret: is not used: DW Cloud has no client secrets"},
		{name: "wider than one system", change: scoped("cloudSystemId=" + id1), options: systems(id1, id2),
			want: "options.systems[1]: is not within the account's scope \"cloudSystemId=" + id1 + "\", and a scope never widens: widen it and sign in again"},
		{name: "no minting", change: scoped(base + "/cdb/system cloudSystemId=*"), options: systems(id1),
			want: "options.systems[0]: is not within the account's scope \"" + base + "/cdb/system cloudSystemId=*\", and a scope never widens: widen it and sign in again"},
		{name: "scope of nothing", change: scoped("cloudSystemId=*"), want: "scope: names no system: without an address of the cloud it must be cloudSystemId=<a system's id>"},
		{name: "scope without system", change: scoped(base), want: "scope: has no cloudSystemId= at its end (cloudSystemId=* for all systems)"},
		{name: "scope in the wrong order", change: scoped("cloudSystemId=* " + base),
			want: "scope: \"" + base + "\" does not fit: a scope is addresses of the cloud, then cloudSystemId=* or cloudSystemId=<a system's id>"},
		{name: "scope of two systems", change: scoped("cloudSystemId=a cloudSystemId=b"),
			want: "scope: \"cloudSystemId=b\" does not fit: a scope is addresses of the cloud, then cloudSystemId=* or cloudSystemId=<a system's id>"},
		{name: "words", change: scoped("read"), want: "scope: \"read\" does not fit: a scope is addresses of the cloud, then cloudSystemId=* or cloudSystemId=<a system's id>"},
		{name: "another cloud", change: scoped("https://nxvms.com cloudSystemId=*"), want: "scope: \"https://nxvms.com\" is another cloud than base_url"},
		{name: "the article's other spelling", change: scoped(base + "/cdb/oauth/token cloudSystemId=*"), want: "scope: \"" + base + "/cdb/oauth/token\" is not known " + known},
		{name: "systems odd", options: systems(id1, "a/b", strings.ToUpper(id1), ""),
			want: "options.systems[1]: \"a/b\" is no cloud id of a system: `latchkey call site systems` lists them\noptions.systems[2]: is there twice\n" +
				"options.systems[3]: \"\" is no cloud id of a system: `latchkey call site systems` lists them"},
		{name: "relay", options: func(o *dwspectrum.Options) { o.RelayHost = "relay.vmsproxy.com" }, want: "options.relay_host: must hold {system}, which stands for the system's id"},
		{name: "relay in clear", options: func(o *dwspectrum.Options) { o.RelayHost = "http://{system}.relay.vmsproxy.com" }, want: "options.relay_host: must be https (plain http only to this machine)"},
		{name: "relay odd", options: func(o *dwspectrum.Options) { o.RelayHost = "https://user@{system}.example" },
			want: "options.relay_host: \"https://user@{system}.example\" is no host such as {system}.relay.vmsproxy.com"},
		{name: "the rest", options: func(o *dwspectrum.Options) {
			o.RedirectDomain, o.Rest, o.Stills, o.StillSize, o.IO, o.Events, o.TokenPath, o.ReturnParam, o.SystemsPath = "a b", 5, time.Second, "big", time.Minute, time.Second, "token", "a b", "x?y"
		}, want: "options.redirect_domain: \"a b\" is no domain such as vmsproxy.com\noptions.rest: must be 1 to 4, or 0 to ask each system\noptions.stills: must be 0 (never) or 1m0s to 24h0m0s\n" +
			"options.still_size: \"big\" is no size such as 1280x720\noptions.io: must be 0 (never) or 5s to 59s\noptions.events: must be 0 (never) or 10s to 1h0m0s\n" +
			"options.token_path: \"token\" is no path below base_url, such as /oauth/token/\noptions.return_param: \"a b\" is no name such as redirect_url\n" +
			"options.systems_path: \"x?y\" is no path below base_url, such as /oauth/token/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, o := settings(), options()
			if c.change != nil {
				c.change(&s)
			}
			if c.options != nil {
				c.options(o)
			}
			got := ""
			if err := o.Check(s); err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
		})
	}
}

func scoped(scope string) func(*bridge.Settings) {
	return func(s *bridge.Settings) { s.Scope = scope }
}

func TestProfile(t *testing.T) {
	s := settings()
	s.BaseURL += "/" // a slash at the end changes nothing
	golden(t, "profile.golden", bridgetest.JSON(t, options().Profile(s)))
	for _, scope := range []string{"cloudSystemId=" + id1, base + "/cdb/system cloudSystemId=*"} {
		own := settings()
		own.Scope = scope
		p := options().Profile(own)
		if d := p.Dialect; p.Origins["vms"].Narrowed != (scope[0] == 'h') || d.Narrow != nil || d.Revoke != nil || d.Inspect != nil || d.Identity != nil {
			t.Errorf("a grant of %s mints, revokes or introspects: %+v", scope, d)
		}
		if base := p.Origins["vms"].Base; base != "https://{narrow}.relay.vmsproxy.com" {
			t.Errorf("its relay is %q", base)
		}
		if _, err := open(t, own, bridgetest.ByPath(nil)).Call("introspect", nil); bridgetest.Failed(t, err).Reason != bridge.ReasonDenied {
			t.Errorf("introspect with %s: %v", scope, err)
		}
	}
	if d := options(func(o *dwspectrum.Options) { o.StateInURL = false }).Profile(s).Dialect; d.Authorize.StateInURL || d.Authorize.Echo {
		t.Error("the echo of state is not known")
	}
}

// Which tasks and calls there are, by scope and options.
func TestTasks(t *testing.T) {
	for _, c := range []struct {
		name, scope string
		change      func(*dwspectrum.Options)
		want        string
	}{
		{name: "no system", want: "systems"},
		{name: "one", change: systems("abc"), want: "systems site_abc io_abc events_abc"},
		{name: "stills", change: func(o *dwspectrum.Options) { o.Systems, o.Stills, o.IO, o.Events = []string{"abc"}, time.Hour, 0, 0 }, want: "systems site_abc stills_abc"},
		{name: "grant of one system", scope: "cloudSystemId=abc", want: "site_abc io_abc events_abc"},
		{name: "tokens alone", scope: base + "/cdb/oauth2/token cloudSystemId=*", change: systems("abc", "def"), want: "site_abc io_abc events_abc site_def io_def events_def"},
		{name: "systems alone", scope: base + "/cdb/system cloudSystemId=*", want: "systems"},
		{name: "tokens of one", scope: base + " cloudSystemId=abc", want: "systems site_abc io_abc events_abc"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := settings()
			s.Scope, s.Poll = c.scope, 30*time.Second
			if c.change == nil {
				c.change = systems()
			}
			h := open(t, s, bridgetest.ByPath(nil), c.change)
			var got []string
			for _, task := range h.Tasks {
				got = append(got, task.Name)
				if task.Name == "systems" && task.Every != time.Minute || strings.HasPrefix(task.Name, "site") && task.Every != 30*time.Second {
					t.Errorf("%s runs every %s", task.Name, task.Every)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("tasks %q, want %q", got, c.want)
			}
		})
	}
}
